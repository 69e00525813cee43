"""Makes interviews findable: cuts and counts them, embeds their windows, and tells every process's index.

`SearchService` passes its calls on to this. One transaction per call, except that embedding commits batch by batch,
so that a killed process goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from core.database import Database
from search import repository
from search.cell_block import count_cells
from search.cells import Cell, cut_cells, window_bounds, write_turns
from search.index_keeper import IndexKeeper
from search.ports import Embedder, EmbedderByName, FullText
from search.repository import WindowText
from search.tables import SearchState
from search.values import OnProgress

BATCH_WINDOWS = 64  # embedded per transaction: a few seconds of work to lose, and other writers wait for none of it


class Indexing:
    def __init__(
        self, database: Database, embedders: EmbedderByName, model: str, keeper: IndexKeeper, full_text: FullText
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._keeper = keeper
        self._full_text = full_text
        self.configured = embedders(model)

    def state(self) -> SearchState:
        """Return whose vectors answer; at the first use, and before anything was embedded, the configured model's."""
        with self._database.read() as session:
            state = repository.get_state(session)
            is_used = state is not None and repository.has_vectors(session, state.model)
            if state is not None and (is_used or state.model == self.configured.name):
                return state
        with self._database.write() as session:
            return repository.put_state(session, self.configured.name)

    def embed(self, interview_id: str, on_progress: OnProgress) -> None:
        """Store a vector for each window of the interview that has none; done again it does nothing.

        While a new model is taking over both embed it. Raises: Unavailable `embedding_model_missing`.
        """
        models = list(dict.fromkeys((self.state().model, self.configured.name)))
        with self._database.read() as session:
            current = repository.read_text(session, interview_id)
        if current is not None:
            windows = _windows(cut_cells(current.segments))
            for place, model in enumerate(models):
                self._embed_windows(
                    self._embedders(model),
                    interview_id,
                    current.revision,
                    windows,
                    lambda share, place=place: on_progress((place + share) / len(models)),  # type: ignore[misc]
                )
        on_progress(1.0)

    def index(self, interview_id: str) -> None:
        """Let the interview's present text be what every process finds, in place of what it found before."""
        state = self.state()
        with self._database.read() as session:
            current = repository.read_text(session, interview_id)
        if current is None:
            return
        cells = cut_cells(current.segments)
        block = count_cells(interview_id, cells, current.language)
        with self._database.write() as session:
            if repository.put_indexed(session, interview_id, current.revision, block, cells):
                repository.record_change(session, interview_id)
        if self._keeper.is_open:
            with self._database.read() as session:
                self._keeper.catch_up(session, state)

    def reembed(self, on_progress: OnProgress) -> None:
        """Embed everything with the configured model, then let it answer; until then the old one does.

        Nothing happens when it answers already and every window has its vector. May be stopped at any moment and
        called again. Raises: Unavailable `embedding_model_missing`.
        """
        model = self.configured.name
        while True:
            with self._database.read() as session:
                incomplete = repository.incomplete_interviews(session, model)
            for done, interview_id in enumerate(incomplete, 1):
                self._reembed_interview(interview_id)
                on_progress(done / (len(incomplete) + 1))
            if self._switched(model):
                break
        on_progress(1.0)

    def rebuild(self, on_progress: OnProgress) -> None:
        """Cut, count and index everything anew, embedding what is not embedded. Searching goes on meanwhile.

        Raises: Unavailable `embedding_model_missing`.
        """
        self.reembed(lambda share: on_progress(share * 0.4))
        with self._database.read() as session:
            ready = repository.ready_interviews(session)
        for done, interview_id in enumerate(ready, 1):
            self.embed(interview_id, _ignore)
            self.index(interview_id)
            on_progress(0.4 + 0.4 * done / len(ready))
        with self._database.write() as session:
            self._full_text.rebuild(session)
            # a new generation: every other process makes its index anew as well
            state = repository.put_state(session, self.configured.name)
        with self._database.read() as session:
            self._keeper.rebuild(session, state, lambda share: on_progress(0.8 + share * 0.2))
        on_progress(1.0)

    def _reembed_interview(self, interview_id: str) -> None:
        """Embed the revision that is found; one being worked on is embedded with both models anyway."""
        with self._database.read() as session:
            indexed = repository.indexed_cells(session, interview_id)
        if indexed is not None:
            revision, cells = indexed
            self._embed_windows(self.configured, interview_id, revision, _windows(cells), _ignore)
            with self._database.write() as session:
                repository.record_change(session, interview_id)

    def _switched(self, model: str) -> bool:
        """Let `model` answer if it has embedded everything, checked in the transaction that switches."""
        with self._database.write() as session:
            if repository.incomplete_interviews(session, model):
                return False
            state = repository.get_state(session)
            if state is None or state.model != model:
                repository.put_state(session, model)
                repository.delete_vectors_of_other_models(session, model)
            return True

    def _embed_windows(
        self,
        embedder: Embedder,
        interview_id: str,
        revision: int,
        windows: Sequence[WindowText],
        on_progress: Callable[[float], None],
    ) -> None:
        with self._database.read() as session:
            known = repository.known_windows(session, interview_id, revision, embedder.name)
        missing = [window for window in windows if (window.ordinal, window.content_hash) not in known]
        for start in range(0, len(missing), BATCH_WINDOWS):
            batch = missing[start : start + BATCH_WINDOWS]
            with self._database.read() as session:
                vectors = repository.vectors_by_hash(session, embedder.name, (w.content_hash for w in batch))
            new = {window.content_hash: window.text for window in batch if window.content_hash not in vectors}
            if new:
                vectors.update(zip(new, embedder.embed_passages(list(new.values())), strict=True))
            with self._database.write() as session:
                embedded = [(window, vectors[window.content_hash]) for window in batch]
                repository.put_vectors(session, interview_id, revision, embedder.name, embedded)
            on_progress(min(1.0, (start + BATCH_WINDOWS) / len(missing)))


def _windows(cells: Sequence[Cell]) -> list[WindowText]:
    windows = []
    for ordinal, (begin, end) in enumerate(window_bounds(len(cells))):
        text = write_turns(turn for cell in cells[begin:end] for turn in cell.turns)
        windows.append(WindowText(ordinal, hashlib.sha256(text.encode()).hexdigest(), text))
    return windows


def _ignore(_share: float) -> None:
    return
