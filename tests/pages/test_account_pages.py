"""Companies on file, and one company's people and log."""

from datetime import timedelta

from fastapi.testclient import TestClient

from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointIn
from contact_registry.schemas_people import AccountIn, ContactChange, ContactIn, EraseIn
from tests.pages.world import NOON, PageText, World, token_on

ACCOUNTS = "/contacts/accounts"


def add_mill(world: World) -> tuple[str, str]:
    """Add a company with one person who was called and one who was not; return its id and the first one's."""
    registry = world.services.registry
    account = registry.add_account(AccountIn(name="Mill & Sons"), SYSTEM).id
    called = registry.add_contact(ContactIn(name="Mia Miller", emails=["mia@mill.example"], account=account), SYSTEM)
    registry.add_contact(ContactIn(name="Max Miller", emails=["max@mill.example"], account=account), SYSTEM)
    for days in (400, 20):
        sent = TouchpointIn(
            contact=called.id,
            at=NOON - timedelta(days=days),
            team="sales",
            channel="phone",
            purpose=f"call_{days}",
            status="completed",
        )
        registry.record(sent, SYSTEM)
    return account, called.id


def find(client: TestClient, query: str, cursor: str = "") -> PageText:
    form = {"csrf_token": token_on(client, ACCOUNTS), "query": query, "cursor": cursor}
    return PageText(client.post(ACCOUNTS, data=form).text)


def test_without_companies_the_page_says_where_they_come_from(member: TestClient) -> None:
    assert "No companies yet" in PageText(member.get(ACCOUNTS).text).text


def test_companies_are_listed_with_how_many_people_and_found_by_part_of_the_name(world: World) -> None:
    account, _ = add_mill(world)
    client = world.member()
    page = PageText(client.get(ACCOUNTS).text)
    assert "Mill & Sons 2 people" in page.text
    assert ("a", {"href": f"{ACCOUNTS}/{account}"}) in page.elements
    assert "Mill & Sons" in find(client, "mill").text
    assert "No company of that name" in find(client, "bakery").text


def test_many_companies_are_read_page_by_page_and_no_name_stands_in_an_address(world: World) -> None:
    for number in range(51):
        world.services.registry.add_account(AccountIn(name=f"Company {number:02}"), SYSTEM)
    client = world.member()
    page = PageText(client.get(ACCOUNTS).text)
    assert "Company 50" not in page.text
    cursor = next(str(attrs["value"]) for _, attrs in page.elements if attrs.get("name") == "cursor")
    assert "Company 50" in find(client, "", cursor).text
    assert not [attrs for tag, attrs in page.elements if tag == "form" and attrs.get("method") != "post"]


def test_a_cursor_that_makes_no_sense_is_refused_in_words(member: TestClient) -> None:
    assert any(attrs.get("role") == "alert" for _, attrs in find(member, "", "nonsense").elements)


def test_a_company_shows_its_people_and_twelve_months_of_all_teams(world: World) -> None:
    account, called = add_mill(world)
    page = PageText(world.member().get(f"{ACCOUNTS}/{account}").text)
    assert "Mill & Sons" in page.title
    assert "Mia Miller" in page.text
    assert "Max Miller" in page.text
    assert page.elements.count(("a", {"href": f"/contacts/{called}"})) == 2
    assert "call 20" in page.text
    assert "call 400" not in page.text


def test_people_who_left_or_were_erased_stay_in_the_log(world: World) -> None:
    account, called = add_mill(world)
    client = world.member()
    world.services.registry.change_contact(called, ContactChange(account=None), SYSTEM)
    assert "Mia Miller" in PageText(client.get(f"{ACCOUNTS}/{account}").text).text
    world.services.registry.erasure.erase(called, EraseIn(), SYSTEM)
    page = PageText(client.get(f"{ACCOUNTS}/{account}").text)
    assert "somebody who was erased" in page.text
    assert "Mia" not in page.text


def test_a_company_without_people_or_contacts_says_so(world: World) -> None:
    account = world.services.registry.add_account(AccountIn(name="Empty"), SYSTEM).id
    page = PageText(world.member().get(f"{ACCOUNTS}/{account}").text)
    assert "Nobody of this company is on file." in page.text
    assert "No team has contacted this company" in page.text


def test_a_company_that_is_not_there_has_a_page_that_says_so(member: TestClient) -> None:
    assert member.get(f"{ACCOUNTS}/acc_none").status_code == 404
