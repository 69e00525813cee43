"""SQL about interviews and their text, as plain functions on a session; callers open the transactions.

What concerns the work on them (attempts, progress, windows heard so far) stands in `work_repository.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, or_, select

from core.ids import new_id
from core.tables import Interview, InterviewTag, Participant, Passage, Segment
from core.visibility import EVERYBODY, Viewer, is_visible_to
from ingest.checks import Details
from ingest.schemas import Consent, ParticipantIn
from ingest.tables import IngestJob
from ingest.values import PassageDraft, TimedSegment, Word

# --- finding ---------------------------------------------------------------------------------------------------------


def find(session: Session, interview_id: str, viewer: Viewer, *, for_update: bool = False) -> Interview | None:
    query = select(Interview).where(Interview.id == interview_id, is_visible_to(viewer))
    return session.exec(query.with_for_update() if for_update else query).one_or_none()


def find_by_external_id(session: Session, source: str, external_id: str) -> Interview | None:
    return session.exec(
        select(Interview).where(Interview.source == source, Interview.external_id == external_id)
    ).first()


def find_by_recording(session: Session, viewer: Viewer, project_id: str | None, sha256: str) -> Interview | None:
    """Return the oldest interview of the project with these bytes that the viewer may see."""
    return session.exec(
        select(Interview)
        .where(Interview.recording_sha256 == sha256, _in_project(project_id), is_visible_to(viewer))
        .order_by(col(Interview.id))
    ).first()


def find_by_given_text(session: Session, viewer: Viewer, project_id: str | None, text_hash: str) -> Interview | None:
    """Return the oldest interview of the project, seen by the viewer, that came with this text and no recording."""
    return session.exec(
        select(Interview)
        .join(IngestJob, col(IngestJob.interview_id) == Interview.id)
        .where(IngestJob.given_text_hash == text_hash, _in_project(project_id), is_visible_to(viewer))
        .where(col(Interview.recording_sha256).is_(None))
        .order_by(col(Interview.id))
    ).first()


def is_recording_used(session: Session, sha256: str) -> bool:
    return session.exec(select(Interview.id).where(Interview.recording_sha256 == sha256)).first() is not None


def list_interviews(
    session: Session,
    viewer: Viewer,
    *,
    project: str | None,
    status: str | None,
    tag: str | None,
    text: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Interview]:
    """Return up to `limit` interviews that came before `before`, newest first; equal times by falling id."""
    query = select(Interview).where(is_visible_to(viewer), col(Interview.withdrawn_at).is_(None)).limit(limit)
    query = query.order_by(col(Interview.created_at).desc(), col(Interview.id).desc())
    if project is not None:
        query = query.where(Interview.project_id == project)
    if status is not None:
        query = query.where(Interview.status == status)
    if tag is not None:
        tagged = select(InterviewTag.interview_id).where(func.lower(InterviewTag.tag) == func.lower(tag))
        query = query.where(col(Interview.id).in_(tagged))
    if text:
        query = query.where(col(Interview.title).icontains(text, autoescape=True))
    if before is not None:
        at, last_id = before
        query = query.where(
            or_(
                col(Interview.created_at) < at,
                (col(Interview.created_at) == at) & (col(Interview.id) < last_id),
            )
        )
    return list(session.exec(query))


def participants_of(session: Session, ids: Sequence[str]) -> dict[str, list[Participant]]:
    rows = session.exec(
        select(Participant)
        .where(col(Participant.interview_id).in_(ids))
        .order_by(col(Participant.interview_id), col(Participant.ordinal))
    )
    found: dict[str, list[Participant]] = {}
    for row in rows:
        found.setdefault(row.interview_id, []).append(row)
    return found


def tags_of(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    rows = session.exec(
        select(InterviewTag).where(col(InterviewTag.interview_id).in_(ids)).order_by(col(InterviewTag.tag))
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.interview_id, []).append(row.tag)
    return found


def count_by_interview(session: Session, table: type[Segment | Passage], ids: Sequence[str]) -> dict[str, int]:
    owner = col(table.interview_id)
    return dict(session.execute(sa_select(owner, func.count()).where(owner.in_(ids)).group_by(owner)).all())


def segments_of(session: Session, interview_id: str) -> list[Segment]:
    return list(
        session.exec(select(Segment).where(Segment.interview_id == interview_id).order_by(col(Segment.ordinal)))
    )


def has_segments(session: Session, interview_id: str) -> bool:
    return session.exec(select(Segment.ordinal).where(Segment.interview_id == interview_id)).first() is not None


def has_passages(session: Session, interview_id: str) -> bool:
    return session.exec(select(Passage.id).where(Passage.interview_id == interview_id)).first() is not None


# --- writing an interview --------------------------------------------------------------------------------------------


def put_details(
    session: Session, interview: Interview, details: Details, people: Sequence[ParticipantIn]
) -> list[Participant]:
    """Replace the metadata, participants and tags of a stored interview; return the participants' rows."""
    if details.title is not None:
        interview.title = details.title
    interview.project_id = details.project
    interview.team_id = details.team
    interview.recorded_at = details.recorded_at
    if details.language is not None:
        interview.language = details.language
    session.add(interview)
    session.flush()
    session.execute(delete(Participant).where(col(Participant.interview_id) == interview.id))
    session.execute(delete(InterviewTag).where(col(InterviewTag.interview_id) == interview.id))
    rows = [_participant(interview.id, ordinal, person) for ordinal, person in enumerate(people)]
    session.add_all(rows)
    spelled = _known_spellings(session, details.tags, interview.project_id)
    for tag in details.tags:
        session.add(InterviewTag(interview_id=interview.id, tag=spelled.get(tag.lower(), tag)))
    session.flush()
    return rows


