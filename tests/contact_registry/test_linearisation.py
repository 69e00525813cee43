"""Several processes (SQLite) or connections (PostgreSQL) at once: in some order all they were told is true."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.clock import SettableClock
from core.database import Database
from tests.contact_registry import racing
from tests.contact_registry.fast_world import ACCOUNTS
from tests.contact_registry.linearisation import Call, follow, linearisation, named_alike, random_plan
from tests.contact_registry.operation_worlds import RULES, both_runners
from tests.contact_registry.operations import Names, Operation, RealRunner
from tests.contact_registry.oracle_runner import OracleRunner
from tests.contact_registry.postgres_world import NoLocks, PooledDatabase, new_postgres_registry
from tests.contact_registry.racing import UnlockedDatabase
from tests.contact_registry.registry_world import NOW, RegistryWorld, new_registry, open_registry

CALLERS = 3
LENGTH = 6
RULES_HERE = [RULES["gap"], RULES["firm"]]


@dataclass(frozen=True)
class Job:
    """What one process does in one history."""

    url: str
    folder: Path
    names: dict[str, str]
    plan: Sequence[Operation]
    make_database: Callable[[str], Database] = Database
    pause_s: float = 0.003


def _follow(job: Job) -> tuple[list[Call], dict[str, str]]:
    database = job.make_database(job.url)
    world = open_registry(
        job.url,
        job.folder,
        clock=SettableClock(NOW),
        database=database,
        before_insert=lambda: time.sleep(job.pause_s),
    )
    runner = RealRunner(world, _names(job.names))
    racing.wait_for_all()
    calls = follow(runner, job.plan)
    database.close()
    return calls, dict(runner.names.items())


def _names(ids: dict[str, str]) -> Names:
    names = Names(is_alone=False)
    for name, key in ids.items():
        names.put(name, key)
    return names


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(CALLERS, initializer=racing.remember, initargs=(context.Barrier(CALLERS),)) as pool:
        yield pool


def prepare(world: RegistryWorld) -> tuple[RealRunner, OracleRunner]:
    for account in ACCOUNTS:
        world.add_account(account)
    return both_runners(world, RULES_HERE)


def history_of_processes(processes: Any, folder: Path, seed: int, **options: Any) -> tuple[list[Call], OracleRunner]:
    """Return what CALLERS processes did to one new SQLite file at once, and the oracle as it was before."""
    folder.mkdir()
    world = new_registry(f"sqlite:///{folder / 'earshot.db'}", folder)
    real, oracle = prepare(world)
    draw = random.Random(seed)
    only_claims = "make_database" in options
    plans = [random_plan(draw, caller, LENGTH, only_claims=only_claims) for caller in range(CALLERS)]
    ids = dict(real.names.items())
    jobs = [Job(world.database.url, folder, ids, plan, **options) for plan in plans]
    done = processes.map(_follow, jobs, chunksize=1)
    world.database.close()
    return named_alike([calls for calls, _ in done], [names for _, names in done]), oracle


@pytest.mark.parametrize("seed", range(6))
def test_what_processes_are_told_at_once_is_true_in_some_order(processes: Any, tmp_path: Path, seed: int) -> None:
    history, oracle = history_of_processes(processes, tmp_path / "one", seed)
    assert _overlaps(history) > 0
    assert linearisation(history, oracle) is not None, history


@pytest.mark.slow
def test_sixty_histories_of_processes_are_true_in_some_order(processes: Any, tmp_path: Path) -> None:
    for seed in range(1000, 1060):
        history, oracle = history_of_processes(processes, tmp_path / str(seed), seed)
        assert linearisation(history, oracle) is not None, (seed, history)


def test_a_claim_that_is_not_atomic_gives_a_history_without_an_order(processes: Any, tmp_path: Path) -> None:
    """The negative control: check and insert without a transaction around them."""
    for seed in range(10):
        folder = tmp_path / str(seed)
        options = {"make_database": UnlockedDatabase, "pause_s": 0.03}
        history, oracle = history_of_processes(processes, folder, seed, **options)
        if linearisation(history, oracle) is None:
            return
    pytest.fail("no history of the broken claim was refused")


def _overlaps(history: Sequence[Call]) -> int:
    return sum(
        one.called_ns < other.returned_ns and other.called_ns < one.returned_ns
        for index, one in enumerate(history)
        for other in history[:index]
    )


def _booking(name: str, day: int, called_ns: int, returned_ns: int, *, wins: bool) -> Call:
    at = NOW + timedelta(days=day)
    args = {"contact": "jane", "at": at, "team": "sales", "channel": "email", "purpose": "survey"}
    answer = {
        "status": "planned",
        "contact": "jane",
        "at": at,
        "expires_at": None,
        "violations": [],
        "overridden": [],
        "new_conflicts": [],
    }
    refused = {"error": "not_eligible", "reasons": ["gap"], "next": NOW + timedelta(days=5)}
    return Call(Operation(name, "book", args), answer if wins else refused, called_ns, returned_ns)


def test_the_search_finds_the_order_of_overlapping_calls_and_refuses_made_up_histories(tmp_path: Path) -> None:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    oracle = prepare(world)[1]
    world.database.close()
    winner = _booking("b", 2, 0, 10, wins=True)
    loser_at_once = _booking("a", 2, 0, 10, wins=False)
    found = linearisation([loser_at_once, winner], oracle)
    assert found is not None
    assert [operation.name for operation in found] == ["b", "a"]
    # two winners of one slot
    assert linearisation([winner, _booking("a", 2, 0, 10, wins=True)], oracle) is None
    # refused because of a booking that began only after the refusal was told
    assert linearisation([_booking("a", 2, 0, 1, wins=False), _booking("b", 2, 2, 3, wins=True)], oracle) is None
    # granted although the other booking had been told before this one began
    assert linearisation([_booking("b", 2, 0, 1, wins=True), _booking("a", 3, 2, 3, wins=True)], oracle) is None


def history_of_connections(world: RegistryWorld, seed: int, registry: RegistryWorld | None = None) -> tuple[Any, ...]:
    """Return what CALLERS threads with connections of their own did at once, and the oracle as it was before."""
    real, oracle = prepare(world)
    draw = random.Random(seed)
    plans = [random_plan(draw, caller, LENGTH, only_claims=registry is not None) for caller in range(CALLERS)]
    runners = [RealRunner(registry or world, _names(dict(real.names.items()))) for _ in plans]
    barrier = threading.Barrier(CALLERS)
    histories: list[list[Call]] = [[] for _ in plans]

    def run(number: int) -> None:
        barrier.wait(timeout=30)
        histories[number] = follow(runners[number], plans[number])

    threads = [threading.Thread(target=partial(run, number)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert all(histories), "a thread failed with something that is no AppError"
    return named_alike(histories, [dict(runner.names.items()) for runner in runners]), oracle


@pytest.mark.postgres
def test_what_connections_are_told_at_once_is_true_in_some_order(url: str, tmp_path: Path) -> None:
    for seed in range(4):
        world = new_postgres_registry(url, tmp_path, clock=SettableClock(NOW))
        history, oracle = history_of_connections(world, seed)
        world.database.close()
        assert linearisation(history, oracle) is not None, history


@pytest.mark.postgres
def test_connections_without_locks_give_a_history_without_an_order(url: str, tmp_path: Path) -> None:
    for seed in range(10):
        world = new_postgres_registry(url, tmp_path, clock=SettableClock(NOW))
        wrong = open_registry(
            url,
            tmp_path,
            clock=SettableClock(NOW),
            database=PooledDatabase(url),
            locks=NoLocks(),
            before_insert=lambda: time.sleep(0.03),
        )
        history, oracle = history_of_connections(world, seed, wrong)
        wrong.database.close()
        world.database.close()
        if linearisation(history, oracle) is None:
            return
    pytest.fail("no history of the broken claim was refused")
