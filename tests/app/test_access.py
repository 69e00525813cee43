from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

from app.access.service import AccessService, form_token, form_token_matches
from app.access.tables import ApiKey, SignInLink, WebSession
from core.audit import AuditEvent
from core.clock import SettableClock
from core.database import Database
from core.errors import InvalidInput, NotFound, Unauthorized


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'access.db'}")
    SQLModel.metadata.create_all(database.writer_engine)
    yield database
    database.close()


@pytest.fixture
def access(database: Database, clock: SettableClock) -> AccessService:
    return AccessService(database, clock)


def test_a_key_says_who_is_calling(access: AccessService) -> None:
    view, secret = access.create_key("crm", actor="cli")
    principal = access.principal_of_key(secret)
    assert (principal.id, principal.source, principal.role) == (view.id, "crm", "administrator")


def test_the_secret_is_stored_nowhere(access: AccessService, database: Database) -> None:
    _, secret = access.create_key("crm", actor="cli")
    link = access.create_sign_in_link()
    session_secret = access.sign_in(link)
    with database.read() as session:
        rows = [session.exec(select(table)).all() for table in (ApiKey, SignInLink, WebSession, AuditEvent)]
    written = repr(rows)
    assert not any(one in written for one in (secret, link, session_secret))


def test_a_revoked_key_is_unknown_at_once_and_ends_its_sessions(access: AccessService) -> None:
    view, secret = access.create_key("crm", actor="cli")
    session_secret = access.sign_in(secret)
    access.revoke_key(view.id, actor="cli")
    with pytest.raises(Unauthorized):
        access.principal_of_key(secret)
    with pytest.raises(Unauthorized):
        access.principal_of_session(session_secret)


def test_revoking_a_key_nobody_made_says_so(access: AccessService) -> None:
    with pytest.raises(NotFound):
        access.revoke_key("key_x", actor="cli")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "sample", "CLI"])
def test_a_key_needs_a_name_of_a_sensible_length_that_is_not_ours(access: AccessService, name: str) -> None:
    with pytest.raises(InvalidInput):
        access.create_key(name, actor="cli")


def test_last_used_is_kept_to_the_minute(access: AccessService, clock: SettableClock) -> None:
    _, secret = access.create_key("crm", actor="cli")
    access.principal_of_key(secret)
    first = access.list_keys()[0].last_used_at
    clock.advance(30_000)
    access.principal_of_key(secret)
    assert access.list_keys()[0].last_used_at == first
    clock.advance(31_000)
    access.principal_of_key(secret)
    assert access.list_keys()[0].last_used_at == clock.now()


def test_a_sign_in_link_works_once(access: AccessService) -> None:
    token = access.create_sign_in_link()
    assert access.principal_of_session(access.sign_in(token)).role == "administrator"
    with pytest.raises(Unauthorized, match="sign-in link"):
        access.sign_in(token)


def test_a_sign_in_link_grows_old(access: AccessService, clock: SettableClock) -> None:
    token = access.create_sign_in_link()
    clock.set(clock.now() + timedelta(hours=12))
    with pytest.raises(Unauthorized):
        access.sign_in(token)


def test_a_session_ends_at_sign_out_and_with_time(access: AccessService, clock: SettableClock) -> None:
    ended = access.sign_in(access.create_sign_in_link())
    access.sign_out(ended)
    old = access.sign_in(access.create_sign_in_link())
    clock.set(clock.now() + timedelta(days=14))
    for secret in (ended, old, "invented"):
        with pytest.raises(Unauthorized):
            access.principal_of_session(secret)


def test_a_form_token_belongs_to_one_browser() -> None:
    assert form_token_matches("a", form_token("a"))
    assert not form_token_matches("a", form_token("b"))
    assert not form_token_matches("a", "")
