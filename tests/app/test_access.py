from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

from app.access.keys import NewKey
from app.access.permissions import Permission, Role
from app.access.secrets import form_token, form_token_matches
from app.access.service import AccessService
from app.access.sessions import LOCAL_ADMINISTRATOR
from app.access.tables import ApiKey, SignInLink, User, WebSession
from core.audit import AuditEvent
from core.clock import SettableClock
from core.database import Database
from core.errors import InvalidInput, NotFound, Unauthorized

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'access.db'}")
    SQLModel.metadata.create_all(database.writer_engine)
    with database.write() as session:
        session.add(User(id=LOCAL_ADMINISTRATOR, name="Administrator", role=Role.ADMINISTRATOR, created_at=NOON))
    yield database
    database.close()


@pytest.fixture
def access(database: Database, clock: SettableClock) -> AccessService:
    return AccessService(database, clock)


def test_a_key_says_who_is_calling(access: AccessService) -> None:
    view, secret = access.keys.create(NewKey("crm"), actor="cli")
    principal = access.keys.principal_of(secret)
    assert (principal.id, principal.source) == (view.id, "crm")
    assert principal.permissions == frozenset(Permission)


def test_the_secret_is_stored_nowhere(access: AccessService, database: Database) -> None:
    _, secret = access.keys.create(NewKey("crm"), actor="cli")
    link = access.sessions.create_link()
    session_secret = access.sessions.sign_in(link)
    with database.read() as session:
        rows = [session.exec(select(table)).all() for table in (ApiKey, SignInLink, WebSession, AuditEvent)]
    written = repr(rows)
    assert not any(one in written for one in (secret, link, session_secret))


def test_a_revoked_key_is_unknown_at_once_and_ends_its_sessions(access: AccessService) -> None:
    view, secret = access.keys.create(NewKey("crm"), actor="cli")
    session_secret = access.sessions.sign_in(secret)
    access.keys.revoke(view.id, actor="cli")
    with pytest.raises(Unauthorized):
        access.keys.principal_of(secret)
    with pytest.raises(Unauthorized):
        access.sessions.principal_of(session_secret)


def test_a_key_that_was_just_used_ends_at_its_moment_and_when_another_process_revokes_it(
    access: AccessService, clock: SettableClock, database: Database
) -> None:
    """Who holds a key is kept in memory between requests."""
    _, brief = access.keys.create(NewKey("brief", expires_at=NOON + timedelta(seconds=20)), actor="cli")
    view, long = access.keys.create(NewKey("long"), actor="cli")
    other = Database(database.url)
    elsewhere = AccessService(other, clock)
    for _ in range(3):
        assert [access.keys.principal_of(secret).source for secret in (brief, long)] == ["brief", "long"]
    clock.advance(20_000)
    with pytest.raises(Unauthorized):
        access.keys.principal_of(brief)
    assert access.keys.principal_of(long).source == "long"
    elsewhere.keys.revoke(view.id, actor="cli")
    with pytest.raises(Unauthorized):
        access.keys.principal_of(long)
    other.close()


def test_revoking_a_key_nobody_made_says_so(access: AccessService) -> None:
    with pytest.raises(NotFound):
        access.keys.revoke("key_x", actor="cli")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "sample", "CLI"])
def test_a_key_needs_a_name_of_a_sensible_length_that_is_not_ours(access: AccessService, name: str) -> None:
    with pytest.raises(InvalidInput):
        access.keys.create(NewKey(name), actor="cli")


def test_last_used_is_kept_to_the_minute(access: AccessService, clock: SettableClock) -> None:
    _, secret = access.keys.create(NewKey("crm"), actor="cli")
    access.keys.principal_of(secret)
    first = access.keys.list()[0].last_used_at
    clock.advance(30_000)
    access.keys.principal_of(secret)
    assert access.keys.list()[0].last_used_at == first
    clock.advance(31_000)
    access.keys.principal_of(secret)
    assert access.keys.list()[0].last_used_at == clock.now()


def test_a_sign_in_link_works_once(access: AccessService) -> None:
    token = access.sessions.create_link()
    assert access.sessions.principal_of(access.sessions.sign_in(token)).role == "administrator"
    with pytest.raises(Unauthorized, match="sign-in link"):
        access.sessions.sign_in(token)


def test_a_sign_in_link_grows_old(access: AccessService, clock: SettableClock) -> None:
    token = access.sessions.create_link()
    clock.set(clock.now() + timedelta(hours=12))
    with pytest.raises(Unauthorized):
        access.sessions.sign_in(token)


def test_a_session_ends_at_sign_out_and_with_time(access: AccessService, clock: SettableClock) -> None:
    ended = access.sessions.sign_in(access.sessions.create_link())
    access.sessions.sign_out(ended)
    old = access.sessions.sign_in(access.sessions.create_link())
    clock.set(clock.now() + timedelta(days=14))
    for secret in (ended, old, "invented"):
        with pytest.raises(Unauthorized):
            access.sessions.principal_of(secret)


def test_a_form_token_belongs_to_one_browser() -> None:
    assert form_token_matches("a", form_token("a"))
    assert not form_token_matches("a", form_token("b"))
    assert not form_token_matches("a", "")
