"""Questions in, ranked moments out: the door of this package.

`app` asks, which `Finding` answers; ingest's pipeline calls `embed` and `index` through its PassageIndex port, which
`Indexing` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.clock import Clock
from core.database import Database
from core.visibility import Viewer
from search import repository, stance
from search.evidence import Evidence, Floats, Gathering
from search.finding import Finding
from search.index_keeper import IndexKeeper
from search.indexing import Indexing
from search.marking import Spoken
from search.ports import EmbedderByName, FullText
from search.recent_answers import RecentAnswers
from search.stems import language_of
from search.tables import SearchState
from search.values import (
    IndexStatus,
    OnProgress,
    SearchAnswer,
    SearchRequest,
    SearchResult,
    SimilarRequest,
    Spans,
    Suggestion,
    SuggestionRequest,
)


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
        self._keeper = keeper
        self._clock = clock
        self._indexing = Indexing(database, embedders, model, keeper, full_text)
        self._recent = RecentAnswers(database)
        self._finding = Finding(database, embedders, keeper, full_text, self._state, self._recent)
        self._gathering = Gathering(database, embedders, self._state, self.search)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Return the best moments for `request.query`, best first, at most `request.limit`.

        While nothing is committed to the database the same request gets the same answer, which is kept for that.
        Raises: InvalidInput `empty_query`, `query_too_long`, `bad_limit`, `unknown_mode`, `unknown_project`,
        `unknown_team`, `unknown_date`; Unavailable `embedding_model_missing` unless the mode is keyword.
        """
        return self._recent.answer(request, self._finding.search)

    def similar(self, request: SimilarRequest) -> list[SearchResult]:
        """Return the moments, others than this one, that mean most nearly the same, best first.

        Raises: NotFound `unknown_interview`; InvalidInput `bad_limit`; Unavailable `embedding_model_missing` where
        sentences are asked for.
        """
        return self._finding.similar(request)

    def suggest(self, request: SuggestionRequest) -> list[Suggestion]:
        """Return how a query may go on, by what is said in the interviews that the viewer sees.

        Raises: InvalidInput `bad_limit`.
        """
        return self._finding.suggest(request)

    def mark(self, query: str, texts: Sequence[str], language: str | None, viewer: Viewer) -> list[Spans]:
        """Return for each of `texts`, said in `language`, the words that a search for `query` marks."""
        return self._finding.mark(query, [Spoken(text, language_of(language)) for text in texts], viewer)

    def gather(self, request: SearchRequest) -> Evidence:
        """Return what the best moments for `request.query` say that bears on it. Raises as `search`."""
        return self._gathering.gather(request)

    def likeness(self, ones: Sequence[str], others: Sequence[str]) -> Floats:
        """Return (n, m): how alike each of `ones` is to each of `others`, 0 for unrelated and 1 for the same."""
        return self._gathering.likeness(ones, others)

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
        """Bring this process's index up to date; the first call reads it from disk. Answers of before are forgotten."""
        self._recent.forget()
        stance.forget()
        state = self._indexing.state()
        with self._database.read() as session:
            self._keeper.catch_up(session, state)

    def let_go(self) -> None:
        """Take out of this process's index, if it has one, what was deleted just now: the next search need not."""
        if self._keeper.is_open:
            self.catch_up()

    def forget_outdated(self) -> None:
        """Forget answers of before the latest commit, whichever process made it, and all sentences that were read."""
        self._recent.forget_outdated()
        stance.forget()

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
        """Write the index to disk, so that the next start need not catch up.

        As it is now: a process that slept for a while would write down again what was withdrawn meanwhile.
        """
        self.let_go()
        self._keeper.save()

    def _state(self) -> SearchState:
        return self._recent.of("state", self._indexing.state)
