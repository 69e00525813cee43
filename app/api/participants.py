"""Who took part in an interview, which of them the registry knows, and confirming who somebody is."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.access.permissions import Permission
from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ContactWriter, Reader, ServicesDep
from app.participation import ParticipantLink

router = APIRouter(prefix="/api/v1", tags=["interviews"])


class LinkedParticipant(BaseModel):
    ordinal: int = Field(description="Names the participant in the address of their link.")
    name: str
    email: str | None
    role: str | None
    speaker: str | None
    contact: str | None = Field(description="Who they are in the registry; null: nobody knows, so offer to link them.")
    is_confirmed: bool = Field(description="Somebody confirmed the contact; otherwise matched by address.")
    candidates: list[str] = Field(description="Contacts of exactly this name, for a person to confirm one of them.")
    touchpoint: str | None = Field(description="What the registry recorded of this interview; null: nothing.")


class LinkedParticipants(BaseModel):
    items: list[LinkedParticipant]


class LinkIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    contact: str | None = Field(max_length=100, description="Who the participant is; null takes a link back.")
    name: str | None = Field(
        default=None, max_length=400, description="The participant's name as you read it: 409 if it changed meanwhile."
    )


@router.get("/interviews/{interview_id}/participants")
def list_participants(interview_id: str, services: ServicesDep, user: Reader) -> LinkedParticipants:
    """List who took part, matched to contacts by confirmed link or address; a name is never guessed to be somebody."""
    services.ingest.get(interview_id, user.viewer)  # raises NotFound
    links = services.participation.participants(interview_id)
    return LinkedParticipants(items=[_out(link, user) for link in links])


@router.put("/interviews/{interview_id}/participants/{ordinal}/contact")
def link_participant(
    interview_id: str, ordinal: int, body: LinkIn, services: ServicesDep, user: ContactWriter
) -> LinkedParticipant:
    """Confirm who a participant is; the touchpoint of the interview follows, and goes when the link is taken back.

    The link outlives sending the interview again. A match by address needs none and cannot be taken back here.
    """
    services.ingest.get(interview_id, user.viewer)  # raises NotFound
    services.participation.link(interview_id, ordinal, body.contact, to_actor(user), name=body.name)
    links = services.participation.participants(interview_id)
    return _out(next(link for link in links if link.ordinal == ordinal), user)


def _out(link: ParticipantLink, user: Principal) -> LinkedParticipant:
    shown = user.may(Permission.CONTACTS_READ) and not user.hides_contacts
    return LinkedParticipant(
        ordinal=link.ordinal,
        name=link.name,
        email=link.email,
        role=link.role,
        speaker=link.speaker,
        contact=link.contact if shown else None,
        is_confirmed=link.is_confirmed and shown,
        candidates=[contact.id for contact in link.candidates] if shown else [],
        touchpoint=link.touchpoint if shown else None,
    )
