"""Asking a search, over HTTP or in this process, and comparing what two of them find.

In: questions. Out: the moments found, how long each answer took, and what share of the exact moments is among them.
`bench.search_scale` and `bench.search_changes` call this.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from bench.server import RunningServer
from core.clock import SystemClock
from core.database import Database
from search import ranking
from search.faiss_index import FaissIndexes
from search.index_keeper import IndexKeeper
from search.ports import Embedder
from search.sentence_embedder import default_folder
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText
from search.values import Mode, SearchFilters, SearchRequest

Outcome = TypeVar("Outcome")

RESULTS = 10
REST_S = 0.02  # torch's threads go on turning for some milliseconds
ENDLESS = 2**40  # more cells and windows than there are


@dataclass(frozen=True, slots=True)
class Moment:
    """Segments `first` to `last` (inclusive) of an interview."""

    interview: str
    first: int
    last: int

    def is_same(self, other: Moment) -> bool:
        """Return whether they share at least half of the segments of the longer one."""
        shared = min(self.last, other.last) - max(self.first, other.first) + 1
        longer = max(self.last - self.first, other.last - other.first) + 1
        return self.interview == other.interview and 2 * shared >= longer


@dataclass(slots=True)
class Asked:
    """The answers to some questions, in order, how long each took, and how much processor time they took together.

    Processor time is of all threads; it hardly changes when the machine does other things beside.
    """

    moments: list[list[Moment]] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0

    def time(self, work: Callable[[], Outcome]) -> Outcome:
        """Do some work and note how long it took."""
        started = time.perf_counter()
        outcome = work()
        self.took_ms.append((time.perf_counter() - started) * 1000)
        return outcome

    @property
    def p50_ms(self) -> float:
        return round(statistics.median(self.took_ms), 2)

    @property
    def p95_ms(self) -> float:
        return round(statistics.quantiles(self.took_ms, n=20)[-1], 2)

    @property
    def mean_cpu_ms(self) -> float:
        return round(self.cpu_ms / max(len(self.took_ms), 1), 2)


def ask(api: httpx.Client, query: str, mode: Mode = "hybrid", tag: str | None = None) -> list[Moment]:
    """Return what the server finds."""
    params: dict[str, str | int] = {"q": query, "mode": mode, "limit": RESULTS}
    if tag is not None:
        params["tag"] = tag
    answer = api.get("/api/v1/search", params=params).raise_for_status()
    return [
        Moment(result["interview"]["id"], result["first_segment"], result["last_segment"])
        for result in answer.json()["results"]
    ]


def ask_all(server: RunningServer, queries: Sequence[str], mode: Mode = "hybrid", tag: str | None = None) -> Asked:
    """Ask one question after the other."""
    asked = Asked(cpu_ms=-cpu_ms_of(server.process.pid))
    for query in queries:
        asked.moments.append(asked.time(partial(ask, server.api, query, mode, tag)))
    asked.cpu_ms += cpu_ms_of(server.process.pid)
    return asked


def cpu_ms_of(process_id: int) -> float:
    """Return how much processor time a process has used, all its threads together."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class InTurns:
    """A search, the embedding of its query alone, ours and by default, and a request that does nothing, in turns."""

    search: Asked = field(default_factory=Asked)
    embedding: Asked = field(default_factory=Asked)
    default_embedding: Asked = field(default_factory=Asked)
    nothing: Asked = field(default_factory=Asked)


def ask_in_turns(server: RunningServer, embedder: Embedder, queries: Sequence[str]) -> InTurns:
    """Ask the questions of all, so that all meet the same machine, and none finds the caches full of its own.

    The default is what sentence-transformers does by itself: torch, float32. The processor time of the searches
    includes that of the requests that do nothing.
    """
    from sentence_transformers import SentenceTransformer

    default = SentenceTransformer(str(default_folder()), device="cpu")
    turns = InTurns()
    for warmed_up in (default.encode, embedder.embed_queries):
        warmed_up(["two words to warm up"])
    turns.search.cpu_ms = -cpu_ms_of(server.process.pid)
    for query in queries:
        turns.default_embedding.time(partial(default.encode, [query]))
        time.sleep(REST_S)
        turns.nothing.time(lambda: server.api.get("/healthz").raise_for_status())
        started_cpu = time.process_time()
        turns.embedding.time(partial(embedder.embed_queries, [query]))
        turns.embedding.cpu_ms += (time.process_time() - started_cpu) * 1000
        turns.search.moments.append(turns.search.time(partial(ask, server.api, query)))
    turns.search.cpu_ms += cpu_ms_of(server.process.pid)
    return turns


class ExactSearch:
    """The same workspace searched in this process, with every cell and every window scored."""

    def __init__(self, data_dir: Path, index_dir: Path, embedder: Embedder) -> None:
        ranking.EXACT_CELLS = ENDLESS
        self._database = Database(f"sqlite:///{data_dir / 'earshot.db'}")
        keeper = IndexKeeper(FaissIndexes(flat_windows=ENDLESS), index_dir)
        self._search = SearchService(
            self._database, lambda _: embedder, embedder.name, keeper, SqliteFullText(), SystemClock()
        )
        self._search.catch_up()

    def ask(self, query: str, mode: Mode = "hybrid", tag: str | None = None) -> list[Moment]:
        """Return what is found when nothing is left out."""
        answer = self._search.search(SearchRequest(query, mode, RESULTS, SearchFilters(tag=tag)))
        return [Moment(one.interview.id, one.first_segment, one.last_segment) for one in answer.results]

    def close(self) -> None:
        self._database.close()


def recall(found: Sequence[Sequence[Moment]], exact: Sequence[Sequence[Moment]]) -> float:
    """Return what share of the exact moments was found, the mean over the questions that have any."""
    shares = []
    for ours, theirs in zip(found, exact, strict=True):
        left = list(ours)
        same = 0
        for wanted in theirs:
            one = next((moment for moment in left if moment.is_same(wanted)), None)
            if one is not None:
                left.remove(one)
                same += 1
        if theirs:
            shares.append(same / len(theirs))
    return round(statistics.fmean(shares), 4) if shares else 1.0
