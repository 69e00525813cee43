"""People on file: added, found, shown with all teams' contacts, merged and erased."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from pydantic import BaseModel

from app.api.contacts.calling import (
    KeyHeader,
    PrivacyActor,
    ReadingActor,
    RegistryDep,
    WritingActor,
    answer_once,
    request_key,
)
from app.api.dependencies import ServicesDep
from app.api.json_answers import json_answer
from app.erasure import PersonEraseIn, PersonEraseOut
from contact_registry.schemas import TouchpointOut
from contact_registry.schemas_people import (
    ContactChange,
    ContactIn,
    ContactOut,
    ContactPage,
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
    services: ServicesDep,
    actor: ReadingActor,
    afterwards: BackgroundTasks,
    email: Annotated[str | None, Query(max_length=400)] = None,
    q: Annotated[str, Query(max_length=200)] = "",
    account: str | None = None,
    segment: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    """With `email`: the one person's profile, or 404. Otherwise a page of people by name or address."""
    registry = services.registry
    if email is not None:
        profile = registry.profile(registry.contact_by_email(email).id, actor)
        afterwards.add_task(services.audit.seen, actor.id, "contact.viewed", "contact", profile.id)
        return json_answer(profile)
    afterwards.add_task(services.audit.people_listed, actor.id)
    return json_answer(registry.find_contacts(q, account=account, segment=segment, limit=limit, cursor=cursor))


@router.get("/contacts/{contact_id}", response_model=ProfileOut)
def get_contact(contact_id: str, services: ServicesDep, actor: ReadingActor, afterwards: BackgroundTasks) -> Response:
    """Return the profile: what may be done now, and a year of all teams' contacts."""
    profile = services.registry.profile(contact_id, actor)
    afterwards.add_task(services.audit.seen, actor.id, "contact.viewed", "contact", profile.id)
    return json_answer(profile)


@router.get("/contacts/{contact_id}/timeline")
def get_timeline(
    contact_id: str, services: ServicesDep, actor: ReadingActor, afterwards: BackgroundTasks
) -> TimelineOut:
    """Return all touchpoints of the person, newest first."""
    items = services.registry.timeline(contact_id)
    afterwards.add_task(services.audit.seen, actor.id, "contact.viewed", "contact", contact_id)
    return TimelineOut(items=items)


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


@router.post("/contacts/{contact_id}/erase", response_model=PersonEraseOut)
def erase(contact_id: str, services: ServicesDep, actor: PrivacyActor, body: PersonEraseIn | None = None) -> Response:
    """Forget the person: only keyed hashes of their addresses stay, so that nobody contacts them again.

    In the interviews they took part in their name goes too; with `interviews: withdraw` these interviews go wholly.
    """
    return json_answer(services.erasure.erase(contact_id, body or PersonEraseIn(), actor))
