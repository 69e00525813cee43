"""Search at 10,000, 100,000 and 1,000,000 cells: how fast, how exact, how large, and how each grows.

    python -m bench.search_scale DIR [--cells 10000,100000,1000000]

DIR holds `interviews.jsonl` and `queries.jsonl`, as for `bench.retrieval`; `bench.search_worlds` makes workspaces of
any size of them. Asked is a real server over HTTP. Times stand beside those of embedding the query alone, with our
model and with sentence-transformers' default, and of `GET /healthz`, measured in turns with the searches; recall is of
the exact answer of the same formula, in which every cell is scored. A table goes to stderr; the last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path

from bench.retrieval import read_jsonl
from bench.search_asking import Asked, ExactSearch, ask_all, ask_in_turns, recall
from bench.search_changes import cost_of_indexing, search_meanwhile
from bench.search_worlds import TAGS, Source, build_world, make_queries, read_source
from bench.server import RunningServer, running_server
from core.clock import SystemClock
from core.database import Database
from search.faiss_index import FaissIndexes
from search.index_keeper import IndexKeeper
from search.ports import Embedder
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedders
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText
from search.values import Mode

MODES: tuple[Mode, ...] = ("hybrid", "keyword", "semantic")
LIMITS = {10_000: 2.0, 100_000: 3.0, 1_000_000: 4.0}  # p95 of a hybrid search over p50 of embedding its query
MOST_BYTES_PER_CELL = 1200
CHANGING = 10  # times the queries: as many are ready while interviews come and go
FIRST_ANSWER_WITHIN_S = 1800.0
_UNSEEN = 1_000_000  # interviews from this number on are in no world
_MIB = 2**20

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked: `queries` of each kind, of which the first `exact` are also answered exactly."""

    queries: int = 200
    exact: int = 100
    added: int = 200
    deleted: int = 50
    indexed: int = 20
    processes: int = 2
    cells_each: tuple[int, int] = (150, 250)


