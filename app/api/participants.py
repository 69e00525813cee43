"""Who took part in an interview, and which of them the registry knows."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import Reader, ServicesDep

router = APIRouter(prefix="/api/v1", tags=["interviews"])


class LinkedParticipant(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    email: str | None
    role: str | None
    speaker: str | None
    contact: str | None = Field(
        description="Who has this address in the registry; null: nobody, so offer to link them."
    )
    touchpoint: str | None = Field(description="What the registry recorded of this interview; null: nothing.")


class LinkedParticipants(BaseModel):
    items: list[LinkedParticipant]


@router.get("/interviews/{interview_id}/participants")
def list_participants(interview_id: str, services: ServicesDep, user: Reader) -> LinkedParticipants:
    """List who took part, matched to contacts by address; a name is never guessed to be somebody."""
    services.ingest.get(interview_id, user.viewer)  # raises NotFound
    links = services.participation.participants(interview_id)
    return LinkedParticipants(items=[LinkedParticipant.model_validate(link) for link in links])
