from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

from app.access.keys import NewKey
from app.access.permissions import Permission, Role
from app.access.service import AccessService
from app.access.sessions import LOCAL_ADMINISTRATOR
from app.access.tables import User
from app.access.users import NewUser, UserChange
from core import directory
from core.audit import AuditEvent
from core.clock import SettableClock
from core.database import Database
from core.errors import Conflict, InvalidInput, NotFound, Unauthorized
from tests.pages.world import QUICK_HASHES

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
ADDRESS = "jana@bakery.example"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'users.db'}")
    SQLModel.metadata.create_all(database.writer_engine)
    with database.write() as session:
        session.add(User(id=LOCAL_ADMINISTRATOR, name="Administrator", role=Role.ADMINISTRATOR, created_at=NOON))
        directory.put_team(session, "research", "Research", NOON)
        directory.put_team(session, "sales", "Sales", NOON)
    yield database
    database.close()


@pytest.fixture
def access(database: Database, clock: SettableClock) -> AccessService:
    return AccessService(database, clock, QUICK_HASHES)


def invite(access: AccessService, email: str = ADDRESS, role: str = Role.MEMBER) -> tuple[str, str]:
    user, token = access.users.invite(NewUser("Jana Malá", email, role), actor="usr_local")
    return user.id, token


def audit_of(database: Database) -> list[tuple[str, dict[str, object]]]:
    with database.read() as session:
        return [(event.action, event.detail) for event in session.exec(select(AuditEvent).order_by("at", "id"))]


def test_an_invited_person_chooses_a_password_and_comes_in(access: AccessService) -> None:
    user_id, token = invite(access)
    assert access.users.get(user_id).is_invited
    principal = access.sessions.principal_of(access.passwords.choose(token, PASSWORD))
    assert (principal.id, principal.role, principal.source) == (user_id, "member", "page")
    assert not access.users.get(user_id).is_invited
    again = access.passwords.sign_in("  JANA@Bakery.example ", PASSWORD, "192.0.2.1")
    assert access.sessions.principal_of(again).id == user_id
    assert again != token


def test_an_invitation_works_once_and_for_seven_days(access: AccessService, clock: SettableClock) -> None:
    _, token = invite(access)
    access.passwords.choose(token, PASSWORD)
    with pytest.raises(Unauthorized, match="used or too old"):
        access.passwords.choose(token, PASSWORD)
    _, old = invite(access, "other@bakery.example")
    clock.set(NOON + timedelta(days=7))
    with pytest.raises(Unauthorized):
        access.passwords.choosing(old)


def test_a_refused_password_leaves_the_link_usable(access: AccessService) -> None:
    _, token = invite(access)
    with pytest.raises(InvalidInput):
        access.passwords.choose(token, "short")
    assert access.passwords.choosing(token).purpose == "invitation"


def test_an_invitation_signs_nobody_in_by_itself(access: AccessService) -> None:
    _, token = invite(access)
    with pytest.raises(Unauthorized):
        access.sessions.sign_in(token)
    with pytest.raises(Unauthorized):
        access.passwords.choose(access.sessions.create_link(), PASSWORD)


def test_inviting_again_replaces_the_older_link(access: AccessService) -> None:
    user_id, first = invite(access)
    second = access.users.new_link(user_id, "usr_local")
    with pytest.raises(Unauthorized):
        access.passwords.choosing(first)
    assert access.passwords.choosing(second).purpose == "invitation"


def test_one_address_belongs_to_one_person(access: AccessService) -> None:
    invite(access)
    with pytest.raises(Conflict) as caught:
        invite(access, ADDRESS.upper())
    assert caught.value.code == "email_taken"
    assert "bakery" not in caught.value.message


