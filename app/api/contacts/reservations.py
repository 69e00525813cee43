"""Reservations: the atomic claim of one person or of many, confirmed or released later."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.contacts.calling import (
    PROBLEMS,
    ClaimingActor,
    KeyHeader,
    ReadingActor,
    RegistryDep,
    answer_once,
    request_key,
)
from app.api.json_answers import json_answer
from contact_registry.schemas import BatchOut, BatchReserveIn, ExtendIn, ReserveIn, TouchpointOut

router = APIRouter(prefix="/api/v1", tags=["contacts"], responses=PROBLEMS)


class ReservationList(BaseModel):
    items: list[TouchpointOut]


@router.post("/reservations", status_code=201, response_model=TouchpointOut)
def reserve(
    body: ReserveIn, request: Request, registry: RegistryDep, actor: ClaimingActor, key: KeyHeader = None
) -> Response:
    """Hold a person for `ttl`, so that no other team takes them meanwhile. 409 says who has them, and until when."""
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.reserve(body, actor, sent), status=201)


@router.post(
    "/reservations:batch",
    status_code=207,
    response_model=BatchOut,
    responses={201: {"model": BatchOut, "description": "`atomic`: all of them are held."}},
)
def reserve_many(
    body: BatchReserveIn, request: Request, registry: RegistryDep, actor: ClaimingActor, key: KeyHeader = None
) -> Response:
    """Hold many people; `atomic`: all or none (201 or 409), otherwise each by itself (207)."""
    sent = request_key(request, actor, key, body)
    status = 201 if body.atomic else 207
    return answer_once(sent, lambda: registry.batch_reserve(body, actor, sent), status=status)


@router.get("/reservations")
def list_reservations(
    registry: RegistryDep,
    actor: ReadingActor,
    team: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> ReservationList:
    """List the reservations that hold now, soonest expiry first."""
    return ReservationList(items=registry.list_reservations(team, limit))


@router.post("/reservations/{reservation_id}/confirm", response_model=TouchpointOut)
def confirm(reservation_id: str, registry: RegistryDep, actor: ClaimingActor) -> Response:
    """Turn a live reservation into a plan; confirming twice is confirming once."""
    return json_answer(registry.confirm(reservation_id, actor))


@router.post("/reservations/{reservation_id}/release", response_model=TouchpointOut)
def release(reservation_id: str, registry: RegistryDep, actor: ClaimingActor) -> Response:
    """Give a reservation up at once."""
    return json_answer(registry.release(reservation_id, actor))


@router.post("/reservations/{reservation_id}/extend", response_model=TouchpointOut)
def extend(reservation_id: str, body: ExtendIn, registry: RegistryDep, actor: ClaimingActor) -> Response:
    """Let a live reservation hold longer; 409 once it has lapsed or has been held for 72 hours."""
    return json_answer(registry.extend(reservation_id, body.ttl, actor))
