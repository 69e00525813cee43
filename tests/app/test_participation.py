"""Interviews become touchpoints of those who took part, once, and follow what becomes of the interview."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.participation import ERASED_NAME
from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointIn, TouchpointOut
from contact_registry.schemas_people import ContactIn, EraseIn
from core import directory
from core.errors import NotFound
from core.tables import Interview
from ingest.ports import NoParticipationLog
from ingest.schemas import InterviewOut
from tests.pages.world import NOON, World, example_interview

JANA = {"name": "Jana", "email": "Jana@Bakery.example"}
STRANGER = {"name": "Jana Malá", "email": "j.mala@elsewhere.example"}
RECORDED = NOON - timedelta(days=3)


def send(world: World, **fields: Any) -> InterviewOut:
    given = {"external_id": "talk-1", "recorded_at": RECORDED, "participants": [JANA, STRANGER], **fields}
    return world.services.ingest.add_interview(example_interview(**given), "crm", "crm")


def recorded(world: World) -> list[TouchpointOut]:
    return [one for one in world.services.registry.timeline(world.contact_id) if one.source == "interview"]


def live(world: World) -> list[TouchpointOut]:
    return [one for one in recorded(world) if one.status != "voided"]


def test_a_participant_whose_address_is_known_was_contacted_when_the_interview_took_place(world: World) -> None:
    interview = send(world)
    (touchpoint,) = recorded(world)
    assert (touchpoint.status, touchpoint.at, touchpoint.purpose) == ("completed", RECORDED, "interview")
    assert interview.id not in touchpoint.model_dump_json(), "the interview may be in a restricted project"
    assert touchpoint.team == "research"
    with pytest.raises(NotFound):
        world.services.registry.contact_by_email(STRANGER["email"])


def test_the_team_named_like_the_project_held_the_interview(world: World) -> None:
    with world.services.database.write() as session:
        directory.put_team(session, "mail", "Mail team", NOON)
    send(world)
    assert recorded(world)[0].team == "mail"


def test_the_team_that_the_interview_names_held_it(world: World) -> None:
    send(world, team="sales")
    assert recorded(world)[0].team == "sales"


def test_sending_the_interview_again_records_nothing_twice(world: World) -> None:
    send(world)
    before = recorded(world)
    send(world)
    send(world, segments=[{"text": "Another text."}])
    assert recorded(world) == before


def test_a_changed_date_moves_the_touchpoint(world: World) -> None:
    send(world)
    send(world, recorded_at=RECORDED - timedelta(days=1))
    assert [one.at for one in recorded(world)] == [RECORDED - timedelta(days=1)]


def test_nothing_is_recorded_without_a_date_or_for_a_date_ahead(world: World) -> None:
    send(world)
    send(world, recorded_at=None)
    assert live(world) == []
    send(world, recorded_at=NOON + timedelta(days=1))
    assert live(world) == []
    send(world)
    assert len(live(world)) == len(recorded(world)) == 1


def test_who_did_not_take_part_after_all_is_not_on_record(world: World) -> None:
    send(world)
    send(world, participants=[STRANGER])
    assert [one.status for one in recorded(world)] == ["voided"]


def test_deleting_the_interview_voids_its_touchpoints(world: World) -> None:
    interview = send(world)
    world.services.ingest.delete(interview.id, "crm")
    assert [one.status for one in recorded(world)] == ["voided"]


def test_nothing_stays_when_the_interview_goes_while_it_is_being_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = world.services
    interview = send(world, recorded_at=None)
    with services.database.write() as session:
        row = session.get(Interview, interview.id)
        assert row is not None
        row.recorded_at = RECORDED
    record = services.registry.record

    def record_late(*arguments: Any) -> TouchpointOut:
        services.ingest.delete(interview.id, "crm")
        return record(*arguments)

    monkeypatch.setattr(type(services.registry), "record", lambda _, *arguments: record_late(*arguments))
    services.participation.settle(interview.id)
    assert [one.status for one in recorded(world)] == ["voided"]


@pytest.mark.parametrize("outcome", ["voided", "no_show"])
def test_what_a_person_said_of_it_stays_when_the_interview_is_sent_again(world: World, outcome: str) -> None:
    send(world)
    world.services.registry.set_outcome(recorded(world)[0].id, outcome, SYSTEM)
    send(world)
    assert [one.status for one in recorded(world)] == [outcome]


def test_two_addresses_of_one_person_are_one_touchpoint_after_a_merge_too(world: World) -> None:
    other = world.services.registry.add_contact(ContactIn(emails=[STRANGER["email"]]), SYSTEM)
    send(world)
    world.services.registry.merging.merge(world.contact_id, other.id, SYSTEM)
    send(world)
    assert len(recorded(world)) == 2
    assert len(live(world)) == 1


@pytest.mark.parametrize(("channel", "count"), [("video_call", 0), ("email", 1)])
def test_a_conversation_that_a_team_has_on_record_is_not_counted_twice(world: World, channel: str, count: int) -> None:
    at = RECORDED + timedelta(hours=2)
    noted = TouchpointIn(
        contact=world.contact_id, at=at, team="research", channel=channel, purpose="interview", status="completed"
    )
    world.services.registry.record(noted, SYSTEM)
    send(world)
    assert len(live(world)) == count


def test_an_erased_person_does_not_come_back(world: World) -> None:
    send(world)
    world.services.registry.erasure.erase(world.contact_id, EraseIn(), SYSTEM)
    interview = send(world)
    with pytest.raises(NotFound):
        world.services.registry.contact_by_email(JANA["email"])
    assert world.services.registry.facts.of_source("interview", interview.id) == []


def test_an_erased_person_leaves_the_lists_of_those_who_took_part(api: TestClient, world: World) -> None:
    interview = send(world, participants=[JANA, STRANGER])
    assert api.post(f"/api/v1/contacts/{world.contact_id}/erase", json={}).status_code == 200
    people = api.get(f"/api/v1/interviews/{interview.id}").json()["participants"]
    assert [(person["name"], person["email"]) for person in people] == [
        (ERASED_NAME, None),
        (STRANGER["name"], STRANGER["email"]),
    ]
    assert api.post(f"/api/v1/contacts/{world.contact_id}/erase", json={}).status_code == 200


def test_nothing_is_told_before_the_interview_is_ready(idle_world: World) -> None:
    send(idle_world)
    assert recorded(idle_world) == []


def test_programs_see_who_took_part_and_whom_to_link(api: TestClient, world: World) -> None:
    interview = send(world, participants=[JANA, STRANGER, "Jana Malá"])
    items = api.get(f"/api/v1/interviews/{interview.id}/participants").json()["items"]
    assert [item["contact"] for item in items] == [world.contact_id, None, None]
    assert [item["touchpoint"] for item in items] == [recorded(world)[0].id, None, None]
    assert [link.email for link in world.services.participation.unlinked(interview.id)] == [STRANGER["email"], None]
    assert api.get("/api/v1/interviews/int_none/participants").json()["code"] == "unknown_interview"


def test_an_ingest_of_its_own_tells_nobody() -> None:
    nobody = NoParticipationLog()
    nobody.settle("int_1")
    nobody.forget("int_1")
