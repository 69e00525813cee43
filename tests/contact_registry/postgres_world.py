"""Threads with connections of their own against one PostgreSQL, and the five mistakes that races must catch."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, func, select, text
from sqlmodel import Session, SQLModel, col

from contact_registry.repository.locks import Locks
from contact_registry.schemas import ReserveIn
from contact_registry.tables import Touchpoint
from core.clock import SystemClock
from core.database import Database
from core.errors import AppError
from tests.contact_registry.registry_world import CRM, RegistryWorld, new_registry, open_registry, question

THREADS = 6
PAUSE_S = 0.003
AHEAD = (datetime.now(UTC) + timedelta(days=10)).replace(microsecond=0)


class PooledDatabase(Database):
    """A database with a connection for every thread; `isolation` other than the default is a mistake to catch."""

    def __init__(self, url: str, isolation: str = "READ COMMITTED") -> None:
        super().__init__(url)
        self.engine.dispose()
        self.engine = create_engine(url, pool_size=THREADS + 2, max_overflow=4, isolation_level=isolation)
        self._writer = self.engine


class NoLocks(Locks):
    """Check, then insert."""

    def accounts(self, session: Session, ids: Iterable[str]) -> None:
        pass

    def contacts(self, session: Session, ids: Iterable[str]) -> None:
        pass


class ExistingRowsLocks(NoLocks):
    """Locks the person's touchpoints: those that do not exist yet cannot be locked."""

    def contacts(self, session: Session, ids: Iterable[str]) -> None:
        query = select(col(Touchpoint.id)).where(col(Touchpoint.contact_id).in_(list(ids)))
        session.connection().execute(query.with_for_update()).all()


class AdvisoryLocks(NoLocks):
    """One advisory lock for everybody: right at READ COMMITTED, wrong above it."""

    def contacts(self, session: Session, ids: Iterable[str]) -> None:
        session.connection().execute(select(func.pg_advisory_xact_lock(4711)))


def lock_in_the_same_statement(database: Database) -> list[str]:
    """Take an advisory lock in the very statement that reads the log, whose snapshot is older than the lock.

    The returned list grows with every statement that was changed.
    """
    changed: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute", retval=True)
    def _rewrite(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        if statement.startswith("SELECT touchpoint.id, touchpoint.contact_id"):
            held = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(4712) AS held)"
            changed.append(statement)
            statement = f"{held} SELECT log.* FROM held LEFT JOIN ({statement}) log ON true WHERE log.id IS NOT NULL"
        return statement, parameters

    return changed


def new_postgres_registry(url: str, folder: Path, **options: Any) -> RegistryWorld:
    """Return a registry over empty tables, on the database's own clock unless `options` name another."""
    database = PooledDatabase(url)
    with database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    SQLModel.metadata.create_all(database.engine)
    options = {"clock": SystemClock()} | options
    return new_registry(url, folder, database=database, before_insert=lambda: time.sleep(PAUSE_S), **options)


def with_mistake(world: RegistryWorld, folder: Path, locks: Locks, isolation: str = "READ COMMITTED") -> RegistryWorld:
    """Return the same registry with other locks or another isolation."""
    return open_registry(
        world.database.url,
        folder,
        clock=SystemClock(),
        database=PooledDatabase(world.database.url, isolation),
        locks=locks,
        before_insert=lambda: time.sleep(0.02),
    )


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the jobs at the same moment in threads of their own; return what each gave or refused."""
    barrier = threading.Barrier(len(jobs))
    answers: list[Any] = [None] * len(jobs)

    def run(number: int) -> None:
        barrier.wait(timeout=30)
        try:
            answers[number] = jobs[number]()
        except AppError as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert None not in answers, "a thread failed with something that is no AppError"
    return answers


def claim(world: RegistryWorld, **fields: Any) -> Callable[[], Any]:
    """Return the job of reserving somebody ten days ahead."""
    asked = ReserveIn.model_validate(question(**({"at": AHEAD.isoformat()} | fields)))
    return lambda: world.registry.reserve(asked, CRM)


def statuses(answers: Sequence[object]) -> list[int]:
    return sorted(answer.status if isinstance(answer, AppError) else 201 for answer in answers)
