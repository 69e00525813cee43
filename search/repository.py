"""Every query of search, as plain functions of a session; the words' index has its own in its adapter.

Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, exists, false, func, or_, select
from sqlmodel import Session, col

from core.ids import new_id
from core.tables import Interview, InterviewTag, Passage, Segment
from search.tables import IndexChange, PassageVector, SearchState
from search.values import Ids, IdSelection, SearchFilters, Vectors

# States in which an interview that was found before is being worked on again: it stays findable meanwhile.
_AT_WORK = ("received", "transcribing", "indexing")

_STORED = np.dtype("<f4")  # a vector's bytes mean the same on every machine
_FEW = 500  # parameters per statement: old SQLite allows 999

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FoundPassage:
    passage: Passage
    interview: Interview


@dataclass(frozen=True, slots=True)
class PassageText:
    passage_id: int
    content_hash: str
    text: str


def findable(filters: SearchFilters) -> list[ColumnElement[bool]]:
    """Return the conditions on a joined Passage and Interview: may be found, and meets `filters`.

    An interview is findable when it is ready; also while a change of it is being worked on, if it was indexed
    before: its passages answer until they are replaced, the new ones by their words at once and by their
    meaning as soon as they are embedded.
    """
    was_indexed = exists().where(col(IndexChange.interview_id) == col(Interview.id))
    status = col(Interview.status)
    conditions: list[ColumnElement[bool]] = [or_(status == "ready", status.in_(_AT_WORK) & was_indexed)]
    conditions += _on_interview(filters)
    if filters.speaker is not None:
        spoken = exists().where(
            col(Segment.interview_id) == col(Passage.interview_id),
            col(Segment.ordinal).between(col(Passage.first_segment), col(Passage.last_segment)),
            or_(
                col(Segment.speaker) == filters.speaker,
                func.lower(Segment.speaker) == filters.speaker.lower(),
            ),
        )
        conditions.append(spoken)
    return conditions


def _on_interview(filters: SearchFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.project is not None:
        conditions.append(col(Interview.project_id) == filters.project)
    if filters.team is not None:
        conditions.append(false())  # no interview belongs to a team yet
    if filters.tag is not None:
        conditions.append(
            exists().where(col(InterviewTag.interview_id) == col(Interview.id), col(InterviewTag.tag) == filters.tag)
        )
    if filters.from_at is not None:
        conditions.append(col(Interview.recorded_at) >= filters.from_at)
    if filters.to_at is not None:
        conditions.append(col(Interview.recorded_at) <= filters.to_at)
    if filters.language is not None:
        conditions.append(col(Interview.language) == filters.language)
    if filters.kind is not None:
        has_sound = col(Interview.recording_sha256).is_not(None)
        conditions.append(has_sound if filters.kind == "recording" else ~has_sound)
    return conditions


def select_passages(session: Session, filters: SearchFilters) -> IdSelection:
    """Return which passages a vector index may return: the few hidden ones when nothing is filtered."""
    joined = select(col(Passage.id)).join(Interview, col(Interview.id) == col(Passage.interview_id))
    everything = SearchFilters()
    if filters == everything:
        (may_be_found,) = findable(everything)
        return IdSelection(_ids(session, joined.where(~may_be_found)), is_exclusion=True)
    return IdSelection(_ids(session, joined.where(*findable(filters))))


def load_passages(session: Session, passage_ids: Sequence[int]) -> dict[int, FoundPassage]:
    """Return the passages that still exist, by id."""
    found: dict[int, FoundPassage] = {}
    for few in _in_parts(passage_ids):
        rows = session.execute(
            select(Passage, Interview)
            .join(Interview, col(Interview.id) == col(Passage.interview_id))
            .where(col(Passage.id).in_(few))
        )
        found.update((passage.id, FoundPassage(passage, interview)) for passage, interview in rows)
    return found


def passages_without_vector(
    session: Session, model: str, *, interview_id: str | None = None, limit: int | None = None
) -> list[PassageText]:
    """Return passages that `model` has not embedded as they read now, in order of id."""
    statement = select(col(Passage.id), col(Passage.content_hash), col(Passage.text)).where(_not_embedded(model))
    if interview_id is not None:
        statement = statement.where(col(Passage.interview_id) == interview_id)
    rows = session.execute(statement.order_by(col(Passage.id)).limit(limit))
    return [PassageText(passage_id, content_hash, text) for passage_id, content_hash, text in rows]


def count_without_vector(session: Session, model: str) -> int:
    """Return how many passages `model` has not embedded as they read now."""
    return _count(session, select(func.count(col(Passage.id))).where(_not_embedded(model)))


def _not_embedded(model: str) -> ColumnElement[bool]:
    return ~exists().where(
        col(PassageVector.passage_id) == col(Passage.id),
        col(PassageVector.model) == model,
        col(PassageVector.content_hash) == col(Passage.content_hash),
    )


def vectors_by_hash(session: Session, model: str, content_hashes: Iterable[str]) -> dict[str, Vectors]:
    """Return a vector of `model` for each of these texts that was ever embedded."""
    known: dict[str, Vectors] = {}
    for few in _in_parts(sorted(set(content_hashes))):
        rows = session.execute(
            select(col(PassageVector.content_hash), col(PassageVector.vector)).where(
                col(PassageVector.model) == model, col(PassageVector.content_hash).in_(few)
            )
        )
        known.update((content_hash, _from_bytes(vector)) for content_hash, vector in rows)
    return known


def put_vectors(session: Session, model: str, passages: Sequence[PassageText], vectors: Sequence[Vectors]) -> None:
    """Store each passage's vector, unless the passage was deleted or rewritten meanwhile."""
    for few in _in_parts(list(zip(passages, vectors, strict=True))):
        wanted = {passage.passage_id: (passage, vector) for passage, vector in few}
        rows = session.execute(
            select(col(Passage.id), col(Passage.content_hash)).where(col(Passage.id).in_(list(wanted)))
        ).all()
        current = [found for found, content_hash in rows if wanted[found][0].content_hash == content_hash]
        session.execute(
            delete(PassageVector).where(col(PassageVector.model) == model, col(PassageVector.passage_id).in_(current))
        )
        for found in current:
            passage, vector = wanted[found]
            session.add(
                PassageVector(
                    passage_id=found,
                    model=model,
                    dim=len(vector),
                    content_hash=passage.content_hash,
                    vector=vector.astype(_STORED).tobytes(),
                )
            )
        session.flush()


