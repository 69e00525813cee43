"""The Python client: every path it uses is in the API's description, it works with the app, and it fails closed."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.main import create_app
from clients.python import earshot_client
from clients.python.earshot_client import Earshot, Job, NotEligible, Refused, RegistryUnavailable
from contact_registry import csv_service
from tests.pages.world import NOON, World

ROOT = Path(__file__).parents[2]
RESEARCH: dict[str, Any] = {"team": "research", "channel": "email", "purpose": "survey"}


class AppTransport(httpx.BaseTransport):
    """Hands requests to the app in this process."""

    def __init__(self, world: World) -> None:
        self._app = TestClient(create_app(world.services), raise_server_exceptions=False, follow_redirects=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._app.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.headers))


class CutOff(AppTransport):
    """Does what the first request wants and loses the answer."""

    lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not self.lost:
            self.lost = True
            raise httpx.ReadError("cut off")
        return answer


def client_of(world: World, transport: httpx.BaseTransport) -> Earshot:
    _, secret = world.services.access.keys.create(NewKey("crm"), actor="test")
    return Earshot("http://testserver", secret, http=httpx.Client(base_url="http://testserver", transport=transport))


@pytest.fixture
def earshot(world: World) -> Iterator[Earshot]:
    with client_of(world, AppTransport(world)) as client:
        yield client


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Earshot:
    http = httpx.Client(base_url="http://testserver", transport=httpx.MockTransport(answer))
    return Earshot("http://testserver", "key", tries=1, http=http)


def calls_of_the_client() -> set[tuple[str, str]]:
    tree = ast.parse(Path(earshot_client.__file__).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("_call", "_send"):
            method, path = node.args[:2]
            if isinstance(method, ast.Constant):  # `_call` hands on what it was given
                assert isinstance(path, ast.Constant)
                found.add((str(method.value), str(path.value)))
    return found


def test_every_path_that_the_client_uses_is_in_the_description() -> None:
    described = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
    known = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)) for path, methods in described.items() for method in methods
    }
    assert len(calls_of_the_client()) > 5
    assert calls_of_the_client() - known == set()


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("Check", "CheckOut"),
        ("Reason", "ReasonOut"),
        ("Touchpoint", "TouchpointOut"),
        ("Contact", "ContactOut"),
        ("Job", "JobOut"),
    ],
)
def test_every_field_that_the_client_reads_is_in_the_description(kind: str, schema: str) -> None:
    described = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    assert set(getattr(earshot_client, kind).__dataclass_fields__) <= set(described[schema]["properties"])


def test_a_check_is_true_only_for_a_yes(earshot: Earshot) -> None:
    no = earshot.check("jana@bakery.example", **RESEARCH)
    assert not no
    assert no.badge == "cooling_down"
    assert no.next_eligible_at == NOON + timedelta(days=20)
    assert no.reasons[0].code == "min_gap"
    assert earshot.check("new@bakery.example", **RESEARCH)
    first, second = earshot.batch_check(["jana@bakery.example", "new@bakery.example"], **RESEARCH)
    assert (bool(first), bool(second)) == (False, True)


PEOPLE = b"note,email\nx,jana@bakery.example\ny,new@bakery.example\nz,nobody@\n"
HISTORY = (
    b"email,date,channel,purpose,external_id\n"
    b"a@bakery.example,2026-04-01,email,survey,h-1\nb@bakery.example,2026-04-02,email,survey,h-2\n"
)


@pytest.fixture
def long_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_service, "MAX_ROWS", 1)
    monkeypatch.setattr("app.api.contacts.eligibility.MAX_BATCH", 1)


def test_a_file_is_checked_at_once_and_a_history_imported(earshot: Earshot) -> None:
    checked = earshot.check_file(PEOPLE, **RESEARCH)
    assert isinstance(checked, bytes)
    assert [line.split(",")[2:4] for line in checked.decode().splitlines()[1:]] == [
        ["ineligible", "cooling_down"],
        ["eligible", "unknown_person"],
        ["", "invalid_email"],
    ]
    tried = earshot.import_file(HISTORY, dry_run=True, team="research")
    done = earshot.import_file(HISTORY, team="research")
    assert isinstance(tried, dict)
    assert isinstance(done, dict)
    assert (tried["id"], tried["counts"], done["counts"]) == (None, {"created": 2}, {"created": 2})
    with pytest.raises(Refused) as refused:
        earshot.check_file(b"note\nx\n", **RESEARCH)
    assert refused.value.code == "no_email_column"


@pytest.mark.usefixtures("long_from_two")
def test_a_long_file_is_followed_until_its_answer_is_there(earshot: Earshot, world: World) -> None:
    short = world.services.registry
    checked = earshot.check_file(PEOPLE, **RESEARCH)
    imported = earshot.import_file(HISTORY, team="research")
    assert isinstance(checked, Job)
    assert isinstance(imported, Job)
    assert (checked.status, checked.rows, checked.rows_done, checked.error) == ("queued", 3, 0, None)
    with pytest.raises(Refused) as early:
        earshot.result_file(checked.id)
    assert early.value.code == "job_not_done"
    with pytest.raises(RegistryUnavailable, match="queued, 0 of 3 rows"):
        earshot.wait(checked.id, every_s=0, timeout_s=0)
    short.list_worker().finish()
    assert earshot.wait(checked.id).rows_done == 3
    assert earshot.result(checked.id)["counts"] == {"cooling_down": 1, "error": 1, "unknown_person": 1}
    assert b"x,jana@bakery.example,ineligible,cooling_down," in earshot.result_file(checked.id)
    done = earshot.job(imported.id)
    assert done.import_id is not None
    assert earshot.result(imported.id)["counts"] == {"created": 2}
    with pytest.raises(Refused) as unknown:
        earshot.wait("job_none")
    assert unknown.value.code == "job_not_found"


@pytest.mark.usefixtures("long_from_two")
def test_a_long_batch_check_waits_for_its_answers(
    earshot: Earshot, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, job = [], earshot.job

    def job_that_gets_done(job_id: str) -> Job:
        asked.append(job_id)
        if len(asked) == 2:
            world.services.registry.list_worker().finish()
        return job(job_id)

    monkeypatch.setattr(earshot, "job", job_that_gets_done)
    monkeypatch.setattr("clients.python.earshot_client.time.sleep", lambda _: None)
    answers = earshot.batch_check(["jana@bakery.example", "new@bakery.example"], **RESEARCH)
    assert ([bool(one) for one in answers], len(asked)) == ([False, True], 2)


def test_a_job_that_failed_is_no_answer() -> None:
    failed = {
        "id": "job_1",
        "status": "failed",
        "rows": 2,
        "rows_done": 1,
        "expires_at": "2026-05-08T12:00:00Z",
        "import_id": None,
        "error": {"code": "list_broke", "message": "Something broke."},
    }
    failure = pytest.raises(RegistryUnavailable, match=r"failed, 1 of 2 rows.*list_broke")
    with answering(lambda _: httpx.Response(200, json=failed)) as earshot, failure:
        earshot.wait("job_1")


def test_a_claim_is_held_confirmed_moved_and_ended(earshot: Earshot) -> None:
    held = earshot.reserve("new@bakery.example", **RESEARCH)
    assert held.status == "reserved"
    assert earshot.confirm(held.id).status == "planned"
    with pytest.raises(NotEligible) as refused:
        earshot.reserve("new@bakery.example", team="sales", channel="phone", purpose="sales_call")
    assert refused.value.status == 409
    assert refused.value.next_eligible_at == NOON + timedelta(days=30)
    booked = earshot.book("jana@bakery.example", NOON + timedelta(days=60), **RESEARCH)
    assert earshot.reschedule(booked.id, NOON + timedelta(days=61)).at == NOON + timedelta(days=61)
    assert earshot.set_outcome(booked.id, "cancelled").status == "cancelled"
    gone = earshot.reserve("third@bakery.example", **RESEARCH)
    assert earshot.release(gone.id).status == "cancelled"


def test_people_are_added_told_of_and_left_alone(earshot: Earshot, world: World) -> None:
    added = earshot.add_contact("Petr", ["petr@bakery.example"])
    assert earshot.contact(added.id) == added
    told = earshot.record(added.id, NOON - timedelta(days=1), external_id="call-1", **RESEARCH)
    again = earshot.record(added.id, NOON - timedelta(days=1), external_id="call-1", **RESEARCH)
    assert told.id == again.id
    assert earshot.opt_out(added.id)
    assert earshot.check(added.id, **RESEARCH).badge == "do_not_contact"
    with pytest.raises(Refused) as unknown:
        earshot.contact("con_none")
    assert unknown.value.code == "contact_not_found"


def test_a_claim_whose_answer_was_lost_is_not_made_twice(world: World) -> None:
    with client_of(world, CutOff(world)) as earshot:
        held = earshot.reserve("new@bakery.example", **RESEARCH)
    assert [one.id for one in world.services.registry.list_reservations()] == [held.id]


def raise_connect_error(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "answer",
    [
        raise_connect_error,
        lambda _: httpx.Response(503, json={"code": "busy"}),
        lambda _: httpx.Response(302, headers={"location": "/sign-in"}),
        lambda _: httpx.Response(200, text="<html>eligible</html>"),
        lambda _: httpx.Response(200, json=["eligible"]),
        lambda _: httpx.Response(200, json={"decision": "eligible"}),
    ],
    ids=["down", "error", "redirect", "page", "list", "half"],
)
def test_whatever_is_no_answer_is_an_error_and_never_a_yes(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    asks: list[Callable[[Earshot], Any]] = [
        lambda earshot: earshot.check("a@b.example", **RESEARCH),
        lambda earshot: earshot.batch_check(["a@b.example"], **RESEARCH),
        lambda earshot: earshot.reserve("a@b.example", **RESEARCH),
        lambda earshot: earshot.check_file(PEOPLE, **RESEARCH),
        lambda earshot: earshot.wait("job_1"),
        lambda earshot: earshot.result_file("job_1"),
    ]
    for ask in asks:
        with answering(answer) as earshot, pytest.raises(RegistryUnavailable):
            ask(earshot)


def test_a_time_without_a_zone_is_not_sent() -> None:
    with answering(raise_connect_error) as earshot, pytest.raises(ValueError, match="zone"):
        earshot.check("a@b.example", at=datetime(2026, 5, 12), **RESEARCH)  # noqa: DTZ001