@dataclass(frozen=True, slots=True)
class Bench:
    """What the sizes have in common."""

    plan: Plan
    source: Source
    questions: Sequence[str]  # that people asked
    embedder: Embedder

    def queries(self) -> Iterator[str]:
        """Return more queries than one size needs, no two alike: half asked by people, half a few words."""
        searches = len(MODES) + len(TAGS) + 1
        return iter(make_queries(self.questions, self.source, (searches + CHANGING) * self.plan.queries + 100))

    def measure(self, cells: int, world: Path) -> Figures:
        """Return the figures of one size; `world` is built if it is not there, and left as it is."""
        figures: Figures = {}
        queries = self.queries()
        if not (world / "built.json").exists():
            started = time.perf_counter()
            made = build_world(
                world / "data", cells, self.source, self.embedder.name, self.plan.processes, self.plan.cells_each
            )
            (world / "built.json").write_text(json.dumps({"cells": made}), encoding="utf-8")
            figures["world_s"] = round(time.perf_counter() - started, 1)
        figures["cells"] = json.loads((world / "built.json").read_text(encoding="utf-8"))["cells"]
        with tempfile.TemporaryDirectory(prefix="earshot-scale-") as folder:
            data_dir = Path(folder) / "data"
            shutil.copytree(world / "data", data_dir, ignore=shutil.ignore_patterns("index"))
            _say(f"{cells} cells are there; the index is built")
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                figures |= process.submit(_build_index, data_dir, self.embedder.name).result()
            empty = memory_of_empty_workspace()
            _convert_model(data_dir)
            with running_server(data_dir, EARSHOT_WORKERS="0", EARSHOT_REQUESTS_PER_MINUTE="0") as server:
                figures |= _first_answer(server)
                figures |= _memory("start", server, empty, figures["cells"])
                _say("searches are timed")
                figures |= self._ask(server, Path(folder), queries)
                figures |= _memory("end", server, empty, figures["cells"])
                _say("interviews come and go")
                figures |= self._change(server, queries)
            _say("interviews are indexed one by one")
            figures |= self._index(data_dir, queries)
        return figures

    def _ask(self, server: RunningServer, folder: Path, fresh: Iterator[str]) -> Figures:
        """Time and check searches of each mode, under each filter, and repeated."""
        count = self.plan.queries
        queries = {mode: list(islice(fresh, count)) for mode in MODES}
        turns = ask_in_turns(server, self.embedder, queries["hybrid"])
        asked = {"hybrid": turns.search}
        figures: Figures = {
            "embedding_p50_ms": turns.embedding.p50_ms,
            "embedding_cpu_ms": turns.embedding.mean_cpu_ms,
            "default_embedding_p50_ms": turns.default_embedding.p50_ms,
            "healthz_p50_ms": turns.nothing.p50_ms,
            **_times("repeated", ask_all(server, queries["hybrid"])),
        }
        for mode in MODES[1:]:
            asked[mode] = ask_all(server, queries[mode], mode)
        filtered = {tag: list(islice(fresh, count)) for tag in TAGS}
        kept = {tag: ask_all(server, filtered[tag], tag=tag) for tag in TAGS}
        for name, answers in (asked | {f"filter_{TAGS[tag]:.2%}": answers for tag, answers in kept.items()}).items():
            figures |= _times(name, answers)
        figures["hybrid_p95_over_embedding_p50"] = round(turns.search.p95_ms / turns.embedding.p50_ms, 2)
        figures["hybrid_p95_over_default_embedding_p50"] = round(
            turns.search.p95_ms / turns.default_embedding.p50_ms, 2
        )
        _say("the same is searched exactly")
        started = time.perf_counter()
        exact = ExactSearch(server.data_dir, folder / "exact", self.embedder)
        figures["exact_build_s"] = round(time.perf_counter() - started, 1)
        try:
            for mode in MODES:
                some = queries[mode][: self.plan.exact]
                figures[f"{mode}_recall"] = recall(asked[mode].moments[: len(some)], [exact.ask(q, mode) for q in some])
            for tag, share in TAGS.items():
                some = filtered[tag][: self.plan.exact // 2]
                wanted = [exact.ask(query, tag=tag) for query in some]
                figures[f"filter_{share:.2%}_recall"] = recall(kept[tag].moments[: len(some)], wanted)
        finally:
            exact.close()
        return figures

    def _change(self, server: RunningServer, fresh: Iterator[str]) -> Figures:
        """Search while interviews come and go, after as many searches in which none does."""
        quiet = ask_all(server, list(islice(fresh, self.plan.queries)))
        words = [f"zyq{number}vex" for number in range(self.plan.added)]
        added = {
            word: self.source.make(_UNSEEN + number, self.plan.cells_each, word) for number, word in enumerate(words)
        }
        changes = search_meanwhile(
            server.api,
            server.data_dir,
            self.embedder.name,
            added,
            self.plan.deleted,
            list(islice(fresh, CHANGING * self.plan.queries)),
        )
        return {
            **_times("quiet", quiet),
            **_times("changing", changes.asked),
            "changing_over_quiet_p95": round(changes.asked.p95_ms / quiet.p95_ms, 2),
            "changing_searches": len(changes.asked.took_ms),
            "changing_deleted": len(changes.deleted),
            "changing_errors": changes.errors,
            "changing_ghosts": changes.ghosts,
            "changing_lost": changes.lost,
        }

    def _index(self, data_dir: Path, fresh: Iterator[str]) -> Figures:
        first = _UNSEEN + self.plan.added
        interviews = [self.source.make(first + n, self.plan.cells_each) for n in range(self.plan.indexed)]
        return cost_of_indexing(data_dir, self.embedder.name, interviews, list(islice(fresh, self.plan.indexed)))


def _build_index(data_dir: Path, model: str) -> Figures:
    """Make the index from the database and write it to disk, in a process of its own."""
    database = Database(f"sqlite:///{data_dir / 'earshot.db'}")
    keeper = IndexKeeper(FaissIndexes(), data_dir / "index")
    embedders = SentenceEmbedders(data_dir / "models")
    search = SearchService(database, embedders, model, keeper, SqliteFullText(), SystemClock())
    started = time.perf_counter()
    search.catch_up()
    keeper.wait()
    search.close()
    built_s = time.perf_counter() - started
    status = search.status()
    database.close()
    files = [file for file in (data_dir / "index").rglob("*") if file.is_file()]
    return {
        "build_s": round(built_s, 1),
        "interviews": status.interviews,
        "windows": status.windows,
        "index_mib": round(sum(file.stat().st_size for file in files) / _MIB, 1),
        "database_mib": round((data_dir / "earshot.db").stat().st_size / _MIB, 1),
    }


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _first_answer(server: RunningServer) -> Figures:
    """Return how long after its start the server gave its first answer: the index file is read, nothing is made."""
    started = time.perf_counter()
    server.api.get("/api/v1/search", params={"q": "anything at all"}, timeout=FIRST_ANSWER_WITHIN_S).raise_for_status()
    return {"first_answer_s": round(server.ready_after_s + time.perf_counter() - started, 2)}


def _times(name: str, asked: Asked) -> Figures:
    times = {f"{name}_p50_ms": asked.p50_ms, f"{name}_p95_ms": asked.p95_ms}
    return times | ({f"{name}_cpu_ms": asked.mean_cpu_ms} if asked.cpu_ms else {})


# --- memory ---


def memory_of(process_id: int) -> dict[str, int]:
    """Return the bytes that are resident of a process: all, those of its own, and those of mapped files."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return {name: int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "RssAnon", "RssFile")}


def _convert_model(data_dir: Path) -> None:
    """Let the workspace have its converted model, as after the first start."""
    SentenceEmbedders(data_dir / "models")(DEFAULT_MODEL).embed_queries(["anything"])


def memory_of_empty_workspace() -> dict[str, int]:
    """Return what a server without interviews takes, its model in memory."""
    with running_server(EARSHOT_WORKERS="0") as server:
        _first_answer(server)
        return memory_of(server.process.pid)


def _memory(name: str, server: RunningServer, empty: dict[str, int], cells: float) -> Figures:
    found = memory_of(server.process.pid)
    return {
        f"memory_{name}_mib": round(found["VmRSS"] / _MIB, 1),
        f"memory_{name}_above_empty_mib": round((found["VmRSS"] - empty["VmRSS"]) / _MIB, 1),
        f"memory_{name}_anonymous_above_empty_mib": round((found["RssAnon"] - empty["RssAnon"]) / _MIB, 1),
        f"memory_{name}_mapped_above_empty_mib": round((found["RssFile"] - empty["RssFile"]) / _MIB, 1),
        f"memory_{name}_bytes_per_cell": round((found["VmRSS"] - empty["VmRSS"]) / cells),
    }


# --- what it amounts to ---


def growth(smaller: Figures, larger: Figures) -> Figures:
    """Return each figure of the larger size as a multiple of the smaller one's."""
    return {name: round(larger[name] / smaller[name], 2) for name in larger if smaller.get(name)}


def met(cells: int, figures: Figures) -> dict[str, bool]:
    """Return which of the demands on this size are met."""
    demands = {
        "p95": figures["hybrid_p95_over_embedding_p50"] <= LIMITS.get(cells, max(LIMITS.values())),
        "memory": figures["memory_end_above_empty_mib"] * _MIB <= MOST_BYTES_PER_CELL * max(cells, 1_000_000),
        "changing": figures["changing_over_quiet_p95"] <= 2
        and not any(figures[f"changing_{name}"] for name in ("errors", "ghosts", "lost")),
    }
    recalls = {name: value >= 0.98 for name, value in figures.items() if name.endswith("_recall")}
    return demands | recalls


def table(sizes: dict[int, Figures]) -> str:
    """Return the figures as lines of text, a column for each size and one for the growth between two."""
    names = list(dict.fromkeys(name for figures in sizes.values() for name in figures))
    cells = list(sizes)
    header = [f"{'':44}", *(f"{size:>12,}" for size in cells), *(f"{'x':>8}" for _ in cells[1:])]
    lines = ["".join(header)]
    for name in names:
        values = [sizes[size].get(name) for size in cells]
        grown = [growth(sizes[a], sizes[b]).get(name) for a, b in pairwise(cells)]
        lines.append(
            f"{name:44}"
            + "".join(f"{'-' if value is None else format(value, ',g'):>12}" for value in values)
            + "".join(f"{'-' if value is None else format(value, ',g'):>8}" for value in grown)
        )
    return "\n".join(lines)


def main() -> None:
    """Measure every size and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path, nargs="+")
    arguments.add_argument("--cells", default="10000,100000,1000000", help="sizes, smallest first")
    arguments.add_argument("--queries", type=int, default=200)
    arguments.add_argument("--exact", type=int, default=100, help="queries that are also answered exactly")
    arguments.add_argument("--cache", type=Path, help="folder to keep the vectors of the real meetings in")
    arguments.add_argument("--keep", type=Path, help="folder to keep the workspaces in")
    given = arguments.parse_args()
    plan = Plan(queries=given.queries, exact=given.exact)
    with tempfile.TemporaryDirectory(prefix="earshot-worlds-") as temporary:
        embedder = SentenceEmbedders(Path(temporary))(DEFAULT_MODEL)
        questions = [query["query"] for data in given.data for query in read_jsonl(data / "queries.jsonl")]
        bench = Bench(plan, read_source(given.data, embedder, given.cache), questions, embedder)
        sizes: dict[int, Figures] = {}
        for size in map(int, given.cells.split(",")):
            sizes[size] = bench.measure(size, (given.keep or Path(temporary)) / f"world{size}")
            print(json.dumps({"cells": size, **sizes[size]}), file=sys.stderr, flush=True)
            if given.keep is None:
                shutil.rmtree(Path(temporary) / f"world{size}")
    print(table(sizes), file=sys.stderr)
    print(
        json.dumps(
            {
                "bench": "search_scale",
                "data": [data.resolve().name for data in given.data],
                "sizes": sizes,
                "growth": {f"{a} to {b}": growth(sizes[a], sizes[b]) for a, b in pairwise(sizes)},
                "met": {size: met(size, figures) for size, figures in sizes.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