def _participant(interview_id: str, ordinal: int, person: ParticipantIn) -> Participant:
    consent = person.consent or Consent()
    return Participant(
        id=new_id("par"),
        interview_id=interview_id,
        ordinal=ordinal,
        name=person.name,
        email=person.email,
        role=person.role,
        speaker=person.speaker,
        may_quote=consent.quote_internally,
        may_share=consent.share_outside,
        keep_until=consent.keep_until,
    )


def put_text(
    session: Session, interview_id: str, segments: Sequence[TimedSegment], drafts: Sequence[PassageDraft]
) -> None:
    """Replace segments and passages in one go, so that no passage points at another text."""
    put_segments(session, interview_id, segments)
    put_passages(session, interview_id, drafts)


def put_segments(session: Session, interview_id: str, segments: Sequence[TimedSegment]) -> None:
    session.execute(delete(Segment).where(col(Segment.interview_id) == interview_id))
    rows = [
        {
            "interview_id": interview_id,
            "ordinal": ordinal,
            "speaker": segment.speaker,
            "start_ms": segment.start_ms,
            "end_ms": segment.end_ms,
            "text": segment.text,
            "words": [[word.text, word.start_ms, word.end_ms] for word in segment.words] or None,
        }
        for ordinal, segment in enumerate(segments)
    ]
    if rows:
        session.execute(insert(Segment), rows)


def put_passages(session: Session, interview_id: str, drafts: Sequence[PassageDraft]) -> None:
    session.execute(delete(Passage).where(col(Passage.interview_id) == interview_id))
    rows = [
        {
            "interview_id": interview_id,
            "ordinal": ordinal,
            "first_segment": draft.first_segment,
            "last_segment": draft.last_segment,
            "start_ms": draft.start_ms,
            "end_ms": draft.end_ms,
            "speakers": list(draft.speakers),
            "text": draft.text,
            "content_hash": hashlib.sha256(draft.text.encode()).hexdigest(),
        }
        for ordinal, draft in enumerate(drafts)
    ]
    if rows:
        session.execute(insert(Passage), rows)


def timed_segments(rows: Iterable[Segment]) -> list[TimedSegment]:
    return [
        TimedSegment(row.text, row.start_ms, row.end_ms, row.speaker, tuple(Word(*word) for word in row.words or ()))
        for row in rows
    ]


def text_hash(segments: Sequence[TimedSegment]) -> str:
    """Return the address of a text: equal for segments with the same speakers, times and texts."""
    rows = [[segment.speaker, segment.start_ms, segment.end_ms, segment.text] for segment in segments]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def remove(session: Session, interview: Interview) -> None:
    """Delete the interview with everything that hangs on it (the foreign keys cascade)."""
    session.execute(delete(Interview).where(col(Interview.id) == interview.id))


def _in_project(project_id: str | None) -> Any:
    return col(Interview.project_id).is_(None) if project_id is None else col(Interview.project_id) == project_id


def _known_spellings(session: Session, tags: Sequence[str], project_id: str | None) -> dict[str, str]:
    """Return how tags are already written elsewhere, so that "Pricing" and "pricing" stay one tag.

    Elsewhere is what is open to all and the same project: a spelling would tell of a tag in a restricted one.
    """
    lowered = [tag.lower() for tag in tags]
    rows = session.exec(
        select(InterviewTag.tag)
        .join(Interview, col(Interview.id) == InterviewTag.interview_id)
        .where(func.lower(InterviewTag.tag).in_(lowered))
        .where(or_(is_visible_to(EVERYBODY), _in_project(project_id)))
        .distinct()
        .order_by(col(InterviewTag.tag))
    )
    return {tag.lower(): tag for tag in rows}
