"""Searching while interviews come and go, and what it costs to index one more.

In: a data folder, and interviews that are not in it yet, with their vectors. Out: figures. Other processes do the
adding, as `earshot worker` would. `bench.search_scale` calls this.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import httpx

from app.cli.serving import give_way
from app.services import Services
from app.wiring import build_services
from bench.search_asking import Asked, ask
from bench.search_worlds import MadeInterview, put_interview
from core.settings import Settings
from search.values import SearchRequest

ADDED_PER_S = 5.0  # an import of 18,000 interviews in an hour
SEARCHES_PER_DELETION = 3

Figures = dict[str, float]


# --- what one more interview costs ---


def cost_of_indexing(
    data_dir: Path, model: str, interviews: Sequence[MadeInterview], queries: Sequence[str]
) -> Figures:
    """Return the medians of indexing one more interview, of the search after it, and of one with nothing new before.

    All in a process of their own, which holds the index as a server does.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_index_each, data_dir, model, interviews, queries).result()


def _index_each(data_dir: Path, model: str, interviews: Sequence[MadeInterview], queries: Sequence[str]) -> Figures:
    services = build_services(Settings(data_dir=data_dir))
    for query in queries:
        services.search.search(SearchRequest(query))
    indexing, after, quiet = [], [], []
    for interview, query in zip(interviews, queries, strict=False):
        quiet.append(_seconds(lambda query=query: services.search.search(SearchRequest(f"{query} before"))))  # type: ignore[misc]
        _store(services, interview, model)
        indexing.append(_seconds(lambda made=interview: services.search.index(made.id)))  # type: ignore[misc]
        after.append(_seconds(lambda query=query: services.search.search(SearchRequest(f"{query} after"))))  # type: ignore[misc]
    services.database.close()
    return {
        "index_one_p50_ms": _median_ms(indexing),
        "search_before_p50_ms": _median_ms(quiet),
        "search_after_p50_ms": _median_ms(after),
    }


def _store(services: Services, interview: MadeInterview, model: str) -> None:
    with services.database.write() as session:
        put_interview(session, interview, model)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median_ms(seconds: Sequence[float]) -> float:
    return round(statistics.median(seconds) * 1000, 2)


# --- searching meanwhile ---


@dataclass(slots=True)
class Changes:
    """What happened while interviews came and went."""

    asked: Asked = field(default_factory=Asked)
    deleted: set[str] = field(default_factory=set)
    errors: int = 0
    ghosts: int = 0  # deleted interviews in answers to questions that were asked after the deletion was answered
    lost: int = 0  # added interviews that a search for their own word does not find in the end

    def look(self, api: httpx.Client, query: str) -> list[str]:
        """Ask, note how it went, and return the interviews found."""
        started = time.perf_counter()
        try:
            found = [moment.interview for moment in ask(api, query)]
        except httpx.HTTPError:
            self.errors += 1
            return []
        self.asked.took_ms.append((time.perf_counter() - started) * 1000)
        self.ghosts += sum(interview in self.deleted for interview in found)
        return found

    def delete(self, api: httpx.Client, interview_id: str) -> None:
        """Delete an interview over the API."""
        try:
            api.delete(f"/api/v1/interviews/{interview_id}").raise_for_status()
        except httpx.HTTPError:
            self.errors += 1
        else:
            self.deleted.add(interview_id)


def search_meanwhile(
    api: httpx.Client,
    data_dir: Path,
    model: str,
    added: dict[str, MadeInterview],
    deletions: int,
    queries: Sequence[str],
) -> Changes:
    """Search until all of `added`, each by a word only it says, are there and so many interviews are deleted.

    Whatever leads an answer is deleted, and the same question asked again at once.
    """
    changes = Changes()
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        adding = process.submit(_add_each, data_dir, model, list(added.values()))
        for query in cycle(queries):
            if adding.done() and len(changes.deleted) + changes.errors >= deletions:
                break
            found = changes.look(api, query)
            if found and len(changes.deleted) < min(deletions, len(changes.asked.took_ms) // SEARCHES_PER_DELETION):
                changes.delete(api, found[0])
                changes.look(api, query)
        changes.errors += adding.exception() is not None
    for word, made in added.items():
        is_found = made.id in {moment.interview for moment in ask(api, word, "keyword")}
        changes.ghosts += is_found and made.id in changes.deleted
        changes.lost += not is_found and made.id not in changes.deleted
    return changes


def _add_each(data_dir: Path, model: str, interviews: Sequence[MadeInterview]) -> None:
    give_way()
    services = build_services(Settings(data_dir=data_dir))
    started = time.monotonic()
    for number, interview in enumerate(interviews):
        time.sleep(max(0.0, started + number / ADDED_PER_S - time.monotonic()))
        _store(services, interview, model)
        services.search.index(interview.id)
    services.database.close()
