"""What a contact, or anybody of a customer, said themselves."""

from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.access.permissions import Permission
from app.main import create_app
from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import AccountIn, ContactIn
from tests.pages.world import World, example_interview

FILLER = "We talked of this and that and then somebody went to fetch some water from the kitchen. " * 16


@dataclass(frozen=True)
class Meeting:
    world: World
    account: str
    ann: str
    bob: str

    def client(self, *scopes: str, hides_contacts: bool = False) -> TestClient:
        wanted = NewKey(f"key {scopes} {hides_contacts}", scopes, hides_contacts=hides_contacts)
        _, secret = self.world.services.access.keys.create(wanted, actor="test")
        app = create_app(self.world.services)
        return TestClient(app, headers={"authorization": f"Bearer {secret}"}, raise_server_exceptions=False)

    def speakers(self, **parameters: str) -> set[tuple[str, ...]]:
        client = self.client(Permission.READ, Permission.CONTACTS_READ)
        answer = client.get("/api/v1/search", params={"q": "invoice", **parameters})
        assert answer.status_code == 200, answer.text
        return {tuple(result["speakers"]) for result in answer.json()["results"]}


@pytest.fixture
def meeting(world: World) -> Meeting:
    """Ann of Acme, by address, and Bob of nobody, by a link; both mention an invoice, and so does a stranger."""
    services, registry = world.services, world.services.registry
    account = registry.add_account(AccountIn(name="Acme"), SYSTEM)
    ann = registry.add_contact(ContactIn(name="Ann", emails=["ann@acme.example"], account=account.id), SYSTEM)
    bob = registry.add_contact(ContactIn(name="Robert"), SYSTEM)
    segments = [
        {"speaker": speaker, "text": f"The invoice was wrong. {FILLER}"} for speaker in ("Speaker 1", "Bob", "Carl")
    ]
    people = [
        {"name": "Ann", "email": "Ann@Acme.example", "speaker": "Speaker 1"},
        {"name": "Bob"},
        {"name": "Carl", "email": "carl@other.example", "speaker": "Carl"},
    ]
    interview = services.ingest.add_interview(
        example_interview("Invoices", segments=segments, participants=people), "page", "test"
    )
    services.participation.link(interview.id, 1, bob.id, SYSTEM)
    return Meeting(world, account.id, ann.id, bob.id)


def test_a_contact_is_found_by_what_they_say_themselves(meeting: Meeting) -> None:
    assert meeting.speakers(contact=meeting.ann) == {("Speaker 1",)}
    assert meeting.speakers(contact=meeting.bob) == {("Bob",)}
    assert len({name for names in meeting.speakers() for name in names}) > 2


def test_an_account_is_found_by_what_its_contacts_say(meeting: Meeting) -> None:
    assert meeting.speakers(account=meeting.account) == {("Speaker 1",)}
    assert meeting.speakers(account=meeting.account, contact=meeting.ann) == {("Speaker 1",)}
    assert meeting.speakers(account=meeting.account, contact=meeting.bob) == set()


@pytest.mark.parametrize("name", ["contact", "account"])
def test_who_is_not_on_file_is_refused(meeting: Meeting, name: str) -> None:
    client = meeting.client(Permission.ADMIN)
    assert client.get("/api/v1/search", params={"q": "invoice", name: "none"}).status_code == 404


def test_callers_from_whom_contacts_are_kept_cannot_ask_for_them(meeting: Meeting) -> None:
    address = f"/api/v1/search?q=invoice&contact={meeting.ann}"
    reader = meeting.client(Permission.READ)
    hidden = meeting.client(Permission.READ, Permission.CONTACTS_READ, hides_contacts=True)
    assert reader.get(address).status_code == hidden.get(address).status_code == 403
    assert reader.get("/api/v1/search?q=invoice").status_code == 200
