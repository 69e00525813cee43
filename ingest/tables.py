"""Tables that only ingest reads: what a job needs to know, what it has heard so far, what was withdrawn."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.database import utc_column


class IngestJob(SQLModel, table=True):
    """The work on one interview. `attempt` is raised whenever work starts afresh; older attempts write nothing more."""

    __tablename__ = "ingest_job"

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    attempt: int = 1
    asked_language: str | None = None  # the sender's; None: find out by listening
    vocabulary: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    given_text_hash: str | None = Field(default=None, index=True)  # sha256 of segments that were sent; None: listen


class HeardPart(SQLModel, table=True):
    """One window of a recording as written down; the rows go when the interview is ready.

    They are why a killed or retried transcription repeats one window and no more.
    """

    __tablename__ = "heard_window"

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    start_ms: int = Field(primary_key=True)
    end_ms: int
    is_last: bool
    language: str | None = None
    model: str
    segments: list[Any] = Field(sa_column=Column(JSON, nullable=False))  # [[text, start, end, [[word, start, end]]]]


class Withdrawal(SQLModel, table=True):
    """What was removed when a participant withdrew an interview: counts and a hash, nothing of what it was."""

    __tablename__ = "withdrawal"

    id: str = Field(primary_key=True)  # the number on the receipt
    interview_id: str = Field(unique=True)  # no foreign key: the receipt outlives the tombstone
    at: datetime = Field(sa_column=utc_column(index=True))
    actor: str  # id of the user or key
    reason: str  # a code
    recording_sha256: str | None = Field(default=None, index=True)  # so that the same bytes are not taken in again
    is_recording_removed: bool
    counts: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))
