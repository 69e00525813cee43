"""Suppressions and consent."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from pydantic import BaseModel

from app.api.contacts.calling import (
    KeyHeader,
    ReadingActor,
    RegistryDep,
    WritingActor,
    answer_once,
    request_key,
)
from app.api.dependencies import ServicesDep
from app.api.json_answers import json_answer
from contact_registry.schemas_people import ConsentIn, ConsentOut, LiftIn, SuppressionIn, SuppressionOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class SuppressionPage(BaseModel):
    items: list[SuppressionOut]
    next_cursor: str | None


class ConsentList(BaseModel):
    items: list[ConsentOut]


@router.post("/suppressions", status_code=201, response_model=SuppressionOut)
def suppress(
    body: SuppressionIn, request: Request, registry: RegistryDep, actor: WritingActor, key: KeyHeader = None
) -> Response:
    """Stop contacts at once: of a person, an address, a company or a domain. Bookings it hits are listed."""
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.stops.suppress(body, actor, sent), status=201)


@router.get("/suppressions", response_model=SuppressionPage)
def list_suppressions(
    registry: RegistryDep,
    actor: ReadingActor,
    lifted: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    cursor: str | None = None,
) -> Response:
    """List stops, newest first; an address is never shown, it is not kept."""
    items, next_cursor = registry.stops.list_all(actor, include_lifted=lifted, limit=limit, cursor=cursor)
    return json_answer(SuppressionPage(items=items, next_cursor=next_cursor))


@router.delete("/suppressions/{suppression_id}", response_model=SuppressionOut)
def lift(suppression_id: str, body: LiftIn, registry: RegistryDep, actor: WritingActor) -> Response:
    """Lift a stop, with evidence that the person came back themselves; the entry stays on record."""
    return json_answer(registry.stops.lift(suppression_id, body, actor))


@router.post("/consents", status_code=201, response_model=ConsentOut)
def add_consent(
    body: ConsentIn, request: Request, registry: RegistryDep, actor: WritingActor, key: KeyHeader = None
) -> Response:
    """Append a consent or its withdrawal; nothing is ever overwritten."""
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.stops.add_consent(body, actor, sent), status=201)


@router.get("/contacts/{contact_id}/consents")
def list_consents(
    contact_id: str, services: ServicesDep, actor: ReadingActor, afterwards: BackgroundTasks
) -> ConsentList:
    """Return what the person consented to and withdrew."""
    items = services.registry.stops.consents(contact_id)
    afterwards.add_task(services.audit.seen, actor.id, "contact.viewed", "contact", contact_id)
    return ConsentList(items=items)
