"""Empties an interview that a participant withdrew, in the caller's transaction. What stays is an id that says so.

`app/withdrawal.py` calls, since what is searched is removed in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete
from sqlmodel import Session, SQLModel

from core.blobs import BlobStore
from core.tables import Interview, InterviewTag, Participant, Passage, Segment
from ingest import work_repository
from ingest.schemas import InterviewStatus
from ingest.stored_recordings import delete_if_unused
from ingest.tables import HeardPart

TITLE = "Withdrawn interview"

# What may say who it was or what was said. `external_id` and `source` stay, so that it is not taken in again; project
# and team stay, so that the tombstone is seen by nobody else than the interview was.
_EMPTIED = (
    "recorded_at",
    "language",
    "step",
    "notice",
    "error_code",
    "error_message",
    "error_trace",
    "recording_sha256",
    "file_name",
    "size_bytes",
    "media_type",
    "duration_ms",
    "transcribed_by",
    "keep_until",
    "media_removed_at",
)
_COUNTED: dict[str, type[SQLModel]] = {
    "segments": Segment,
    "passages": Passage,
    "heard_windows": HeardPart,
    "participants": Participant,
    "tags": InterviewTag,
}


@dataclass(frozen=True, slots=True)
class Emptied:
    """What was removed: how many rows of each kind, and the recording's hash."""

    counts: dict[str, int]
    recording_sha256: str | None
    is_recording_removed: bool  # False also when another interview has the same recording


def empty(session: Session, blobs: BlobStore, interview: Interview, at: datetime) -> Emptied:
    """Remove everything that hangs on the interview; work on it ends at its next look."""
    counts = {name: _delete_all(session, table, interview.id) for name, table in _COUNTED.items()}
    sha256 = interview.recording_sha256
    job = work_repository.find_job(session, interview.id)
    if job is not None:
        job.attempt += 1
        job.asked_language = job.given_text_hash = None
        job.vocabulary = []
        session.add(job)
    for column in _EMPTIED:
        setattr(interview, column, None)
    interview.title = TITLE
    interview.status = InterviewStatus.CANCELLED.value
    interview.progress, interview.has_video = 0.0, False
    interview.is_quotable = interview.is_shareable = False
    interview.revision += 1
    interview.withdrawn_at = interview.updated_at = at
    session.add(interview)
    is_removed = sha256 is not None and delete_if_unused(session, blobs, sha256)
    return Emptied(counts, sha256, is_removed)


def _delete_all(session: Session, table: Any, interview_id: str) -> int:
    done = session.execute(delete(table).where(table.interview_id == interview_id))
    assert isinstance(done, CursorResult)
    return done.rowcount
