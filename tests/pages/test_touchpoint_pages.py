"""Confirming, holding longer, moving and telling how it ended; passing over a rule with a reason; many at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.permissions import Role
from app.access.users import NewUser
from app.pages.many_reservations import spread_over
from app.pages.touchpoints import actions_of
from contact_registry.actor import SYSTEM
from contact_registry.schemas import ReserveIn, TouchpointIn, TouchpointOut
from contact_registry.schemas_people import AccountIn, ContactIn, SuppressionIn
from core.clock import SettableClock
from tests.pages.world import NOON, PageText, World, token_on

LATER = NOON + timedelta(days=69)
ASKED = {"team": "research", "purpose": "interview", "channel": "email"}


def clock(world: World) -> SettableClock:
    assert isinstance(world.services.clock, SettableClock)
    return world.services.clock


def reserved(world: World) -> TouchpointOut:
    sent = ReserveIn(contact=world.contact_id, at=LATER, team="sales", purpose="sales_call", channel="phone")
    return world.services.registry.reserve(sent, SYSTEM)


def planned(world: World) -> TouchpointOut:
    return world.services.registry.confirm(reserved(world).id, SYSTEM)


def post(client: TestClient, path: str, **fields: Any) -> Any:
    return client.post(path, data={**fields, "csrf_token": token_on(client, "/contacts")})


def status_of(world: World, touch: TouchpointOut) -> str:
    return world.services.registry.get_touchpoint(touch.id).status


@pytest.mark.parametrize("outcome", ["completed", "no_show", "cancelled", "voided"])
def test_how_it_ended_is_told_from_the_timeline(world: World, outcome: str) -> None:
    client, touch = world.member(), planned(world)
    clock(world).set(LATER + timedelta(hours=1))
    client = world.member()
    html = client.get(f"/contacts/{world.contact_id}").text
    assert f'action="/contacts/touchpoints/{touch.id}/outcome"' in html
    assert f'name="outcome" value="{outcome}"' in html
    done = post(client, f"/contacts/touchpoints/{touch.id}/outcome", outcome=outcome, revision=touch.revision)
    assert done.headers["location"] == f"/contacts/{world.contact_id}#{touch.id}"
    assert status_of(world, touch) == outcome


def test_what_has_not_begun_is_not_offered_as_having_taken_place(world: World) -> None:
    touch = planned(world)
    assert actions_of(touch, NOON) == ["move", "cancelled", "voided"]
    refused = post(world.member(), f"/contacts/touchpoints/{touch.id}/outcome", outcome="completed")
    assert refused.status_code == 422
    assert "has not begun" in PageText(refused.text).text


def test_a_booking_is_moved_and_one_that_changed_meanwhile_is_shown_first(world: World) -> None:
    client, touch = world.member(), planned(world)
    path = f"/contacts/touchpoints/{touch.id}/move"
    assert post(client, path, at="2026-08-03T10:00", revision=touch.revision).status_code == 303
    assert world.services.registry.get_touchpoint(touch.id).at.isoformat().startswith("2026-08-03T08:00")
    stale = post(client, path, at="2026-08-04T10:00", revision=touch.revision)
    assert stale.status_code == 412
    assert "how it stands now" in stale.text
    assert "3 Aug 2026, 10:00" in PageText(stale.text).text
    unreadable = post(client, path, at="soon")
    assert unreadable.status_code == 422


def test_a_refused_time_says_why_and_may_be_insisted_on_with_a_reason(world: World) -> None:
    client, touch = world.member(), planned(world)
    other = TouchpointIn(
        contact=world.contact_id, at=LATER + timedelta(days=40), team="research", channel="email", purpose="interview"
    )
    world.services.registry.book(other, SYSTEM)
    path, wanted = f"/contacts/touchpoints/{touch.id}/move", "2026-08-25T10:00"
    refused = post(client, path, at=wanted, revision=touch.revision)
    assert refused.status_code == 409
    assert "Next possible" in PageText(refused.text).text
    refs = re.findall(r'name="refs" value="([^"]+)"', refused.text)
    assert refs
    hollow = post(client, path, at=wanted, refs=refs, reason="because")
    assert hollow.status_code == 422
    assert post(client, path, at=wanted, refs=refs, reason="The customer asked for that week.").status_code == 303
    assert world.services.registry.get_touchpoint(touch.id).overridden == refs
    assert "Rules passed over" in client.get(f"/contacts/touchpoints/{touch.id}").text


def test_a_hold_is_held_longer_but_never_beyond_three_days(world: World) -> None:
    client, touch = world.member(), reserved(world)
    path = f"/contacts/touchpoints/{touch.id}/extend"
    assert post(client, path, ttl="PT4H").headers["location"] == f"/reservations#{touch.id}"
    assert world.services.registry.get_touchpoint(touch.id).expires_at == NOON + timedelta(hours=4)
    clock(world).advance(3 * 3_600_000)
    post(client, path, ttl="PT72H")
    assert world.services.registry.get_touchpoint(touch.id).expires_at == NOON + timedelta(hours=72)
    refused = post(client, path, ttl="PT1H")
    assert refused.status_code == 409
    assert "as long as it may be" in refused.text
    clock(world).set(NOON + timedelta(hours=73))
    lapsed = post(world.member(), path, ttl="PT1H")
    assert lapsed.status_code == 409
    assert "lapsed" in lapsed.text


def test_a_hold_is_counted_down_on_the_profile_and_on_its_own_page(world: World) -> None:
    client, touch = world.member(), reserved(world)
    for path in (f"/contacts/{world.contact_id}", f"/contacts/touchpoints/{touch.id}", "/reservations"):
        assert f'<es-countdown class="countdown" until="{(NOON + timedelta(minutes=15)).isoformat()}"' in (
            client.get(path).text
        )
    assert client.get("/contacts/touchpoints/tp_none").status_code == 404


def test_an_administrator_passes_over_a_rule_with_a_reason(world: World) -> None:
    client = world.member()
    asked = {**ASKED, "who": "jana@bakery.example", "at": ""}
    page = post(client, "/contacts", **asked)
    refs = re.findall(r'name="refs" value="([^"]+)"', page.text)
    assert "Reserve all the same" in page.text
    hollow = post(client, "/reservations", **ASKED, contact=world.contact_id, refs=refs, reason="no")
    assert hollow.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(hollow.text).elements)
    reason = "She wrote to us and asked for a call today."
    assert post(client, "/reservations", **ASKED, contact=world.contact_id, refs=refs, reason=reason).status_code == 303
    assert world.services.registry.list_reservations()[0].overridden == refs


def test_nobody_passes_over_what_a_person_asked_for(world: World) -> None:
    stop = SuppressionIn.model_validate({"subject": {"contact": world.contact_id}, "source": "opt_out"})
    world.services.registry.stops.suppress(stop, SYSTEM)
    page = post(world.member(), "/contacts", **ASKED, who="jana@bakery.example")
    assert "Do not contact" in page.text
    assert "Reserve all the same" not in page.text


def test_the_ticked_people_of_a_list_are_reserved_once_each_with_its_outcome(world: World) -> None:
    client = world.member()
    listed = post(
        client, "/contacts", **ASKED, who="jana@bakery.example\nnew@elsewhere.example\nalso@elsewhere.example"
    )
    key = re.findall(r'name="key" value="([^"]+)"', listed.text)[0]
    ticked = re.findall(r'name="person" value="([^"]+)" checked', listed.text)
    assert ticked == ["new@elsewhere.example", "also@elsewhere.example"]
    form = {**ASKED, "person": [*ticked, world.contact_id], "ttl": "PT1H", "key": key}
    answer = post(client, "/reservations/many", **form)
    page = PageText(answer.text)
    assert "2 of 3 people reserved" in page.text
    assert "Cooling down" in page.text
    assert len(world.services.registry.list_reservations()) == 2
    again = PageText(post(client, "/reservations/many", **form).text)
    assert "2 of 3 people reserved" in again.text
    assert len(world.services.registry.list_reservations()) == 2
    nobody = post(client, "/reservations/many", **ASKED)
    assert nobody.status_code == 422
    assert "tick at least one" in nobody.text


def test_who_lost_a_race_is_told_whom_to_ask_instead(world: World) -> None:
    registry = world.services.registry
    account = registry.add_account(AccountIn(name="Mill"), SYSTEM).id
    first = registry.add_contact(ContactIn(name="Ann", emails=["ann@mill.example"], account=account), SYSTEM).id
    registry.add_contact(ContactIn(name="Bert", emails=["bert@mill.example"], account=account), SYSTEM)
    held = ReserveIn(contact=first, at=LATER, team="sales", purpose="sales_call", channel="phone")
    registry.reserve(held, SYSTEM)
    answer = post(world.member(), "/reservations", **ASKED, contact=first, at="2026-07-20T10:00")
    assert answer.status_code == 409
    assert "Instead you could ask: Bert" in PageText(answer.text).text


def test_the_date_goes_into_peoples_own_calendar(world: World) -> None:
    client = world.member()
    page = client.get(f"/contacts/{world.contact_id}?team=research&purpose=interview&channel=email").text
    link = re.findall(r'href="(/contacts/[^"]+reminder.ics[^"]+)"', page)[0].replace("&amp;", "&")
    body = client.get(link)
    assert body.headers["content-type"].startswith("text/calendar")
    assert "DTSTART:20260601T120000Z\r\n" in body.text
    assert "Jana Malá" in body.text.replace("\r\n ", "")
    assert all(len(line.encode()) <= 75 for line in body.text.split("\r\n"))
    assert client.get(f"/contacts/{world.contact_id}/reminder.ics?at=soon").status_code == 422


def test_who_is_in_the_way_is_named_with_the_people_of_that_team(world: World) -> None:
    users = world.services.access.users
    users.invite(NewUser(name="Petra Nová", email="petra@us.example", role=Role.MEMBER, teams=("sales",)), SYSTEM.id)
    page = post(world.member(), "/contacts", **ASKED, who="jana@bakery.example")
    assert "Ask Sales: Petra Nová" in PageText(page.text).text


def test_badges_stand_in_every_list_of_people(world: World) -> None:
    client = world.member()
    assert "Cooling down" in PageText(client.get("/contacts").text).text
    assert "Cooling down" in PageText(post(client, "/contacts", **ASKED, who="Jana").text).text
    account = world.services.registry.add_account(AccountIn(name="Mill"), SYSTEM).id
    world.services.registry.add_contact(ContactIn(name="Bert", account=account), SYSTEM)
    assert "Eligible" in PageText(client.get(f"/contacts/accounts/{account}").text).text


def test_suspected_duplicates_are_merged_by_somebody_who_says_so(world: World) -> None:
    registry = world.services.registry
    twin = registry.add_contact(ContactIn(name="J. Malá", emails=["jana+news@bakery.example"]), SYSTEM).id
    client = world.member()
    assert "Perhaps the same person" in client.get(f"/contacts/{world.contact_id}").text
    done = post(client, f"/contacts/{world.contact_id}/merge", source=twin)
    assert done.headers["location"] == f"/contacts/{world.contact_id}"
    assert registry.get_contact(twin).id == world.contact_id


def test_people_are_spread_over_companies_in_the_order_of_the_file() -> None:
    rows = [(0, "a"), (1, "a"), (2, "b"), (3, None), (4, None), (5, "a"), (6, "b")]
    assert spread_over(rows, 4) == [0, 2, 3, 4]
    assert spread_over(rows, 6) == [0, 2, 3, 4, 1, 6]
    assert spread_over(rows, 99) == [0, 2, 3, 4, 1, 6, 5]
