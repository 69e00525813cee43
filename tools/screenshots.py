"""Photographs every page of a freshly loaded sample workspace: `python -m tools.screenshots FOLDER`.

Starts a server of its own over an empty data folder, waits until the samples are ready, signs in and writes one PNG
for each page at three widths, light and dark; the README's go to docs/screenshots. Needs Chromium: the system's, or
Playwright's own.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

EARSHOT = Path(sys.executable).with_name("earshot")
READY_WITHIN_S = 300
SIZES = {"1280": (1280, 900), "768": (768, 1024), "360": (360, 780)}
FIGURES = Path(__file__).parents[1] / "docs" / "screenshots"  # those that the README shows
SHOWN = ("search-1280-light", "interview-with-sound-1280-light", "contact-answer-1280-light", "search-360-dark")
LONG = ("search", "interview-with-sound", "interview-at-a-moment")  # the first screen says enough
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


@contextmanager
def sample_server(data_dir: Path) -> Iterator[tuple[httpx.Client, str]]:
    """Yield a client of a running server whose samples are ready, and the key it uses."""
    environment = {**os.environ, "EARSHOT_DATA_DIR": str(data_dir)}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = subprocess.Popen([EARSHOT, "serve", "--with-samples", "--port", port], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait(lambda: _answers(client))
            made = subprocess.run(
                [EARSHOT, "key", "create", "screenshots"], env=environment, capture_output=True, text=True, check=True
            )
            key = made.stdout.strip()
            client.headers["Authorization"] = f"Bearer {key}"
            _wait(lambda: all(one["status"] == "ready" for one in client.get("/api/v1/interviews").json()["items"]))
            yield client, key
    finally:
        server.terminate()
        server.wait(timeout=60)


def pages(client: httpx.Client) -> dict[str, str]:
    """Return a name and an address for each page worth a picture."""
    query = quote("customers are annoyed by repeated emails")
    moment = client.get(f"/api/v1/search?q={query}&limit=1").json()["results"][0]
    interviews = client.get("/api/v1/interviews").json()["items"]
    spoken = next((one for one in interviews if one.get("duration_ms")), interviews[0])
    people = client.get("/api/v1/contacts?limit=50").json()["items"]
    person = people[0]
    timelines = (client.get(f"/api/v1/contacts/{one['id']}/timeline").json()["items"] for one in people)
    touchpoint = next(timeline[0] for timeline in timelines if timeline)
    return {
        "search-empty": "/",
        "search": f"/?q={query}",
        "search-nothing": "/?q=zeppelin&mode=keyword",
        "interviews": "/interviews",
        "interview-at-a-moment": f"/interviews/{moment['interview']['id']}?t={moment['start_ms']}",
        "interview-with-sound": f"/interviews/{spoken['id']}",
        "upload": "/upload",
        "contacts": "/contacts",
        "contact": f"/contacts/{person['id']}",
        "touchpoint": f"/contacts/touchpoints/{touchpoint['id']}",
        "participant": f"/interviews/{moment['interview']['id']}/participants/0",
        "reservations": "/reservations",
        "accounts": "/contacts/accounts",
        "files": "/contacts/files",
        "conflicts": "/contacts/conflicts",
        "rules": "/contacts/rules",
        "stops": "/contacts/stops",
        "projects": "/projects",
        "settings": "/settings",
        "not-found": "/interviews/nothing-here",
    }


def photograph(browser: Browser, client: httpx.Client, key: str, folder: Path) -> int:
    """Write all pictures and return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    addresses = pages(client)
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, base_url=str(client.base_url)
            )
            page = context.new_page()
            sign_in(page, key)
            for name, address in addresses.items():
                page.goto(address)
                page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=name not in LONG)
            check_somebody(page, client)
            page.screenshot(path=folder / f"contact-answer-{size}-{scheme}.png", full_page=True)
            context.close()
    return (len(addresses) + 1) * len(SIZES) * len(SCHEMES)


def check_somebody(page: Page, client: httpx.Client) -> None:
    """Ask about the first person who may not be contacted now; the answer has a page but no address."""
    people = client.get("/api/v1/contacts?limit=50").json()["items"]
    profiles = [client.get(f"/api/v1/contacts/{one['id']}").json() for one in people if one["emails"]]
    chosen = next((one for one in profiles if one["check"]["decision"] == "ineligible"), profiles[0])
    page.goto("/contacts")
    page.locator("#who").fill(chosen["emails"][0])
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_load_state()


def sign_in(page: Page, key: str) -> None:
    """Sign in with a key, as a person would."""
    page.goto("/sign-in")
    page.locator("#token").fill(key)
    page.locator("#token").press("Enter")
    page.wait_for_load_state()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"the server was not ready within {READY_WITHIN_S} s")
        time.sleep(0.5)


def main() -> None:
    """Photograph into the folder of the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    with TemporaryDirectory() as data_dir, sample_server(Path(data_dir)) as (client, key), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        count = photograph(browser, client, key, folder)
        browser.close()
    FIGURES.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        shutil.copy(folder / f"{name}.png", FIGURES)
    print(f"{count} pictures in {folder}, {len(SHOWN)} of them in {FIGURES}")


if __name__ == "__main__":
    main()
