"""The database's version changes with every commit, whoever commits, and dates what was read after it was asked for."""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from core.database import Database

ANOTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
for _ in range(int(sys.argv[2])):
    connection.execute("UPDATE counted SET number = number + 1")
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(tmp_path / "test.db")
    yield database
    database.close()


def new_database(file: Path, number: int = 0) -> Database:
    database = Database(f"sqlite:///{file}")
    with database.write() as session:
        session.execute(text("CREATE TABLE counted (number INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counted VALUES (:number)"), {"number": number})
    return database


def file_of(database: Database) -> Path:
    return Path(database.engine.url.database or "")


def count_up(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE counted SET number = number + 1"))


def number_in(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT number FROM counted")).scalar_one())


def version_of(database: Database) -> int:
    version = database.version()
    assert version is not None
    return version


def test_it_stays_while_nothing_is_committed(database: Database) -> None:
    version = database.version()
    number_in(database)
    with database.write():
        pass
    with database.write() as session:
        session.execute(text("UPDATE counted SET number = 1 WHERE number = 99"))
    with database.write() as session:
        session.execute(text("UPDATE counted SET number = 99"))
        session.rollback()
    assert database.version() == version


def test_it_changes_when_this_process_commits(database: Database) -> None:
    seen = [version_of(database)]
    for _ in range(3):
        count_up(database)
        seen.append(version_of(database))
    assert sorted(set(seen)) == seen


def test_it_does_not_change_before_the_commit(database: Database) -> None:
    version = database.version()
    with database.write() as session:
        session.execute(text("UPDATE counted SET number = 5"))
        assert database.version() == version
    assert database.version() != version


def test_it_changes_when_another_process_commits(database: Database) -> None:
    version = version_of(database)
    subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, str(file_of(database)), "1"], check=True)
    assert version_of(database) > version


def test_it_changes_when_the_file_is_replaced_by_one_with_the_same_count(database: Database, tmp_path: Path) -> None:
    version = version_of(database)
    new_database(tmp_path / "other.db", 7).close()
    (tmp_path / "other.db").replace(file_of(database))
    assert version_of(database) > version


def test_a_number_does_not_come_back_after_closing(database: Database) -> None:
    seen = [version_of(database)]
    for _ in range(3):
        database.close()
        seen.append(version_of(database))
    assert sorted(set(seen)) == seen


def test_without_a_file_there_is_none_and_none_is_made(tmp_path: Path) -> None:
    assert Database("sqlite://").version() is None
    missing = Database(f"sqlite:///{tmp_path / 'missing.db'}")
    assert missing.version() is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_for_a_while_is_watched_again(database: Database, tmp_path: Path) -> None:
    version = version_of(database)
    file_of(database).rename(tmp_path / "away.db")
    assert database.version() is None
    (tmp_path / "away.db").rename(file_of(database))
    assert version_of(database) > version


def test_postgres_has_none() -> None:
    assert Database("postgresql+psycopg://nobody@localhost/none").version() is None


def test_watching_keeps_nobody_from_emptying_the_log(database: Database) -> None:
    version_of(database)
    count_up(database)
    version_of(database)
    database.empty_log()
    log = file_of(database).with_name("test.db-wal")
    assert log.stat().st_size == 0


def test_whoever_closes_last_leaves_no_log(database: Database) -> None:
    count_up(database)
    version_of(database)
    database.close()
    assert not file_of(database).with_name("test.db-wal").exists()


def test_a_session_is_at_a_version_until_somebody_commits(database: Database) -> None:
    version = database.version()
    with database.read() as session:
        assert database.is_at(session, version)
        count_up(database)
        assert not database.is_at(session, version)
    with database.read() as session:
        assert not database.is_at(session, version)
        assert not database.is_at(session, None)
        assert database.is_at(session, database.version())


def test_what_is_kept_under_a_version_is_never_older_than_a_commit_before_the_next_question(database: Database) -> None:
    """Readers in threads keep what they read by the version asked before; another process and a thread commit."""
    kept: dict[int, int] = {}
    stale: list[tuple[int, int]] = []
    hits = 0
    ended = threading.Event()

    def committed() -> int:
        with closing(sqlite3.connect(file_of(database), timeout=20)) as connection:
            return int(connection.execute("SELECT number FROM counted").fetchone()[0])

    def read(seed: int) -> None:
        nonlocal hits
        pick = random.Random(seed)
        while not ended.is_set():
            least = committed() if pick.random() < 0.5 else 0  # committed before the question begins
            version = version_of(database)
            if version in kept:
                hits += 1
                if kept[version] < least:
                    stale.append((kept[version], least))
            else:
                kept[version] = number_in(database)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    other = subprocess.Popen([sys.executable, "-c", ANOTHER_PROCESS, str(file_of(database)), "150"])
    for _ in range(50):
        count_up(database)
    assert other.wait() == 0
    ended.set()
    for thread in threads:
        thread.join()
    assert stale == []
    assert hits
    assert number_in(database) == 200


def test_it_is_asked_in_microseconds(database: Database) -> None:
    version_of(database)
    best = min(_seconds_of(database, 200) for _ in range(20))
    assert best / 200 < 0.0005  # about 6 µs on an idle machine


def _seconds_of(database: Database, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        database.version()
    return time.perf_counter() - began
