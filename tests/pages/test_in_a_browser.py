"""The pages as people use them, in a real Chromium: what needs script, sound and a keyboard."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.main import create_app
from ingest.schemas import RecordingIn
from tests.media_factory import beeps, write_recording
from tests.pages.world import World

CHROMIUM = os.environ.get("EARSHOT_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PAGES = ["/", "/?q=mails", "/answers?q=how+many+mails", "/saved-searches/new?q=mails", "/search-quality?q=mails"]
PAGES += ["/interviews", "/upload", "/contacts", "/reservations", "/projects", "/settings", "/sign-in"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install one or set EARSHOT_TEST_CHROMIUM"),
]


class Server:
    """The app on a free port of this machine, served from a thread."""

    def __init__(self, world: World) -> None:
        config = uvicorn.Config(create_app(world.services), host="127.0.0.1", port=0, log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    server = Server(world)
    yield server
    server.stop()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: script errors and refusals by the content security policy."""
    return []


@pytest.fixture
def context(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=server.address, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, world: World, complaints: list[str]) -> Page:
    """A page of somebody who is signed in."""
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Refused" in message.text else None)
    page.goto(f"/sign-in?token={world.services.access.sessions.create_link()}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    return page


def add_recording(world: World, folder: Path) -> str:
    path = write_recording(folder / "call.wav", beeps((1.0, 4.0, 8.0), 12.0))
    return world.services.ingest.add_recording([path.read_bytes()], path.name, RecordingIn(), "page", "x")[0].id


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition on `media`; Playwright's own waiting evaluates text, which our policy forbids."""
    for _ in range(150):
        if page.evaluate(f"(media => {condition})(document.querySelector('[data-media]'))"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {condition}")


def media_time(page: Page) -> float:
    return float(page.evaluate("document.querySelector('[data-media]').currentTime"))


def test_from_a_question_to_the_second_it_was_said(
    page: Page, world: World, tmp_path: Path, complaints: list[str]
) -> None:
    add_recording(world, tmp_path)
    page.get_by_label("Search what customers said").fill("speech at")
    page.keyboard.press("Enter")
    expect(page.locator("#result-status")).to_contain_text("found")
    assert page.url.endswith("/?q=speech%20at")  # the address is the question, without empty fields
    page.locator(".moment-time").first.click()
    page.wait_for_url("**/interviews/int_*?t=*")
    wanted = int(page.url.split("t=")[1].split("&")[0]) / 1000
    wait_until(page, "media.readyState >= 1")
    expect(page.locator(".segment.is-current")).to_have_count(1)
    assert media_time(page) == pytest.approx(wanted, abs=0.05)
    page.keyboard.press("k")
    wait_until(page, f"media.currentTime > {wanted + 0.3}")
    page.keyboard.press("k")
    assert page.evaluate("document.querySelector('[data-media]').paused")
    assert complaints == []


def test_a_question_is_answered_with_people_counted_above_its_moments(page: Page, complaints: list[str]) -> None:
    page.get_by_label("Search what customers said").fill("How many mails in one week?")
    page.keyboard.press("Enter")
    expect(page.locator("#people")).to_contain_text("1 person says this")
    page.locator("#people .people-source a").click()
    page.wait_for_url("**/interviews/int_*?t=4200*")
    assert complaints == []


def test_transcript_and_recording_keep_in_step(page: Page, world: World, tmp_path: Path) -> None:
    page.goto(f"/interviews/{add_recording(world, tmp_path)}")
    segments = page.locator(".segment")
    last = segments.last
    last.locator(".segment-text").click()
    expect(last).to_have_attribute("aria-current", "true")
    start = int(last.get_attribute("data-start") or 0) / 1000
    assert media_time(page) >= start - 0.05
    page.keyboard.press("k")
    page.keyboard.press("p")
    expect(last).not_to_have_attribute("aria-current", "true")
    page.evaluate("document.querySelector('[data-media]').currentTime = 0")
    expect(page.locator(".segment.is-current")).to_have_count(0)  # nobody has spoken yet
    page.get_by_text("Keyboard shortcuts").click()
    page.get_by_label("Shortcuts on").uncheck()
    page.evaluate("document.querySelector('[data-media]').pause()")
    page.locator("body").press("k")
    assert page.evaluate("document.querySelector('[data-media]').paused")


def test_words_are_found_while_they_are_typed(page: Page, world: World) -> None:
    page.goto(f"/interviews/{world.interview.id}")
    page.get_by_label("Find in the transcript").fill("FINE")
    found = page.locator(".find output")
    expect(found).to_have_text("2 hits")
    page.keyboard.press("Enter")
    expect(found).to_have_text("1 of 2")
    page.get_by_role("button", name="Next hit").click()
    expect(found).to_have_text("2 of 2")
    page.get_by_label("Find in the transcript").press("Escape")
    expect(found).to_have_text("")


def test_a_moment_opens_with_the_found_words_marked_one_after_the_other(page: Page, complaints: list[str]) -> None:
    page.get_by_label("Search what customers said").fill("cancelling mails, fine")
    page.keyboard.press("Enter")
    page.locator(".moment-time").first.click()
    page.wait_for_url("**/interviews/int_*#segment-1")
    found = page.locator(".find output")
    expect(found).to_have_text("1 of 4")
    expect(page.locator("#transcript mark")).to_have_count(0)  # painted: typed words are found across them
    page.get_by_label("Find in the transcript").fill("mails in one")
    expect(found).to_have_text("1 hit")
    page.get_by_label("Find in the transcript").press("Escape")
    expect(found).to_have_text("4 hits")
    page.get_by_role("button", name="Previous hit").click()
    expect(found).to_have_text("4 of 4")
    assert complaints == []


def test_a_file_is_uploaded_in_pieces_with_progress_and_ends_on_its_page(
    page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    path = write_recording(tmp_path / "customer call.wav", beeps((1.0,), 20.0))
    page.goto("/upload")
    page.set_input_files("#files", [path])
    expect(page.locator(".upload-item")).to_contain_text("customer call.wav")
    page.get_by_label("Title").fill("A call in pieces")
    page.get_by_label("or a new project").fill("Field work")
    with page.expect_request(lambda request: request.method == "PATCH"):
        page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/interviews/int_*")
    expect(page.get_by_role("heading", level=1)).to_have_text("A call in pieces")
    expect(page.locator(".crumbs")).to_contain_text("Field work")
    assert complaints == []


def test_an_upload_that_was_cut_off_goes_on_where_it_stopped(page: Page, world: World, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "long.wav", beeps((1.0,), 290.0))  # 9.3 MB: two pieces
    pieces: list[int] = []
    page.on(
        "request", lambda request: pieces.append(int(request.headers["upload-offset"])) if _is_piece(request) else None
    )
    page.goto("/upload")
    page.set_input_files("#files", [path])
    broken = iter([False, True, False, False])
    page.route("**/api/v1/uploads/*", lambda route: _pass_or_break(route, broken))
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/interviews/int_*", timeout=30_000)
    assert pieces == [0, 8 * 1024**2, 8 * 1024**2]


def _is_piece(request: Any) -> bool:
    return bool(request.method == "PATCH")


def _pass_or_break(route: Any, broken: Iterator[bool]) -> None:
    if _is_piece(route.request) and next(broken):
        route.abort()
    else:
        route.continue_()


def test_what_cannot_be_uploaded_is_said_beside_the_file(page: Page, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "fake.wav").write_bytes(b"this is no sound")
    page.goto("/upload")
    page.set_input_files("#files", [tmp_path / "empty.wav", tmp_path / "fake.wav"])
    rows = page.locator(".upload-item")
    expect(rows.first).to_contain_text("This file is empty.")
    page.get_by_role("button", name="Upload").click()
    expect(rows.last).to_have_class("upload-item is-failed")
    expect(rows.last.locator(".upload-word")).not_to_be_empty()
    assert page.url.endswith("/upload")


def test_what_was_uploaded_beside_a_refused_file_is_one_click_away(page: Page, tmp_path: Path) -> None:
    (tmp_path / "fake.wav").write_bytes(b"this is no sound")
    (tmp_path / "note.txt").write_text("Ann: We moved to another harbour.")
    page.goto("/upload")
    page.set_input_files("#files", [tmp_path / "fake.wav", tmp_path / "note.txt"])
    page.get_by_role("button", name="Upload").click()
    page.locator(".upload-item").last.get_by_role("link", name="Open the interview").click()
    expect(page.get_by_role("heading", name="note")).to_be_visible()


def test_a_customer_is_checked_and_reserved(page: Page) -> None:
    page.goto("/contacts")
    page.get_by_label("Who?").fill("jana@bakery.example")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#answer")).to_contain_text("Cooling down")
    page.get_by_role("button", name="Reserve").click()
    page.wait_for_url("**/reservations?new=*")
    expect(page.locator(".hold")).to_contain_text("Jana Malá")
    expect(page.locator("es-countdown")).to_contain_text("left")
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/contacts/con_*")
    expect(page.locator("main")).to_contain_text("Planned")


def test_an_answer_says_when_it_has_grown_old(page: Page) -> None:
    page.clock.install()
    page.goto("/contacts")
    page.get_by_label("Who?").fill("new@elsewhere.example")
    page.get_by_role("button", name="Check").click()
    again = page.get_by_role("button", name="Check again")
    expect(page.locator("#answer")).to_be_visible()
    expect(again).to_be_hidden()
    page.clock.fast_forward(61_000)
    expect(again).to_be_visible()
    again.click()
    expect(page.get_by_role("button", name="Check again")).to_be_hidden()


def test_a_page_under_work_renews_itself_until_the_work_is_over(
    browser: Browser, idle_world: World, tmp_path: Path
) -> None:
    interview_id = add_recording(idle_world, tmp_path)
    server = Server(idle_world)
    page = browser.new_context(base_url=server.address).new_page()
    try:
        page.goto(f"/sign-in?token={idle_world.services.access.sessions.create_link()}&next=/interviews/{interview_id}")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#progress-word")).to_have_text("Waiting for its turn.")
        idle_world.services.ingest.cancel(interview_id, actor="x")
        expect(page.get_by_role("button", name="Process it after all")).to_be_visible(timeout=10_000)
    finally:
        page.context.close()
        server.stop()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_its_window(page: Page, world: World, width: int, complaints: list[str]) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in [*PAGES, f"/interviews/{world.interview.id}", f"/contacts/{world.contact_id}"]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert complaints == []


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/interviews")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_nothing_needs_script_to_be_found_read_and_reserved(browser: Browser, server: Server, world: World) -> None:
    context = browser.new_context(base_url=server.address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/sign-in?token={world.services.access.sessions.create_link()}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Search what customers said").fill("four mails")
    page.get_by_role("button", name="Search").click()
    page.locator(".moment-time").first.click()
    expect(page.locator(".segment.is-linked")).to_have_count(1)
    page.get_by_label("Find in the transcript").fill("fine")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("mark")).to_have_count(2)
    page.goto("/contacts")
    page.get_by_label("Who?").fill("new@elsewhere.example")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Reserve").click()
    expect(page.locator(".hold")).to_contain_text("new@elsewhere.example")
    context.close()
