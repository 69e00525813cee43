"""Every route, asked by everybody: who may gets the answer of the table; others are refused and change nothing."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from tests.app.everybody import SECRETS, Caller, Everybody, hide_an_interview
from tests.app.route_table import ADMINISTRATORS, API, ROUTES, Needs
from tests.pages.world import World, copy_of

NAMES = ("Jana", "bakery", "Numbat", "Wombat", "E-mail study", "Four mails", *SECRETS)  # in the world's rows
NO_INTERVIEW = "int_00000000000000000000000000"
LOGGED_BY_US = ("earshot", "app", "core", "ingest", "search", "contact_registry", "uvicorn", "fastapi")


class Listening(logging.Handler):
    """Keeps every line as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def log() -> Iterator[Listening]:
    handler, root = Listening(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in LOGGED_BY_US}
    for name in LOGGED_BY_US:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def everybody(seed: World, tmp_path_factory: pytest.TempPathFactory, log: Listening) -> Iterator[Everybody]:
    world = copy_of(seed, tmp_path_factory.mktemp("everybody") / "data")
    everybody = Everybody(world)
    yield everybody
    everybody.close()


def routes_of(everybody: Everybody) -> set[str]:
    """Return every METHOD and path that the app answers to, without the folders of static files."""
    found = set()
    for route in iter_route_contexts(everybody.app.routes):
        if not isinstance(route.original_route, Mount):
            found |= {f"{method} {route.path}" for method in route.methods or ()}
    return {one for one in found if not one.startswith("HEAD ") or f"GET {one[5:]}" not in found}


def test_every_route_stands_in_the_table(everybody: Everybody) -> None:
    routes = routes_of(everybody)
    assert sorted(routes - set(ROUTES)) == [], "give each a line in tests/app/route_table.py"
    assert sorted(set(ROUTES) - routes) == [], "these are gone"


@pytest.mark.parametrize("route", ROUTES)
def test_only_those_get_in_who_may(everybody: Everybody, route: str) -> None:
    needs = ROUTES[route]
    wrong = []
    for caller in everybody.callers.values():
        before = everybody.sizes()
        answer = everybody.send(route, needs, caller)
        expected = expected_status(route, needs, caller)
        if answer.status_code != expected:
            wrong.append(f"{caller.name}: {answer.status_code}, not {expected}: {said(answer)}")
        if is_refusal(answer) and needs.permissions is not None:
            if everybody.sizes() != before and "{upload_id}" not in route:
                wrong.append(f"{caller.name} changed something")
            wrong += [f"{caller.name} was told of {name!r}" for name in NAMES if name in answer.text]
        elif not route.startswith("GET"):
            everybody.restore()
    assert not wrong, "\n".join(wrong)


def said(answer: httpx2.Response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())[-300:]


def expected_status(route: str, needs: Needs, caller: Caller) -> int:
    return refused_status(route, needs, caller) or needs.by_caller.get(caller.name, needs.status)


def refused_status(route: str, needs: Needs, caller: Caller) -> int | None:
    """Return with which status the caller is turned away at the door; None: they may."""
    if needs.permissions is None:
        return None
    is_page = not route.split(" ", 1)[1].startswith(("/api", "/healthz"))
    if caller.permissions is None or (is_page and not caller.is_person):
        return 303 if is_page else 401
    return 403 if needs.permissions and not needs.permissions & caller.permissions else None


def is_refusal(answer: httpx2.Response) -> bool:
    to_sign_in = answer.headers.get("location", "").startswith("/sign-in")
    return answer.status_code in (401, 403, 404) or to_sign_in


OF_INTERVIEWS = [route for route, needs in ROUTES.items() if needs.is_of_interview]


@pytest.fixture(scope="module")
def hidden(seed: World, tmp_path_factory: pytest.TempPathFactory, log: Listening) -> Iterator[Everybody]:
    world = copy_of(seed, tmp_path_factory.mktemp("hidden") / "data")
    everybody = Everybody(world)
    everybody.ids["interview_id"] = hide_an_interview(everybody)
    yield everybody
    everybody.close()


def test_all_routes_of_an_interview_are_looked_at() -> None:
    name = "{interview_id}"
    assert {route for route, needs in ROUTES.items() if name in route or name in needs.query.values()} == set(
        OF_INTERVIEWS
    )


@pytest.mark.parametrize("route", OF_INTERVIEWS)
def test_a_restricted_interview_does_not_exist_for_others(hidden: Everybody, route: str) -> None:
    needs, interview_id = ROUTES[route], hidden.ids["interview_id"]
    before = hidden.sizes()
    for name in ("viewer", "member of another team", "privacy", "key read"):
        caller = hidden.callers[name]
        answer = hidden.send(route, needs, caller)
        expected = refused_status(route, needs, caller) or 404
        assert answer.status_code == expected, name
        none = hidden.send(route, needs, caller, interview_id=NO_INTERVIEW)
        assert answer.text.replace(interview_id, "") == none.text.replace(NO_INTERVIEW, ""), "no difference from none"
    assert hidden.sizes() == before


@pytest.mark.parametrize("name", ["member", "administrator", "key admin"])
def test_those_it_was_granted_to_see_a_restricted_interview(hidden: Everybody, name: str) -> None:
    for route in (f"GET {API}/interviews/{{interview_id}}", f"GET {API}/interviews/{{interview_id}}/segments"):
        assert "Quokka" in hidden.send(route, ROUTES[route], hidden.callers[name]).text


READING = [
    route
    for route, needs in ROUTES.items()
    if needs.permissions is not None and needs.permissions != ADMINISTRATORS and "{interview_id}" not in route
]


@pytest.mark.parametrize("route", READING)
def test_no_answer_to_others_tells_of_a_restricted_project(hidden: Everybody, route: str) -> None:
    for name in ("viewer", "member of another team", "privacy", "key read", "key ingest", "key contacts:write"):
        answer = hidden.send(route, ROUTES[route], hidden.callers[name])
        assert not [secret for secret in SECRETS if secret in answer.text], name
        assert hidden.ids["interview_id"] not in answer.text, name


def test_nothing_private_was_logged(everybody: Everybody, hidden: Everybody, log: Listening, tmp_path: Path) -> None:
    """The last test of this file: every other request has been sent and has written its lines."""
    for one in (everybody, hidden):
        caller = one.callers["administrator"]
        one.send("GET /api/v1/search", Needs(frozenset(), query={"q": "Aardvark question"}), caller)
        one.send("GET /api/v1/contacts", Needs(frozenset(), query={"email": "jana@bakery.example"}), caller)
    secrets = {caller.key or caller.session for one in (everybody, hidden) for caller in one.callers.values()} - {None}
    written = "\n".join(log.lines)
    assert "GET /api/v1/search 200" in written, "the log is heard at all"
    for private in (*NAMES, *secrets, "jana@", "Aardvark", "some@shop", "new@shop", "nobody's"):
        assert str(private) not in written
