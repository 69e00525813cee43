"""Recordings are kept as long as their participants said: removed after the day, announced before it.

The text stays. `earshot serve` calls `remove_due` at its start and every hour; several processes may, since each
removal is a transaction that looks again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.audit import record_event
from core.blobs import BlobStore
from core.clock import Clock
from core.database import Database
from core.tables import Interview
from core.visibility import EVERYBODY, Viewer, is_visible_to
from ingest import repository, work_repository
from ingest.schemas import UNFINISHED, InterviewStatus, RemovalOut
from ingest.stored_recordings import delete_if_unused

ANNOUNCED_BEFORE = timedelta(days=30)
ACTOR = "system"
_UNWRITTEN = (*UNFINISHED, InterviewStatus.NEEDS_MODEL, InterviewStatus.FAILED)


class RetentionService:
    """`services.ingest.retention` is one. Days begin and end in the workspace's time zone."""

    def __init__(self, database: Database, clock: Clock, blobs: BlobStore, zone: tzinfo) -> None:
        self._database = database
        self._clock = clock
        self._blobs = blobs
        self._zone = zone

    def announced(self, viewer: Viewer = EVERYBODY) -> list[RemovalOut]:
        """Return the recordings that will be removed within 30 days, or are due, the earliest first."""
        last = self._today() + ANNOUNCED_BEFORE
        with self._database.read() as session:
            return [_removal(row) for row in session.exec(_kept_until(last).where(is_visible_to(viewer)))]

    def remove_due(self) -> int:
        """Remove the recordings whose day has passed and return how many; stopped half-way, it goes on next time."""
        with self._database.read() as session:
            due = [row.id for row in session.exec(_kept_until(self._today() - timedelta(days=1)))]
        return sum(self._remove(interview_id) for interview_id in due)

    def _remove(self, interview_id: str) -> bool:
        now = self._clock.now()
        with self._database.write() as session:
            row = session.exec(select(Interview).where(Interview.id == interview_id).with_for_update()).one_or_none()
            if row is None or row.recording_sha256 is None or row.keep_until is None:
                return False  # another process was quicker, or it is kept longer by now
            if not is_over(row.keep_until, now, self._zone):
                return False
            sha256 = row.recording_sha256
            row.recording_sha256 = None
            row.media_removed_at = row.updated_at = now
            if row.status in _UNWRITTEN and not repository.has_segments(session, row.id):
                row.status = InterviewStatus.CANCELLED.value
                row.step = row.error_code = row.error_message = row.error_trace = None
                work_repository.drop_heard(session, row.id)
            is_gone = delete_if_unused(session, self._blobs, sha256)
            self._audit(session, row.id, sha256, now, is_gone=is_gone)
        return True

    def _audit(self, session: Session, interview_id: str, sha256: str, at: datetime, *, is_gone: bool) -> None:
        record_event(
            session,
            at=at,
            actor=ACTOR,
            action="recording.removed",
            subject_type="interview",
            subject_id=interview_id,
            detail={"sha256": sha256, "bytes_deleted": is_gone},
        )

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()


def is_over(keep_until: date, now: datetime, zone: tzinfo) -> bool:
    """Return whether the day has ended in the zone."""
    return keep_until < now.astimezone(zone).date()


def _kept_until(last: date) -> SelectOfScalar[Interview]:
    return (
        select(Interview)
        .where(col(Interview.keep_until) <= last, col(Interview.recording_sha256).is_not(None))
        .order_by(col(Interview.keep_until), col(Interview.id))
    )


def _removal(row: Interview) -> RemovalOut:
    assert row.keep_until is not None, "the query asks for it"
    return RemovalOut(
        interview_id=row.id,
        title=row.title,
        project=row.project_id,
        keep_until=row.keep_until,
        removed_from=row.keep_until + timedelta(days=1),
        size_bytes=row.size_bytes,
        has_text=row.status == InterviewStatus.READY,
    )
