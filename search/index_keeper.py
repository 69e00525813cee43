"""Keeps one process's index in step with the database: files at the start, then the log of changes.

The database is the truth. A process reads the files, applies the changes after the files' number, and looks before
every question whether another process logged a new one. Whatever the files lack, the log has; whatever they are, they
may be deleted. So a crash between a commit and the writing of files loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlmodel import Session

from core.visibility import EVERYBODY
from search import findable, repository
from search.cell_block import CellBlock, pack_block, unpack_block
from search.cell_index import CellIndex, Corpus, Mask, Numbers
from search.index_file import IndexContents, IndexFolder, IndexOrigin
from search.ports import VectorIndex, VectorIndexes
from search.tables import SearchState
from search.values import Ids, Near, OnProgress, Vectors
from search.visible_corpora import VisibleCorpora

SAVE_AFTER = 5000  # windows added or removed: about a second of catching up at the next start
MEMORY_BYTES = 512 * 1024 * 1024  # of files that are read into memory; larger ones are mapped from disk
MANY_CHANGES = 500  # interviews: this process has just started, or slept

# With fewer cells open to everybody than this share of what somebody sees, what is usual is taken from all they see.
LEAST_OPEN_SHARE = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What one question looks at: cells, and whose statistics count, `counted` (m,)."""

    corpus: Corpus
    counted: Mask