@pytest.mark.parametrize("email", ["", "jana", "jana@", "@bakery.example", "a b@c.example", "a@b@c.example", "a@.b"])
def test_an_address_that_is_none_is_refused(access: AccessService, email: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        invite(access, email)
    assert caught.value.extra == {"field": "email"}


def test_an_unknown_role_or_team_is_refused_and_nobody_is_invited(access: AccessService) -> None:
    with pytest.raises(InvalidInput):
        invite(access, role="owner")
    with pytest.raises(InvalidInput):
        access.users.invite(NewUser("Jana", ADDRESS, teams=("nobody",)), "usr_local")
    assert [user.id for user in access.users.list()] == [LOCAL_ADMINISTRATOR]


def test_a_reset_ends_the_sessions_there_are(access: AccessService) -> None:
    user_id, token = invite(access)
    before = access.passwords.choose(token, PASSWORD)
    reset = access.users.new_link(user_id, "usr_local")
    assert access.passwords.choosing(reset).purpose == "reset"
    assert access.sessions.principal_of(before).id == user_id
    after = access.passwords.choose(reset, "a lamp under seven bridges")
    with pytest.raises(Unauthorized):
        access.sessions.principal_of(before)
    assert access.sessions.principal_of(after).id == user_id
    with pytest.raises(Unauthorized):
        access.passwords.sign_in(ADDRESS, PASSWORD, "192.0.2.1")


def test_a_reset_link_holds_for_a_day(access: AccessService, clock: SettableClock) -> None:
    user_id, token = invite(access)
    access.passwords.choose(token, PASSWORD)
    reset = access.users.new_link(user_id, "usr_local")
    clock.set(NOON + timedelta(hours=24))
    with pytest.raises(Unauthorized):
        access.passwords.choose(reset, "a lamp under seven bridges")


def test_a_disabled_person_is_out_at_once_and_their_keys_and_links_are_dead(access: AccessService) -> None:
    user_id, token = invite(access)
    session = access.passwords.choose(token, PASSWORD)
    _, key = access.keys.create(NewKey("script", ("read",), user_id=user_id), actor=user_id)
    reset = access.users.new_link(user_id, "usr_local")
    access.users.change(user_id, UserChange(is_disabled=True), "usr_local")
    with pytest.raises(Unauthorized):
        access.sessions.principal_of(session)
    with pytest.raises(Unauthorized):
        access.keys.principal_of(key)
    with pytest.raises(Unauthorized):
        access.passwords.sign_in(ADDRESS, PASSWORD, "192.0.2.1")
    with pytest.raises(Unauthorized):
        access.passwords.choosing(reset)
    with pytest.raises(Conflict):
        access.users.new_link(user_id, "usr_local")
    access.users.change(user_id, UserChange(is_disabled=False), "usr_local")
    assert access.passwords.sign_in(ADDRESS, PASSWORD, "192.0.2.1")


def test_a_link_of_a_disabled_local_administrator_signs_nobody_in(access: AccessService) -> None:
    _, token = invite(access, role=Role.ADMINISTRATOR)
    access.passwords.choose(token, PASSWORD)
    access.users.change(LOCAL_ADMINISTRATOR, UserChange(is_disabled=True), "usr_x")
    with pytest.raises(Unauthorized, match="sign-in link"):
        access.sessions.sign_in(access.sessions.create_link())


@pytest.mark.parametrize("change", [UserChange(is_disabled=True), UserChange(role=Role.MEMBER)])
def test_the_last_administrator_who_can_sign_in_stays(access: AccessService, change: UserChange) -> None:
    invited, token = invite(access, role=Role.ADMINISTRATOR)
    with pytest.raises(Conflict) as caught:
        access.users.change(LOCAL_ADMINISTRATOR, change, "usr_local")
    assert caught.value.code == "last_administrator"
    assert access.users.get(LOCAL_ADMINISTRATOR).role == Role.ADMINISTRATOR
    assert access.users.get(LOCAL_ADMINISTRATOR).disabled_at is None
    access.passwords.choose(token, PASSWORD)
    access.users.change(LOCAL_ADMINISTRATOR, change, invited)
    with pytest.raises(Conflict):
        access.users.change(invited, change, invited)


def test_a_changed_role_holds_from_the_next_request_on(access: AccessService) -> None:
    user_id, token = invite(access)
    session = access.passwords.choose(token, PASSWORD)
    access.users.change(user_id, UserChange(role=Role.VIEWER), "usr_local")
    assert not access.sessions.principal_of(session).may(Permission.INGEST)
    access.users.change(user_id, UserChange(has_privacy=True), "usr_local")
    assert access.sessions.principal_of(session).may(Permission.PRIVACY)


def test_teams_are_joined_and_left(access: AccessService) -> None:
    user_id, _ = invite(access)
    access.users.change(user_id, UserChange(teams=("sales", "research")), "usr_local")
    assert [user.id for user in access.users.members("sales")] == [user_id]
    assert access.users.set_member("sales", user_id, False, "usr_local").teams == ("research",)
    assert access.users.set_member("sales", user_id, True, "usr_local").teams == ("research", "sales")
    with pytest.raises(NotFound):
        access.users.members("nobody")
    with pytest.raises(NotFound):
        access.users.set_member("sales", "usr_none", True, "usr_local")


def test_nobody_is_found_by_a_guessed_id(access: AccessService) -> None:
    user_id, _ = invite(access)
    assert access.users.find(ADDRESS.upper()).id == user_id
    assert access.users.find(user_id).id == user_id
    with pytest.raises(NotFound):
        access.users.find("nobody@bakery.example")


def test_the_audit_says_what_happened_without_names_and_addresses(access: AccessService, database: Database) -> None:
    user_id, token = invite(access)
    access.passwords.choose(token, PASSWORD)
    change = UserChange(role=Role.ADMINISTRATOR, has_privacy=True, teams=("sales",))
    access.users.change(user_id, change, "usr_local")
    access.users.change(user_id, change, "usr_local")
    access.users.new_link(user_id, "usr_local")
    access.users.change(user_id, UserChange(is_disabled=True), "usr_local")
    events = [event for event in audit_of(database) if not event[0].startswith("team.")]
    assert sorted(action for action, _ in events) == [
        "session.created",
        "user.disabled",
        "user.invited",
        "user.joined",
        "user.privacy_changed",
        "user.reset_link_created",
        "user.role_changed",
        "user.teams_changed",
    ]
    assert ("user.role_changed", {"from": "member", "to": "administrator"}) in events
    assert ("user.teams_changed", {"joined": ["sales"], "left": []}) in events
    written = repr(events).lower()
    assert "jana" not in written
    assert "bakery" not in written
