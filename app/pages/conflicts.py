"""The inbox of bookings that a change pushed into conflict: what happened, which rules refuse them, and calling off."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.people_on_file import name_of
from app.services import Services
from contact_registry.schemas_people import ConflictOut
from core.errors import AppError

router = APIRouter(prefix="/contacts/conflicts")

DO_NOT_CONTACT = "Do not contact"
_CAUSES = {
    "merge": "Two entries turned out to be the same person.",
    "opt_out": "The person is not to be contacted any more.",
    "consent": "A consent was withdrawn.",
    "policy_change": "The rules were changed.",
    "claim": "Another contact was booked after it.",
    "record": "Another contact was entered after it.",
    "reschedule": "Another booking was moved.",
}
_OTHER_CAUSE = "Something changed since it was made."


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking with everything that refuses it: several changes may have hit the same one."""

    conflict: ConflictOut
    who: str
    causes: list[str]
    rules: list[str]


@router.get("", response_class=HTMLResponse)
def conflicts_page(request: Request, services: ServicesDep, user: PageContactReader) -> HTMLResponse:
    return _page(request, services)


@router.post("/{touchpoint_id}/cancel", dependencies=[Depends(check_csrf)])
def cancel(request: Request, services: ServicesDep, user: PageContactWriter, touchpoint_id: str) -> Response:
    """Call the booking off; the person is told by whoever booked it, not by Earshot."""
    try:
        services.registry.cancel(touchpoint_id, to_actor(user))
    except AppError as error:
        return _page(request, services, error=error)
    return RedirectResponse("/contacts/conflicts", status_code=303)


def bookings_in_conflict(services: Services) -> list[Booking]:
    """Return each booking in conflict once, in the order of the inbox, with all causes and rules."""
    active = services.registry.rules.active()
    known = {str(policy["id"]): str(policy.get("name") or policy["id"]) for policy in active.policies}
    by_touchpoint: dict[str, list[ConflictOut]] = {}
    for conflict in services.registry.conflicts.list_open():
        by_touchpoint.setdefault(conflict.touchpoint.id, []).append(conflict)
    found = []
    for conflicts in by_touchpoint.values():
        contact = conflicts[0].touchpoint.contact
        refs = dict.fromkeys(ref for conflict in conflicts for ref in conflict.refs)
        found.append(
            Booking(
                conflict=conflicts[0],
                who=name_of(services.registry.get_contact(contact)) if contact else "somebody",
                causes=list(dict.fromkeys(_CAUSES.get(one.cause, _OTHER_CAUSE) for one in conflicts)),
                rules=list(dict.fromkeys(known.get(ref) or _other_rule(ref) for ref in refs)),
            )
        )
    return found


def _other_rule(ref: str) -> str:
    return DO_NOT_CONTACT if ref.startswith("sup_") else "A rule that is no longer in force"


def _page(request: Request, services: Services, *, error: AppError | None = None) -> HTMLResponse:
    return render(
        request,
        "conflicts.html",
        status_code=error.status if error else 200,
        bookings=bookings_in_conflict(services),
        team_names=dict(choices.team_choices(services)),
        error=error.message if error else None,
    )
