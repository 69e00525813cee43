"""History from other systems: rows in, an outcome per row out."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api.contacts.calling import (
    CSV_ANSWER,
    TAKEN,
    CsvBody,
    KeyHeader,
    ReadingActor,
    RegistryDep,
    WritingActor,
    answer_once,
    csv_answer,
    request_key,
)
from app.api.dependencies import ServicesDep
from app.api.json_answers import json_answer
from contact_registry.local_times import DateFormat
from contact_registry.people_service import check_zone
from contact_registry.schemas import GivenSource, Input, Slug
from contact_registry.schemas_imports import MAX_ROWS, HistoryFile, ImportIn, ImportOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


@router.post("/imports", status_code=207, response_model=ImportOut, responses=TAKEN)
def import_history(
    body: ImportIn, request: Request, registry: RegistryDep, actor: WritingActor, key: KeyHeader = None
) -> Response:
    """Import rows of history; `dry_run` says what would happen. The same rows again change nothing.

    More than 10,000 rows, up to 100,000, are taken as a job (202).
    """
    sent = request_key(request, actor, key, body)
    run = registry.lists.import_rows if len(body.rows) > MAX_ROWS else registry.imports.run
    return answer_once(sent, lambda: run(body, actor, sent), status=207)


class FileHistory(Input):
    """How a file of history is read, and what its rows are where its columns do not say."""

    team: Slug | None = None
    channel: Slug | None = None
    purpose: Slug | None = None
    source: GivenSource | None = Field(
        default=None, description="Namespace of external_id; the caller's own by default."
    )
    tz: str | None = Field(default=None, description="Zone of times without one; the workspace's by default.")
    encoding: str | None = Field(default=None, max_length=40, description="Of the file; guessed when left out.")
    dates: DateFormat = Field(default="iso", description="Which comes first in dates such as 03/04/2026.")
    dry_run: bool = False
    file_name: str | None = Field(default=None, max_length=200)


@router.post("/imports/csv", status_code=207, response_model=ImportOut, responses=TAKEN)
def import_file(
    content: CsvBody,
    query: Annotated[FileHistory, Query()],
    request: Request,
    registry: RegistryDep,
    actor: WritingActor,
    key: KeyHeader = None,
) -> Response:
    """Import a CSV file of history; `dry_run` first. Ambiguous dates are never guessed.

    More than 10,000 rows, up to 100,000, are taken as a job (202).
    """
    check_zone(query.tz)
    sent = request_key(request, actor, key, query)
    if sent is not None:
        sent.body = [sent.body, sha256(content).hexdigest()]
    defaults = query.model_dump(include={"team", "channel", "purpose"}, exclude_none=True)
    is_long = registry.files.is_long(content, query.encoding)
    how = HistoryFile(
        defaults=defaults,
        tz=query.tz,
        encoding=query.encoding,
        order=query.dates,
        source=query.source,
        dry_run=query.dry_run,
        file_name=query.file_name,
    )
    run = registry.lists.import_file if is_long else registry.files.import_file
    return answer_once(sent, lambda: run(content, actor, how, sent), status=207)


@router.get("/imports/{import_id}/result.csv", response_class=Response, responses=CSV_ANSWER)
def get_import_file(import_id: str, services: ServicesDep, actor: ReadingActor) -> Response:
    """Return the file with what became of every row behind its columns, which are kept for a week.

    Suppressed rows are named by their number alone.
    """
    file = services.registry.files.outcome_file(import_id)
    services.audit.happened(actor.id, "import.exported", "import", import_id)
    return csv_answer(file, "import.csv")


@router.get("/imports/{import_id}", response_model=ImportOut)
def get_import(import_id: str, registry: RegistryDep, actor: ReadingActor) -> Response:
    return json_answer(registry.imports.get(import_id))


@router.post("/imports/{import_id}/undo", response_model=ImportOut)
def undo_import(import_id: str, registry: RegistryDep, actor: WritingActor) -> Response:
    """Void what the import created and restore what it changed."""
    return json_answer(registry.imports.undo(import_id, actor))