def interview_vectors(session: Session, interview_id: str, model: str) -> tuple[Ids, Vectors]:
    """Return the ids (n,) and vectors (n, dim) of an interview's passages; both empty when there are none."""
    rows = session.execute(
        select(col(PassageVector.passage_id), col(PassageVector.vector))
        .join(Passage, col(Passage.id) == col(PassageVector.passage_id))
        .where(col(Passage.interview_id) == interview_id, col(PassageVector.model) == model)
        .order_by(col(PassageVector.passage_id))
    ).all()
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)
    ids = np.array([passage_id for passage_id, _ in rows], dtype=np.int64)
    return ids, np.stack([_from_bytes(vector) for _, vector in rows])


def delete_vectors_of_other_models(session: Session, model: str) -> None:
    """Keep the vectors of `model` alone."""
    session.execute(delete(PassageVector).where(col(PassageVector.model) != model))


def has_vectors(session: Session, model: str) -> bool:
    """Return whether anything was embedded with `model`."""
    some = select(col(PassageVector.passage_id)).where(col(PassageVector.model) == model).limit(1)
    return session.execute(some).first() is not None


def count_vectors(session: Session, model: str) -> int:
    """Return how many passages `model` has embedded."""
    return _count(session, select(func.count(col(PassageVector.passage_id))).where(col(PassageVector.model) == model))


def count_findable(session: Session) -> int:
    """Return how many passages a search without filters can find."""
    joined = select(func.count(col(Passage.id))).join(Interview, col(Interview.id) == col(Passage.interview_id))
    return _count(session, joined.where(*findable(SearchFilters())))


def record_change(session: Session, interview_id: str) -> None:
    """Log that the index has to look at this interview again."""
    # held until the commit: numbers become visible in their order on databases with several writers, too
    session.execute(select(SearchState).where(col(SearchState.id) == 1).with_for_update())
    session.execute(delete(IndexChange).where(col(IndexChange.interview_id) == interview_id))
    session.add(IndexChange(interview_id=interview_id))
    session.flush()


def last_change(session: Session) -> int:
    """Return the number of the latest change, 0 when there is none."""
    return _count(session, select(func.coalesce(func.max(col(IndexChange.seq)), 0)))


def changes_after(session: Session, seq: int) -> list[tuple[int, str]]:
    """Return (seq, interview id) of the later changes, in order."""
    statement = select(col(IndexChange.seq), col(IndexChange.interview_id)).where(col(IndexChange.seq) > seq)
    return [(number, interview_id) for number, interview_id in session.execute(statement.order_by("seq"))]


def unlogged_interviews(session: Session) -> list[str]:
    """Return the ready interviews the log does not know."""
    logged = exists().where(col(IndexChange.interview_id) == col(Interview.id))
    return list(session.execute(select(col(Interview.id)).where(col(Interview.status) == "ready", ~logged)).scalars())


def get_state(session: Session) -> SearchState | None:
    """Return the row that says whose vectors answer; None before the first use."""
    return session.get(SearchState, 1)


def put_state(session: Session, model: str) -> SearchState:
    """Make `model` the one that answers, in a new generation."""
    state = session.get(SearchState, 1) or SearchState(id=1, model=model, generation="")
    state.model = model
    state.generation = new_id("gen")
    session.add(state)
    session.flush()
    return state


def _count(session: Session, statement: Select[Any]) -> int:
    return int(session.execute(statement).scalar_one())


def _ids(session: Session, statement: Select[Any]) -> Ids:
    return np.fromiter(session.execute(statement).scalars(), dtype=np.int64)


def _from_bytes(vector: bytes) -> Vectors:
    return np.frombuffer(vector, dtype=_STORED).astype(np.float32)


def _in_parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _FEW] for start in range(0, len(items), _FEW))
