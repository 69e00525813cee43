"""People on file: added, found, shown with all teams' contacts, merged and erased."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.contacts.calling import (
    KeyHeader,
    PrivacyActor,
    ReadingActor,
    RegistryDep,
    WritingActor,
    answer_once,
    json_answer,
    request_key,
)
from app.api.dependencies import ServicesDep
from contact_registry.schemas import TouchpointOut
from contact_registry.schemas_people import (
    ContactChange,
    ContactIn,
    ContactOut,
    ContactPage,
    EraseIn,
    EraseOut,
    MergeIn,
    MergeOut,
    ProfileOut,
)

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class TimelineOut(BaseModel):
    items: list[TouchpointOut]


@router.post("/contacts", status_code=201, response_model=ContactOut)
def add_contact(
    body: ContactIn, request: Request, registry: RegistryDep, actor: WritingActor, key: KeyHeader = None
) -> Response:
    """Put a person on file. An address that somebody else has is refused with whose it is."""
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.add_contact(body, actor, sent), status=201)


@router.get("/contacts", response_model=ProfileOut | ContactPage)
def find_contacts(
    registry: RegistryDep,
    actor: ReadingActor,
    email: Annotated[str | None, Query(max_length=400)] = None,
    q: Annotated[str, Query(max_length=200)] = "",
    account: str | None = None,
    segment: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    """With `email`: the one person's profile, or 404. Otherwise a page of people by name or address."""
    if email is not None:
        return json_answer(registry.profile(registry.contact_by_email(email).id, actor))
    return json_answer(registry.find_contacts(q, account=account, segment=segment, limit=limit, cursor=cursor))


@router.get("/contacts/{contact_id}", response_model=ProfileOut)
def get_contact(contact_id: str, registry: RegistryDep, actor: ReadingActor) -> Response:
    """Return the profile: what may be done now, and a year of all teams' contacts."""
    return json_answer(registry.profile(contact_id, actor))


@router.get("/contacts/{contact_id}/timeline")
def get_timeline(contact_id: str, registry: RegistryDep, actor: ReadingActor) -> TimelineOut:
    """Return all touchpoints of the person, newest first."""
    return TimelineOut(items=registry.timeline(contact_id))


@router.patch("/contacts/{contact_id}", response_model=ContactOut)
def change_contact(contact_id: str, body: ContactChange, registry: RegistryDep, actor: WritingActor) -> Response:
    return json_answer(registry.change_contact(contact_id, body, actor))


@router.post("/contacts/{contact_id}/merge", response_model=MergeOut)
def merge(contact_id: str, body: MergeIn, registry: RegistryDep, actor: WritingActor) -> Response:
    """Make the contact `from` a redirect to this one; bookings that now collide are listed."""
    return json_answer(registry.merging.merge(contact_id, body.source, actor))


@router.post("/contacts/{contact_id}/unmerge", response_model=MergeOut)
def unmerge(contact_id: str, registry: RegistryDep, actor: WritingActor) -> Response:
    """Give a merged contact its own things back."""
    return json_answer(registry.merging.unmerge(contact_id, actor))


@router.post("/contacts/{contact_id}/erase", response_model=EraseOut)
def erase(contact_id: str, services: ServicesDep, actor: PrivacyActor, body: EraseIn | None = None) -> Response:
    """Forget the person: only keyed hashes of their addresses stay, so that nobody contacts them again."""
    return json_answer(services.participation.erase_person(contact_id, body or EraseIn(), actor))
