"""Noting down that a contact agreed to be contacted for a purpose, or took that back; statements are never changed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages.contact_form import unreadable
from app.pages.dependencies import PageContactWriter, check_csrf
from app.pages.formats import local_instant, zone_of
from contact_registry.schemas_people import ConsentIn
from core.errors import InvalidInput

router = APIRouter(prefix="/contacts")

SOURCE = "page"

Field = Annotated[str, Form(max_length=400)]


@router.post("/{contact_id}/consents", dependencies=[Depends(check_csrf)])
def add_consent(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    contact_id: str,
    purpose: Field = "",
    channel: Field = "",
    state: Field = "",
    until: Field = "",
    evidence: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Add one statement, in force from now on; bookings that a withdrawal hits go to the inbox of conflicts."""
    end = local_instant(until, zone_of(request)) if until else None
    if until and end is None:
        raise InvalidInput("invalid_date", "The date is not readable: write it as 2026-12-24.", field="until")
    sent = {
        "contact": contact_id,
        "purpose": purpose,
        "channel": channel or None,
        "state": state,
        "effective_from": services.clock.now(),
        "effective_until": end,
        "source": SOURCE,
        "evidence": evidence.strip() or None,
    }
    try:
        services.registry.stops.add_consent(ConsentIn.model_validate(sent), to_actor(user))
    except ValidationError as error:
        raise unreadable(error) from error
    return RedirectResponse(f"/contacts/{contact_id}#consents", status_code=303)
