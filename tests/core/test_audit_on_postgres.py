"""PostgreSQL refuses to change or delete an event as well; SQLite's refusal is in `tests/pages/test_audit_page.py`."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from core.audit import AuditEvent, record_event
from core.database import Database
from tests.contact_registry.postgres_cluster import find_programs, postgres_cluster

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL of our own here, and the audit of another one is not ours to write")
    with postgres_cluster(programs) as address:
        database = Database(address)
        AuditEvent.metadata.tables["audit_event"].create(database.engine)
        yield database
        database.close()


@pytest.mark.parametrize("change", [delete(AuditEvent), update(AuditEvent).values(actor="somebody_else")])
def test_an_event_is_never_changed_or_deleted(database: Database, change: Executable) -> None:
    with database.write() as session:
        record_event(
            session,
            at=datetime(2026, 5, 1, tzinfo=UTC),
            actor="usr_1",
            action="interview.deleted",
            subject_type="interview",
            subject_id="int_1",
        )
    with pytest.raises(DatabaseError, match="append-only"), database.write() as session:
        session.execute(change)
    with database.read() as session:
        assert {event.actor for event in session.exec(select(AuditEvent))} == {"usr_1"}
