"""Bookings in conflict, and the registry's sizes."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.contacts.calling import ReadingActor, RegistryDep
from app.api.json_answers import json_answer
from contact_registry.schemas_people import ConflictOut, StatsOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class ConflictList(BaseModel):
    items: list[ConflictOut]


@router.get("/conflicts", response_model=ConflictList)
def list_conflicts(registry: RegistryDep, actor: ReadingActor) -> Response:
    """List bookings that a backdated fact, a merge, a stop or new rules pushed into conflict."""
    return json_answer(ConflictList(items=registry.conflicts.list_open()))


@router.get("/registry/stats", response_model=StatsOut)
def get_stats(registry: RegistryDep, actor: ReadingActor, contact: str | None = None) -> Response:
    """Count people and touchpoints: all, or those of one person."""
    return json_answer(registry.conflicts.stats(contact))
