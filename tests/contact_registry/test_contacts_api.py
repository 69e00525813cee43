"""The registry's routes through the whole application: codes, headers and problem bodies."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.api.contacts import routers
from app.main import create_app
from app.wiring import build_services
from core.clock import SettableClock
from core.settings import Settings
from tests.contact_registry.registry_world import GAP30, NOW, question


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    services = build_services(Settings(data_dir=tmp_path_factory.mktemp("data")), SettableClock(NOW))
    _, secret = services.access.keys.create(NewKey("crm"), actor="test")
    with TestClient(create_app(services), headers={"Authorization": f"Bearer {secret}"}) as client:
        for team in ("research", "sales"):
            client.put(f"/api/v1/teams/{team}", json={"name": team.capitalize()})
        client.put("/api/v1/policy-sets/draft", json={"policies": [GAP30]})
        assert client.post("/api/v1/policy-sets/draft/activate").json()["version"] == 1
        yield client
    services.database.close()


def post(client: TestClient, path: str, body: Any, key: str | None = None) -> Any:
    return client.post(f"/api/v1{path}", json=body, headers={} if key is None else {"Idempotency-Key": key})


def test_a_refused_claim_is_a_problem_that_says_all_a_check_would(client: TestClient) -> None:
    held = post(client, "/reservations", question(email="a@corp.example"))
    assert (held.status_code, held.json()["status"], held.json()["expires_at"]) == (
        201,
        "reserved",
        "2026-05-01T09:15:00Z",
    )
    lost = post(client, "/reservations", question(email="A@corp.example", team="sales"))
    body = lost.json()
    assert lost.headers["content-type"] == "application/problem+json"
    assert (lost.status_code, body["type"], body["status"], body["code"]) == (
        409,
        "/problems/not-eligible",
        409,
        "not_eligible",
    )
    assert (body["eligibility"], body["badge"], body["binding"]) == ("cooling_down", "reserved", False)
    assert body["reasons"][0]["blocking"][0]["team"] == "research"
    assert body["next_eligible_at"] == "2026-06-09T10:00:00Z"
    assert [one["id"] for one in client.get("/api/v1/reservations?team=research").json()["items"]] == [
        held.json()["id"]
    ]


def test_a_repeated_request_is_answered_from_storage_and_says_so(client: TestClient) -> None:
    asked = question(email="b@corp.example", notes="private")
    first, again = (post(client, "/reservations", asked, "K1") for _ in range(2))
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "private" not in again.text
    reused = post(client, "/reservations", asked | {"team": "sales"}, "K1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    lost = [post(client, "/reservations", question(email="b@corp.example"), "K2") for _ in range(2)]
    assert [one.status_code for one in lost] == [409, 409]
    assert lost[1].headers["Idempotency-Replayed"] == "true"


def test_a_touchpoint_is_changed_only_from_the_revision_that_was_read(client: TestClient) -> None:
    booked = post(client, "/touchpoints", question(email="c@corp.example")).json()
    path = f"/api/v1/touchpoints/{booked['id']}"
    tag = client.get(path).headers["ETag"]
    moved = client.patch(path, json={"at": "2026-05-11T10:00:00Z"}, headers={"If-Match": tag})
    assert (moved.status_code, moved.headers["ETag"]) == (200, '"2"')
    late = client.patch(path, json={"status": "cancelled"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert client.patch(path, json={"status": "cancelled"}, headers={"If-Match": "three"}).status_code == 400
    assert client.patch(path, json={}).status_code == 422


def test_a_profile_shows_badge_and_timeline_and_an_address_finds_it(client: TestClient) -> None:
    made = post(client, "/contacts", {"emails": ["d@corp.example"], "name": "Dana"}, "K3")
    again = post(client, "/contacts", {"emails": ["d@corp.example"], "name": "Dana"}, "K3")
    assert (made.status_code, again.json()) == (201, made.json())
    fact = post(client, "/touchpoints", question(email="d@corp.example", status="completed", at="2026-04-20T10:00:00Z"))
    profile = client.get("/api/v1/contacts", params={"email": "D@corp.example"}).json()
    assert (profile["id"], profile["name"], profile["badge"]) == (made.json()["id"], "Dana", "cooling_down")
    assert [one["id"] for one in profile["timeline"]] == [fact.json()["id"]]
    assert client.get("/api/v1/contacts", params={"email": "nobody@corp.example"}).status_code == 404
    assert [one["name"] for one in client.get("/api/v1/contacts?q=dan").json()["items"]] == ["Dana"]


def test_lists_have_a_status_per_item(client: TestClient) -> None:
    sent = {"defaults": question(), "items": [{"email": "e@corp.example"}, {"email": "nope"}]}
    checked = post(client, "/eligibility/batch-check", sent)
    assert (checked.status_code, [one["status"] for one in checked.json()["items"]]) == (207, [200, 422])
    reserved = post(client, "/reservations:batch", sent)
    assert (reserved.status_code, [one["status"] for one in reserved.json()["items"]]) == (207, [201, 422])
    atomic = post(client, "/reservations:batch", {**sent, "atomic": True})
    assert (atomic.status_code, atomic.json()["code"]) == (409, "batch_not_eligible")
    imported = post(client, "/imports", {"rows": [{"email": "f@corp.example"}]})
    assert (imported.status_code, imported.json()["counts"]) == (207, {"contact_only": 1})
    assert client.get(f"/api/v1/imports/{imported.json()['id']}").json()["rows"][0]["outcome"] == "contact_only"


def test_a_stop_is_lifted_with_evidence(client: TestClient) -> None:
    made = post(client, "/suppressions", {"subject": {"email": "g@corp.example"}, "source": "opt_out"})
    assert (made.status_code, made.json()["subject"]) == (201, {"kind": "address"})
    path = f"/api/v1/suppressions/{made.json()['id']}"
    assert client.request("DELETE", path, json={"evidence": "short"}).status_code == 422
    lifted = client.request("DELETE", path, json={"evidence": "They filled in our form themselves."})
    assert (lifted.status_code, lifted.json()["lifted_at"]) == (200, "2026-05-01T09:00:00Z")


def test_changes_are_in_the_audit_by_opaque_ids(client: TestClient) -> None:
    held = post(client, "/reservations", question(email="h@corp.example")).json()
    (event,) = client.get("/api/v1/audit", params={"subject": held["id"]}).json()["items"]
    assert (event["action"], event["detail"]["contact"]) == ("reservation.created", held["contact"])
    assert "corp.example" not in client.get("/api/v1/audit?limit=500").text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (question(email="not an address"), "invalid_email"),
        (question(email="a@corp.example", team="nobody"), "unknown_team"),
        (question(email="a@corp.example", at="2026-04-01T00:00:00Z"), "at_in_past"),
        (question(email="a@corp.example", at="2026-05-10T10:00:00"), "invalid_input"),
        (question(email="a@corp.example", at=1778407200), "invalid_input"),
        (question(email="a@corp.example", contact="con_1"), "invalid_input"),
        (question(), "invalid_input"),
        (question(email="a@corp.example", colour="red"), "invalid_input"),
    ],
)
def test_what_is_wrong_whatever_the_state_is_a_422(client: TestClient, body: Any, code: str) -> None:
    answer = post(client, "/eligibility/check", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "not an address" not in answer.text


def test_no_route_of_the_registry_answers_a_stranger(client: TestClient) -> None:
    stranger = TestClient(client.app)
    for router in routers:
        for route in router.routes:
            for method in getattr(route, "methods", ()):
                path = getattr(route, "path", "").replace("{version}", "1")
                assert stranger.request(method, path, json={}).status_code == 401, (method, path)
