"""One touchpoint: what it is, and what may be done with it: confirm, release, hold longer, move, tell how it ended."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.permissions import Permission
from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import HOLDS
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.formats import local_instant, zone_of
from app.pages.people_on_file import name_of
from app.services import Services
from contact_registry.changes import CLOCK_TOLERANCE
from contact_registry.schemas import OverrideIn, TouchpointOut
from core.errors import AppError, Gone, InvalidInput, NotFound

router = APIRouter(prefix="/contacts/touchpoints")

OUTCOMES = {
    "completed": "It took place",
    "no_show": "They did not come",
    "cancelled": "Called off or declined",
    "voided": "Entered by mistake",
}
_AFTERWARDS = {
    "completed": ["no_show", "voided"],
    "no_show": ["completed", "voided"],
    "cancelled": ["voided"],
    "expired": ["voided"],
}

Revision = Annotated[int | None, Form()]


def actions_of(touch: TouchpointOut, now: datetime) -> list[str]:
    """Return what may be done with it now: confirm, release, extend, move, or the outcomes that may be told."""
    if touch.contact is None:
        return []
    if touch.status == "reserved":
        return ["confirm", "release", "extend", "move"]
    if touch.status == "planned" and touch.at > now + CLOCK_TOLERANCE:
        return ["move", "cancelled", "voided"]
    if touch.status == "planned":
        return ["completed", "no_show", "cancelled", "voided", "move"]
    return _AFTERWARDS.get(touch.status, [])


@router.get("/{touchpoint_id}", response_class=HTMLResponse)
def touchpoint_page(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    afterwards: BackgroundTasks,
    touchpoint_id: str,
) -> HTMLResponse:
    contact = services.registry.get_touchpoint(touchpoint_id).contact
    if contact is not None:
        afterwards.add_task(services.audit.seen, user.id, "contact.viewed", "contact", contact)
    return _page(request, services, user, touchpoint_id)


@router.post("/{touchpoint_id}/outcome", dependencies=[Depends(check_csrf)])
def tell_outcome(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    touchpoint_id: str,
    outcome: Annotated[str, Form(max_length=20)] = "",
    revision: Revision = None,
) -> Response:
    """Say how it ended; one that changed since the page was loaded is shown again first."""
    try:
        if outcome not in OUTCOMES:
            raise InvalidInput("unknown_outcome", "Choose how it ended.", field="outcome")
        touch = services.registry.set_outcome(touchpoint_id, outcome, to_actor(user), revision)
    except AppError as error:
        return _page(request, services, user, touchpoint_id, error=error)
    return RedirectResponse(_back_to(touch), status_code=303)


@router.post("/{touchpoint_id}/move", dependencies=[Depends(check_csrf)])
def move(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    touchpoint_id: str,
    at: Annotated[str, Form(max_length=40)] = "",
    revision: Revision = None,
    reason: Annotated[str, Form(max_length=2000)] = "",
    refs: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Reschedule it, judged like a new booking; when the new time is refused the old one stays."""
    try:
        when = local_instant(at, zone_of(request))
        if when is None:
            raise InvalidInput("invalid_time", "The time is not readable: write it as 2026-05-12T14:00.", field="at")
        override = OverrideIn(refs=refs, reason=reason) if refs else None
        touch = services.registry.reschedule(touchpoint_id, when, to_actor(user), override, revision)
    except AppError as error:
        return _page(request, services, user, touchpoint_id, error=error, wanted=at)
    return RedirectResponse(_back_to(touch), status_code=303)


@router.post("/{touchpoint_id}/extend", dependencies=[Depends(check_csrf)])
def extend(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    touchpoint_id: str,
    ttl: Annotated[str, Form(max_length=40)] = "PT15M",
) -> Response:
    """Hold it longer, counted from now."""
    try:
        services.registry.extend(touchpoint_id, ttl, to_actor(user))
    except AppError as error:
        return _page(request, services, user, touchpoint_id, error=error)
    return RedirectResponse(f"/reservations#{touchpoint_id}", status_code=303)


def _back_to(touch: TouchpointOut) -> str:
    return f"/contacts/{touch.contact}#{touch.id}" if touch.contact else f"/contacts/touchpoints/{touch.id}"


def _page(
    request: Request,
    services: Services,
    user: Principal,
    touchpoint_id: str,
    *,
    error: AppError | None = None,
    wanted: str = "",
) -> HTMLResponse:
    touch = services.registry.get_touchpoint(touchpoint_id)
    now = services.clock.now()
    active = services.registry.rules.active()
    return render(
        request,
        "touchpoint.html",
        status_code=error.status if error else 200,
        touch=touch,
        who=_who(services, touch),
        actions={touch.id: actions_of(touch, now)},
        error=error,
        refused=_refusal(user, error),
        wanted=wanted,
        rule_names={str(policy["id"]): str(policy.get("name") or policy["id"]) for policy in active.policies},
        team_names=dict(choices.team_choices(services)),
        lengths=HOLDS,
        now=now,
    )


def _who(services: Services, touch: TouchpointOut) -> str:
    try:
        return name_of(services.registry.get_contact(touch.contact)) if touch.contact else "Somebody who was erased"
    except (NotFound, Gone):
        return "Somebody who was erased"


def _refusal(user: Principal, error: AppError | None) -> dict[str, Any] | None:
    """Return what a refused time says beside its sentence, and the rules that this person may pass over."""
    if error is None or "next_eligible_at" not in error.extra:
        return None
    next_at = error.extra["next_eligible_at"]
    reasons = error.extra["reasons"]
    may_pass = user.may(Permission.ADMIN) and all(reason["overridable"] for reason in reasons)
    return {
        "next_at": None if next_at is None else datetime.fromisoformat(next_at),
        "messages": [reason["message"] for reason in reasons],
        "refs": [reason["ref"] for reason in reasons] if may_pass else [],
    }
