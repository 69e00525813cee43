"""Companies on file; one company's people and what every team did there in the last twelve months."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse

from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contacts import LinkedForm
from app.pages.dependencies import PageContactReader, check_csrf, render
from app.pages.people_on_file import badges_of, name_of, with_team
from app.services import Services
from contact_registry.schemas import TouchpointOut
from core.errors import AppError, Gone, NotFound

router = APIRouter(prefix="/contacts/accounts")

PEOPLE_SHOWN = 200
TOUCHPOINTS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A touchpoint and whom it was with; nobody, when the person was erased."""

    touchpoint: TouchpointOut
    who: str | None


@router.get("", response_class=HTMLResponse)
def accounts_page(request: Request, services: ServicesDep, user: PageContactReader) -> HTMLResponse:
    return _page(request, services)


@router.post("", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def find(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    query: Annotated[str, Form(max_length=200)] = "",
    cursor: Annotated[str, Form(max_length=2000)] = "",
) -> HTMLResponse:
    """Show companies of that name, or the next ones: in a form, for names stand in both."""
    return _page(request, services, query=query.strip(), cursor=cursor)


@router.get("/{account_id}", response_class=HTMLResponse)
def account_page(
    request: Request, services: ServicesDep, user: PageContactReader, account_id: str, form: LinkedForm
) -> HTMLResponse:
    """Show one company: its people and whether each may be contacted, and the log of all teams."""
    teams = choices.team_choices(services)
    form = with_team(form, teams)
    account = services.registry.get_account(account_id)
    people = services.registry.find_contacts(account=account.id, limit=PEOPLE_SHOWN).items
    touchpoints = services.registry.accounts.timeline(account.id, limit=TOUCHPOINTS_SHOWN)
    names = {contact.id: name_of(contact) for contact in people}
    for touch in touchpoints:
        if touch.contact and touch.contact not in names:
            names[touch.contact] = _name(services, touch.contact)
    return render(
        request,
        "account.html",
        account=account,
        people=people,
        form=form,
        badges=badges_of(services, user, form, people),
        lines=[Line(touch, names.get(touch.contact or "")) for touch in touchpoints],
        touchpoints_shown=TOUCHPOINTS_SHOWN,
        team_names=dict(teams),
    )


def _name(services: Services, contact_id: str) -> str:
    """Return the name of somebody who works elsewhere by now, or who was merged or erased meanwhile."""
    try:
        return name_of(services.registry.get_contact(contact_id))
    except (NotFound, Gone):
        return "somebody"


def _page(request: Request, services: Services, *, query: str = "", cursor: str = "") -> HTMLResponse:
    error: AppError | None = None
    try:
        page = services.registry.find_accounts(query, cursor=cursor or None)
    except AppError as refused:
        error, page = refused, services.registry.find_accounts()
    return render(
        request,
        "accounts.html",
        status_code=error.status if error else 200,
        accounts=page.items,
        next_cursor=page.next_cursor,
        query=query,
        error=error.message if error else None,
    )
