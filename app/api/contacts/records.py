"""Bookings in conflict, the audit, and the registry's sizes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from app.api.contacts.calling import AdministeringActor, ReadingActor, RegistryDep, json_answer
from contact_registry.schemas_people import AuditOut, ConflictOut, StatsOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class ConflictList(BaseModel):
    items: list[ConflictOut]


class AuditPage(BaseModel):
    items: list[AuditOut]
    next_cursor: str | None


@router.get("/conflicts", response_model=ConflictList)
def list_conflicts(registry: RegistryDep, actor: ReadingActor) -> Response:
    """List bookings that a backdated fact, a merge, a stop or new rules pushed into conflict."""
    return json_answer(ConflictList(items=registry.conflicts.list_open()))


@router.get("/audit", response_model=AuditPage)
def list_audit(
    registry: RegistryDep,
    actor: AdministeringActor,
    subject: str | None = None,
    action: str | None = None,
    by: Annotated[str | None, Query(description="Id of who did it.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Response:
    """List who did what, newest first; opaque ids only."""
    items, next_cursor = registry.conflicts.audit(subject=subject, action=action, actor=by, cursor=cursor, limit=limit)
    return json_answer(AuditPage(items=items, next_cursor=next_cursor))


@router.get("/registry/stats", response_model=StatsOut)
def get_stats(registry: RegistryDep, actor: ReadingActor, contact: str | None = None) -> Response:
    """Count people and touchpoints: all, or those of one person."""
    return json_answer(registry.conflicts.stats(contact))
