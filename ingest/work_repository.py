"""SQL about the work on interviews: attempts, progress, the windows heard so far.

The service starts attempts, `work.py` and the pipeline go through them, `dbos_jobs.py` looks for what is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from core.tables import Interview, Segment
from ingest.schemas import UNFINISHED, InterviewStatus
from ingest.tables import HeardPart, IngestJob, Withdrawal
from ingest.values import HeardWindow, TimedSegment, Word

_UNFINISHED = [status.value for status in UNFINISHED]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempt `number` at an interview, as it was when it was read."""

    interview_id: str
    number: int
    status: str
    updated_at: datetime


def find_job(session: Session, interview_id: str) -> IngestJob | None:
    return session.get(IngestJob, interview_id)


def start_attempt(session: Session, interview: Interview, status: InterviewStatus, at: datetime) -> None:
    """Put the interview back to the beginning of its work under a new attempt number."""
    job = session.get(IngestJob, interview.id)
    if job is None:
        job = IngestJob(interview_id=interview.id, attempt=0)
    job.attempt += 1
    interview.status = status.value
    interview.progress = 0.0
    interview.step = interview.notice = None
    interview.error_code = interview.error_message = interview.error_trace = None
    interview.updated_at = at
    session.add(interview)
    session.flush()
    session.add(job)
    session.flush()


def current(session: Session, interview_id: str, attempt: int, *, for_update: bool = True) -> Interview | None:
    """Return the interview if this attempt is still the one that may work on it; None otherwise."""
    query = (
        select(Interview)
        .join(IngestJob, col(IngestJob.interview_id) == Interview.id)
        .where(
            Interview.id == interview_id,
            IngestJob.attempt == attempt,
            col(Interview.status).in_(_UNFINISHED),
        )
    )
    return session.exec(query.with_for_update(of=Interview) if for_update else query).first()  # type: ignore[call-overload,no-any-return,unused-ignore]


def report_progress(
    session: Session, interview_id: str, attempt: int, step: str, progress: float, at: datetime
) -> bool:
    """Store how far the work is; False when this attempt may no longer work on the interview."""
    is_current = sa_select(col(IngestJob.interview_id)).where(
        col(IngestJob.interview_id) == interview_id, col(IngestJob.attempt) == attempt
    )
    done = session.execute(
        update(Interview)
        .where(col(Interview.id).in_(is_current), col(Interview.status).in_(_UNFINISHED))
        .values(step=step, progress=progress, updated_at=at)
    )
    assert isinstance(done, CursorResult)
    return done.rowcount > 0


def heard_parts(session: Session, interview_id: str) -> list[HeardPart]:
    return list(
        session.exec(select(HeardPart).where(HeardPart.interview_id == interview_id).order_by(col(HeardPart.start_ms)))
    )


def last_heard(session: Session, interview_id: str) -> HeardPart | None:
    return session.exec(
        select(HeardPart).where(HeardPart.interview_id == interview_id).order_by(col(HeardPart.start_ms).desc())
    ).first()


def add_heard(session: Session, interview_id: str, heard: HeardWindow, model: str) -> None:
    session.add(
        HeardPart(
            interview_id=interview_id,
            start_ms=heard.start_ms,
            end_ms=heard.end_ms,
            is_last=heard.is_last,
            language=heard.language,
            model=model,
            segments=[_packed(segment) for segment in heard.segments],
        )
    )


def drop_heard_by_others(session: Session, interview_id: str, model: str) -> None:
    """Forget windows that another model wrote down: a transcript has one author."""
    session.execute(delete(HeardPart).where(col(HeardPart.interview_id) == interview_id, col(HeardPart.model) != model))


def drop_heard(session: Session, interview_id: str) -> None:
    session.execute(delete(HeardPart).where(col(HeardPart.interview_id) == interview_id))


def unpacked(parts: Iterable[HeardPart]) -> list[TimedSegment]:
    return [
        TimedSegment(text, start_ms, end_ms, None, tuple(Word(*word) for word in words))
        for part in parts
        for text, start_ms, end_ms, words in part.segments
    ]


def main_language(parts: Iterable[HeardPart]) -> str | None:
    """Return the language with the most text."""
    characters: dict[str, int] = {}
    for part in parts:
        if part.language:
            written = sum(len(text) for text, *_ in part.segments)
            characters[part.language] = characters.get(part.language, 0) + written
    return max(characters, key=lambda language: characters[language], default=None)


def unfinished_attempts(session: Session) -> list[Attempt]:
    """Return all work that is to be done or under way, oldest first."""
    return _attempts(session, _UNFINISHED)


def waiting_attempts(session: Session) -> list[Attempt]:
    """Return all that waits for a model, oldest first."""
    return _attempts(session, [InterviewStatus.NEEDS_MODEL.value])


def still(session: Session, attempt: Attempt) -> Interview | None:
    """Return the interview, locked, if nothing has happened to it since `attempt` was read; None otherwise."""
    return session.exec(
        select(Interview)
        .join(IngestJob, col(IngestJob.interview_id) == Interview.id)
        .where(
            Interview.id == attempt.interview_id,
            Interview.status == attempt.status,
            Interview.updated_at == attempt.updated_at,
            IngestJob.attempt == attempt.number,
        )
        .with_for_update(of=Interview)
    ).first()


def is_withdrawn(session: Session, sha256: str) -> bool:
    """Return whether a participant withdrew an interview that had this recording."""
    return session.exec(select(Withdrawal.id).where(Withdrawal.recording_sha256 == sha256)).first() is not None


def restart(session: Session, interview: Interview, at: datetime) -> None:
    """Begin a new attempt that goes on from what is stored."""
    has_text = session.exec(select(Segment.ordinal).where(Segment.interview_id == interview.id)).first() is not None
    start_attempt(session, interview, InterviewStatus.INDEXING if has_text else InterviewStatus.RECEIVED, at)


def _attempts(session: Session, statuses: list[str]) -> list[Attempt]:
    rows = session.exec(
        select(Interview.id, IngestJob.attempt, Interview.status, Interview.updated_at)
        .join(IngestJob, col(IngestJob.interview_id) == Interview.id)
        .where(col(Interview.status).in_(statuses))
        .order_by(col(Interview.id))
    )
    return [Attempt(*row) for row in rows]


def _packed(segment: TimedSegment) -> list[Any]:
    words = [[word.text, word.start_ms, word.end_ms] for word in segment.words]
    return [segment.text, segment.start_ms, segment.end_ms, words]
