"""Generated from the table of routes: whatever changes something leaves an event, or stands below with its reason."""

from collections.abc import Iterator

import pytest

from core.audit import EventFilter
from tests.app.everybody import Everybody
from tests.app.route_table import API, ROUTES
from tests.pages.world import World, copy_of

ONLY_ASKS = "it answers a question and keeps nothing"
BEFORE_AN_INTERVIEW = "bytes on their way in are nobody's yet: the interview they become is recorded"

# route: why nothing of it is recorded
UNRECORDED: dict[str, str] = {
    f"POST {API}/uploads": BEFORE_AN_INTERVIEW,
    f"PATCH {API}/uploads/{{upload_id}}": BEFORE_AN_INTERVIEW,
    f"DELETE {API}/uploads/{{upload_id}}": BEFORE_AN_INTERVIEW,
    f"POST {API}/eligibility/check": ONLY_ASKS,
    f"POST {API}/eligibility/batch-check": ONLY_ASKS,
    f"POST {API}/addresses/normalise": ONLY_ASKS,
    f"POST {API}/policy-sets/draft/simulate": ONLY_ASKS,
    "POST /upload/details": ONLY_ASKS,
    "POST /contacts": ONLY_ASKS,
    "POST /contacts/accounts": ONLY_ASKS,
    "POST /contacts/rules/simulate": ONLY_ASKS,
    "POST /contacts/files/import": "without the key of its page it only says what would happen",
    "POST /contacts/files/reserve": "the table's row lies in the past, so that nothing is reserved",
}

READING = ("GET", "HEAD", "OPTIONS")
CHANGING = [route for route, needs in ROUTES.items() if not route.startswith(READING) and needs.status < 400]


@pytest.fixture(scope="module")
def everybody(seed: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    everybody = Everybody(copy_of(seed, tmp_path_factory.mktemp("recorded") / "data"))
    yield everybody
    everybody.close()


@pytest.mark.parametrize("route", CHANGING)
def test_whoever_changes_something_leaves_an_event(everybody: Everybody, route: str) -> None:
    before = everybody.services.audit.page(EventFilter(), limit=1)[0]
    caller = everybody.callers["administrator"]
    answer = everybody.send(route, ROUTES[route], caller)
    after = everybody.services.audit.page(EventFilter(), limit=1)[0]
    everybody.restore()
    assert answer.status_code == ROUTES[route].by_caller.get(caller.name, ROUTES[route].status), answer.text
    if route in UNRECORDED:
        assert after == before, "it is recorded by now: take it off the list"
    else:
        assert after != before, "record it, or say in UNRECORDED why not"
        assert after[0].actor, "somebody did it"


def test_no_reason_is_left_of_a_route_that_is_gone() -> None:
    assert sorted(set(UNRECORDED) - set(CHANGING)) == []


def test_the_audit_is_not_written_by_anybody() -> None:
    assert [
        route for route in ROUTES if route.split(" ")[1].startswith((f"{API}/audit", "/audit")) and route[:3] != "GET"
    ] == []
