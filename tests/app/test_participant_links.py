"""Saying who a participant is: the link outlives the interview being sent again, and the touchpoint follows it."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.participant_links import links_to
from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointOut
from contact_registry.schemas_people import ContactIn, EraseIn
from core.audit import AuditEvent
from core.errors import Conflict, Gone, NotFound
from ingest.schemas import InterviewOut
from tests.pages.world import NOON, World, example_interview

NAMED = "Jana Malá"
RECORDED = NOON - timedelta(days=3)


def send(world: World, *people: Any, **fields: Any) -> InterviewOut:
    given = {"external_id": "talk-1", "recorded_at": RECORDED, "participants": list(people) or [NAMED], **fields}
    return world.services.ingest.add_interview(example_interview(**given), "crm", "crm")


def live(world: World, contact: str | None = None) -> list[TouchpointOut]:
    found = world.services.registry.timeline(contact or world.contact_id)
    return [one for one in found if one.source == "interview" and one.status != "voided"]


def link(world: World, interview: InterviewOut, contact: str | None, ordinal: int = 0) -> None:
    world.services.participation.link(interview.id, ordinal, contact, SYSTEM)


def contact_of(world: World, interview: InterviewOut, ordinal: int = 0) -> str | None:
    return world.services.participation.participants(interview.id)[ordinal].contact


def test_somebody_of_the_same_name_is_offered_and_never_linked_by_themselves(world: World) -> None:
    interview = send(world)
    (person,) = world.services.participation.participants(interview.id)
    assert person.contact is None
    assert [one.id for one in person.candidates] == [world.contact_id]
    assert live(world) == []
    other = send(world, "Jana Mala", external_id="talk-2")
    assert world.services.participation.participants(other.id)[0].candidates == ()


def test_a_confirmed_participant_was_contacted_once_however_often_the_interview_is_sent(world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    (touchpoint,) = live(world)
    assert (touchpoint.at, touchpoint.status) == (RECORDED, "completed")
    send(world)
    send(world, "Somebody else", {"name": "jana  malá", "role": "baker"}, segments=[{"text": "Another text."}])
    assert contact_of(world, interview, 1) == world.contact_id
    assert [one.id for one in live(world)] == [touchpoint.id]


def test_taking_the_link_back_voids_the_touchpoint_and_linking_again_restores_it(world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    link(world, interview, None)
    assert live(world) == []
    assert contact_of(world, interview) is None
    link(world, interview, world.contact_id)
    assert len(live(world)) == 1


def test_what_somebody_confirmed_wins_over_the_address(world: World) -> None:
    other = world.services.registry.add_contact(ContactIn(name="Her assistant"), SYSTEM).id
    interview = send(world, {"name": "Jana", "email": "jana@bakery.example"})
    assert len(live(world)) == 1
    link(world, interview, other)
    assert live(world) == []
    assert len(live(world, other)) == 1
    link(world, interview, None)
    assert len(live(world)) == 1
    assert live(world, other) == []


def test_a_name_that_was_confirmed_holds_when_an_address_is_added_unless_two_have_the_name(world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    with_address = {"name": NAMED, "email": "private@elsewhere.example"}
    send(world, with_address)
    assert contact_of(world, interview) == world.contact_id
    send(world, with_address, {"name": NAMED, "email": "cousin@elsewhere.example"})
    assert [contact_of(world, interview, ordinal) for ordinal in (0, 1)] == [None, None]


def test_a_link_follows_a_merge_and_comes_back_when_it_is_undone(world: World) -> None:
    registry = world.services.registry
    other = registry.add_contact(ContactIn(name="Jana of the mill"), SYSTEM).id
    interview = send(world)
    link(world, interview, other)
    registry.merging.merge(world.contact_id, other, SYSTEM)
    assert contact_of(world, interview) == world.contact_id
    send(world)
    assert len(live(world)) == 1
    registry.merging.unmerge(other, SYSTEM)
    assert contact_of(world, interview) == other


def test_an_erased_persons_links_are_gone_and_nobody_can_link_what_is_left(world: World) -> None:
    services = world.services
    interview = send(world)
    link(world, interview, world.contact_id)
    services.registry.erasure.erase(world.contact_id, EraseIn(), SYSTEM)
    assert contact_of(world, interview) is None
    with pytest.raises(Gone):
        link(world, interview, world.contact_id)


def test_erasing_through_the_api_takes_the_name_of_a_linked_participant_too(api: TestClient, world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    assert api.post(f"/api/v1/contacts/{world.contact_id}/erase", json={}).status_code == 200
    assert NAMED not in api.get(f"/api/v1/interviews/{interview.id}/participants").text
    with world.services.database.read() as session:
        assert links_to(session, [world.contact_id]) == []
    with pytest.raises(NotFound):
        link(world, interview, None)


def test_deleting_the_interview_takes_its_links_along(world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    world.services.ingest.delete(interview.id, "crm")
    with world.services.database.read() as session:
        assert links_to(session, [world.contact_id]) == []
    assert live(world) == []


def test_a_new_contact_is_made_from_the_participant_and_linked(world: World) -> None:
    interview = send(world, {"name": "Eva Nová", "email": "eva@elsewhere.example"})
    made = world.services.participation.add_contact(interview.id, 0, SYSTEM)
    assert (made.name, made.emails) == ("Eva Nová", ["eva@elsewhere.example"])
    assert len(live(world, made.id)) == 1


def test_nobody_who_was_erased_is_put_on_file_again(world: World) -> None:
    world.services.registry.erasure.erase(world.contact_id, EraseIn(), SYSTEM)
    interview = send(world, {"name": NAMED, "email": "Jana@bakery.example"})
    with pytest.raises(Conflict) as refused:
        world.services.participation.add_contact(interview.id, 0, SYSTEM)
    assert refused.value.code == "do_not_store"


def test_a_link_is_refused_when_the_participants_changed_meanwhile(api: TestClient, world: World) -> None:
    interview = send(world)
    path = f"/api/v1/interviews/{interview.id}/participants/0/contact"
    send(world, "Somebody else")
    refused = api.put(path, json={"contact": world.contact_id, "name": NAMED})
    assert (refused.status_code, refused.json()["code"]) == (409, "participants_changed")
    assert live(world) == []


def test_programs_link_and_unlink(api: TestClient, world: World) -> None:
    interview = send(world)
    path = f"/api/v1/interviews/{interview.id}/participants"
    (before,) = api.get(path).json()["items"]
    assert (before["ordinal"], before["candidates"], before["is_confirmed"]) == (0, [world.contact_id], False)
    linked = api.put(f"{path}/0/contact", json={"contact": world.contact_id, "name": NAMED})
    assert linked.status_code == 200
    assert linked.json()["contact"] == world.contact_id
    assert linked.json()["is_confirmed"] is True
    assert linked.json()["touchpoint"] == live(world)[0].id
    assert api.put(f"{path}/0/contact", json={"contact": None}).json()["touchpoint"] is None
    assert api.put(f"{path}/7/contact", json={"contact": None}).json()["code"] == "unknown_participant"
    assert api.put(f"{path}/0/contact", json={"contact": "con_none"}).status_code == 404
    assert api.put("/api/v1/interviews/int_none/participants/0/contact", json={"contact": None}).status_code == 404


def test_linking_is_written_down_without_a_name(world: World) -> None:
    interview = send(world)
    link(world, interview, world.contact_id)
    with world.services.database.read() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.action == "participant.linked")).all()
    assert [event.subject_id for event in events] == [interview.id]
    assert [event.detail for event in events] == [{"participant": 0, "contact": world.contact_id}]
