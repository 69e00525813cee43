"""Migrations and models describe one schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlmodel import SQLModel

import app.schema
from core.database import Database
from core.migrate import migrate
from search.sqlite_full_text import create_full_text


def _objects(connection: Connection) -> set[tuple[str, str, str]]:
    rows = connection.exec_driver_sql("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
    own = (row for row in rows if not row[1].startswith("sqlite_") and row[1] != "alembic_version")
    return {(kind, name, sql if kind == "trigger" else "") for kind, name, sql in own}


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate(database)
    yield database
    database.close()


def test_the_migrations_make_what_the_models_say(migrated: Database) -> None:
    with migrated.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": lambda item, name, *_: not str(name).startswith("passage_words")}
        )
        assert compare_metadata(context, app.schema.metadata) == []


def test_the_migrations_make_the_same_indexes_words_and_triggers(migrated: Database) -> None:
    made = create_engine("sqlite://")
    with made.begin() as connection, migrated.engine.connect() as other:
        SQLModel.metadata.create_all(connection)
        create_full_text(connection)
        assert _objects(other) == _objects(connection)
    made.dispose()


def test_migrating_again_changes_nothing(migrated: Database) -> None:
    migrate(migrated)
    with migrated.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
