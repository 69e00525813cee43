"""The workspace's audit as administrators read it, and the noting of who saw what.

Looking is noted beside the answer, not before it, and once an hour for the same person and thing, so that reading does
not wait for the database's one writer. What changes something notes it in its own transaction (`core/audit.py`).
"""

import hashlib
import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from core.audit import AuditEvent, EventFilter, find_events, is_recorded_after, record_event
from core.clock import Clock
from core.database import Database

SEEN_ONCE_IN = timedelta(hours=1)
_REMEMBERED = 10_000  # looks; beyond it the database is asked again
_EXPORTED_AT_ONCE = 1000

logger = logging.getLogger(__name__)


class AuditEventOut(BaseModel):
    """Opaque ids only; names are looked up where they are shown."""

    id: str
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]


class AuditService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], datetime] = {}

    def page(
        self, wanted: EventFilter, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[AuditEventOut], str | None]:
        """Return events, newest first, and the next cursor."""
        with self._database.read() as session:
            rows = find_events(session, wanted, before=cursor, limit=limit + 1)
        return [_shown(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None

    def every(self, wanted: EventFilter) -> Iterator[AuditEventOut]:
        """Yield all events, newest first, a thousand to a transaction."""
        cursor = None
        while True:
            items, cursor = self.page(wanted, cursor=cursor, limit=_EXPORTED_AT_ONCE)
            yield from items
            if cursor is None:
                return

    def happened(self, actor: str, action: str, subject_type: str, subject_id: str, **detail: Any) -> None:
        """Record what changes nothing and is still to be known: an export, a list that was checked."""
        with self._database.write() as session:
            record_event(
                session,
                at=self._clock.now(),
                actor=actor,
                action=action,
                subject_type=subject_type,
                subject_id=subject_id,
                detail=detail,
            )

    def people_listed(self, actor: str) -> None:
        """Record that somebody looked through people on file, once an hour like any look."""
        self.seen(actor, "contact.listed", "contact", "contacts")

    def list_checked(self, actor: str, content: bytes) -> None:
        """Record that a list was checked, by the SHA-256 of its file."""
        self.happened(actor, "list.checked", "list", hashlib.sha256(content).hexdigest())

    def seen(self, actor: str, action: str, subject_type: str, subject_id: str) -> None:
        """Record that somebody looked, unless that is on record of the last hour. Never raises for a busy database."""
        now = self._clock.now()
        look = (actor, action, subject_id)
        with self._lock:
            last = self._seen.get(look)
            if last is not None and now - last < SEEN_ONCE_IN:
                return
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[look] = now
        try:
            with self._database.read() as session:
                if is_recorded_after(session, now - SEEN_ONCE_IN, actor, action, subject_id):
                    return
            self.happened(actor, action, subject_type, subject_id)
        except SQLAlchemyError:
            with self._lock:
                self._seen.pop(look, None)
            logger.exception("a look (%s) could not be recorded in the audit", action)


def _shown(row: AuditEvent) -> AuditEventOut:
    return AuditEventOut(**row.model_dump())
