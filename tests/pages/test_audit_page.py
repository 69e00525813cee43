"""The audit: who saw and did what, filtered, exported, never changed."""

import csv
import io
import json
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from core.audit import AuditEvent, EventFilter
from core.clock import SettableClock
from tests.app.conftest import api_of
from tests.pages.world import PageText, World


def actions_on(world: World, subject: str) -> list[str]:
    """Return what happened to the subject, oldest first."""
    items, _ = world.services.audit.page(EventFilter(subject=subject), limit=500)
    return [event.action for event in reversed(items)]


@pytest.mark.parametrize("change", [delete(AuditEvent), update(AuditEvent).values(actor="somebody_else")])
def test_the_database_itself_refuses_to_change_or_delete_an_event(world: World, change: Executable) -> None:
    before = world.services.audit.page(EventFilter())[0]
    assert before
    with pytest.raises(DatabaseError, match="append-only"), world.services.database.write() as session:
        session.execute(change)
    assert world.services.audit.page(EventFilter())[0] == before


def test_reading_and_exporting_are_recorded_once_an_hour(world: World) -> None:
    browser, path = world.member(), f"/interviews/{world.interview.id}"
    before = actions_on(world, world.interview.id)
    for _ in range(3):
        browser.get(path)
        browser.get(f"{path}/transcript?format=md")
    assert actions_on(world, world.interview.id) == [*before, "interview.read", "transcript.exported"]
    world.services.clock.set(world.services.clock.now() + timedelta(hours=1))  # type: ignore[attr-defined]
    browser.get(path)
    assert actions_on(world, world.interview.id)[-1] == "interview.read"
    assert len(actions_on(world, world.interview.id)) == len(before) + 3


def test_another_process_does_not_record_the_same_look_again(world: World) -> None:
    for _ in range(2):
        world.services.audit.seen("usr_1", "interview.read", "interview", "int_1")
        world.services.audit._seen.clear()  # as in another process, which remembers nothing
    assert actions_on(world, "int_1") == ["interview.read"]
    world.services.audit.seen("usr_2", "interview.read", "interview", "int_1")
    assert len(actions_on(world, "int_1")) == 2


def test_programs_looks_are_recorded_with_their_key(world: World) -> None:
    api = api_of(world)
    api.get(f"/api/v1/interviews/{world.interview.id}/segments")
    api.get(f"/api/v1/contacts/{world.contact_id}")
    (event, *_), _ = world.services.audit.page(EventFilter(action="contact.viewed"))
    assert (event.subject_id, event.actor[:4]) == (world.contact_id, "key_")
    assert "interview.read" in actions_on(world, world.interview.id)


def test_looking_through_people_on_file_is_recorded(world: World) -> None:
    api, member = api_of(world), world.member()
    touchpoint = world.services.registry.timeline(world.contact_id)[0].id
    looks = [
        (api, "/api/v1/contacts", "contact.listed"),
        (member, "/contacts", "contact.listed"),
        (member, "/reservations", "contact.listed"),
        (api, f"/api/v1/contacts/{world.contact_id}/consents", "contact.viewed"),
        (member, f"/contacts/{world.contact_id}/reminder.ics?at=2026-06-01T10:00:00Z", "contact.viewed"),
        (member, f"/contacts/touchpoints/{touchpoint}", "contact.viewed"),
    ]
    assert isinstance(world.services.clock, SettableClock)
    for client, path, action in looks:
        world.services.clock.advance(2 * 3_600_000)  # the same look is recorded once an hour
        before = len(world.services.audit.page(EventFilter(action=action), limit=500)[0])
        assert client.get(path).status_code == 200
        assert len(world.services.audit.page(EventFilter(action=action), limit=500)[0]) == before + 1, path


def test_a_question_is_not_recorded(world: World) -> None:
    before = world.services.audit.page(EventFilter(), limit=500)[0]
    api_of(world).get("/api/v1/search", params={"q": "a question nobody must know of"})
    after = world.services.audit.page(EventFilter(), limit=500)[0]
    assert [event.action for event in after[: len(after) - len(before)]] == ["key.created"]


def test_the_list_is_filtered_and_paged(world: World) -> None:
    api = api_of(world)
    everything = api.get("/api/v1/audit", params={"limit": 500}).json()["items"]
    paged, cursor = [], None
    while True:
        page = api.get("/api/v1/audit", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == everything
    found = api.get("/api/v1/audit", params={"action": "interview"}).json()["items"]
    assert {one["action"].split(".")[0] for one in found} == {"interview"}
    by_nobody = api.get("/api/v1/audit", params={"actor": "usr_none"}).json()
    assert by_nobody == {"items": [], "next_cursor": None}
    later = (world.services.clock.now() + timedelta(days=1)).isoformat()
    assert api.get("/api/v1/audit", params={"from": later}).json()["items"] == []
    assert len(api.get("/api/v1/audit", params={"to": later, "limit": 500}).json()["items"]) == len(everything)


def test_the_export_is_the_list_as_a_file_and_an_event(world: World) -> None:
    api = api_of(world)
    listed = api.get("/api/v1/audit", params={"limit": 500, "action": "interview"}).json()["items"]
    lines = api.get("/api/v1/audit/export", params={"format": "jsonl", "action": "interview"}).text.splitlines()
    assert [json.loads(line) for line in lines] == listed
    rows = list(csv.DictReader(io.StringIO(api.get("/api/v1/audit/export", params={"action": "interview"}).text)))
    assert [row["id"] for row in rows] == [one["id"] for one in listed]
    assert [json.loads(row["detail"]) for row in rows] == [one["detail"] for one in listed]
    assert actions_on(world, "audit") == ["audit.exported", "audit.exported"]


def test_the_page_shows_names_that_the_events_do_not_hold(world: World) -> None:
    browser = world.member()
    browser.get(f"/interviews/{world.interview.id}")
    page = PageText(browser.get("/audit?action=interview.read").text)
    assert "Administrator" in page.text
    assert "interview.read" in page.text
    with world.services.database.read() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.actor == "usr_local")).all()
    assert "Administrator" not in repr(events)
    assert "No event matches" in browser.get("/audit?action=nothing.ever").text
    exported = browser.get("/audit/export?format=jsonl&action=interview.read")
    assert exported.headers["content-disposition"].endswith('audit.jsonl"')
    assert browser.get("/audit/export?format=exe").status_code == 422


def test_an_erasure_stays_on_record_when_the_person_is_gone(world: World) -> None:
    api: TestClient = api_of(world)
    assert api.post(f"/api/v1/contacts/{world.contact_id}/erase", json={}).status_code == 200
    assert "contact.erased" in actions_on(world, world.contact_id)
    assert "Jana" not in api.get("/api/v1/audit", params={"limit": 500}).text


def test_a_look_at_the_list_of_people_leads_to_no_single_person(world: World) -> None:
    browser = world.member()
    browser.get("/contacts")
    links = {attrs.get("href") for _, attrs in PageText(browser.get("/audit").text).elements}
    assert "/audit?subject=contacts" in links
    assert "/contacts/contacts" not in links
