"""Questions in, ranked moments out; and the two steps of processing that make an interview findable.

`app` asks; ingest's pipeline calls `embed` and `index` through its PassageIndex port. One transaction per
call, except that embedding commits batch by batch, so that a killed process goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlmodel import Session

from core.clock import Clock
from core.database import Database
from core.directory import require_project, require_team
from core.errors import InvalidInput
from search import repository
from search.answers import make_results
from search.fuse import fuse
from search.index_keeper import IndexKeeper
from search.ports import Embedder, EmbedderByName, FullText
from search.repository import PassageText
from search.tables import SearchState
from search.values import (
    MAX_QUERY_CHARACTERS,
    MAX_RESULTS,
    Hit,
    IndexStatus,
    OnProgress,
    SearchAnswer,
    SearchFilters,
    SearchRequest,
    Vectors,
)

BATCH_PASSAGES = 64  # embedded per transaction: a few seconds of work to lose, and of waiting for other writers: none
_DEPTH = 100  # candidates each index is asked for: fusing needs more than are shown, overlaps are dropped


class SearchService:
    """`embedders` gives the configured `model` and, while its vectors are being made, the one they
    replace.
    """

    def __init__(
        self,
        database: Database,
        embedders: EmbedderByName,
        model: str,
        keeper: IndexKeeper,
        full_text: FullText,
        clock: Clock,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._configured = embedders(model)
        self._keeper = keeper
        self._full_text = full_text
        self._clock = clock

    # --- questions---

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Return the best moments for `request.query`, best first, at most `request.limit`.

        Raises: InvalidInput `empty_query`, `query_too_long`, `bad_limit`, `unknown_mode`, `unknown_project`,
        `unknown_team`; Unavailable `embedding_model_missing` unless the mode is keyword.
        """
        started = time.perf_counter()
        query = _checked_query(request)
        state = self._state()
        vector = None if request.mode == "keyword" else self._embedders(state.model).embed_query(query)
        with self._database.read() as session:
            _check_filters(session, request.filters)
            rankings = self._rank(session, state, request, query, vector)
            hits = fuse(rankings) if len(rankings) > 1 else rankings[0]
            results = make_results(repository.load_passages(session, [hit.passage_id for hit in hits]), hits, query)
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        return SearchAnswer(query, request.mode, took_ms, tuple(results[: request.limit]))

    def _rank(
        self, session: Session, state: SearchState, request: SearchRequest, query: str, vector: Vectors | None
    ) -> list[Sequence[Hit]]:
        depth = max(_DEPTH, 4 * request.limit)
        rankings: list[Sequence[Hit]] = []
        if vector is not None:
            selection = repository.select_passages(session, request.filters)
            rankings.append(self._keeper.search(session, state, vector, depth, selection))
        if request.mode != "semantic":
            rankings.append(self._full_text.search(session, query, depth, request.filters))
        return rankings

    # --- processing: the PassageIndex of ingest ---

    def embed(self, interview_id: str, on_progress: OnProgress) -> None:
        """Store a vector for each passage of the interview that has none; done again it does nothing.

        Raises: Unavailable `embedding_model_missing`.
        """
        models = {self._state().model: None, self._configured.name: None}
        for place, model in enumerate(models):
            with self._database.read() as session:
                missing = repository.passages_without_vector(session, model, interview_id=interview_id)
            for start in range(0, len(missing), BATCH_PASSAGES):
                self._embed_batch(self._embedders(model), missing[start : start + BATCH_PASSAGES])
                done = min(1.0, (start + BATCH_PASSAGES) / len(missing))
                on_progress((place + done) / len(models))
        on_progress(1.0)

    def index(self, interview_id: str) -> None:
        """Make the interview's present passages findable by meaning, in every process; by words they are
        already.
        """
        state = self._state()
        with self._database.write() as session:
            repository.record_change(session, interview_id)
        if self._keeper.is_open:
            with self._database.read() as session:
                self._keeper.catch_up(session, state)

    def _embed_batch(self, embedder: Embedder, passages: Sequence[PassageText]) -> None:
        with self._database.read() as session:
            known = repository.vectors_by_hash(session, embedder.name, (p.content_hash for p in passages))
        new = {p.content_hash: p.text for p in passages if p.content_hash not in known}
        if new:
            known.update(zip(new, embedder.embed_passages(list(new.values())), strict=True))
        with self._database.write() as session:
            repository.put_vectors(session, embedder.name, passages, [known[p.content_hash] for p in passages])

    # --- the index as a whole ---

    def catch_up(self) -> None:
        """Bring this process's index up to date; the first call reads it from disk."""
        state = self._state()
        with self._database.read() as session:
            self._keeper.catch_up(session, state)

    def reembed(self, on_progress: OnProgress) -> None:
        """Embed everything with the configured model, then let it answer; until then the old one does.

        Nothing happens when every passage has its vector and the configured model answers already. May be
        stopped at any moment and called again. Raises: Unavailable `embedding_model_missing`.
        """
        model = self._configured.name
        with self._database.read() as session:
            total = repository.count_without_vector(session, model)
        done = 0
        while not self._switched(model):
            with self._database.read() as session:
                batch = repository.passages_without_vector(session, model, limit=BATCH_PASSAGES)
            if batch:
                self._embed_batch(self._configured, batch)
            done += len(batch)
            on_progress(min(1.0, done / max(1, total)))
        on_progress(1.0)

    def _switched(self, model: str) -> bool:
        """Let `model` answer if it has embedded everything, checked in the transaction that switches."""
        with self._database.write() as session:
            if repository.count_without_vector(session, model):
                return False
            state = repository.get_state(session)
            if state is None or state.model != model:
                repository.put_state(session, model)
                repository.delete_vectors_of_other_models(session, model)
            return True

    def rebuild(self, on_progress: OnProgress) -> None:
        """Make both indexes anew from the database, embedding what is not embedded. Searching goes on
        meanwhile.

        Raises: Unavailable `embedding_model_missing`.
        """
        self.reembed(lambda share: on_progress(share * 0.8))
        with self._database.write() as session:
            for interview_id in repository.unlogged_interviews(session):
                repository.record_change(session, interview_id)
            self._full_text.rebuild(session)
            # a new generation: every other process makes its index anew as well
            state = repository.put_state(session, self._configured.name)
        with self._database.read() as session:
            self._keeper.rebuild(session, state, lambda share: on_progress(0.8 + share * 0.2))
        on_progress(1.0)

    def status(self) -> IndexStatus:
        """Count what there is; `waiting_model` is set while `reembed` has work to do for a new model."""
        state = self._state()
        with self._database.read() as session:
            self._keeper.catch_up(session, state)
            missing = repository.count_without_vector(session, self._configured.name)
            waiting = None if state.model == self._configured.name else self._configured.name
            return IndexStatus(
                model=state.model,
                passages=repository.count_findable(session),
                vectors=repository.count_vectors(session, state.model),
                indexed=self._keeper.count,
                is_complete=waiting is None and missing == 0,
                waiting_model=waiting,
            )

    def close(self) -> None:
        """Write the index to disk, so that the next start need not catch up."""
        self._keeper.save()

    def _state(self) -> SearchState:
        with self._database.read() as session:
            state = repository.get_state(session)
            if state is not None and (
                state.model == self._configured.name or repository.has_vectors(session, state.model)
            ):
                return state
        # the first start, or a new model before anything was embedded with the old one
        with self._database.write() as session:
            return repository.put_state(session, self._configured.name)


def _checked_query(request: SearchRequest) -> str:
    query = request.query.strip()
    if not query:
        raise InvalidInput("empty_query", "The query is empty: say in a few words what you look for.", field="q")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(
            "query_too_long",
            f"The query has {len(query)} characters; at most {MAX_QUERY_CHARACTERS} are read. Shorten it.",
            field="q",
        )
    if request.mode not in ("hybrid", "semantic", "keyword"):
        raise InvalidInput(
            "unknown_mode",
            "The mode is none of hybrid, semantic and keyword.",
            field="mode",
            value=str(request.mode)[:40],
        )
    if not 1 <= request.limit <= MAX_RESULTS:
        raise InvalidInput(
            "bad_limit",
            f"The limit is {request.limit}; it must be between 1 and {MAX_RESULTS}.",
            field="limit",
        )
    return query


def _check_filters(session: Session, filters: SearchFilters) -> None:
    """Refuse ids that nothing has: a slip in a filter must not look like "nothing was said"."""
    if filters.project is not None:
        require_project(session, filters.project)
    if filters.team is not None:
        require_team(session, filters.team)
