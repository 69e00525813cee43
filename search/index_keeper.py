"""Keeps one process's index in step with the database: snapshot at the start, then the log of changes.

The database is the truth. A process reads the file, applies the changes after the file's number, and looks before
every question whether another process logged a new one. Whatever the file lacks, the log has; whatever the file is,
it may be deleted. So a crash between a commit and the writing of the file loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlmodel import Session

from search import repository
from search.cell_index import CellIndex, Corpus, Mask, Numbers
from search.index_file import IndexOrigin, IndexSnapshot, read_snapshot, write_snapshot
from search.ports import VectorIndex, VectorIndexes
from search.tables import SearchState
from search.values import OnProgress, Vectors
from search.visible_corpora import VisibleCorpora

SAVE_AFTER = 5000  # windows added or removed: about a second of catching up at the next start

# Windows whose closeness is asked for. Up to here scores are exact; of more, the farthest all count as the last one.
MOST_WINDOWS = 50_000

# With fewer cells open to everybody than this share of what somebody sees, what is usual is taken from all they see.
LEAST_OPEN_SHARE = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What one question looks at: cells, how close each window is, and whose statistics count.

    `closeness` is (w,) in the order of `corpus.window_ids`, None without a vector; `counted` (m,).
    """

    corpus: Corpus
    closeness: Numbers | None
    counted: Mask


class IndexKeeper:
    """Safe from any thread: one works on the index at a time."""

    def __init__(self, indexes: VectorIndexes, folder: Path, save_after: int = SAVE_AFTER) -> None:
        self._indexes = indexes
        self._file = folder / "cells.index"
        self._save_after = save_after
        self._lock = threading.RLock()
        self._origin: IndexOrigin | None = None
        self._vectors: VectorIndex | None = None
        self._cells = CellIndex()
        self._visible = VisibleCorpora()
        self._seq = 0  # the last change that was applied
        self._unsaved = 0  # windows added or removed since the file was written

    def look(self, session: Session, state: SearchState, visible: Mapping[str, bool], vector: Vectors | None) -> View:
        """Return all that is committed as `session` sees it of the interviews that are `visible`.

        Of each of these `visible` says whether it is open to everybody. Nothing else takes part in anything.
        """
        with self._lock:
            self.catch_up(session, state)
            whole = self._cells.corpus()
            corpus = self._visible.of(whole, whole.mask_of(visible))
            closeness = None if vector is None else self._closeness(corpus, vector, is_whole=corpus is whole)
        return View(corpus, closeness, _counted(corpus, visible))

    def catch_up(self, session: Session, state: SearchState, on_progress: OnProgress | None = None) -> None:
        """Apply the changes the index has not seen; the first time, read the file or start from nothing."""
        origin = IndexOrigin(self._indexes.kind, state.model, state.generation)
        with self._lock:
            if self._origin != origin:
                self._open(session, origin)
            if repository.last_change(session) <= self._seq:
                return
            changes = repository.changes_after(session, self._seq)
            for done, (seq, interview_id) in enumerate(changes, 1):
                self._renew(session, interview_id, state.model)
                self._seq = seq
                if on_progress is not None:
                    on_progress(done / len(changes))
            if self._unsaved >= self._save_after:
                self.save()

    def rebuild(self, session: Session, state: SearchState, on_progress: OnProgress) -> None:
        """Make the index anew from the database and write it to disk."""
        with self._lock:
            self._start(IndexOrigin(self._indexes.kind, state.model, state.generation))
            self.catch_up(session, state, on_progress)
            self.save()

    def save(self) -> None:
        """Write the file if anything changed since it was written; a full disk costs the next start some time."""
        with self._lock:
            if self._origin is None or not self._unsaved:
                return
            vectors = b"" if self._vectors is None else self._vectors.to_bytes()
            try:
                write_snapshot(self._file, IndexSnapshot(self._origin, self._seq, self._cells.joined(), vectors))
            except OSError as error:
                _log.warning("the index was not written to disk (%s); it will be made again from the database", error)
            self._unsaved = 0

    @property
    def is_open(self) -> bool:
        """Whether this process has an index; one that only processes recordings needs none."""
        return self._origin is not None

    @property
    def count(self) -> int:
        """Number of vectors in the index of this process."""
        with self._lock:
            return len(self._cells.corpus().window_ids)

    def _start(self, origin: IndexOrigin) -> None:
        self._origin = origin
        self._vectors = None
        self._cells = CellIndex()
        self._seq = 0
        self._unsaved = 0

    def _open(self, session: Session, origin: IndexOrigin) -> None:
        self._start(origin)
        snapshot = read_snapshot(self._file, origin)
        if snapshot is None or snapshot.seq > repository.last_change(session):
            return  # a database put back from a backup is behind its file
        try:
            self._vectors = self._indexes.from_bytes(snapshot.vectors) if snapshot.vectors else None
        except ValueError:
            _log.warning("the index file could not be read; the index is made again from the database")
            return
        self._cells = CellIndex([snapshot.block])
        self._seq = snapshot.seq

    def _renew(self, session: Session, interview_id: str, model: str) -> None:
        """Let the index hold exactly what the database holds of this interview."""
        old = self._cells.remove(interview_id)
        if len(old) and self._vectors is not None:
            self._vectors.remove(old)
        loaded = repository.load_indexed(session, interview_id, model)
        if loaded is not None:
            self._cells.put(loaded.block)
            if len(loaded.ids):
                if self._vectors is None:
                    self._vectors = self._indexes.empty(loaded.vectors.shape[1])
                self._vectors.add(loaded.ids, loaded.vectors)
        self._unsaved += max(1, len(old) + (0 if loaded is None else len(loaded.ids)))

    def _closeness(self, corpus: Corpus, vector: Vectors, *, is_whole: bool) -> Numbers:
        window_ids = corpus.window_ids
        if self._vectors is None or not len(window_ids):
            return np.zeros(len(window_ids))
        nearest = self._vectors.search(vector, min(len(window_ids), MOST_WINDOWS), None if is_whole else window_ids)
        closeness = np.full(len(window_ids), float(nearest.scores[-1]))
        closeness[np.searchsorted(window_ids, nearest.ids)] = nearest.scores
        return closeness


def _counted(corpus: Corpus, visible: Mapping[str, bool]) -> Mask:
    """Return (m,) the interviews statistics are taken of: those open to everybody, unless they are too few cells."""
    is_open = np.array([visible[interview] for interview in corpus.interviews], dtype=bool)
    open_cells = int(np.diff(corpus.starts)[is_open].sum())
    return is_open if open_cells >= LEAST_OPEN_SHARE * corpus.size else np.ones(len(is_open), dtype=bool)
