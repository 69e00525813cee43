"""People of the workspace, for administrators: invite, change what somebody may do, disable, hand over a link."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.permissions import Role
from app.access.users import NewUser, UserChange
from app.api.dependencies import ServicesDep
from app.pages.choices import team_choices
from app.pages.dependencies import PageAdministrator, check_csrf, render
from app.pages.signing_in import keep_secret, link_to
from app.services import Services
from core.errors import AppError

router = APIRouter(prefix="/users")

ROLES = [
    (Role.MEMBER.value, "Member: adds and reserves"),
    (Role.VIEWER.value, "Viewer: looks, changes nothing"),
    (Role.ADMINISTRATOR.value, "Administrator: everything"),
]

TextField = Annotated[str, Form(max_length=1000)]
TeamsField = Annotated[list[str] | None, Form(max_length=1000)]


@router.get("", response_class=HTMLResponse)
def users_page(request: Request, services: ServicesDep, user: PageAdministrator) -> HTMLResponse:
    return _list(request, services, NewUser("", ""))


@router.post("", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def invite(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    name: TextField = "",
    email: TextField = "",
    role: TextField = Role.MEMBER.value,
    has_privacy: Annotated[bool, Form()] = False,
    teams: TeamsField = None,
) -> Response:
    """Add the person and show their one-time link, here and never again: nothing is sent."""
    wanted = NewUser(name, email, role, has_privacy, tuple(teams or ()))
    try:
        invited, token = services.access.users.invite(wanted, user.id)
    except AppError as error:
        return _list(request, services, wanted, error=error)
    link = link_to(request, services, f"/choose-password?token={token}")
    return keep_secret(_list(request, services, NewUser("", ""), status_code=201, invited=invited, link=link))


@router.get("/{user_id}", response_class=HTMLResponse)
def user_page(request: Request, services: ServicesDep, user: PageAdministrator, user_id: str) -> HTMLResponse:
    return _one(request, services, user_id)


@router.post("/{user_id}", dependencies=[Depends(check_csrf)])
def change(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    user_id: str,
    name: TextField = "",
    role: TextField = "",
    has_privacy: Annotated[bool, Form()] = False,
    teams: TeamsField = None,
) -> Response:
    wanted = UserChange(name=name, role=role, has_privacy=has_privacy, teams=tuple(teams or ()))
    try:
        services.access.users.change(user_id, wanted, user.id)
    except AppError as error:
        return _one(request, services, user_id, error=error)
    return RedirectResponse("/users", status_code=303)


@router.post("/{user_id}/link", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def create_link(request: Request, services: ServicesDep, user: PageAdministrator, user_id: str) -> Response:
    """Make a link to choose a password and show it, here and never again."""
    try:
        token = services.access.users.new_link(user_id, user.id)
    except AppError as error:
        return _one(request, services, user_id, error=error)
    link = link_to(request, services, f"/choose-password?token={token}")
    return keep_secret(_one(request, services, user_id, status_code=201, link=link))


@router.get("/{user_id}/disable", response_class=HTMLResponse)
def confirm_disable(request: Request, services: ServicesDep, user: PageAdministrator, user_id: str) -> HTMLResponse:
    shown = services.access.users.get(user_id)
    return render(
        request,
        "confirm.html",
        heading=f"Disable {shown.name}?",
        sentences=[
            "They are signed out everywhere at once, and their keys are refused. What they added stays.",
            "They can be enabled again.",
        ],
        action=f"/users/{user_id}/disable",
        button="Disable them",
        back=f"/users/{user_id}",
    )


@router.post("/{user_id}/disable", dependencies=[Depends(check_csrf)])
def disable(request: Request, services: ServicesDep, user: PageAdministrator, user_id: str) -> Response:
    return _set_disabled(request, services, user_id, True, user.id)


@router.post("/{user_id}/enable", dependencies=[Depends(check_csrf)])
def enable(request: Request, services: ServicesDep, user: PageAdministrator, user_id: str) -> Response:
    return _set_disabled(request, services, user_id, False, user.id)


def _set_disabled(request: Request, services: Services, user_id: str, is_disabled: bool, actor: str) -> Response:
    try:
        services.access.users.change(user_id, UserChange(is_disabled=is_disabled), actor)
    except AppError as error:
        return _one(request, services, user_id, error=error)
    return RedirectResponse(f"/users/{user_id}", status_code=303)


def _list(
    request: Request,
    services: Services,
    form: NewUser,
    *,
    status_code: int = 200,
    error: AppError | None = None,
    **parts: Any,
) -> HTMLResponse:
    shown: dict[str, Any] = {"invited": None, "link": None}
    return render(
        request,
        "users.html",
        status_code=error.status if error else status_code,
        users=services.access.users.list(),
        roles=ROLES,
        teams=team_choices(services),
        form=form,
        error=error.message if error else None,
        **shown | parts,
    )


def _one(
    request: Request,
    services: Services,
    user_id: str,
    *,
    status_code: int = 200,
    error: AppError | None = None,
    link: str | None = None,
) -> HTMLResponse:
    return render(
        request,
        "user.html",
        status_code=error.status if error else status_code,
        person=services.access.users.get(user_id),
        roles=ROLES,
        teams=team_choices(services),
        link=link,
        error=error.message if error else None,
    )
