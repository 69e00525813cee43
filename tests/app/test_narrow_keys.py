"""Keys that are narrower than a person: contacts hidden from them, or bound to one team."""

from base64 import b64encode
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.access.tables import User
from app.main import create_app
from contact_registry.actor import SYSTEM
from contact_registry.schemas import ReserveIn
from contact_registry.schemas_people import AccountIn, ContactChange
from core.errors import InvalidInput
from tests.pages.world import NOON, World

ASKED = {"at": "2026-05-20T10:00:00Z", "team": "research", "channel": "email", "purpose": "interview"}
JANA = {"email": "jana@bakery.example"}
STRANGER = {"email": "nobody@shop.example"}
API = "/api/v1"


def client_of(world: World, key: NewKey) -> TestClient:
    client = TestClient(create_app(world.services), raise_server_exceptions=False)
    client.headers["authorization"] = f"Bearer {world.services.access.keys.create(key, 'test')[1]}"
    return client


@pytest.fixture
def blind(world: World) -> TestClient:
    account = world.services.registry.add_account(AccountIn(name="Bakery Ltd"), SYSTEM)
    world.services.registry.change_contact(world.contact_id, ContactChange(account=account.id), SYSTEM)
    return client_of(world, NewKey("blind", ["contacts:write", "read"], hides_contacts=True))


@pytest.fixture
def research(world: World) -> TestClient:
    return client_of(world, NewKey("ours", ["contacts:write"], team_id="research"))


def ids_in(body: Any) -> list[str]:
    """Return every id of a person, a company or a touchpoint anywhere in the body."""
    if isinstance(body, dict):
        return [one for value in body.values() for one in ids_in(value)]
    if isinstance(body, list):
        return [one for value in body for one in ids_in(value)]
    return [body] if isinstance(body, str) and body.startswith(("con_", "acc_", "tp_", "cus_")) else []


def test_a_blind_key_is_told_whether_but_never_who(world: World, blind: TestClient) -> None:
    for person in (JANA, STRANGER, {"contact": world.contact_id}):
        answer = blind.post(f"{API}/eligibility/check", json={**ASKED, **person}).json()
        assert (answer["contact"], ids_in(answer)) == (None, [])
        assert "Bakery" not in str(answer)


def test_a_blind_key_cannot_tell_who_is_on_file(world: World, blind: TestClient) -> None:
    later = {**ASKED, "at": "2026-12-01T10:00:00Z"}
    known, unknown = (blind.post(f"{API}/eligibility/check", json={**later, **one}).json() for one in (JANA, STRANGER))
    assert known == unknown | {"checked_at": known["checked_at"]}


def test_lists_and_files_do_not_tell_a_blind_key_either(blind: TestClient) -> None:
    many = blind.post(f"{API}/eligibility/batch-check", json={"defaults": ASKED, "items": [JANA, STRANGER]})
    assert (many.status_code, ids_in(many.json())) == (207, [])
    sent = b"email\njana@bakery.example\nnobody@shop.example\n"
    file = blind.post(f"{API}/eligibility/csv-check", content=sent, params=ASKED)
    assert (file.status_code, ids_in(file.json())) == (200, [])
    marked = blind.post(f"{API}/eligibility/csv-check/result.csv", content=sent, params=ASKED)
    assert marked.status_code == 200
    assert "con_" not in marked.text
    assert "Bakery Ltd" not in marked.text


