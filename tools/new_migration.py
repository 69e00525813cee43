"""Writes a migration from what the models have and the migrations lack: `python -m tools.new_migration "message"`.

Read and mend what it wrote: Alembic sees no triggers, no full-text tables and no renaming.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config

from app.schema import metadata
from core.database import Database
from core.migrate import MIGRATIONS, migrate


def main() -> None:
    """Compare a database of the newest migration with the models."""
    if len(sys.argv) != 2:
        raise SystemExit('usage: python -m tools.new_migration "What changes"')
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        migrate(database)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["database"] = database
        config.attributes["metadata"] = metadata
        number = len(list((MIGRATIONS / "versions").glob("*.py"))) + 1
        command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{number:04}")
        database.close()


if __name__ == "__main__":
    main()
