"""History from other systems: rows in, an outcome per row out."""

from fastapi import APIRouter, Request, Response

from app.api.contacts.calling import (
    ActorDep,
    KeyHeader,
    RegistryDep,
    answer_once,
    json_answer,
    request_key,
)
from contact_registry.schemas_imports import ImportIn, ImportOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


@router.post("/imports", status_code=207, response_model=ImportOut)
def import_history(
    body: ImportIn, request: Request, registry: RegistryDep, actor: ActorDep, key: KeyHeader = None
) -> Response:
    """Import rows of history; `dry_run` says what would happen. The same rows again change nothing."""
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.imports.run(body, actor, sent), status=207)


@router.get("/imports/{import_id}", response_model=ImportOut)
def get_import(import_id: str, registry: RegistryDep, actor: ActorDep) -> Response:
    return json_answer(registry.imports.get(import_id))


@router.post("/imports/{import_id}/undo", response_model=ImportOut)
def undo_import(import_id: str, registry: RegistryDep, actor: ActorDep) -> Response:
    """Void what the import created and restore what it changed."""
    return json_answer(registry.imports.undo(import_id, actor))
