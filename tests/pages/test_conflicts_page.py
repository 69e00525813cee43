"""The inbox of bookings in conflict: what caused them, which rules refuse them, and calling one off."""

from datetime import timedelta

from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointIn
from contact_registry.schemas_people import SubjectIn, SuppressionIn
from contact_registry.schemas_rules import ActivateIn, DraftIn
from tests.pages.world import NOON, PageText, World, token_on

CONFLICTS = "/contacts/conflicts"


def book(world: World) -> str:
    """Book a call in July and return its id."""
    sent = TouchpointIn(
        contact=world.contact_id, at=NOON + timedelta(days=60), team="sales", channel="phone", purpose="sales_call"
    )
    return world.services.registry.book(sent, SYSTEM).id


def tighten(world: World) -> None:
    gap = {"id": "gap99", "name": "99 quiet days", "kind": "min_gap", "gap": "P99D"}
    world.services.registry.rules.put_draft(DraftIn(policies=[gap]), SYSTEM)
    world.services.registry.rules.activate(ActivateIn(), SYSTEM)


def opt_out(world: World) -> None:
    sent = SuppressionIn(subject=SubjectIn(contact=world.contact_id), source="opt_out")
    world.services.registry.stops.suppress(sent, SYSTEM)


def test_without_conflicts_the_page_says_what_would_appear(world: World) -> None:
    book(world)
    assert "No booking is in conflict" in PageText(world.member().get(CONFLICTS).text).text


def test_a_change_of_rules_lists_the_bookings_it_refuses_with_the_rule(world: World) -> None:
    book(world)
    tighten(world)
    page = PageText(world.member().get(CONFLICTS).text)
    assert "1 booking in conflict." in page.text
    assert "The rules were changed." in page.text
    assert "Refused by: 99 quiet days." in page.text
    assert ("a", {"href": f"/contacts/{world.contact_id}"}) in page.elements
    assert "Sales · sales call · phone" in page.text


def test_a_booking_that_two_changes_hit_is_listed_once(world: World) -> None:
    book(world)
    tighten(world)
    opt_out(world)
    page = PageText(world.member().get(CONFLICTS).text)
    assert "1 booking in conflict." in page.text
    assert "The person is not to be contacted any more." in page.text
    assert "The rules were changed." in page.text
    assert "Do not contact" in page.text


def test_a_contact_entered_afterwards_is_named_as_the_cause(world: World) -> None:
    book(world)
    sent = TouchpointIn(
        contact=world.contact_id, at=NOON, team="research", channel="email", purpose="survey", status="completed"
    )
    for days in range(2):
        world.services.registry.record(sent.model_copy(update={"at": NOON - timedelta(days=days)}), SYSTEM)
    page = PageText(world.member().get(CONFLICTS).text)
    assert "Another contact was entered after it." in page.text


def test_a_booking_is_called_off_and_leaves_the_list(world: World) -> None:
    client = world.member()
    booking = book(world)
    tighten(world)
    answer = client.post(f"{CONFLICTS}/{booking}/cancel", data={"csrf_token": token_on(client, CONFLICTS)})
    assert answer.status_code == 303
    assert world.services.registry.get_touchpoint(booking).status == "cancelled"
    assert "No booking is in conflict" in PageText(client.get(CONFLICTS).text).text


def test_a_booking_that_is_gone_cannot_be_called_off_and_the_page_says_so(world: World) -> None:
    client = world.member()
    answer = client.post(f"{CONFLICTS}/tp_none/cancel", data={"csrf_token": token_on(client, CONFLICTS)})
    assert answer.status_code == 404
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(answer.text).elements)
