"""Bookings that a rule now refuses, and what made them so; the audit of the registry."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from contact_registry.repository.people import chunks
from contact_registry.repository.touchpoints import OPEN_STATUSES
from contact_registry.tables import Touchpoint
from contact_registry.tables_of_record import BookingConflict
from core.audit import AuditEvent


def open_conflicts(session: Session, now: datetime, limit: int = 500) -> list[tuple[BookingConflict, Touchpoint]]:
    """Return unresolved conflicts of bookings that are still ahead, newest first."""
    query = (
        select_rows(BookingConflict, Touchpoint)
        .join(Touchpoint, col(Touchpoint.id) == col(BookingConflict.touchpoint_id))
        .where(
            col(BookingConflict.resolved_at).is_(None),
            col(Touchpoint.status).in_(OPEN_STATUSES),
            col(Touchpoint.at) >= now,
        )
        .order_by(col(BookingConflict.raised_at).desc(), col(BookingConflict.id).desc())
    )
    return list(session.exec(query.limit(limit)))


def touchpoints_in_conflict(session: Session, ids: Iterable[str]) -> set[str]:
    """Return those of the touchpoints that have an open conflict."""
    found: set[str] = set()
    for some in chunks(ids):
        query = select(col(BookingConflict.touchpoint_id)).where(
            col(BookingConflict.touchpoint_id).in_(some), col(BookingConflict.resolved_at).is_(None)
        )
        found.update(session.connection().execute(query).scalars())
    return found


def resolve_conflicts(session: Session, touchpoint_id: str, at: datetime) -> None:
    """Close the conflicts of a booking that was moved or ended."""
    session.connection().execute(
        update(BookingConflict)
        .where(col(BookingConflict.touchpoint_id) == touchpoint_id, col(BookingConflict.resolved_at).is_(None))
        .values(resolved_at=at)
    )


def audit_events(
    session: Session, *, subject: str | None, action: str | None, actor: str | None, before: str | None, limit: int
) -> list[AuditEvent]:
    """Return audit events, newest first; `before` is the id of the last one of the page before."""
    query = select_rows(AuditEvent)
    if subject is not None:
        query = query.where(col(AuditEvent.subject_id) == subject)
    if action is not None:
        query = query.where(col(AuditEvent.action) == action)
    if actor is not None:
        query = query.where(col(AuditEvent.actor) == actor)
    last = None if before is None else session.get(AuditEvent, before)
    if last is not None:
        query = query.where(
            (col(AuditEvent.at) < last.at) | ((col(AuditEvent.at) == last.at) & (col(AuditEvent.id) < last.id))
        )
    query = query.order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc())
    return list(session.exec(query.limit(limit)))
