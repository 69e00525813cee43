"""Turns rows into what callers see: interviews with their counts, segments, pages with cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from core.errors import InvalidInput
from core.tables import Interview, Participant, Passage, Segment
from core.visibility import Viewer
from ingest import repository
from ingest.schemas import (
    Consent,
    ErrorOut,
    InterviewOut,
    InterviewPage,
    InterviewStatus,
    ParticipantOut,
    SegmentOut,
)

MAX_LIMIT = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown(session: Session, interviews: Sequence[Interview]) -> list[InterviewOut]:
    """Return the interviews with participants, tags and counts, in the given order; four queries for any number."""
    ids = [interview.id for interview in interviews]
    participants = repository.participants_of(session, ids)
    tags = repository.tags_of(session, ids)
    segment_counts = repository.count_by_interview(session, Segment, ids)
    passage_counts = repository.count_by_interview(session, Passage, ids)
    return [
        InterviewOut(
            **interview.model_dump(include=set(InterviewOut.model_fields)),
            project=interview.project_id,
            team=interview.team_id,
            participants=[
                ParticipantOut(
                    name=row.name, email=row.email, role=row.role, speaker=row.speaker, consent=noted_consent(row)
                )
                for row in participants.get(interview.id, ())
            ],
            tags=tags.get(interview.id, []),
            error=_error(interview),
            has_recording=interview.recording_sha256 is not None,
            segment_count=segment_counts.get(interview.id, 0),
            passage_count=passage_counts.get(interview.id, 0),
        )
        for interview in interviews
    ]


def shown_segments(rows: Iterable[Segment]) -> list[SegmentOut]:
    return [SegmentOut.model_validate(row, from_attributes=True) for row in rows]


def page(
    session: Session,
    viewer: Viewer,
    project: str | None,
    status: str | None,
    tag: str | None,
    text: str | None,
    cursor: str | None,
    limit: int,
) -> InterviewPage:
    """Return a page, newest first. Raises: InvalidInput `unknown_status`, `invalid_limit`, `invalid_cursor`."""
    if status is not None and status not in list(InterviewStatus):
        known = ", ".join(InterviewStatus)
        raise InvalidInput("unknown_status", f"{status[:30]!r} is no status; known: {known}.", field="status")
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("invalid_limit", f"limit is {limit}; 1 to {MAX_LIMIT} are accepted.", field="limit")
    before = None if cursor is None else _read_cursor(cursor)
    found = repository.list_interviews(
        session, viewer, project=project, status=status, tag=tag, text=text, before=before, limit=limit + 1
    )
    more = len(found) > limit
    found = found[:limit]
    return InterviewPage(items=shown(session, found), next_cursor=_cursor(found[-1]) if more else None)


def noted_consent(person: Participant) -> Consent:
    """Return what the participant's row says; None where nobody noted anything."""
    return Consent(quote_internally=person.may_quote, share_outside=person.may_share, keep_until=person.keep_until)


def _error(interview: Interview) -> ErrorOut | None:
    if interview.error_code is None:
        return None
    return ErrorOut(code=interview.error_code, message=interview.error_message or "")


def _cursor(last: Interview) -> str:
    created_ms = (last.created_at - _EPOCH) // timedelta(milliseconds=1)
    return base64.urlsafe_b64encode(f"{created_ms}:{last.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_ms, last_id = plain.split(":", 1)
        return _EPOCH + timedelta(milliseconds=int(created_ms)), last_id
    except (binascii.Error, ValueError, OverflowError) as error:
        raise InvalidInput(
            "invalid_cursor", "The cursor is none of ours. Take `next_cursor` as it was given.", field="cursor"
        ) from error
