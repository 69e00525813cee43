"""The system of record: one engine, read transactions, and write transactions that are serialised on SQLite.

Services open one transaction per call with `read()` or `write()`; nothing below them commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, BigInteger, Column, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from core.sqlite_commits import SqliteCommits

BUSY_TIMEOUT_MS = 10_000
# A file that is larger when it is opened is not mapped: each connection would hold as much in memory.
MAPPED_BYTES = 2**30

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# isolation_level None: the driver opens no transaction of its own, so ours are the only ones
_SQLITE_ARGUMENTS = {"timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": None, "check_same_thread": False}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant, stored as whole milliseconds since 1970 so that order and equality are exact everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: give it a time zone")
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        seconds, milliseconds = divmod(value, 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


def utc_column(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """Return a fresh column for `Field(sa_column=…)` that holds an aware UTC instant."""
    return Column(UtcDateTime(), nullable=nullable, index=index)


class Database:
    """One connection pool. `write()` takes SQLite's write lock at its first moment (`BEGIN IMMEDIATE`).

    Reason: a deferred transaction that reads and then writes fails with SQLITE_BUSY, which no timeout covers, when
    another writer came between; taken at once the lock waits its turn, and check-then-insert is atomic.
    Errors leave out the values of a statement (`hide_parameters`): they are logged, and may be personal data.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self.engine = _sqlite_engine(url)
            self._writer = _sqlite_engine(url)
            event.listen(self.engine, "connect", _set_pragmas)
            event.listen(self._writer, "connect", _set_pragmas)
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
            event.listen(self._writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            self._commits = _commits_of(self.engine)
        else:
            self.engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
            self._writer = self.engine
            self._commits = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session over one consistent snapshot; it is rolled back at the end."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that commits at the end and rolls back when the block raises."""
        with Session(self._writer, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    @property
    def writer_engine(self) -> Engine:
        return self._writer

    def version(self) -> int | None:
        """Return a number that changes when anything was committed, by any process; None where there is none.

        Asked before a transaction begins, it dates what that transaction reads: whoever asks later and gets the same
        number may be given the same again. A number never comes back in this process. PostgreSQL has none.
        """
        return None if self._commits is None else self._commits.version()

    def is_at(self, session: Session, version: int | None) -> bool:
        """Return whether `session` reads exactly the state of `version`: nobody committed before it began."""
        if version is None:
            return False
        session.connection().exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")  # SQLite begins at the first look
        return self.version() == version

    def empty_log(self) -> None:
        """Move SQLite's write-ahead log into the database file and empty it: it still holds what was deleted lately.

        Waits for readers as long as a writer would; whatever it does not get done the next checkpoint does.
        """
        if self.is_sqlite:
            connection = self._writer.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()

    def close(self) -> None:
        if self._commits is not None:  # first: whoever lets go last writes the log into the file
            self._commits.close()
        self.engine.dispose()
        self._writer.dispose()


def _sqlite_engine(url: str) -> Engine:
    # Of a file's connections the one that was used last is taken: it knows pages and statements already. In turns, each
    # would keep all of them.
    pool = {} if _file_of(make_url(url)) is None else {"pool_use_lifo": True}
    return create_engine(url, connect_args=_SQLITE_ARGUMENTS, hide_parameters=True, **pool)


def _file_of(url: URL) -> Path | None:
    """Return SQLite's file; a database in memory has none."""
    file = url.database
    return None if not file or file == ":memory:" or file.startswith("file:") else Path(file)


def _commits_of(engine: Engine) -> SqliteCommits | None:
    """Return what watches the database's file, if it has one."""
    file = _file_of(engine.url)
    return None if file is None else SqliteCommits(file)


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a claim that was answered 201 must survive a power cut
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten: a withdrawn text must not stay in the file's free pages
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "temp_store=MEMORY",
        "cache_size=-16384",  # 16 MiB; with SQLite's 2 a list of a thousand people reads the same pages over and over
    ):
        cursor.execute(f"PRAGMA {pragma}")
    ((size,),) = cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchall()
    if size <= MAPPED_BYTES:  # a page is looked at where the system has it instead of copied: half the time
        cursor.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    cursor.close()
