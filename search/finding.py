"""Answers questions: moments for a query, moments like another moment, words to go on with.

`SearchService` passes its questions on to this. Each is answered in one read transaction, over what the asking person
sees and nothing else. The tour of a question is `Finding.search`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
from sqlmodel import Session

from core.database import Database
from core.errors import InvalidInput, NotFound
from core.visibility import Viewer
from search import conditions, findable, repository
from search.answers import Moment, Telling, group_results, make_results
from search.cell_index import Corpus, Mask
from search.conditions import Conditions
from search.facets import count_facets
from search.index_keeper import IndexKeeper
from search.landing import land
from search.marking import Spoken, highlight
from search.masks import Looking
from search.ports import EmbedderByName, FullText
from search.query_language import TypedQuery, parse_query
from search.query_words import has_word
from search.question import Question, read_question
from search.ranking import Asked, Outcome, possible_cells, rank, rank_alike
from search.recent_answers import RecentAnswers
from search.sentences import mark_sentences
from search.spans import Span, choose_spans
from search.suggestions import suggest
from search.tables import SearchState
from search.values import (
    MAX_QUERY_CHARACTERS,
    MAX_RESULTS,
    MOMENTS_OF_ONE,
    SearchAnswer,
    SearchRequest,
    SearchResult,
    SimilarRequest,
    Spans,
    Suggestion,
    SuggestionRequest,
    Vectors,
)
from search.word_matching import Matched, match_words, replace_words

_AT_ONCE = 4  # pieces of work, of all searches, beside the threads that search


class Finding:
    def __init__(
        self,
        database: Database,
        embedders: EmbedderByName,
        keeper: IndexKeeper,
        full_text: FullText,
        state: Callable[[], SearchState],
        recent: RecentAnswers,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._keeper = keeper
        self._full_text = full_text
        self._state = state
        self._recent = recent
        # The model reads the question and FAISS looks for what is near, while words are counted.
        self._aside = ThreadPoolExecutor(_AT_ONCE, "query")

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Return the best moments for `request.query`. Raises as `SearchService.search`."""
        started = time.perf_counter()
        query = _checked_query(request)
        typed = parse_query(query)
        if not typed.text:
            raise InvalidInput(
                "empty_query", "The query only narrows: say also in a few words what you look for.", field="q"
            )
        if not has_word(typed.text):  # a model would find something even for signs
            raise InvalidInput("empty_query", "The query has no word: say in a few words what you look for.", field="q")
        state, version = self._state(), self._database.version()
        with self._database.read() as session:
            every = _conditions_of(session, typed, request)
            # asked in the transaction that reads: what was restricted a moment ago is hidden at once
            visible = self._recent.visible_interviews(session, request.viewer, version)
            view = self._keeper.look(session, state, visible, version)
            question = read_question(typed.text, typed.beginnings, view.corpus.languages)
            matched = match_words(question, view.corpus)
            vector = None
            if request.mode != "keyword":
                texts = [replace_words(text, matched.replaced) for text in question.texts]
                vector = self._beside(partial(self._vector_of, state, texts))
            looking = Looking(session, self._full_text, view.corpus, request.viewer)
            asked = Asked(question, typed, matched.topic, every, vector, request.mode, self._beside)
            ranking = rank(self._keeper, view, looking, asked)
            telling = _telling(typed, question, matched)
            # a phrase is looked for once more in the text of the span, which may not reach it
            most = request.limit * (4 if telling.phrases or telling.without else 1)
            grouped = MOMENTS_OF_ONE if request.is_grouped else None
            spans = choose_spans(
                ranking.part, ranking.scores, ranking.allowed, ranking.wanted, most, grouped, ranking.held
            )
            moments = self._read(session, ranking.part, spans, telling)
            if not request.is_grouped:
                moments = moments[: request.limit]
            if vector is not None and request.with_sentences:
                moments = mark_sentences(moments, self._embedders(state.model), vector())
            results = land(session, moments)
            facets = (
                count_facets(looking, every, possible_cells(looking, asked), request.zone)
                if request.with_facets
                else None
            )
        answer = SearchAnswer(query, request.mode, 0.0, tuple(results), matched.corrections)
        if request.is_grouped:
            groups = group_results(results)[: request.limit]
            answer = replace(answer, results=tuple(group.results[0] for group in groups), groups=groups)
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        return replace(answer, facets=facets, took_ms=took_ms)

    def similar(self, request: SimilarRequest) -> list[SearchResult]:
        """Return the moments that mean most nearly the same. Raises as `SearchService.similar`."""
        _check_limit(request.limit)
        state, version = self._state(), self._database.version()
        with self._database.read() as session:
            visible = self._recent.visible_interviews(session, request.viewer, version)
            if request.interview_id not in visible:
                raise NotFound("unknown_interview", "There is no interview of this id whose moments could be found.")
            vectors = repository.window_vectors(session, request.interview_id, state.model)
            view = self._keeper.look(session, state, visible, version)
            _, windows = _cells_and_windows(view.corpus, request)
            near = [vectors[window_id] for window_id in windows if window_id in vectors]
            if not near:
                return []
            direction = _direction(np.stack(near))
            part, scores = rank_alike(self._keeper, view, direction)
            itself, _ = _cells_and_windows(part, request)
            spans = choose_spans(part, scores, ~itself, None, request.limit)
            moments = self._read(session, part, spans, Telling())
            if request.with_sentences:
                moments = mark_sentences(moments, self._embedders(state.model), direction)
            return land(session, moments)

    def suggest(self, request: SuggestionRequest) -> list[Suggestion]:
        """Return how `request.beginning` may go on. Raises as `SearchService.suggest`."""
        _check_limit(request.limit)
        state, version = self._state(), self._database.version()
        with self._database.read() as session:
            visible = self._recent.visible_interviews(session, request.viewer, version)
            view = self._keeper.look(session, state, visible, version)
            looking = Looking(session, self._full_text, view.corpus, request.viewer)
            return list(islice(suggest(looking, request.beginning), request.limit))

    def mark(self, query: str, texts: Sequence[Spoken], viewer: Viewer) -> list[Spans]:
        """Return for each text where what `query` asks for stands in words."""
        typed = parse_query(query)
        if not has_word(typed.text):
            return [()] * len(texts)
        state, version = self._state(), self._database.version()
        with self._database.read() as session:
            visible = self._recent.visible_interviews(session, viewer, version)
            corpus = self._keeper.look(session, state, visible, version).corpus
            question = read_question(typed.text, typed.beginnings, corpus.languages)
            telling = _telling(typed, question, match_words(question, corpus))
        return highlight(texts, telling.marked, telling.languages)

    def _beside(self, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        return self._aside.submit(work).result

    def _vector_of(self, state: SearchState, texts: list[str]) -> Vectors:
        return _direction(self._embedders(state.model).embed_queries(texts))

    @staticmethod
    def _read(session: Session, corpus: Corpus, spans: list[Span], telling: Telling) -> list[Moment]:
        shown = {corpus.interviews[corpus.interview_of[span.begin]] for span in spans}
        return make_results(corpus, spans, repository.load_found(session, shown), telling)


def _direction(vectors: Vectors) -> Vectors:
    """Return the mean direction of (n, dim) vectors, of length 1."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def _telling(typed: TypedQuery, question: Question, matched: Matched) -> Telling:
    several = tuple(word for word in typed.without_words if not word.isalnum())
    without = (*typed.without_phrases, *several)
    return Telling(question.phrases, without, (*question.marked, *matched.marked), question.languages)


def _cells_and_windows(corpus: Corpus, request: SimilarRequest) -> tuple[Mask, list[int]]:
    """Return (n,) the moment's own cells, and the ids of the windows that reach into them."""
    number = corpus.number_of.get(request.interview_id)
    itself = np.zeros(corpus.size, dtype=bool)
    if number is not None:
        cells = slice(int(corpus.starts[number]), int(corpus.starts[number + 1]))
        reaches = corpus.last_segment[cells] >= request.first_segment
        itself[cells] = reaches & (corpus.first_segment[cells] <= request.last_segment)
    held = np.concatenate([[0], np.cumsum(itself)])
    begin, end = corpus.windows
    return itself, corpus.window_ids[held[end] > held[begin]].tolist()


def _conditions_of(session: Session, typed: TypedQuery, request: SearchRequest) -> tuple[Conditions, Conditions]:
    """Return what the parameters and what the query asks, refusing names that nothing has.

    A slip in a filter must not look like "nothing was said".
    """
    given, asked = conditions.of_filters(request.filters), conditions.of_query(typed, request)
    return (
        replace(
            given,
            projects=findable.require_projects(session, given.projects, request.viewer),
            teams=findable.require_teams(session, given.teams),
        ),
        replace(
            asked,
            projects=findable.require_projects(session, asked.projects, request.viewer),
            teams=findable.require_teams(session, asked.teams),
        ),
    )


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
    _check_limit(request.limit)
    return query


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_RESULTS:
        raise InvalidInput("bad_limit", f"The limit is {limit}; it must be between 1 and {MAX_RESULTS}.", field="limit")
