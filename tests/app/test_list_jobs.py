"""Lists longer than are answered at once, over HTTP and on the pages: taken, worked on, answered."""

import csv
import io
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.long_lists import LongLists
from app.main import create_app
from contact_registry.schemas import MAX_BATCH
from contact_registry.schemas_imports import MAX_JOB_ROWS, MAX_ROWS
from tests.pages.world import PageText, World, token_on

API = "/api/v1"
ASKED = {"team": "research", "channel": "email", "purpose": "interview"}


def client_of(world: World, key: NewKey) -> TestClient:
    client = TestClient(create_app(world.services), raise_server_exceptions=False)
    client.headers["authorization"] = f"Bearer {world.services.access.keys.create(key, 'test')[1]}"
    return client


@pytest.fixture
def program(world: World) -> TestClient:
    return client_of(world, NewKey("crm", ["contacts:write"]))


@pytest.fixture
def short_imports(monkeypatch: pytest.MonkeyPatch) -> int:
    """Importing takes 2 ms a row: let more than this many rows be long."""
    for module in ("contact_registry.csv_service", "app.api.contacts.imports"):
        monkeypatch.setattr(f"{module}.MAX_ROWS", 300)
    return 300


def work(world: World) -> None:
    world.services.registry.list_worker().finish()


def status_of(client: TestClient, taken: Any) -> Any:
    assert taken.status_code == 202, taken.text
    assert set(taken.json()) == {"job", "status_url"}
    assert taken.headers["location"] == taken.json()["status_url"] == f"{API}/jobs/{taken.json()['job']}"
    return client.get(taken.headers["location"]).json()


def emails(count: int) -> list[str]:
    return ["jana@bakery.example", *(f"p{number}@mill.example" for number in range(1, count))]


def file_of(count: int, *columns: str, **cells: str) -> bytes:
    head = ",".join(["email", "note", *columns, *cells])
    rows = [",".join([email, f"n{number}", *cells.values()]) for number, email in enumerate(emails(count))]
    return "\n".join([head, *rows]).encode()


def test_a_batch_of_more_than_a_thousand_is_taken_and_answered_later(world: World, program: TestClient) -> None:
    body: dict[str, Any] = {"defaults": ASKED, "items": [{"email": email} for email in emails(MAX_BATCH + 1)]}
    taken = program.post(f"{API}/eligibility/batch-check", json=body)
    status = status_of(program, taken)
    assert (status["status"], status["progress"], status["rows"], status["result_url"]) == ("queued", 0, 1001, None)
    early = program.get(f"{status['status_url']}/result")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_done")
    work(world)
    status = status_of(program, taken)
    assert (status["status"], status["progress"], status["rows_done"]) == ("done", 1, 1001)
    answer = program.get(status["result_url"]).json()
    short = program.post(f"{API}/eligibility/batch-check", json=body | {"items": body["items"][:2]}).json()
    assert set(answer) == set(short)
    assert answer["items"][:2] == short["items"]
    assert len(answer["items"]) == 1001
    assert answer["counts"] == {"cooling_down": 1, "unknown_person": 1000}
    assert status["result_csv_url"] is None
    assert program.get(f"{status['result_url']}?format=csv").status_code == 422


def test_a_file_of_more_than_ten_thousand_rows_is_answered_as_json_and_as_the_file(
    world: World, program: TestClient
) -> None:
    taken = program.post(f"{API}/eligibility/csv-check", content=file_of(MAX_ROWS + 1), params=ASKED)
    assert status_of(program, taken)["status"] == "queued"
    work(world)
    status = status_of(program, taken)
    answer = program.get(status["result_url"]).json()
    assert (answer["email_column"], answer["counts"]["cooling_down"]) == ("email", 1)
    assert [row["index"] for row in answer["rows"]] == list(range(MAX_ROWS + 1))
    file = program.get(status["result_csv_url"])
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert (len(rows), rows[-1]["note"], rows[-1]["status"]) == (MAX_ROWS + 1, "n10000", "unknown_person")


def test_a_long_import_is_taken_once_for_its_key(world: World, program: TestClient, short_imports: int) -> None:
    content = file_of(short_imports + 1)
    sent: dict[str, Any] = {
        "content": content,
        "headers": {"Idempotency-Key": "monday"},
        "params": {"file_name": "crm.csv"},
    }
    taken, again = (program.post(f"{API}/imports/csv", **sent) for _ in range(2))
    assert taken.json() == again.json()
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    work(world)
    done = program.get(status_of(program, taken)["result_url"]).json()
    assert done["counts"] == {"contact_only": short_imports + 1}
    kept = program.get(f"{API}/imports/{done['id']}").json()
    assert (kept["status"], kept["counts"], len(kept["rows"])) == ("imported", done["counts"], short_imports + 1)
    rows = program.post(
        f"{API}/imports", json={"rows": [{"email": e} for e in emails(short_imports + 1)], "dry_run": True}
    )
    assert status_of(program, rows)["dry_run"] is True


@pytest.mark.parametrize("path", ["eligibility/csv-check", "imports/csv"])
def test_too_long_is_too_long(program: TestClient, path: str) -> None:
    refused = program.post(f"{API}/{path}", content=b"email\n" + b"a@b.example\n" * (MAX_JOB_ROWS + 1), params=ASKED)
    assert refused.status_code == 413, refused.text
    assert "at most 100000" in refused.json()["detail"]
    batch = {"defaults": ASKED, "items": [{"email": "a@b.example"}] * (MAX_JOB_ROWS + 1)}
    assert program.post(f"{API}/eligibility/batch-check", json=batch).status_code == 413


