import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

import core.database
from core.database import Database
from core.tables import Project


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    SQLModel.metadata.create_all(database.writer_engine)
    yield database
    database.close()


def _project(slug: str, at: datetime) -> Project:
    return Project(id=slug, name="Project", created_at=at)


def test_an_instant_comes_back_in_utc_to_the_millisecond(database: Database) -> None:
    at = datetime(2026, 3, 15, 14, 0, 0, 123000, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as session:
        session.add(_project("a", at))
    with database.read() as session:
        found = session.get(Project, "a")
    assert found is not None
    assert found.created_at == at
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("is_large", [False, True])
def test_a_small_file_is_mapped_and_a_large_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    most = 50_000
    monkeypatch.setattr(core.database, "MAPPED_BYTES", most)
    file = tmp_path / "sized.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE filler (content BLOB)")
        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", [2 * most if is_large else 10])
    database = Database(f"sqlite:///{file}")
    with database.read() as session:
        mapped = session.connection().exec_driver_sql("PRAGMA mmap_size").scalar_one()
    database.close()
    assert mapped == (0 if is_large else most)


def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone"), database.write() as session:
        session.add(_project("a", datetime(2026, 1, 1)))  # noqa: DTZ001 - the defect under test


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def add_and_fail() -> None:
        with database.write() as session:
            session.add(_project("a", datetime.now(UTC)))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()
    with database.read() as session:
        assert session.exec(select(Project)).all() == []


def test_check_then_insert_is_atomic_between_writers(database: Database) -> None:
    ready = threading.Barrier(4)
    winners: list[int] = []

    def claim(number: int) -> None:
        ready.wait()
        with database.write() as session:
            if session.exec(select(Project)).first() is None:
                session.add(_project(f"p{number}", datetime.now(UTC)))
                winners.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as writing:
        writing.add(_project("a", datetime.now(UTC)))
        writing.flush()
        with database.read() as reading:
            assert reading.exec(select(Project)).all() == []
