"""Putting people and companies on file by hand, and changing them."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.access.permissions import Role
from app.access.tables import User
from app.cookies import SESSION
from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import AccountIn, ContactChange
from tests.pages.world import NOON, PageText, World, token_on

NEW, COMPANY = "/contacts/new", "/contacts/accounts/new"


def send(client: TestClient, path: str, **form: str) -> Response:
    answer: Response = client.post(path, data={"csrf_token": token_on(client, path), **form})
    return answer


def filled(client: TestClient, path: str) -> dict[str, str]:
    """Return the form of the page as a browser would send it back."""
    page = PageText(client.get(path).text)
    found = {str(a["name"]): a.get("value") or "" for tag, a in page.elements if tag == "input" and a.get("name")}
    return {name: value for name, value in found.items() if name not in ("adds_company", "csrf_token")}


def test_a_person_is_added_with_everything_and_their_company(world: World) -> None:
    client = world.member()
    form = {
        "name": "Eva Nová",
        "emails": "eva@mill.example\neva.nova@mill.example\n",
        "phones": "+420 123 456 789",
        "company": "Mill",
        "tz": "Europe/Prague",
        "segments": "vip, beta",
    }
    refused = send(client, NEW, **form)
    assert refused.status_code == 422
    assert "There is no company of this name" in PageText(refused.text).text
    assert "eva.nova@mill.example" in refused.text, "what was typed stays"
    added = send(client, NEW, **form, adds_company="yes")
    assert added.status_code == 303
    contact = world.services.registry.get_contact(added.headers["location"].rpartition("/")[2])
    assert (contact.name, contact.account_name, contact.tz) == ("Eva Nová", "Mill", "Europe/Prague")
    assert (len(contact.emails), len(contact.phones), contact.segments) == (2, 1, ["beta", "vip"])
    again = send(client, NEW, name="Ota", company="mill")
    ota = world.services.registry.get_contact(again.headers["location"].rpartition("/")[2])
    assert ota.account == contact.account, "the company is known by its name by now"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Give a name, an e-mail address or a phone number."),
        ({"emails": "good@mill.example\nbad"}, "Number 2 of the e-mail addresses: This is not an e-mail address."),
        ({"name": "x", "phones": "12"}, "not an international phone number"),
        ({"name": "x", "tz": "Mars/Base"}, "no IANA time zone"),
        ({"emails": "JANA@bakery.example"}, "belongs to contact"),
        ({"name": "x", "segments": "s" * 65}, "“segments.0” is not as expected"),
    ],
)
def test_what_is_wrong_is_said_in_the_registrys_own_words(member: TestClient, form: dict[str, str], said: str) -> None:
    refused = send(member, NEW, **form)
    assert refused.status_code in (409, 422)
    assert said in PageText(refused.text).text
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(refused.text).elements)


def test_whose_address_it_is_can_be_looked_at(member: TestClient, shared_world: World) -> None:
    page = PageText(send(member, NEW, emails="jana@bakery.example").text)
    assert ("a", {"href": f"/contacts/{shared_world.contact_id}"}) in page.elements


def test_a_person_is_changed_and_what_was_left_stays(world: World) -> None:
    registry, client = world.services.registry, world.member()
    account = registry.add_account(AccountIn(name="Bakery"), SYSTEM)
    registry.change_contact(world.contact_id, ContactChange(account=account.id, segments=["vip"]), SYSTEM)
    path = f"/contacts/{world.contact_id}/edit"
    changed = send(client, path, **filled(client, path) | {"name": "Jana Velká", "emails": "jana@bakery.example"})
    assert changed.headers["location"] == f"/contacts/{world.contact_id}"
    contact = registry.get_contact(world.contact_id)
    assert (contact.name, contact.account, contact.segments) == ("Jana Velká", account.id, ["vip"])
    assert contact.emails == ["jana@bakery.example"]
    cleared = {"name": "Jana", "company": "", "segments": "", "emails": ""}
    assert send(client, path, **filled(client, path) | cleared).status_code == 303
    contact = registry.get_contact(world.contact_id)
    assert (contact.account, contact.segments, contact.emails) == (None, [], [])


def test_of_two_who_change_a_person_the_second_is_told(world: World) -> None:
    client, path = world.member(), f"/contacts/{world.contact_id}/edit"
    old = filled(client, path)
    world.services.clock.advance(1000)  # type: ignore[attr-defined]
    assert send(client, path, **old | {"name": "First"}).status_code == 303
    refused = send(client, path, **old | {"name": "Second"})
    assert refused.status_code == 409
    assert "Somebody changed this person meanwhile" in refused.text
    assert world.services.registry.get_contact(world.contact_id).name == "First"


def test_companies_of_one_name_are_not_guessed(world: World) -> None:
    registry, client = world.services.registry, world.member()
    first, _ = (registry.add_account(AccountIn(name="Bakery"), SYSTEM) for _ in range(2))
    assert "There are 2 companies of this name" in send(client, NEW, name="x", company="Bakery").text
    registry.change_contact(world.contact_id, ContactChange(account=first.id), SYSTEM)
    path = f"/contacts/{world.contact_id}/edit"
    assert send(client, path, **filled(client, path)).status_code == 303, "whose company it is already is known"


def test_a_company_is_added_and_changed(world: World) -> None:
    client = world.member()
    added = send(client, COMPANY, name="Mill", tz="Europe/Prague")
    where = added.headers["location"]
    assert "Europe/Prague" in PageText(client.get(where).text).text
    assert send(client, f"{where}/edit", name="Mill Ltd").headers["location"] == where
    assert "Mill Ltd" in PageText(client.get(where).text).text
    assert "no IANA time zone" in send(client, COMPANY, name="x", tz="Mars/Base").text
    assert "Give the company a name." in send(client, COMPANY, name=" ").text


def test_viewers_are_offered_no_forms(world: World) -> None:
    with world.services.database.write() as session:
        session.add(User(id="usr_viewer", name="Vera", role=Role.VIEWER, created_at=NOON))
    viewer = world.visitor()
    viewer.cookies.set(SESSION, world.services.access.sessions.begin("usr_viewer"))
    member = world.member()
    offers = {"/contacts": NEW, "/contacts/accounts": COMPANY, f"/contacts/{world.contact_id}": "/edit"}
    for path, offer in offers.items():
        assert f'{offer}"' in member.get(path).text
        assert f'{offer}"' not in viewer.get(path).text
    for path in (NEW, COMPANY, f"/contacts/{world.contact_id}/edit"):
        assert viewer.get(path).status_code == 403
