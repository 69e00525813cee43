"""Bookings that a rule now refuses, and what made them so."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from contact_registry.repository.people import chunks
from contact_registry.repository.touchpoints import OPEN_STATUSES
from contact_registry.tables import Touchpoint
from contact_registry.tables_of_record import BookingConflict


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
