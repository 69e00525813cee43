"""Queries of what is indexed, as plain functions of a session; `findable` has those of what may be found.

Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Select, bindparam, delete, func, or_, select
from sqlmodel import Session, col

from core.ids import new_id
from core.tables import Interview, Segment
from search.cell_block import NO_ID, CellBlock, count_cells, pack_block, unpack_block
from search.cell_texts import CellTexts, pack_texts
from search.cells import Cell, SpokenSegment
from search.stems import language_of
from search.tables import IndexChange, IndexedInterview, SearchState, WindowVector
from search.values import Ids, Vectors

_STORED = np.dtype("<f4")  # a vector's bytes mean the same on every machine
_FEW = 500  # parameters per statement: old SQLite allows 999

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WindowText:
    """A window to embed: its place in a revision of an interview, and what it says."""

    ordinal: int
    content_hash: str
    text: str


@dataclass(frozen=True, slots=True)
class CurrentText:
    """What an interview says now, in order; `language` None: not known."""

    revision: int
    language: str | None
    segments: list[SpokenSegment]


@dataclass(frozen=True, slots=True)
class LoadedInterview:
    """An interview for the index: the ids in `block` are those of the (k, dim) `vectors`."""

    block: CellBlock
    ids: Ids
    vectors: Vectors


class ShownInterview(NamedTuple):
    """What a moment says of its interview: columns of `Interview` by their names, and one that `_FOUND` adds."""

    id: str
    external_id: str | None
    title: str
    recorded_at: datetime | None
    project_id: str | None
    language: str | None
    is_shareable: bool
    is_current: bool  # what is found is what the interview says now, whose segments have their times


# Columns, not objects: a session keeps account of those, which takes as long as reading them.
_FOUND = (
    select(
        col(IndexedInterview.texts),
        *(getattr(Interview, name) for name in ShownInterview._fields[:-1]),
        col(IndexedInterview.revision) == col(Interview.revision),
    )
    .join(Interview, col(IndexedInterview.interview_id) == col(Interview.id))
    .where(col(IndexedInterview.interview_id).in_(bindparam("ids", expanding=True)))
)


# --- interviews as they are now, and as they are indexed ---


def read_text(session: Session, interview_id: str) -> CurrentText | None:
    """Return what the interview says now; None when it is gone."""
    interview = session.get(Interview, interview_id)
    if interview is None:
        return None
    rows = session.execute(
        select(
            col(Segment.ordinal), col(Segment.text), col(Segment.speaker), col(Segment.start_ms), col(Segment.end_ms)
        )
        .where(col(Segment.interview_id) == interview_id)
        .order_by(col(Segment.ordinal))
    )
    return CurrentText(interview.revision, interview.language, [SpokenSegment(*row) for row in rows])


def put_indexed(session: Session, interview_id: str, revision: int, block: CellBlock, cells: Sequence[Cell]) -> bool:
    """Let this revision be the one that is found; drop other revisions' vectors.

    Nothing happens, and False is returned, when there is another revision by now, or its language has changed.
    """
    interview = session.get(Interview, interview_id)
    if interview is None or interview.revision != revision or language_of(interview.language) != block.languages[0]:
        return False
    indexed = session.get(IndexedInterview, interview_id) or IndexedInterview(
        interview_id=interview_id, revision=revision, window_count=0, block=b"", texts=b""
    )
    indexed.revision = revision
    indexed.window_count = len(block.window_ids)
    indexed.block = pack_block(block)
    indexed.texts = pack_texts(cells)
    session.add(indexed)
    of_interview = col(WindowVector.interview_id) == interview_id
    beyond = or_(col(WindowVector.revision) != revision, col(WindowVector.ordinal) >= indexed.window_count)
    session.execute(delete(WindowVector).where(of_interview, beyond))
    return True


def load_indexed(session: Session, interview_id: str, model: str) -> LoadedInterview | None:
    """Return the interview as it is indexed, with the vectors of `model`; None when it is not indexed."""
    indexed = session.get(IndexedInterview, interview_id)
    if indexed is None:
        return None
    try:
        block = unpack_block(indexed.block)
    except ValueError:  # counted by an older Earshot, which counted less
        block = count_cells(interview_id, CellTexts(indexed.texts).every(), _language_of(session, interview_id))
    rows = session.execute(
        select(col(WindowVector.ordinal), col(WindowVector.id), col(WindowVector.vector))
        .where(_of_revision(interview_id, indexed.revision, model))
        .order_by(col(WindowVector.ordinal))
    ).all()
    rows = [row for row in rows if row[0] < len(block.window_ids)]
    ids = np.array([window_id for _, window_id, _ in rows], dtype=np.int64)
    vectors = np.stack([_from_bytes(row[2]) for row in rows]) if rows else np.zeros((0, 0), dtype=np.float32)
    window_ids = np.full(len(block.window_ids), NO_ID, dtype=np.int64)
    window_ids[[ordinal for ordinal, _, _ in rows]] = ids
    session.expunge(indexed)  # a process reads many of them
    return LoadedInterview(replace(block, window_ids=window_ids), ids, vectors)


def load_found(session: Session, interview_ids: Iterable[str]) -> dict[str, tuple[ShownInterview, CellTexts]]:
    """Return what is shown of these interviews: about each, and the texts of the cells as they are indexed."""
    found: dict[str, tuple[ShownInterview, CellTexts]] = {}
    for few in _in_parts(list(interview_ids)):
        for texts, *about in session.execute(_FOUND, {"ids": few}):
            shown = ShownInterview(*about)
            found[shown.id] = shown, CellTexts(texts)
    return found


def segment_starts(session: Session, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int | None]:
    """Return when each of these (interview, segment) begins, in ms, as the interviews are now."""
    of_one = [(col(Segment.interview_id) == one) & (col(Segment.ordinal) == ordinal) for one, ordinal in places]
    if not of_one:
        return {}
    # SQLite takes an index for `a or b`, but reads the whole table for a list of pairs
    rows = session.execute(
        select(col(Segment.interview_id), col(Segment.ordinal), col(Segment.start_ms)).where(or_(*of_one))
    )
    return {(interview_id, ordinal): start_ms for interview_id, ordinal, start_ms in rows}


def indexed_cells(session: Session, interview_id: str) -> tuple[int, list[Cell]] | None:
    """Return the revision that is found and its cells."""
    indexed = session.get(IndexedInterview, interview_id)
    return None if indexed is None else (indexed.revision, CellTexts(indexed.texts).every())


def _language_of(session: Session, interview_id: str) -> str | None:
    return session.execute(select(col(Interview.language)).where(col(Interview.id) == interview_id)).scalar()


# --- vectors ---


def window_vectors(session: Session, interview_id: str, model: str) -> dict[int, Vectors]:
    """Return the vectors of the interview's indexed revision by the ids of its windows."""
    rows = session.execute(
        select(col(WindowVector.id), col(WindowVector.vector))
        .join(IndexedInterview, col(IndexedInterview.interview_id) == col(WindowVector.interview_id))
        .where(
            col(WindowVector.interview_id) == interview_id,
            col(WindowVector.revision) == col(IndexedInterview.revision),
            col(WindowVector.model) == model,
        )
    )
    return {window_id: _from_bytes(vector) for window_id, vector in rows}