def test_a_blind_key_reserves_and_steers_what_it_reserved(world: World, blind: TestClient) -> None:
    asked = {**ASKED, **JANA, "at": "2026-12-01T10:00:00Z"}
    held = blind.post(f"{API}/reservations", json=asked, headers={"Idempotency-Key": "1"})
    again = blind.post(f"{API}/reservations", json=asked, headers={"Idempotency-Key": "1"})
    assert held.json() == again.json()
    mine = held.json()["id"]
    answers = [
        held,
        blind.post(f"{API}/reservations/{mine}/confirm"),
        blind.get(f"{API}/touchpoints/{mine}"),
        blind.patch(f"{API}/touchpoints/{mine}", json={"at": "2026-12-02T10:00:00Z"}),
        blind.patch(f"{API}/touchpoints/{mine}", json={"status": "cancelled"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    assert {one for answer in answers for one in ids_in(answer.json())} == {mine}


def test_a_refused_reservation_tells_a_blind_key_no_id(blind: TestClient) -> None:
    refused = blind.post(f"{API}/reservations", json={**ASKED, **JANA, "at": "2026-05-13T10:00:00Z"})
    assert (refused.status_code, ids_in(refused.json())) == (409, [])
    batch = blind.post(f"{API}/reservations:batch", json={"defaults": ASKED, "items": [JANA, STRANGER]})
    assert not [one for one in ids_in(batch.json()) if not one.startswith("tp_")]


@pytest.mark.parametrize(
    "path",
    [
        "contacts",
        "contacts?email=jana@bakery.example",
        "contacts/{id}",
        "contacts/{id}/timeline",
        "contacts/{id}/consents",
        "reservations",
        "suppressions",
        "accounts",
        "conflicts",
        "registry/stats?contact={id}",
    ],
)
def test_people_on_file_are_hidden_from_a_blind_key(world: World, blind: TestClient, path: str) -> None:
    answer = blind.get(f"{API}/{path.replace('{id}', world.contact_id)}")
    assert (answer.status_code, answer.json()["code"]) == (403, "contacts_hidden")


def test_a_blind_key_is_not_told_which_contact_took_part(world: World, blind: TestClient) -> None:
    items = blind.get(f"{API}/interviews/{world.interview.id}/participants").json()["items"]
    assert items
    assert all(item["contact"] is None and item["touchpoint"] is None for item in items)


def test_a_key_makes_no_wider_key(world: World) -> None:
    with world.services.database.write() as session:
        session.add(User(id="usr_ann", name="Ann", role="member", created_at=NOON))
    client = client_of(world, NewKey("ann's", ["contacts:read"], user_id="usr_ann", hides_contacts=True))
    answer = client.post(f"{API}/keys", json={"name": "wider", "scopes": ["contacts:read"], "user": "usr_ann"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_a_person_s_key_neither_signs_them_out_nor_revokes_their_other_keys(world: World) -> None:
    access = world.services.access
    with world.services.database.write() as session:
        session.add(User(id="usr_ann", name="Ann", role="member", created_at=NOON))
    browser = access.sessions.begin("usr_ann")
    other, _ = access.keys.create(NewKey("other", ["read"], user_id="usr_ann"), "test")
    client = client_of(world, NewKey("ann's", ["read"], user_id="usr_ann"))
    this = access.sessions.list("usr_ann", browser)[0].id
    answers = [
        client.get(f"{API}/me/sessions"),
        client.delete(f"{API}/me/sessions"),
        client.delete(f"{API}/me/sessions/{this}"),
        client.delete(f"{API}/keys/{other.id}"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "not_permitted")] * 4
    assert access.sessions.principal_of(browser).id == "usr_ann"
    assert [key.revoked_at for key in access.keys.list("usr_ann")] == [None, None]


def test_a_key_that_administers_hides_nothing(world: World) -> None:
    with pytest.raises(InvalidInput, match="cannot administer"):
        world.services.access.keys.create(NewKey("both", ["admin"], hides_contacts=True), "test")


def test_a_team_s_key_asks_and_claims_for_its_team_alone(research: TestClient) -> None:
    at = "2026-12-01T10:00:00Z"
    for path in ("eligibility/check", "reservations", "touchpoints"):
        ours = research.post(f"{API}/{path}", json={**ASKED, **STRANGER, "at": at})
        assert ours.status_code in (200, 201, 409), path
        theirs = research.post(f"{API}/{path}", json={**ASKED, **STRANGER, "at": at, "team": "sales"})
        assert (theirs.status_code, theirs.json()["code"]) == (403, "other_team")


def test_lists_of_a_team_s_key_are_its_team_s_unless_they_say_otherwise(research: TestClient) -> None:
    asked = {name: value for name, value in ASKED.items() if name != "team"}
    items = [STRANGER, {**STRANGER, "team": "sales"}]
    for path in ("eligibility/batch-check", "reservations:batch"):
        answer = research.post(f"{API}/{path}", json={"defaults": asked, "items": items}).json()
        assert [item["status"] for item in answer["items"]] in ([200, 403], [201, 403])
    file = research.post(f"{API}/eligibility/csv-check", content=b"email\nnobody@shop.example\n", params=asked)
    assert [row["status"] for row in file.json()["rows"]] == [200]


def test_history_of_another_team_is_not_taken_from_a_team_s_key(research: TestClient) -> None:
    row = {"email": "a@shop.example", "date": "2026-01-05", "channel": "email", "purpose": "interview"}
    rows = [{**row, "team": "research"}, {**row, "email": "b@shop.example", "team": "sales"}]
    answer = research.post(f"{API}/imports", json={"rows": rows}).json()
    assert [(one["outcome"], one.get("error")) for one in answer["rows"]] == [
        ("created", None),
        ("error", "other_team"),
    ]


def test_a_team_s_key_steers_no_other_team_s_bookings(world: World, research: TestClient) -> None:
    asked = ReserveIn.model_validate({**ASKED, **STRANGER, "at": "2026-12-01T10:00:00Z", "team": "sales"})
    theirs = world.services.registry.reserve(asked, SYSTEM).id
    answers = [
        research.post(f"{API}/reservations/{theirs}/confirm"),
        research.post(f"{API}/reservations/{theirs}/release"),
        research.patch(f"{API}/touchpoints/{theirs}", json={"status": "cancelled"}),
        research.patch(f"{API}/touchpoints/{theirs}", json={"notes": "mine now"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "other_team")] * 4
    assert world.services.registry.get_touchpoint(theirs).status == "reserved"


def test_a_team_s_key_rewrites_and_undoes_no_other_team_s_history(world: World, research: TestClient) -> None:
    sales = client_of(world, NewKey("salescrm", ["contacts:write"], team_id="sales"))
    row = {"at": "2026-01-05T10:00:00Z", "channel": "email", "purpose": "interview", "external_id": "e1", **STRANGER}
    theirs = sales.post(f"{API}/imports", json={"rows": [{**row, "team": "sales"}]}).json()
    again = research.post(f"{API}/imports", json={"source": "salescrm", "rows": [{**row, "team": "research"}]}).json()
    assert [(one["outcome"], one["error"]) for one in again["rows"]] == [("error", "other_team")]
    fact = {**row, "team": "research", "source": "salescrm", "status": "cancelled"}
    assert research.post(f"{API}/touchpoints", json=fact).json()["code"] == "other_team"
    assert research.post(f"{API}/imports/{theirs['id']}/undo").json()["code"] == "other_team"
    kept = world.services.registry.get_touchpoint(theirs["rows"][0]["touchpoint"])
    assert (kept.team, kept.status) == ("sales", "completed")
    assert sales.post(f"{API}/imports/{theirs['id']}/undo").status_code == 200


def test_what_recordings_told_the_registry_is_nobody_s_to_correct_by_its_source(world: World) -> None:
    client = client_of(world, NewKey("crm", ["contacts:write"]))
    fact = {**ASKED, **STRANGER, "at": "2026-01-05T10:00:00Z", "status": "completed", "external_id": "int_1:con_1"}
    answers = [
        client.post(f"{API}/touchpoints", json={**fact, "source": "interview"}),
        client.post(f"{API}/imports", json={"rows": [], "source": "interview"}),
        client.post(f"{API}/imports/csv", content=b"email\n", params={"source": "interview"}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
    with pytest.raises(InvalidInput, match="used by Earshot itself"):
        world.services.access.keys.create(NewKey("Interview", ["contacts:write"]), "test")


def test_a_team_s_key_sends_interviews_of_its_team_alone(world: World) -> None:
    client = client_of(world, NewKey("recorder", ["ingest"], team_id="research"))
    said = {"title": "New", "segments": [{"text": "Hello."}]}
    file = {"file": ("a.txt", b"Ann: Hello there.\n")}
    team = b64encode(b"sales").decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": f"team {team}"}
    refused = [
        client.post(f"{API}/interviews", json={**said, "team": "sales"}),
        client.post(f"{API}/recordings", files=file, data={"team": "sales"}),
        client.post(f"{API}/uploads", headers=tus),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "other_team")] * 3
    taken = [
        client.post(f"{API}/interviews", json=said).json(),
        client.post(f"{API}/recordings", files=file).json()["interview"],
    ]
    assert [one["team"] for one in taken] == ["research", "research"]
