"""The tables that more than one package reads: projects, teams, interviews, their segments and passages.

A package's own tables live in its `tables.py`. Table models do not validate; `schemas.py` files do.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, false, true
from sqlmodel import Field, SQLModel

from core.database import utc_column


class Project(SQLModel, table=True):
    """A body of research: interviews that belong together. `id` is a slug.

    A restricted one, with all that is in it, exists only for administrators and those it was granted to.
    """

    __tablename__ = "project"

    id: str = Field(primary_key=True)
    name: str
    is_restricted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = Field(sa_column=utc_column())


class Team(SQLModel, table=True):
    """People who contact customers under one name. `id` is a slug the caller chooses."""

    __tablename__ = "team"

    id: str = Field(primary_key=True)
    name: str
    created_at: datetime = Field(sa_column=utc_column())


class Interview(SQLModel, table=True):
    """One conversation: its metadata, its recording if it has one, and how far its processing is."""

    __tablename__ = "interview"
    __table_args__ = (UniqueConstraint("source", "external_id", name="uq_interview_source_external_id"),)

    id: str = Field(primary_key=True)
    source: str  # who sent it: an API key's name, "cli", "page" or "sample"
    external_id: str | None = None
    title: str
    project_id: str | None = Field(default=None, foreign_key="project.id", index=True)
    team_id: str | None = Field(default=None, index=True)  # whose interview it is; a slug of `team`
    recorded_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True, index=True))
    language: str | None = None

    status: str = Field(index=True)
    progress: float = 0.0  # 0 … 1 over all steps
    step: str | None = None  # the step being worked on, for people: "transcribe", "embed" …
    notice: str | None = None  # a sentence about the result: "no speech was found", "the file ends early"
    error_code: str | None = None
    error_message: str | None = None
    error_trace: str | None = None  # for the operator; never shown to users

    recording_sha256: str | None = Field(default=None, index=True)
    file_name: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None
    has_video: bool = False
    duration_ms: int | None = None
    transcribed_by: str | None = None  # name of the speech model; None when the text was given

    # What all its participants consent to together (a participant's row says who said what).
    is_quotable: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    is_shareable: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    keep_until: date | None = Field(default=None, index=True)  # the recording is removed after this day
    media_removed_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    withdrawn_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))

    revision: int = 1  # raised at every change of segments; passages and vectors of older ones are stale
    created_at: datetime = Field(sa_column=utc_column(index=True))
    updated_at: datetime = Field(sa_column=utc_column())


class Participant(SQLModel, table=True):
    """Somebody who took part, as the sender named them. Linking to a contact is the registry's business."""

    __tablename__ = "participant"

    id: str = Field(primary_key=True)
    interview_id: str = Field(foreign_key="interview.id", index=True, ondelete="CASCADE")
    ordinal: int
    name: str
    email: str | None = None
    role: str | None = None
    speaker: str | None = None  # the label of this person in the segments

    # Consent; None: nobody noted it down.
    may_quote: bool | None = None  # inside the company
    may_share: bool | None = None  # outside
    keep_until: date | None = None


class InterviewTag(SQLModel, table=True):
    __tablename__ = "interview_tag"
    __table_args__ = (Index("ix_interview_tag_tag", "tag"),)

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True)


class Segment(SQLModel, table=True):
    """One stretch of timed text as given or as transcribed; `ordinal` counts from 0 in the interview."""

    __tablename__ = "segment"

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    ordinal: int = Field(primary_key=True)
    speaker: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    text: str
    words: list[Any] | None = Field(default=None, sa_column=Column(JSON))  # [[text, start_ms, end_ms], …]


class Passage(SQLModel, table=True):
    """What search embeds and indexes: consecutive segments (or a part of one long segment) of one interview."""

    __tablename__ = "passage"
    __table_args__ = (
        UniqueConstraint("interview_id", "ordinal", name="uq_passage_interview_ordinal"),
        {"sqlite_autoincrement": True},  # an id that was deleted is never given again: it may stand in an index file
    )

    id: int | None = Field(default=None, primary_key=True)  # also its row in the full text
    interview_id: str = Field(foreign_key="interview.id", ondelete="CASCADE")
    ordinal: int
    first_segment: int
    last_segment: int  # inclusive
    start_ms: int | None = None
    end_ms: int | None = None
    speakers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    text: str
    content_hash: str = Field(index=True)  # sha256 of the text
