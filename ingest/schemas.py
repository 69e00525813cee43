"""What callers send about interviews and what they get back; the API, the command line and the pages speak these.

Pydantic checks shapes here (types, unknown fields); `checks.py` checks sense (limits, times, languages) so that its
sentences can name the segment.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.text import clean_text


class InterviewStatus(StrEnum):
    """How far an interview's processing is."""

    RECEIVED = "received"
    NEEDS_MODEL = "needs_model"
    TRANSCRIBING = "transcribing"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A job is to be done or under way.
UNFINISHED = (InterviewStatus.RECEIVED, InterviewStatus.TRANSCRIBING, InterviewStatus.INDEXING)


class TranscriptFormat(StrEnum):
    JSON = "json"
    VTT = "vtt"
    SRT = "srt"
    TXT = "txt"
    MD = "md"
    DOCX = "docx"


def _cleaned(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value


def _cleaned_or_none(value: Any) -> Any:
    return (clean_text(value) or None) if isinstance(value, str) else value


def _words_of(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


# Cleaned before pydantic looks: a lone surrogate would otherwise be refused with a message nobody understands.
CleanText = Annotated[str, BeforeValidator(_cleaned)]
OptionalText = Annotated[str | None, BeforeValidator(_cleaned_or_none)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Consent(_Input):
    """What a participant agreed to; null: nobody noted it. The narrowest of all participants binds the interview."""

    quote_internally: bool | None = Field(default=None, description="False: only the privacy permission reads it.")
    share_outside: bool | None = Field(default=None, description="False: it is read and played, and leaves as no file.")
    keep_until: date | None = Field(default=None, description="After this day the recording is removed.")


class ParticipantIn(_Input):
    """Somebody who took part. A bare string is read as the name."""

    name: CleanText
    email: OptionalText = None
    role: OptionalText = None
    speaker: OptionalText = Field(default=None, description="Label of this person in the segments.")
    consent: Consent | None = Field(default=None, description="What is left out stays as it was noted before.")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class SegmentIn(_Input):
    """A stretch of text, with times in milliseconds from the start where they are known."""

    text: CleanText
    speaker: OptionalText = None
    start_ms: int | None = None
    end_ms: int | None = None


class RecordingIn(_Input):
    """What may be said about a recording when it is sent; everything is optional."""

    title: OptionalText = Field(default=None, description="Default: the file's name.")
    external_id: OptionalText = Field(
        default=None, description="The sender's own id: sending it again updates the interview."
    )
    project: OptionalText = Field(default=None, description="Id of an existing project.")
    team: OptionalText = Field(default=None, description="Id of the team that held it.")
    recorded_at: datetime | None = Field(
        default=None, description="RFC 3339. Without an offset it is read in the workspace's time zone."
    )
    language: OptionalText = Field(default=None, description="ISO 639-1, as in `en`. Default: found out by listening.")
    participants: list[ParticipantIn] = Field(default_factory=list)
    tags: Annotated[list[CleanText], BeforeValidator(_words_of)] = Field(default_factory=list)
    vocabulary: Annotated[list[CleanText], BeforeValidator(_words_of)] = Field(
        default_factory=list, description="Names and product words the transcription should expect."
    )


class InterviewIn(RecordingIn):
    """An interview whose text is already there."""

    title: CleanText
    segments: list[SegmentIn]


class ParticipantOut(BaseModel):
    name: str
    email: str | None
    role: str | None
    speaker: str | None
    consent: Consent = Field(default_factory=Consent)


class SegmentOut(BaseModel):
    """Segment number `ordinal`, counted from 0. `words` are [text, start_ms, end_ms] where they are known."""

    ordinal: int
    speaker: str | None
    start_ms: int | None
    end_ms: int | None
    text: str
    words: list[tuple[str, int, int]] | None = None


class ErrorOut(BaseModel):
    """Why processing stopped: a stable code and a sentence that says what to do."""

    code: str
    message: str


class InterviewOut(BaseModel):
    """An interview without its text."""

    id: str
    external_id: str | None
    source: str
    title: str
    project: str | None
    team: str | None
    recorded_at: datetime | None
    language: str | None
    participants: list[ParticipantOut]
    tags: list[str]

    status: InterviewStatus
    progress: float = Field(description="0 to 1 over all steps.")
    step: str | None = Field(description="What is being done: transcribe, diarize, split, embed, index.")
    notice: str | None = Field(description="Something worth knowing about the result.")
    error: ErrorOut | None

    is_quotable: bool = Field(
        default=True, description="False: text and recording open to the privacy permission only."
    )
    is_shareable: bool = Field(default=True, description="False: nothing of it is exported as a file.")
    keep_until: date | None = Field(default=None, description="The recording is removed after this day.")
    media_removed_at: datetime | None = Field(default=None, description="When its time was over; the text stays.")
    withdrawn_at: datetime | None = Field(default=None, description="When a participant withdrew it: all is gone.")

    has_recording: bool
    has_video: bool
    media_type: str | None
    file_name: str | None
    size_bytes: int | None
    duration_ms: int | None
    transcribed_by: str | None = Field(description="Name of the speech model; null when the text was given.")
    segment_count: int
    passage_count: int
    revision: int = Field(description="Raised whenever the text changes.")
    created_at: datetime
    updated_at: datetime


class InterviewPage(BaseModel):
    """One page of a list, newest first. `next_cursor` is null on the last one."""

    items: list[InterviewOut]
    next_cursor: str | None


class RemovalOut(BaseModel):
    """A recording that is about to be removed because its time is over; the text stays."""

    interview_id: str
    title: str
    project: str | None
    keep_until: date = Field(description="The last day it is kept.")
    removed_from: date = Field(description="The day at whose start it is removed.")
    size_bytes: int | None
    has_text: bool = Field(description="False: it was not written down yet, and cannot be any more after that day.")
