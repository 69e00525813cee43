"""Saying who a participant of an interview is: one of the people on file, or somebody new. Nothing is guessed."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.permissions import Permission
from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageContactWriter, check_csrf, render
from app.pages.people_on_file import name_of
from app.participation import ParticipantLink
from app.services import Services
from contact_registry.schemas_people import ContactOut
from core.errors import AppError, NotFound

router = APIRouter(prefix="/interviews")

MATCHES_SHOWN = 20
NEW = "new"  # instead of a contact's id: put the participant on file

Name = Annotated[str, Form(max_length=400)]


def participants_shown(
    services: Services, user: Principal, interview_id: str
) -> tuple[list[ParticipantLink], dict[str, str]]:
    """Return who took part, for whoever may look at contacts, and what the linked contacts are called."""
    if not user.may(Permission.CONTACTS_READ):
        return [], {}
    links = services.participation.participants(interview_id)
    ids = dict.fromkeys(link.contact for link in links if link.contact)
    return links, {contact: name_of(services.registry.get_contact(contact)) for contact in ids}


@router.get("/{interview_id}/participants/{ordinal}", response_class=HTMLResponse)
def participant_page(
    request: Request, services: ServicesDep, user: PageContactWriter, interview_id: str, ordinal: int
) -> HTMLResponse:
    """Ask who this participant is, beginning with people of the same name."""
    return _page(request, services, user, interview_id, ordinal)


@router.post(
    "/{interview_id}/participants/{ordinal}/find", response_class=HTMLResponse, dependencies=[Depends(check_csrf)]
)
def find(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    afterwards: BackgroundTasks,
    interview_id: str,
    ordinal: int,
    query: Annotated[str, Form(max_length=400)] = "",
) -> HTMLResponse:
    """Show people on file by name or address; in a form, for both are personal."""
    afterwards.add_task(services.audit.people_listed, user.id)
    return _page(request, services, user, interview_id, ordinal, query=query.strip())


@router.post("/{interview_id}/participants/{ordinal}/contact", dependencies=[Depends(check_csrf)])
def link(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    interview_id: str,
    ordinal: int,
    contact: Annotated[str, Form(max_length=100)] = "",
    name: Name = "",
) -> Response:
    """Link the participant to the contact, to a new one (`new`), or to nobody any more (empty)."""
    services.ingest.get(interview_id, user.viewer)
    participation, actor = services.participation, to_actor(user)
    try:
        if contact == NEW:
            participation.add_contact(interview_id, ordinal, actor, name=name)
        else:
            participation.link(interview_id, ordinal, contact or None, actor, name=name)
    except AppError as error:
        return _page(request, services, user, interview_id, ordinal, error=error)
    return RedirectResponse(f"/interviews/{interview_id}#participants", status_code=303)


def _page(
    request: Request,
    services: Services,
    user: Principal,
    interview_id: str,
    ordinal: int,
    *,
    query: str = "",
    error: AppError | None = None,
) -> HTMLResponse:
    interview = services.ingest.get(interview_id, user.viewer)
    links = services.participation.participants(interview_id)
    person = next((one for one in links if one.ordinal == ordinal), None)
    if person is None:
        raise NotFound("unknown_participant", "The interview has no such participant any more.")
    matches: list[ContactOut] = services.registry.find_contacts(query, limit=MATCHES_SHOWN).items if query else []
    return render(
        request,
        "participant.html",
        status_code=error.status if error else 200,
        interview=interview,
        person=person,
        linked=services.registry.get_contact(person.contact) if person.contact else None,
        matches=matches,
        matches_shown=MATCHES_SHOWN,
        query=query,
        new=NEW,
        error=error.message if error else None,
    )
