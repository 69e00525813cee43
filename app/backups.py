"""One archive of everything that cannot be made again: the database and the recordings.

Indexes, models and the job queue are left out: they are derived. The key that recognises erased people is left out
on purpose, since a backup with it would undo their erasure's protection; keep `suppression.key` apart.
"""

import hashlib
import re
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from app.services import Services
from core.errors import Conflict, InvalidInput
from core.settings import Settings

_DATABASE = "earshot.db"
_RECORDING = re.compile(r"recordings/([0-9a-f]{2})/([0-9a-f]{64})")


def write_backup(services: Services, file: Path) -> int:
    """Write the archive and return how many recordings it has. The file appears whole or not at all.

    Raises InvalidInput `backup_needs_sqlite` (PostgreSQL has pg_dump), Conflict `file_exists`.
    """
    if not services.database.is_sqlite:
        raise InvalidInput("backup_needs_sqlite", "The database is PostgreSQL: back it up with pg_dump.")
    if file.exists():
        raise Conflict("file_exists", "The archive's file exists already: choose another name.")
    aside = file.with_name(file.name + ".part")
    count = 0
    try:
        with (
            TemporaryDirectory(dir=services.settings.data_dir) as folder,
            tarfile.open(aside, "w") as archive,
        ):
            copy = Path(folder) / _DATABASE
            _copy_database(services.settings.data_dir / _DATABASE, copy)
            archive.add(copy, _DATABASE)
            # after the database: every recording it names is in place by then
            for path in _recordings(services.settings):
                archive.add(path, f"recordings/{path.parent.name}/{path.name}")
                count += 1
        aside.rename(file)
    finally:
        aside.unlink(missing_ok=True)
    return count


def read_backup(settings: Settings, file: Path) -> int:
    """Fill an empty data folder from the archive and return how many recordings came.

    Raises Conflict `data_exists`, InvalidInput `invalid_backup`; nothing is left behind then.
    """
    if (settings.data_dir / _DATABASE).exists():
        raise Conflict("data_exists", "The data folder has a database: restore into an empty one (EARSHOT_DATA_DIR).")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as folder:
        root = Path(folder)
        try:
            with tarfile.open(file) as archive:
                archive.extractall(root, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise InvalidInput("invalid_backup", "This file is no readable archive of `earshot backup`.") from error
        recordings = _checked(root)
        for path in recordings:
            target = settings.recordings_dir / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        (root / _DATABASE).replace(settings.data_dir / _DATABASE)
    return len(recordings)


def _copy_database(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as writing:
        reading.backup(writing)
    reading.close()
    writing.close()


def _recordings(settings: Settings) -> Iterator[Path]:
    yield from sorted(path for path in settings.recordings_dir.glob("??/*") if path.is_file())


def _checked(root: Path) -> list[Path]:
    database = root / _DATABASE
    if not database.is_file():
        raise InvalidInput("invalid_backup", "The archive has no database in it.")
    connection = sqlite3.connect(database)
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise InvalidInput("invalid_backup", "The archive's database is damaged.") from error
    finally:
        connection.close()
    if verdict != "ok":
        raise InvalidInput("invalid_backup", "The archive's database is damaged.")
    found = [path for path in root.rglob("*") if path.is_file() and path != database]
    for path in found:
        match = _RECORDING.fullmatch(path.relative_to(root).as_posix())
        if match is None or _sha256(path) != match[2]:
            raise InvalidInput("invalid_backup", "The archive holds a file that is damaged or does not belong there.")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
