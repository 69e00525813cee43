"""Reserving a person, and the list of holds with confirm and release."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import HOLDS, instant_of, remember, unreadable
from app.pages.contacts import PostedForm, answer_page
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.formats import zone_of
from app.pages.people_on_file import name_of
from app.services import Services
from contact_registry.schemas import OverrideIn, ReserveIn, TouchpointOut
from core.errors import AppError, Conflict, Forbidden, InvalidInput

router = APIRouter(prefix="/reservations")


@dataclass(frozen=True, slots=True)
class Hold:
    """A live reservation and what its person is called."""

    touchpoint: TouchpointOut
    who: str


@router.get("", response_class=HTMLResponse)
def reservations_page(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    afterwards: BackgroundTasks,
    team: str = "",
    new: str = "",
) -> HTMLResponse:
    """List live holds, soonest to run out first; `new` is the one just made."""
    afterwards.add_task(services.audit.people_listed, user.id)
    return _page(request, services, team=team, new=new)


@router.post("", dependencies=[Depends(check_csrf)])
def reserve(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    form: PostedForm,
    ttl: Annotated[str, Form(max_length=40)] = "PT15M",
    reason: Annotated[str, Form(max_length=2000)] = "",
    refs: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Claim the person; when another team was faster, show who and from which date on.

    `refs` are rules to pass over, with a reason, by whoever may do so.
    """
    try:
        sent = ReserveIn(
            contact=form.contact or None,
            email=None if form.contact else form.who,
            at=instant_of(form, services.clock, zone_of(request)),
            team=form.team,
            purpose=form.purpose,
            channel=form.channel,
            ttl=ttl,
            override=OverrideIn(refs=refs, reason=reason) if refs else None,
        )
    except ValidationError as error:
        raise unreadable(error) from error
    try:
        hold = services.registry.reserve(sent, to_actor(user))
    except Conflict as error:
        return answer_page(request, services, user, form, lost_race=error.message, status_code=error.status)
    except (InvalidInput, Forbidden) as error:
        return answer_page(request, services, user, form, error=error.message, status_code=error.status)
    response = RedirectResponse(f"/reservations?new={hold.id}#{hold.id}", status_code=303)
    remember(request, response, form)
    return response


@router.post("/{reservation_id}/confirm", dependencies=[Depends(check_csrf)])
def confirm(request: Request, services: ServicesDep, user: PageContactWriter, reservation_id: str) -> Response:
    """Make the hold a plan and show the person it is about."""
    try:
        planned = services.registry.confirm(reservation_id, to_actor(user))
    except AppError as error:
        return _page(request, services, error=error.message, status_code=error.status)
    return RedirectResponse(f"/contacts/{planned.contact}", status_code=303)


@router.post("/{reservation_id}/release", dependencies=[Depends(check_csrf)])
def release(request: Request, services: ServicesDep, user: PageContactWriter, reservation_id: str) -> Response:
    """Free the person at once."""
    try:
        services.registry.release(reservation_id, to_actor(user))
    except AppError as error:
        return _page(request, services, error=error.message, status_code=error.status)
    return RedirectResponse("/reservations", status_code=303)


def _page(
    request: Request,
    services: Services,
    *,
    team: str = "",
    new: str = "",
    error: str | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    teams = choices.team_choices(services)
    holds = [Hold(hold, _who(services, hold)) for hold in services.registry.list_reservations(team=team or None)]
    return render(
        request,
        "reservations.html",
        status_code=status_code,
        holds=holds,
        teams=teams,
        team_names=dict(teams),
        team=team,
        new=new,
        error=error,
        now=services.clock.now(),
        actions={hold.touchpoint.id: ["move", "extend"] for hold in holds},
        lengths=HOLDS,
    )


def _who(services: Services, hold: TouchpointOut) -> str:
    return name_of(services.registry.get_contact(hold.contact)) if hold.contact else "somebody"