def known_windows(session: Session, interview_id: str, revision: int, model: str) -> set[tuple[int, str]]:
    """Return (ordinal, content hash) of the windows `model` has embedded."""
    rows = session.execute(
        select(col(WindowVector.ordinal), col(WindowVector.content_hash)).where(
            _of_revision(interview_id, revision, model)
        )
    )
    return {(ordinal, content_hash) for ordinal, content_hash in rows}


def vectors_by_hash(session: Session, model: str, content_hashes: Iterable[str]) -> dict[str, Vectors]:
    """Return a vector of `model` for each of these texts that was ever embedded."""
    known: dict[str, Vectors] = {}
    for few in _in_parts(sorted(set(content_hashes))):
        rows = session.execute(
            select(col(WindowVector.content_hash), col(WindowVector.vector)).where(
                col(WindowVector.model) == model, col(WindowVector.content_hash).in_(few)
            )
        )
        known.update((content_hash, _from_bytes(vector)) for content_hash, vector in rows)
    return known


def put_vectors(
    session: Session, interview_id: str, revision: int, model: str, windows: Sequence[tuple[WindowText, Vectors]]
) -> None:
    """Store the windows' vectors; nothing happens when the interview was deleted or withdrawn meanwhile."""
    interview = session.get(Interview, interview_id)
    if interview is None or interview.withdrawn_at is not None:
        return
    ordinals = [window.ordinal for window, _ in windows]
    session.execute(
        delete(WindowVector).where(_of_revision(interview_id, revision, model), col(WindowVector.ordinal).in_(ordinals))
    )
    session.add_all(
        WindowVector(
            interview_id=interview_id,
            revision=revision,
            model=model,
            ordinal=window.ordinal,
            dim=len(vector),
            content_hash=window.content_hash,
            vector=vector.astype(_STORED).tobytes(),
        )
        for window, vector in windows
    )
    session.flush()


