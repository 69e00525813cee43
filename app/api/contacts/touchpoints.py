"""Touchpoints: booked ahead, recorded afterwards, moved, and told how they ended."""

from fastapi import APIRouter, Request, Response

from app.api.contacts.calling import (
    PROBLEMS,
    AskingActor,
    ClaimingActor,
    IfMatch,
    KeyHeader,
    RegistryDep,
    answer_once,
    request_key,
    revision_of,
)
from app.api.json_answers import json_answer
from contact_registry.schemas import TouchpointChange, TouchpointIn, TouchpointOut

router = APIRouter(prefix="/api/v1", tags=["contacts"], responses=PROBLEMS)


@router.post("/touchpoints", status_code=201, response_model=TouchpointOut)
def add_touchpoint(
    body: TouchpointIn, request: Request, registry: RegistryDep, actor: ClaimingActor, key: KeyHeader = None
) -> Response:
    """Book a contact (`planned`, judged like a reservation) or record a fact, which is never refused."""
    sent = request_key(request, actor, key, body)
    add = registry.book if body.status == "planned" else registry.record
    return answer_once(sent, lambda: add(body, actor, sent), status=201)


@router.get("/touchpoints/{touchpoint_id}", response_model=TouchpointOut)
def get_touchpoint(touchpoint_id: str, registry: RegistryDep, actor: AskingActor) -> Response:
    return _with_tag(registry.get_touchpoint(touchpoint_id, actor))


@router.patch("/touchpoints/{touchpoint_id}", response_model=TouchpointOut)
def change_touchpoint(
    touchpoint_id: str,
    body: TouchpointChange,
    registry: RegistryDep,
    actor: ClaimingActor,
    if_match: IfMatch = None,
) -> Response:
    """Move it (`at`), tell its outcome (`status`), or note something; If-Match guards against a change meanwhile."""
    revision = revision_of(if_match)
    if body.at is not None:
        return _with_tag(registry.reschedule(touchpoint_id, body.at, actor, body.override, revision))
    if body.status is not None:
        return _with_tag(registry.set_outcome(touchpoint_id, body.status, actor, revision))
    assert body.notes is not None, "the schema asks for one of at, status and notes"
    return _with_tag(registry.add_notes(touchpoint_id, body.notes, actor))


def _with_tag(touchpoint: TouchpointOut) -> Response:
    answer = json_answer(touchpoint)
    answer.headers["ETag"] = f'"{touchpoint.revision}"'
    return answer
