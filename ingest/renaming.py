"""Gives a speaker another label in a text that is stored; `app/erasure.py` calls when a person is erased."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.tables import Interview, Segment
from ingest import repository, work_repository
from ingest.schemas import UNFINISHED, InterviewStatus
from ingest.split import split_passages


def rename_speaker(
    session: Session, interview: Interview, labels: Collection[str], label: str, at: datetime
) -> tuple[str, bool]:
    """Write `label` in place of `labels`, with a number behind it if somebody else has it.

    Return it, and whether anybody was renamed: then the text is a new revision, whose indexing is to be enqueued.
    """
    spoken = set(session.exec(select(Segment.speaker).where(Segment.interview_id == interview.id).distinct()))
    wanted = {one.casefold() for one in labels}
    renamed = [one for one in spoken if one is not None and one.casefold() in wanted]
    number, free = 1, label
    while free in spoken:
        number += 1
        free = f"{label} {number}"
    if not renamed:
        return free, False
    session.execute(
        update(Segment)
        .where(col(Segment.interview_id) == interview.id, col(Segment.speaker).in_(renamed))
        .values(speaker=free)
    )
    segments = repository.timed_segments(repository.segments_of(session, interview.id))
    repository.put_passages(session, interview.id, split_passages(segments))  # a passage says who speaks
    interview.revision += 1
    if interview.status in (*UNFINISHED, InterviewStatus.READY):
        work_repository.start_attempt(session, interview, InterviewStatus.INDEXING, at)
    session.flush()
    return free, True
