"""Queries of which interviews may be found, by whom, and what is known of them; plain functions of a session.

Everything here is read in the transaction of the search that asks, so that a change holds for the next question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlmodel import Session, col

from core.directory import list_projects, list_teams, require_project, require_team
from core.tables import Interview, InterviewTag
from core.visibility import EVERYBODY, Viewer, is_visible_to
from search.conditions import Conditions
from search.words import fold

# States in which an interview that was found before is being worked on again: it stays findable meanwhile.
_AT_WORK = ("received", "transcribing", "indexing")


@dataclass(frozen=True, slots=True)
class InterviewFacts:
    """What facets count."""

    project: str | None
    team: str | None
    language: str | None
    recorded_at: datetime | None
    has_sound: bool
    tags: tuple[str, ...]


def visible_interviews(session: Session, viewer: Viewer) -> dict[str, bool]:
    """Return the interviews that may be found for `viewer` now, and of each whether it is open to everybody."""
    is_open = is_visible_to(EVERYBODY)
    # joined by the database, as it is asked before every question: a row for each costs several times as much
    found = select(is_open, func.aggregate_strings(col(Interview.id), " ")).where(_findable(), is_visible_to(viewer))
    return {
        interview_id: bool(open_to_all)
        for open_to_all, ids in session.execute(found.group_by(is_open))
        for interview_id in ids.split(" ")
    }


def matching_interviews(session: Session, conditions: Conditions, viewer: Viewer) -> list[str]:
    """Return the interviews that may be found for `viewer` and meet all `conditions` but those of who speaks."""
    found = select(col(Interview.id)).where(_findable(), is_visible_to(viewer), *_of_interviews(conditions))
    return list(session.execute(found).scalars())


def interview_facts(session: Session, viewer: Viewer) -> dict[str, InterviewFacts]:
    """Return what is known of each interview that may be found for `viewer`."""
    may_be_found = _findable(), is_visible_to(viewer)
    tags: dict[str, list[str]] = {}
    tagged = select(col(InterviewTag.interview_id), col(InterviewTag.tag)).join(
        Interview, col(Interview.id) == col(InterviewTag.interview_id)
    )
    for interview_id, tag in session.execute(tagged.where(*may_be_found).order_by(col(InterviewTag.tag))):
        tags.setdefault(interview_id, []).append(tag)
    rows = session.execute(
        select(
            col(Interview.id),
            col(Interview.project_id),
            col(Interview.team_id),
            col(Interview.language),
            col(Interview.recorded_at),
            col(Interview.recording_sha256).is_not(None),
        ).where(*may_be_found)
    )
    return {
        interview_id: InterviewFacts(project, team, language, recorded_at, has_sound, tuple(tags.get(interview_id, ())))
        for interview_id, project, team, language, recorded_at, has_sound in rows
    }


def require_projects(session: Session, names: Sequence[str], viewer: Viewer) -> tuple[str, ...]:
    """Return the ids of projects given by id or by name. Raises: InvalidInput `unknown_project`."""
    ids: list[str] = []
    for name in names:
        named = [one.id for one in list_projects(session, viewer) if fold(one.name) == fold(name)]
        ids += named or [require_project(session, name, viewer).id]
    return tuple(ids)


def require_teams(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of teams given by id or by name. Raises: InvalidInput `unknown_team`."""
    ids: list[str] = []
    for name in names:
        named = [one.id for one in list_teams(session) if fold(one.name) == fold(name)]
        ids += named or [require_team(session, name).id]
    return tuple(ids)


def _findable() -> ColumnElement[bool]:
    """Ready, or being worked on again (its last revision answers meanwhile), and nobody objects to being quoted."""
    is_there = or_(col(Interview.status) == "ready", col(Interview.status).in_(_AT_WORK))
    return and_(is_there, col(Interview.is_quotable), col(Interview.withdrawn_at).is_(None))


def _of_interviews(asked: Conditions) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.projects:
        conditions.append(col(Interview.project_id).in_(asked.projects))
    if asked.teams:
        conditions.append(col(Interview.team_id).in_(asked.teams))
    if asked.tags:
        tagged = exists().where(col(InterviewTag.interview_id) == col(Interview.id))
        conditions.append(tagged.where(col(InterviewTag.tag).in_(asked.tags)))
    if asked.from_at is not None:
        conditions.append(col(Interview.recorded_at) >= asked.from_at)
    if asked.to_at is not None:
        conditions.append(col(Interview.recorded_at) <= asked.to_at)
    if asked.languages:
        conditions.append(col(Interview.language).in_(asked.languages))
    if asked.kind is not None:
        has_sound = col(Interview.recording_sha256).is_not(None)
        conditions.append(has_sound if asked.kind == "recording" else ~has_sound)
    return conditions