def test_what_is_wrong_with_a_long_file_is_said_at_once(program: TestClient) -> None:
    content = file_of(MAX_ROWS + 1).replace(b"email,", b"who,", 1)
    for path in ("eligibility/csv-check", "imports/csv"):
        refused = program.post(f"{API}/{path}", content=content)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_email_column")


def test_a_simulation_for_very_many_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.contacts.policy_sets.MAX_SIMULATED", 0)
    administrator = client_of(world, NewKey("all"))
    body = {"policies": [], "question": ASKED | {"at": "2026-05-20T10:00:00Z"}}
    taken = administrator.post(f"{API}/policy-sets/draft/simulate", json=body)
    status_of(administrator, taken)
    work(world)
    monkeypatch.undo()
    short = administrator.post(f"{API}/policy-sets/draft/simulate", json=body).json()
    found = administrator.get(f"{taken.headers['location']}/result").json()
    assert {name: found[name] for name in short} == short
    assert found["newly_eligible"] == [world.contact_id]


def test_a_job_is_its_callers_and_the_administrators(world: World, program: TestClient) -> None:
    body = {"defaults": ASKED, "items": [{"email": email} for email in emails(MAX_BATCH + 1)]}
    where = program.post(f"{API}/eligibility/batch-check", json=body).headers["location"]
    work(world)
    other = client_of(world, NewKey("other", ["contacts:write"]))
    administrator = client_of(world, NewKey("all"))
    for path in (where, f"{where}/result"):
        assert [one.get(path).status_code for one in (program, other, administrator)] == [200, 404, 200]


def test_a_blind_key_is_told_whether_but_never_who(world: World) -> None:
    blind = client_of(world, NewKey("blind", ["contacts:write"], hides_contacts=True))
    taken = blind.post(f"{API}/eligibility/csv-check", content=file_of(MAX_ROWS + 1), params=ASKED)
    work(world)
    status = status_of(blind, taken)
    told = blind.get(status["result_url"]).text + blind.get(status["result_csv_url"]).text
    assert world.contact_id not in told
    assert "unknown_person" not in told
    assert "cooling_down" in told


def test_the_thread_beside_the_server_answers(world: World, program: TestClient) -> None:
    body = {"defaults": ASKED, "items": [{"email": email} for email in emails(MAX_BATCH + 1)]}
    taken = program.post(f"{API}/eligibility/batch-check", json=body)
    worker = world.services.registry.list_worker()
    thread = LongLists(worker)
    thread.start()
    for _ in range(200):
        if status_of(program, taken)["status"] == "done":
            break
        thread._ended.wait(0.05)
    thread.stop()
    assert status_of(program, taken)["status"] == "done"


def upload(client: TestClient, path: str, content: bytes) -> Any:
    data = {"csrf_token": token_on(client, "/contacts/files"), **ASKED}
    return client.post(f"/contacts/files/{path}", data=data, files={"file": ("crm.csv", content)})


def test_a_long_file_on_the_page_shows_how_far_it_is_and_then_the_answers(world: World) -> None:
    client = world.member()
    taken = upload(client, "check", file_of(MAX_ROWS + 1))
    assert taken.status_code == 303
    where = taken.headers["location"]
    waiting = client.get(where).text
    assert "Waiting for its turn" in waiting
    assert f'hx-get="{where}"' in waiting
    assert '<meta http-equiv="refresh"' in waiting
    work(world)
    done = client.get(where).text
    assert "hx-get" not in done
    assert "Cooling down 1" in PageText(done).text
    assert client.get(f"{where}/result.csv").text.count("\n") == MAX_ROWS + 2
    assert "Check of a list: crm.csv" in PageText(client.get("/contacts/files").text).text


def test_a_long_import_is_tried_first_and_imported_from_its_page_once(world: World, short_imports: int) -> None:
    client = world.member()
    before = world.services.registry.conflicts.stats().contacts
    tried = upload(client, "import", file_of(short_imports + 1)).headers["location"]
    work(world)
    assert "What importing it would do" in client.get(tried).text
    assert world.services.registry.conflicts.stats().contacts == before
    form = {"csrf_token": token_on(client, tried)}
    first, second = (client.post(f"{tried}/import", data=form) for _ in range(2))
    assert first.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    work(world)
    assert world.services.registry.conflicts.stats().contacts == before + short_imports
    page = PageText(client.get(first.headers["location"]).text)
    assert "What became of the rows" in page.text
    refused = client.post(f"{first.headers['location']}/import", data=form)
    assert refused.status_code == 409
    assert "Only a dry run" in refused.text


def test_a_long_pasted_list_becomes_a_job_too(world: World) -> None:
    client = world.member()
    form = {"csrf_token": token_on(client, "/contacts"), **ASKED, "who": "\n".join(emails(MAX_BATCH + 1))}
    taken = client.post("/contacts", data=form)
    assert taken.status_code == 303
    work(world)
    assert "Cooling down 1" in PageText(client.get(taken.headers["location"]).text).text


def test_a_trial_of_rules_on_very_many_has_a_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.pages.rules.MAX_SIMULATED", 0)
    client = world.member()
    taken = client.post("/contacts/rules/simulate", data={"csrf_token": token_on(client, "/contacts/rules"), **ASKED})
    assert taken.status_code == 303
    work(world)
    assert "Newly eligible: 0" in PageText(client.get(taken.headers["location"]).text).text
