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
from clients.python.earshot_client import Earshot, NotEligible, Refused, RegistryUnavailable
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
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_call":
            method, path = node.args[:2]
            assert isinstance(method, ast.Constant)
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
    [("Check", "CheckOut"), ("Reason", "ReasonOut"), ("Touchpoint", "TouchpointOut"), ("Contact", "ContactOut")],
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
    ]
    for ask in asks:
        with answering(answer) as earshot, pytest.raises(RegistryUnavailable):
            ask(earshot)


def test_a_time_without_a_zone_is_not_sent() -> None:
    with answering(raise_connect_error) as earshot, pytest.raises(ValueError, match="zone"):
        earshot.check("a@b.example", at=datetime(2026, 5, 12), **RESEARCH)  # noqa: DTZ001