class IndexKeeper:
    """Safe from any thread: one works on the index at a time."""

    def __init__(
        self,
        indexes: VectorIndexes,
        folder: Path,
        save_after: int = SAVE_AFTER,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._indexes = indexes
        self._folder = IndexFolder(folder)
        self._save_after = save_after
        self._memory_bytes = memory_bytes
        self._lock = threading.RLock()
        self._origin: IndexOrigin | None = None
        self._vectors: VectorIndex | None = None
        self._cells = CellIndex()
        self._visible = VisibleCorpora()
        self._written: dict[int, tuple[CellBlock, str]] = {}  # blocks by identity, and the parts that hold them
        self._seq = 0  # the last change that was applied
        self._unsaved = 0  # windows added or removed since the files were written
        self._growing: threading.Thread | None = None
        self._version: int | None = None  # of the database, when it was last looked for changes
        self._looked: tuple[Corpus, Mapping[str, bool], View] | None = None  # of what, as whom, and what was seen

    def look(self, session: Session, state: SearchState, visible: Mapping[str, bool], version: int | None) -> View:
        """Return all that is committed as `session` sees it of the interviews that are `visible`.

        Of each of these `visible` says whether it is open to everybody. Nothing else takes part in anything. `version`
        is the database's before `session` began: with the same one there is nothing to catch up with.
        """
        with self._lock:
            if version is None or self._version != version:
                self.catch_up(session, state)
                self._version = version
            whole = self._cells.corpus()
            if self._looked is None or self._looked[0] is not whole or self._looked[1] is not visible:
                corpus = self._visible.of(whole, whole.mask_of(visible))
                self._looked = whole, visible, View(corpus, _counted(corpus, visible))
            return self._looked[2]

    def closeness(self, window_ids: Ids, vector: Vectors) -> Numbers:
        """Return (n,) how close these windows are to `vector`, 1 at most."""
        with self._lock:
            if self._vectors is None:
                return np.zeros(len(window_ids))
            return self._vectors.closeness(vector, window_ids).astype(np.float64)

    def near(self, vector: Vectors, above: float, among: Ids | None) -> Near:
        """Return about all windows that are closer than this, of all or of those `among`."""
        with self._lock:
            if self._vectors is None:
                return Near(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
            return self._vectors.near(vector, above, among)

    def holds_only(self, corpus: Corpus) -> bool:
        """Return whether `corpus` is all there is."""
        return corpus is self._cells.corpus()

    def catch_up(self, session: Session, state: SearchState, on_progress: OnProgress | None = None) -> None:
        """Apply the changes the index has not seen; the first time, read the files or start from nothing."""
        origin = IndexOrigin(self._indexes.kind, state.model, state.generation)
        with self._lock:
            if self._origin != origin:
                self._open(session, origin)
                self._grow(session)
            if repository.last_change(session) <= self._seq:
                return
            changes = repository.changes_after(session, self._seq)
            for done, (seq, interview_id) in enumerate(changes, 1):
                self._renew(session, interview_id, state.model)
                self._seq = seq
                if on_progress is not None:
                    on_progress(done / len(changes))
                if len(changes) > MANY_CHANGES:
                    self._grow_now(session)
            if self._unsaved >= self._save_after:
                self.save()
            self._grow(session)

    def rebuild(self, session: Session, state: SearchState, on_progress: OnProgress) -> None:
        """Make the index anew from the database and write it to disk."""
        with self._lock:
            self._start(IndexOrigin(self._indexes.kind, state.model, state.generation))
            self.catch_up(session, state, on_progress)
        self.wait()
        self.save()

    def save(self) -> None:
        """Write what changed since it was written; a full disk costs the next start some time."""
        with self._lock:
            if self._origin is None or not self._unsaved:
                return
            try:
                self._folder.write(self._store(self._origin))
            except OSError as error:
                _log.warning("the index was not written to disk (%s); it will be made again from the database", error)
            self._unsaved = 0

    def wait(self) -> None:
        """Return when the index is arranged for its size."""
        if self._growing is not None:
            self._growing.join()

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
        self._written = {}
        self._seq = 0
        self._unsaved = 0
        self._version = None

    def _open(self, session: Session, origin: IndexOrigin) -> None:
        self._start(origin)
        contents = self._folder.read(origin)
        if contents is None or contents.seq > repository.last_change(session):
            return  # a database put back from a backup is behind its files
        try:
            self._load(contents)
        except (OSError, ValueError):
            self._start(origin)
            _log.warning("the index files could not be read; the index is made again from the database")

    def _load(self, contents: IndexContents) -> None:
        is_mapped = self._folder.size(contents) > self._memory_bytes
        words: dict[str, str] = {}
        blocks = [unpack_block(self._folder.get(name, is_mapped=is_mapped), words) for name in contents.blocks]
        if contents.vectors:
            self._vectors = self._indexes.load(self._folder, contents.vectors, is_mapped=is_mapped)
        self._cells = CellIndex(blocks)
        self._written = {id(block): (block, name) for block, name in zip(blocks, contents.blocks, strict=True)}
        self._seq = contents.seq

    def _store(self, origin: IndexOrigin) -> IndexContents:
        written: dict[int, tuple[CellBlock, str]] = {}
        for block in self._cells.blocks:
            known = self._written.get(id(block))
            name = known[1] if known is not None and self._folder.has(known[1]) else self._folder.put(pack_block(block))
            written[id(block)] = (block, name)
        self._written = written
        vectors = () if self._vectors is None else self._vectors.save(self._folder)
        return IndexContents(origin, self._seq, tuple(name for _, name in written.values()), vectors)

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

    def _grow(self, session: Session) -> None:
        """Let another thread arrange the vectors for their number, while what is there answers."""
        vectors = self._vectors
        if vectors is None or not vectors.has_outgrown or (self._growing is not None and self._growing.is_alive()):
            return
        given = vectors, self._typical(session)
        self._growing = threading.Thread(target=self._arrange, args=given, name="index", daemon=True)
        self._growing.start()

    def _grow_now(self, session: Session) -> None:
        """Arrange the vectors at once: nobody is answered meanwhile, and many more of them would fill the memory."""
        if self._vectors is not None and self._vectors.has_outgrown:
            self._vectors.grow(self._typical(session), self._lock)

    def _typical(self, session: Session) -> Ids:
        """Return the windows by how which vectors are arranged: those everybody may find, unless they are too few."""
        whole = self._cells.corpus()
        typical = whole.window_ids_of(whole.mask_of(findable.visible_interviews(session, EVERYBODY)))
        return typical if len(typical) >= LEAST_OPEN_SHARE * len(whole.window_ids) else whole.window_ids

    def _arrange(self, vectors: VectorIndex, typical: Ids) -> None:
        vectors.grow(typical, self._lock)
        with self._lock:
            self._unsaved += 1
            self.save()


def _counted(corpus: Corpus, visible: Mapping[str, bool]) -> Mask:
    """Return (m,) the interviews statistics are taken of: those open to everybody, unless they are too few cells."""
    is_open = np.array([visible[interview] for interview in corpus.interviews], dtype=bool)
    open_cells = int(corpus.sizes[is_open].sum())
    return is_open if open_cells >= LEAST_OPEN_SHARE * corpus.size else np.ones(len(is_open), dtype=bool)
