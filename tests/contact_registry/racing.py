"""Several processes claim at the same moment, round after round; each says what it got."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event

from contact_registry.schemas import ReserveIn
from core.clock import Clock, SettableClock, SystemClock
from core.database import Database
from core.errors import AppError
from tests.contact_registry.registry_world import CRM, open_registry

PAUSE_S = 0.003  # between check and insert: without it a race test passes by luck


class UnlockedDatabase(Database):
    """The mistake that the races must catch: every statement commits by itself, so nothing is held in between."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._writer.dispose()
        arguments = {"timeout": 10, "isolation_level": None, "check_same_thread": False}
        self._writer = create_engine(url, connect_args=arguments)
        event.listen(self._writer, "connect", _set_pragmas)


def _set_pragmas(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


@dataclass(frozen=True, slots=True)
class Race:
    """`claims[runner][round]` is what a runner reserves in a round; `at` the clock of all, None: the system's."""

    url: str
    folder: Path
    claims: Sequence[Sequence[dict[str, Any]]]
    make_database: Callable[[str], Database] = Database
    at: datetime | None = datetime(2026, 5, 1, 9, tzinfo=UTC)
    pause_s: float = PAUSE_S


class Runners:
    """Processes that were started once and run any number of races."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = context.Pool(count, initializer=remember, initargs=(context.Barrier(count),))

    def run(self, race: Race) -> list[list[int]]:
        """Return the statuses that each round brought, in the order of the runners."""
        jobs = [(race, number) for number in range(len(race.claims))]
        answers = self._pool.map(_run, jobs, chunksize=1)
        return [list(statuses) for statuses in zip(*answers, strict=True)]

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


_barrier: Barrier | None = None


def remember(barrier: Barrier) -> None:
    global _barrier  # a barrier reaches a pool's process only as it starts
    _barrier = barrier


def wait_for_all() -> None:
    """Wait until every process of the pool has come this far."""
    assert _barrier is not None, "the pool was started with its barrier"
    _barrier.wait(timeout=60)


def _run(job: tuple[Race, int]) -> list[int]:
    race, number = job
    clock: Clock = SystemClock() if race.at is None else SettableClock(race.at)
    world = open_registry(
        race.url,
        race.folder,
        clock=clock,
        database=race.make_database(race.url),
        before_insert=lambda: time.sleep(race.pause_s),
    )
    statuses = []
    for claim in race.claims[number]:
        wait_for_all()
        try:
            world.registry.reserve(ReserveIn.model_validate(claim), CRM)
            statuses.append(201)
        except AppError as error:
            statuses.append(error.status)
    world.database.close()
    return statuses