def incomplete_interviews(session: Session, model: str) -> list[str]:
    """Return the indexed interviews of which `model` has not embedded every window."""
    embedded = (
        select(func.count(col(WindowVector.id)))
        .where(
            col(WindowVector.interview_id) == col(IndexedInterview.interview_id),
            col(WindowVector.revision) == col(IndexedInterview.revision),
            col(WindowVector.model) == model,
        )
        .scalar_subquery()
    )
    statement = select(col(IndexedInterview.interview_id)).where(col(IndexedInterview.window_count) > embedded)
    return list(session.execute(statement.order_by(col(IndexedInterview.interview_id))).scalars())


def delete_vectors_of_other_models(session: Session, model: str) -> None:
    """Keep the vectors of `model` alone."""
    session.execute(delete(WindowVector).where(col(WindowVector.model) != model))


def has_vectors(session: Session, model: str) -> bool:
    """Return whether anything was embedded with `model`."""
    some = select(col(WindowVector.id)).where(col(WindowVector.model) == model).limit(1)
    return session.execute(some).first() is not None


def count_vectors(session: Session, model: str) -> int:
    """Return how many windows `model` has embedded."""
    return _count(session, select(func.count(col(WindowVector.id))).where(col(WindowVector.model) == model))


def count_indexed(session: Session) -> tuple[int, int]:
    """Return how many interviews are indexed, and how many windows they have."""
    row = session.execute(
        select(func.count(col(IndexedInterview.interview_id)), func.sum(col(IndexedInterview.window_count)))
    ).one()
    return int(row[0]), int(row[1] or 0)


def _of_revision(interview_id: str, revision: int, model: str) -> ColumnElement[bool]:
    return (
        (col(WindowVector.interview_id) == interview_id)
        & (col(WindowVector.revision) == revision)
        & (col(WindowVector.model) == model)
    )


# --- the log of changes and the state ---


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


def ready_interviews(session: Session) -> list[str]:
    """Return every interview that is ready, oldest first."""
    ready = select(col(Interview.id)).where(col(Interview.status) == "ready")
    return list(session.execute(ready.order_by(col(Interview.created_at), col(Interview.id))).scalars())


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


def _from_bytes(vector: bytes) -> Vectors:
    return np.frombuffer(vector, dtype=_STORED).astype(np.float32)


def _in_parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _FEW] for start in range(0, len(items), _FEW))
