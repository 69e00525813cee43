"""Asking before contacting, reserving, losing a race, and what a team did when."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.pages.contact_form import ContactForm, instant_of
from contact_registry.actor import SYSTEM
from contact_registry.schemas import ReserveIn, TouchpointOut
from contact_registry.schemas_people import AccountIn, ContactChange, ContactIn
from core.clock import SettableClock
from tests.pages.world import NOON, PageText, World, token_on

ASKED = {"team": "research", "purpose": "interview", "channel": "email"}
LATER = "2026-07-20T10:00"


def ask(client: TestClient, who: str, at: str = "", **changed: str) -> PageText:
    form = {**ASKED, "who": who, "at": at, "csrf_token": token_on(client, "/contacts"), **changed}
    answer = client.post("/contacts", data=form)
    assert answer.status_code == 200
    return PageText(answer.text)


def reserve(world: World, team: str = "sales", email: str = "jana@bakery.example") -> TouchpointOut:
    sent = ReserveIn(email=email, at=NOON + timedelta(days=69), team=team, purpose="sales_call", channel="phone")
    return world.services.registry.reserve(sent, SYSTEM)


def test_a_person_who_was_called_lately_is_cooling_down_and_the_page_says_until_when(member: TestClient) -> None:
    page = ask(member, "jana@bakery.example")
    assert "Cooling down" in page.text
    assert "Jana Malá" in page.text
    assert "1 Jun 2026" in page.text  # thirty days after the call of 2 May
    assert "Sales" in page.text
    assert "Cooling down" in page.title


def test_now_lies_a_minute_ahead_for_the_clock_goes_on_while_the_registry_is_asked() -> None:
    asked = instant_of(ContactForm(), SettableClock(NOON), ZoneInfo("UTC"))
    assert asked - NOON == timedelta(minutes=1)


def test_a_person_whose_time_has_come_may_be_contacted(member: TestClient) -> None:
    page = ask(member, "jana@bakery.example", LATER)
    assert "Eligible" in page.text
    assert "Reserve this person" in page.text


def test_somebody_who_is_not_on_file_can_be_reserved_by_address(world: World) -> None:
    client = world.member()
    page = ask(client, "new@elsewhere.example")
    assert "Unknown person" in page.text
    form = {**ASKED, "who": "new@elsewhere.example", "at": "", "csrf_token": token_on(client, "/contacts")}
    answer = client.post("/reservations", data=form)
    assert answer.status_code == 303
    assert "new@elsewhere.example" in client.get("/reservations").text


def test_an_address_never_stands_in_a_pages_address(world: World) -> None:
    client = world.member()
    form = {**ASKED, "who": "new@elsewhere.example", "at": "", "csrf_token": token_on(client, "/contacts")}
    assert "@" not in client.post("/reservations", data=form).headers["location"]
    page = PageText(client.get("/contacts").text)
    assert not [attrs for tag, attrs in page.elements if tag == "form" and attrs.get("method") != "post"]


def test_a_list_is_answered_line_by_line(member: TestClient) -> None:
    page = ask(member, "jana@bakery.example\nnew@elsewhere.example, not an address\nnobody@", LATER)
    assert "4 people, of whom 2 may be contacted" in page.text
    assert page.text.count("Not checked") == 2


def test_a_company_at_its_limit_is_counted_down_the_list(world: World) -> None:
    account = world.services.registry.add_account(AccountIn(name="Mill"), SYSTEM).id
    for number in range(7):
        sent = ContactIn(name=f"Miller {number}", emails=[f"m{number}@mill.example"], account=account)
        world.services.registry.add_contact(sent, SYSTEM)
    page = ask(world.member(), " ".join(f"m{number}@mill.example" for number in range(7)))
    assert "7 people, of whom 5 may be contacted" in page.text
    assert page.text.count("Limit reached") == 2


def test_a_name_leads_to_people_of_that_name(member: TestClient, shared_world: World) -> None:
    page = ask(member, "Jana")
    assert "Whom do you mean?" in page.text
    assert ("a", {"href": f"/contacts/{shared_world.contact_id}"}) in page.elements
    assert "Nobody of that name" in ask(member, "Zoltán").text


@pytest.mark.parametrize("changed", [{"who": ""}, {"team": "nobody"}, {"at": "soon"}, {"at": "2020-01-01T10:00"}])
def test_a_question_that_makes_no_sense_is_answered_in_words(member: TestClient, changed: dict[str, str]) -> None:
    form = {**ASKED, "who": "jana@bakery.example", "at": "", "csrf_token": token_on(member, "/contacts"), **changed}
    answer = member.post("/contacts", data=form)
    page = PageText(answer.text)
    assert answer.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in page.elements)
    assert "May we contact them?" in page.text


def test_team_purpose_and_channel_are_remembered(world: World) -> None:
    client = world.member()
    ask(client, "jana@bakery.example", team="sales", purpose="survey", channel="phone")
    chosen = [attrs["value"] for tag, attrs in PageText(client.get("/contacts").text).elements if "selected" in attrs]
    assert chosen == ["sales", "survey", "phone"]


def test_a_reservation_is_counted_down_confirmed_and_then_planned(world: World) -> None:
    client = world.member()
    form = {**ASKED, "contact": world.contact_id, "at": LATER, "csrf_token": token_on(client, "/contacts")}
    answer = client.post("/reservations", data=form)
    assert answer.status_code == 303
    html = client.get("/reservations").text
    hold = world.services.registry.list_reservations()[0]
    assert f'id="{hold.id}"' in html
    assert 'until="2026-05-12T12:15:00+00:00"' in html
    confirmed = client.post(f"/reservations/{hold.id}/confirm", data={"csrf_token": form["csrf_token"]})
    assert confirmed.headers["location"] == f"/contacts/{world.contact_id}"
    assert "Planned" in PageText(client.get(f"/contacts/{world.contact_id}").text).text


def test_a_reservation_is_released(world: World) -> None:
    client = world.member()
    hold = reserve(world)
    client.post(f"/reservations/{hold.id}/release", data={"csrf_token": token_on(client, "/reservations")})
    assert "Nobody is held" in client.get("/reservations").text


def test_losing_a_race_says_who_was_faster_and_when_is_next(world: World) -> None:
    client = world.member()
    form = {**ASKED, "contact": world.contact_id, "at": LATER, "csrf_token": token_on(client, "/contacts")}
    reserve(world)
    answer = client.post("/reservations", data=form)
    page = PageText(answer.text)
    assert answer.status_code == 409
    assert "Somebody was faster." in page.text
    assert "Sales" in page.text
    assert "Reserved" in page.text


def test_a_profile_shows_the_answer_the_timeline_and_every_touchpoint(member: TestClient, shared_world: World) -> None:
    html = member.get(f"/contacts/{shared_world.contact_id}").text
    page = PageText(html)
    assert "Jana Malá" in page.title
    assert "Took place" in page.text
    assert html.count('class="timeline-past"') == 2  # one drawn, one in the legend
    assert 'class="timeline-blocked" x="' in html


def test_a_profile_is_asked_for_another_team_and_date_by_its_address(member: TestClient, shared_world: World) -> None:
    path = f"/contacts/{shared_world.contact_id}?team=sales&purpose=sales_call&channel=phone&at={LATER}"
    assert "Eligible" in PageText(member.get(path).text).text


def test_a_hold_that_is_gone_cannot_be_confirmed_and_the_page_says_so(world: World) -> None:
    client = world.member()
    hold = reserve(world)
    token = token_on(client, "/reservations")
    world.services.registry.release(hold.id, SYSTEM)
    answer = client.post(f"/reservations/{hold.id}/confirm", data={"csrf_token": token})
    assert answer.status_code == 409
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(answer.text).elements)


def test_markup_in_a_name_stays_text(world: World) -> None:
    evil = "<script>alert(1)</script>"
    world.services.registry.change_contact(world.contact_id, ContactChange(name=evil), SYSTEM)
    client = world.member()
    for path in (f"/contacts/{world.contact_id}", "/contacts"):
        page = PageText(client.get(path).text)
        assert not [attrs for tag, attrs in page.elements if tag == "script" and "src" not in attrs]
        assert evil in page.text


def test_nobody_must_set_up_a_team_before_the_first_question(world: World) -> None:
    with world.services.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM team")
    client = world.member()
    assert client.get(f"/contacts/{world.contact_id}").status_code == 200
    assert "Research" in PageText(client.get("/contacts").text).text
    assert "Cooling down" in ask(client, "jana@bakery.example").text
    assert "Whether each may be contacted now by Research" in PageText(client.get("/contacts").text).text


def test_consent_is_noted_on_the_profile_and_never_overwritten(world: World) -> None:
    client = world.member()
    path = f"/contacts/{world.contact_id}"
    form = {"purpose": "survey", "evidence": "Said so on the phone.", "csrf_token": token_on(client, path)}
    for state in ("granted", "withdrawn"):
        assert client.post(f"{path}/consents", data={**form, "state": state}).headers["location"] == f"{path}#consents"
    text = PageText(client.get(path).text).text
    assert "Agreed" in text
    assert "Took it back" in text
    assert "on the phone" not in text  # what people wrote is for the audit of privacy, not for every team
    for wrong in ({"state": "perhaps"}, {"state": "granted", "until": "soon"}):
        assert client.post(f"{path}/consents", data={**form, **wrong}).status_code == 422


def test_an_unknown_person_on_a_list_is_told_to_be_added(member: TestClient) -> None:
    assert "Not on file; reserving adds them." in ask(member, "new@elsewhere.example\njana@bakery.example").text
