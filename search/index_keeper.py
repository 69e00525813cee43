"""Keeps one process's vector index in step with the database: snapshot at the start, then the log of changes.

The database is the truth. A process reads the file, applies the changes after the file's number, and looks
before every question whether another process logged a new one. Whatever the file lacks, the log has; whatever
the file is, it may be deleted. So a crash between a commit and the writing of the file loses nothing.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
from sqlmodel import Session

from search import repository
from search.index_file import IndexOrigin, IndexSnapshot, read_snapshot, write_snapshot
from search.ports import VectorIndex, VectorIndexes
from search.tables import SearchState
from search.values import Hit, IdSelection, OnProgress, Vectors

SAVE_AFTER = 5000  # vectors added or removed: about a second of catching up at the next start

_log = logging.getLogger(__name__)


class IndexKeeper:
    """Safe from any thread: one works on the index at a time."""

    def __init__(self, indexes: VectorIndexes, folder: Path, save_after: int = SAVE_AFTER) -> None:
        self._indexes = indexes
        self._file = folder / "passages.index"
        self._save_after = save_after
        self._lock = threading.RLock()
        self._origin: IndexOrigin | None = None
        self._index: VectorIndex | None = None
        self._passage_ids: dict[str, list[int]] = {}
        self._seq = 0  # the last change that was applied
        self._unsaved = 0  # vectors added or removed since the file was written

    def search(
        self, session: Session, state: SearchState, vector: Vectors, limit: int, selection: IdSelection
    ) -> list[Hit]:
        """Return the nearest selected passages, of everything that is committed as `session` sees it."""
        with self._lock:
            self.catch_up(session, state)
            return [] if self._index is None else self._index.search(vector, limit, selection)

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
            self._forget()
            self._origin = IndexOrigin(self._indexes.kind, state.model, state.generation)
            self.catch_up(session, state, on_progress)
            self.save()

    def save(self) -> None:
        """Write the file if anything changed since it was written; a full disk costs the next start some
        time.
        """
        with self._lock:
            if self._origin is None or self._index is None or not self._unsaved:
                return
            snapshot = IndexSnapshot(self._origin, self._seq, self._passage_ids, self._index.to_bytes())
            try:
                write_snapshot(self._file, snapshot)
            except OSError as error:
                _log.warning("the index was not written to disk (%s); it will be made again from the database", error)
            self._unsaved = 0

    @property
    def is_open(self) -> bool:
        return self._origin is not None

    @property
    def count(self) -> int:
        """Number of vectors in the index of this process."""
        with self._lock:
            return sum(len(ids) for ids in self._passage_ids.values())

    def _open(self, session: Session, origin: IndexOrigin) -> None:
        self._forget()
        self._origin = origin
        snapshot = read_snapshot(self._file, origin)
        if snapshot is None or snapshot.seq > repository.last_change(session):
            return  # a database put back from a backup is behind its file
        try:
            self._index = self._indexes.from_bytes(snapshot.index)
        except ValueError:
            _log.warning("the index file could not be read; the index is made again from the database")
            return
        self._passage_ids = snapshot.passage_ids
        self._seq = snapshot.seq

    def _renew(self, session: Session, interview_id: str, model: str) -> None:
        """Let the index hold exactly what the database holds of this interview."""
        old = self._passage_ids.pop(interview_id, [])
        if old and self._index is not None:
            self._index.remove(np.array(old, dtype=np.int64))
        ids, vectors = repository.interview_vectors(session, interview_id, model)
        if len(ids):
            if self._index is None:
                self._index = self._indexes.empty(vectors.shape[1])
            self._index.add(ids, vectors)
            self._passage_ids[interview_id] = ids.tolist()
        self._unsaved += max(1, len(old) + len(ids))

    def _forget(self) -> None:
        self._index = None
        self._passage_ids = {}
        self._seq = 0
        self._unsaved = 0
