"""A workspace of every version that landed goes forward to today's schema with all its rows.

`landed/NNNN.sql` holds the rows as the program of that version wrote them; a new file is added when a migration lands.
"""

import sqlite3
from pathlib import Path

import pytest
from alembic import command

from core.database import Database
from core.migrate import config_of, migrate
from search.values import SearchRequest
from tests.pages.world import build_services

LANDED = sorted((Path(__file__).parent / "landed").glob("*.sql"))
SECRETS = {
    "0001": "ear_NXS_NKfHvN1fQH4za7r-BgkH6NWP9XYvUCGcOto_FU",
    "0002": "ear_FSn1BkiKqboeSokopCC3RSNyXCMeveRBV2RyaVwef0I",
}


@pytest.fixture(params=LANDED, ids=lambda path: path.stem)
def landed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a database of that version with its rows, already migrated to the newest one."""
    file = tmp_path / "earshot.db"
    database = Database(f"sqlite:///{file}")
    command.upgrade(config_of(database), request.param.stem)
    connection = sqlite3.connect(file)
    connection.executescript(request.param.read_text(encoding="utf-8"))
    connection.close()
    migrate(database)
    database.close()
    return file


def test_no_row_is_lost_but_the_sessions(landed: Path, request: pytest.FixtureRequest) -> None:
    connection = sqlite3.connect(landed)
    script = (LANDED[0].parent / f"{request.node.callspec.id}.sql").read_text(encoding="utf-8")
    before = [line.split()[2] for line in script.splitlines() if line.startswith("INSERT INTO ")]
    for table in sorted({*before} - {"web_session", "alembic_version"}):
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert count >= before.count(table), table
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_what_was_said_is_still_found_and_played_by_everybody(landed: Path) -> None:
    services = build_services(landed.parent)
    (interview,) = services.ingest.list_interviews().items
    assert interview.is_quotable
    assert interview.is_shareable
    assert len(services.ingest.segments(interview.id)) == 4
    for mode in ("keyword", "hybrid"):
        answer = services.search.search(SearchRequest('"nearly cancelled"', mode))
        assert [result.interview.id for result in answer.results] == [interview.id]
    services.search.close()
    services.database.close()


def test_a_key_of_then_still_administers(landed: Path, request: pytest.FixtureRequest) -> None:
    services = build_services(landed.parent)
    principal = services.access.keys.principal_of(SECRETS[request.node.callspec.id])
    assert principal.viewer.sees_all
    assert principal.source == "crm"
    services.database.close()


def test_an_interview_deleted_afterwards_still_leaves_the_index(landed: Path) -> None:
    connection = sqlite3.connect(landed)
    connection.execute("PRAGMA foreign_keys=ON")
    (last,) = connection.execute("SELECT max(seq) FROM index_change").fetchone()
    connection.execute("DELETE FROM interview")
    assert connection.execute("SELECT max(seq) FROM index_change").fetchone()[0] > last
    assert connection.execute("SELECT count(*) FROM segment").fetchone() == (0,)
    connection.close()
