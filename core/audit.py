"""The record of who saw and did what: append-only, written in the transaction of a change, opaque ids only.

A detail never holds a name, an address or anything somebody said: erasing a person leaves these rows as they are. The
database itself refuses to change or delete one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, event
from sqlmodel import Field, Session, SQLModel, col, select

from core.database import utc_column
from core.ids import new_id


class AuditEvent(SQLModel, table=True):
    __tablename__ = "audit_event"

    id: str = Field(primary_key=True)
    at: datetime = Field(sa_column=utc_column(index=True))
    actor: str = Field(index=True)  # id of a key or user, or "system"
    action: str = Field(index=True)  # noun.verb, "reservation.created"
    subject_type: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


_REFUSAL = "the audit is append-only"
_SQLITE_GUARDS = (
    "CREATE TRIGGER audit_event_is_never_changed BEFORE UPDATE ON audit_event "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    "CREATE TRIGGER audit_event_is_never_deleted BEFORE DELETE ON audit_event "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
)
_POSTGRES_GUARDS = (
    "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    "CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON audit_event "
    "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
)


def guard_audit(connection: Connection) -> None:
    """Let the database refuse changes of audit events. Runs after SQLAlchemy made the table.

    Migration 0002 has the same statements; one that makes the table anew drops the triggers and has to repeat them.
    """
    for statement in _SQLITE_GUARDS if connection.dialect.name == "sqlite" else _POSTGRES_GUARDS:
        connection.exec_driver_sql(statement)


event.listen(
    SQLModel.metadata.tables["audit_event"], "after_create", lambda _, connection, **__: guard_audit(connection)
)


def record_event(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one audit event to the caller's transaction."""
    session.add(
        AuditEvent(
            id=new_id("aud"),
            at=at,
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=detail or {},
        )
    )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are asked for. `action` may be a noun alone: "interview" for all that happened to interviews."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None  # an id
    from_at: datetime | None = None
    to_at: datetime | None = None  # not included


def find_events(
    session: Session, wanted: EventFilter, *, before: str | None = None, limit: int = 100
) -> list[AuditEvent]:
    """Return events, newest first; `before` is the id of the last one of the page before."""
    query = select(AuditEvent)
    if wanted.actor is not None:
        query = query.where(AuditEvent.actor == wanted.actor)
    if wanted.subject is not None:
        query = query.where(AuditEvent.subject_id == wanted.subject)
    if wanted.action is not None:
        is_noun = "." not in wanted.action
        action = col(AuditEvent.action)
        query = query.where(
            action.startswith(f"{wanted.action}.", autoescape=True) if is_noun else action == wanted.action
        )
    if wanted.from_at is not None:
        query = query.where(AuditEvent.at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(AuditEvent.at < wanted.to_at)
    last = None if before is None else session.get(AuditEvent, before)
    if last is not None:
        is_older = (col(AuditEvent.at) < last.at) | ((col(AuditEvent.at) == last.at) & (col(AuditEvent.id) < last.id))
        query = query.where(is_older)
    return list(session.exec(query.order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc()).limit(limit)))


def is_recorded_after(session: Session, at: datetime, actor: str, action: str, subject_id: str) -> bool:
    """Return whether this actor did this to the subject after `at`."""
    query = select(AuditEvent.id).where(
        AuditEvent.subject_id == subject_id,
        AuditEvent.actor == actor,
        AuditEvent.action == action,
        AuditEvent.at > at,
    )
    return session.exec(query.limit(1)).first() is not None
