"""Stopping contacts, seeing who is stopped without any address, and lifting a stop with evidence."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from contact_registry.actor import SYSTEM
from contact_registry.schemas import QuestionIn
from contact_registry.schemas_people import AccountIn, ContactIn, EraseIn
from tests.pages.world import PageText, World, token_on

STOPS = "/contacts/stops"


def stop(client: TestClient, who: str, kind: str = "email", **form: str) -> Response:
    data = {"csrf_token": token_on(client, STOPS), "kind": kind, "who": who, "source": "opt_out", **form}
    answer: Response = client.post(STOPS, data=data)
    return answer


def badge_of(world: World, email: str = "jana@bakery.example") -> str:
    asked = QuestionIn(email=email, team="research", channel="email", purpose="interview")
    return world.services.registry.check(asked, SYSTEM).badge


def lift(client: TestClient, stop_id: str, evidence: str) -> Response:
    form = {"csrf_token": token_on(client, STOPS), "evidence": evidence}
    answer: Response = client.post(f"{STOPS}/{stop_id}/lift", data=form)
    return answer


def test_an_address_is_stopped_and_never_shown(world: World) -> None:
    client = world.member()
    assert "Nobody is stopped" in PageText(client.get(STOPS).text).text
    answer = stop(client, "jana@bakery.example")
    assert answer.status_code == 303
    assert "@" not in answer.headers["location"]
    assert badge_of(world) == "do_not_contact"
    page = PageText(client.get(STOPS).text)
    assert "An address, kept unreadable" in page.text
    assert "They asked for it" in page.text
    assert "jana@" not in client.get(STOPS).text


def test_a_domain_is_stopped_until_a_day(world: World) -> None:
    client = world.member()
    assert stop(client, "bakery.example", "domain", until="2026-12-24").status_code == 303
    assert badge_of(world) == "do_not_contact"
    page = PageText(client.get(STOPS).text)
    assert "Everybody at bakery.example" in page.text
    assert "until 24 Dec 2026, 00:00" in page.text


def test_a_person_on_file_is_stopped_by_name(world: World) -> None:
    client = world.member()
    assert stop(client, "Jana Malá", "contact").status_code == 303
    assert badge_of(world) == "do_not_contact"
    assert ("a", {"href": f"/contacts/{world.contact_id}"}) in PageText(client.get(STOPS).text).elements


def test_a_company_is_stopped_with_everybody_in_it(world: World) -> None:
    registry = world.services.registry
    account = registry.add_account(AccountIn(name="Mill"), SYSTEM).id
    registry.add_contact(ContactIn(emails=["m@mill.example"], account=account), SYSTEM)
    client = world.member()
    assert stop(client, "Mill", "account").status_code == 303
    assert badge_of(world, "m@mill.example") == "do_not_contact"
    assert "Everybody at Mill" in PageText(client.get(STOPS).text).text


@pytest.mark.parametrize(
    ("kind", "who", "more"),
    [
        ("email", "", {}),
        ("email", "not an address", {}),
        ("domain", "nowhere", {}),
        ("contact", "Zoltán", {}),
        ("account", "No such company", {}),
        ("team", "sales", {}),
        ("email", "a@mill.example", {"source": "whim"}),
        ("email", "a@mill.example", {"until": "soon"}),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused_in_words_and_stays_in_the_form(
    member: TestClient, kind: str, who: str, more: dict[str, str]
) -> None:
    answer = stop(member, who, kind, **more)
    page = PageText(answer.text)
    assert answer.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in page.elements)
    assert next(attrs["value"] for _, attrs in page.elements if attrs.get("name") == "who") == who


def test_a_name_that_several_people_share_is_not_guessed(world: World) -> None:
    world.services.registry.add_contact(ContactIn(name="Jana Malá", emails=["j@mill.example"]), SYSTEM)
    answer = stop(world.member(), "Jana Malá", "contact")
    assert answer.status_code == 422
    assert "2 names on file match" in answer.text


def test_a_stop_is_lifted_with_evidence_and_stays_on_record(world: World) -> None:
    client = world.member()
    stop_id = stop(client, "jana@bakery.example").headers["location"].partition("#")[2]
    assert lift(client, stop_id, "because").status_code == 422
    assert badge_of(world) == "do_not_contact"
    assert lift(client, stop_id, "Signed up again herself on 3 May.").status_code == 303
    assert badge_of(world) != "do_not_contact"
    assert "Nobody is stopped" in PageText(client.get(STOPS).text).text
    assert "lifted 12 May 2026" in PageText(client.get(f"{STOPS}?lifted=true").text).text


def test_the_stop_of_an_erased_person_cannot_be_lifted(world: World) -> None:
    world.services.registry.erasure.erase(world.contact_id, EraseIn(), SYSTEM)
    client = world.member()
    html = client.get(STOPS).text
    assert "They were erased" in html
    assert "/lift" not in html


def test_a_stop_that_is_not_there_cannot_be_lifted_and_the_page_says_so(member: TestClient) -> None:
    assert lift(member, "sup_none", "Signed up again herself.").status_code == 404


def test_many_stops_are_read_page_by_page(world: World) -> None:
    client = world.member()
    for number in range(101):
        stop(client, f"d{number}.example", "domain")
    page = PageText(client.get(STOPS).text)
    older = next(str(attrs["href"]) for _, attrs in page.elements if "cursor=" in (attrs.get("href") or ""))
    assert "Everybody at d0.example" in PageText(client.get(older).text).text
