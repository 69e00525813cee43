"""What `earshot doctor` and the settings page check: the parts that can be missing, and what to do about each."""

import shutil
from dataclasses import dataclass

from app.services import Services
from core.errors import AppError
from ingest.whisper_model import NeedsModel, resolve_model

LOW_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    ok: bool
    message: str


def examine(services: Services) -> list[Finding]:
    """Return one finding for each part, in a fixed order. No model is loaded and nothing is downloaded."""
    return [_database(services), _disk(services), _whisper(services), _index(services)]


def _database(services: Services) -> Finding:
    kind = "SQLite" if services.database.is_sqlite else "PostgreSQL"
    with services.database.read() as session:
        session.connection().exec_driver_sql("SELECT 1")
    return Finding("database", True, f"{kind} answers.")


def _disk(services: Services) -> Finding:
    free = shutil.disk_usage(services.settings.data_dir).free
    message = f"{free / 1024**3:.1f} GiB are free."
    if free < LOW_DISK_BYTES:
        return Finding("disk", False, message + " Make room: recordings need it.")
    return Finding("disk", True, message)


def _whisper(services: Services) -> Finding:
    settings = services.settings
    try:
        found = resolve_model(settings.whisper_model, settings.models_dir)
    except AppError as error:
        return Finding("speech model", False, error.message)
    if isinstance(found, NeedsModel):
        return Finding("speech model", False, found.sentence)
    return Finding("speech model", True, f"{found.name} is ready.")


def _index(services: Services) -> Finding:
    status = services.search.status()
    done = f"{status.indexed} of {status.windows} windows of {status.interviews} interviews"
    message = f"{done} are indexed with {status.model}."
    if status.waiting_model:
        message += f" Vectors of {status.waiting_model} are being made."
    return Finding("search index", status.is_complete, message)
