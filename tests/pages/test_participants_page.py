"""Saying on the interview's page who a participant is: same name offered, search, somebody new, taking it back."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import ContactIn
from tests.pages.world import NOON, PageText, World, example_interview, token_on

NAMED = "Jana Malá"


@pytest.fixture
def interview(world: World) -> str:
    people = [NAMED, {"name": "Eva Nová", "email": "eva@elsewhere.example", "role": "baker"}]
    sent = example_interview(external_id="talk", recorded_at=NOON - timedelta(days=2), participants=people)
    return world.services.ingest.add_interview(sent, "crm", "crm").id


def choose(client: TestClient, interview: str, ordinal: int, contact: str, name: str) -> Any:
    path = f"/interviews/{interview}/participants/{ordinal}"
    form = {"contact": contact, "name": name, "csrf_token": token_on(client, f"/interviews/{interview}")}
    return client.post(f"{path}/contact", data=form)


def test_the_interview_offers_people_of_the_same_name_and_links_the_one_that_is_confirmed(
    world: World, interview: str
) -> None:
    client = world.member()
    page = PageText(client.get(f"/interviews/{interview}").text)
    assert "Perhaps Jana Malá ?" in page.text
    assert "It is them" in page.text
    assert choose(client, interview, 0, world.contact_id, NAMED).headers["location"].endswith("#participants")
    page = PageText(client.get(f"/interviews/{interview}").text)
    assert "Perhaps" not in page.text
    assert "contact recorded" in page.text
    assert ("a", {"href": f"/contacts/{world.contact_id}"}) in page.elements
    assert "Took place" in PageText(client.get(f"/contacts/{world.contact_id}").text).text


def test_somebody_on_file_is_found_by_name_or_address_without_either_standing_in_an_address(
    world: World, interview: str
) -> None:
    client = world.member()
    path = f"/interviews/{interview}/participants/1"
    token = token_on(client, path)
    for query in ("jana@bakery.example", "Malá"):
        answer = client.post(f"{path}/find", data={"query": query, "csrf_token": token})
        assert answer.status_code == 200
        assert f'value="{world.contact_id}"' in answer.text
    nobody = PageText(client.post(f"{path}/find", data={"query": "Zoltán", "csrf_token": token}).text)
    assert "Nobody of this name or address is on file." in nobody.text
    forms = [attrs for tag, attrs in PageText(client.get(path).text).elements if tag == "form"]
    assert all(attrs.get("method") == "post" for attrs in forms)


def test_somebody_new_is_put_on_file_and_linked(world: World, interview: str) -> None:
    client = world.member()
    assert choose(client, interview, 1, "new", "Eva Nová").status_code == 303
    made = world.services.registry.contact_by_email("eva@elsewhere.example")
    assert made.name == "Eva Nová"
    assert world.services.participation.participants(interview)[1].contact == made.id


def test_a_link_is_taken_back(world: World, interview: str) -> None:
    client = world.member()
    choose(client, interview, 0, world.contact_id, NAMED)
    assert "Take the link back" in client.get(f"/interviews/{interview}/participants/0").text
    assert choose(client, interview, 0, "", NAMED).status_code == 303
    assert world.services.participation.participants(interview)[0].contact is None


def test_a_participant_who_changed_meanwhile_is_not_linked_and_the_page_says_so(world: World, interview: str) -> None:
    client = world.member()
    answer = choose(client, interview, 0, world.contact_id, "Somebody else")
    page = PageText(answer.text)
    assert answer.status_code == 409
    assert any(attrs.get("role") == "alert" for _, attrs in page.elements)
    assert world.services.participation.participants(interview)[0].contact is None


def test_an_address_match_is_shown_as_one(world: World, interview: str) -> None:
    world.services.registry.add_contact(ContactIn(name="Eva N.", emails=["eva@elsewhere.example"]), SYSTEM)
    page = PageText(world.member().get(f"/interviews/{interview}").text)
    assert "Eva N. by address" in page.text


def test_who_is_no_participant_has_no_page(world: World, interview: str) -> None:
    client = world.member()
    assert client.get(f"/interviews/{interview}/participants/9").status_code == 404
    assert client.get("/interviews/int_none/participants/0").status_code == 404
