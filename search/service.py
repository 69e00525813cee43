"""Questions in, ranked moments out: the door of this package.

`app` asks; ingest's pipeline calls `embed` and `index` through its PassageIndex port. The tour of a question is
`search`: read it → look at the index → mask → score cells → choose spans → read their text.
"""

from __future__ import annotations

import time

import numpy as np
from sqlmodel import Session

from core.clock import Clock
from core.database import Database
from core.directory import require_project, require_team
from core.errors import InvalidInput
from core.visibility import Viewer
from search import repository
from search.answers import make_results
from search.cell_index import Corpus
from search.index_keeper import IndexKeeper
from search.indexing import Indexing
from search.masks import find_masks
from search.ports import Embedder, EmbedderByName, FullText
from search.question import Question, find_named, read_question
from search.scoring import Topic, score_cells
from search.spans import choose_spans
from search.values import (
    MAX_QUERY_CHARACTERS,
    MAX_RESULTS,
    IndexStatus,
    OnProgress,
    SearchAnswer,
    SearchFilters,
    SearchRequest,
    Vectors,
)
from search.words import keys_of


class SearchService:
    """`embedders` gives the configured `model` and, while its vectors are being made, the one they replace."""

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
        self._keeper = keeper
        self._full_text = full_text
        self._clock = clock
        self._indexing = Indexing(database, embedders, model, keeper, full_text)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Return the best moments for `request.query`, best first, at most `request.limit`.

        Raises: InvalidInput `empty_query`, `query_too_long`, `bad_limit`, `unknown_mode`, `unknown_project`,
        `unknown_team`; Unavailable `embedding_model_missing` unless the mode is keyword.
        """
        started = time.perf_counter()
        query = _checked_query(request)
        question = read_question(query)
        state = self._indexing.state()
        vector = None if request.mode == "keyword" else _vector_of(self._embedders(state.model), question)
        with self._database.read() as session:
            _check_filters(session, request.filters, request.viewer)
            corpus, closeness = self._keeper.look(session, state, vector)
            masks = find_masks(session, self._full_text, corpus, question, request)
            scores = score_cells(corpus, _topic_of(question, corpus), closeness, request.mode, masks.seen)
            # a phrase is looked for once more in the text of the span, which may not reach it
            most = request.limit * (4 if question.phrases else 1)
            spans = choose_spans(corpus, scores, masks.allowed, masks.wanted, most)
            shown = {corpus.interviews[corpus.interview_of[span.begin]] for span in spans}
            found = repository.load_found(session, shown)
            results = make_results(corpus, spans, found, query, question.phrases, request.limit)
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        return SearchAnswer(query, request.mode, took_ms, tuple(results))

    def embed(self, interview_id: str, on_progress: OnProgress) -> None:
        """Store a vector for each window of the interview that has none; done again it does nothing.

        Raises: Unavailable `embedding_model_missing`.
        """
        self._indexing.embed(interview_id, on_progress)

    def index(self, interview_id: str) -> None:
        """Let the interview's present text be what every process finds, in place of what it found before."""
        self._indexing.index(interview_id)

    def reembed(self, on_progress: OnProgress) -> None:
        """Embed everything with the configured model, then let it answer; until then the old one does.

        May be stopped at any moment and called again. Raises: Unavailable `embedding_model_missing`.
        """
        self._indexing.reembed(on_progress)

    def rebuild(self, on_progress: OnProgress) -> None:
        """Cut, count and index everything anew, embedding what is not embedded. Searching goes on meanwhile.

        Raises: Unavailable `embedding_model_missing`.
        """
        self._indexing.rebuild(on_progress)

    def catch_up(self) -> None:
        """Bring this process's index up to date; the first call reads it from disk."""
        state = self._indexing.state()
        with self._database.read() as session:
            self._keeper.catch_up(session, state)

    def status(self) -> IndexStatus:
        """Count what there is; `waiting_model` is set while `reembed` has work to do for a new model."""
        state = self._indexing.state()
        configured = self._indexing.configured.name
        with self._database.read() as session:
            self._keeper.catch_up(session, state)
            interviews, windows = repository.count_indexed(session)
            waiting = None if state.model == configured else configured
            return IndexStatus(
                model=state.model,
                interviews=interviews,
                windows=windows,
                vectors=repository.count_vectors(session, state.model),
                indexed=self._keeper.count,
                is_complete=waiting is None and not repository.incomplete_interviews(session, configured),
                waiting_model=waiting,
            )

    def close(self) -> None:
        """Write the index to disk, so that the next start need not catch up."""
        self._keeper.save()


def _vector_of(embedder: Embedder, question: Question) -> Vectors:
    """Return the mean direction of the question's texts, of length 1."""
    mean = embedder.embed_queries(question.texts).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def _topic_of(question: Question, corpus: Corpus) -> Topic:
    named = find_named(question.names, corpus.speakers)
    return Topic(keys_of(question.terms), keys_of(list(question.pairs)), tuple(question.pairs.values()), named)


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
        raise InvalidInput("unknown_mode", "The mode is none of hybrid, semantic and keyword.", field="mode")
    if not 1 <= request.limit <= MAX_RESULTS:
        raise InvalidInput(
            "bad_limit", f"The limit is {request.limit}; it must be between 1 and {MAX_RESULTS}.", field="limit"
        )
    return query


def _check_filters(session: Session, filters: SearchFilters, viewer: Viewer) -> None:
    """Refuse ids that nothing has: a slip in a filter must not look like "nothing was said"."""
    if filters.project is not None:
        require_project(session, filters.project, viewer)
    if filters.team is not None:
        require_team(session, filters.team)
