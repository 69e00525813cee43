"""Brings a database to the newest schema; every command calls it before anything else touches the data."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def config_of(database: Database) -> Config:
    """Return what Alembic needs to know of this database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database"] = database
    return config


def migrate(database: Database) -> None:
    """Run every migration this database has not seen; a database at the newest one is left alone, without a lock."""
    config = config_of(database)
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != newest:
        command.upgrade(config, "head")
