"""Projects and teams: a name is enough, its id is made from it. Administrators say who may look into a project."""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.permissions import Permission
from app.access.principals import Principal
from app.access.projects import ProjectChange
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.dependencies import PageAdministrator, PageIngester, PageUser, check_csrf, render
from app.services import Services
from core import directory
from core.errors import AppError, Forbidden, InvalidInput
from core.ids import new_id
from core.tables import Project, Team

router = APIRouter()

NameField = Annotated[str, Form(max_length=1000)]
IdsField = Annotated[list[str] | None, Form(max_length=1000)]

_SLUG_LENGTH = 48


@router.get("/projects", response_class=HTMLResponse)
def projects_page(request: Request, services: ServicesDep, user: PageUser) -> HTMLResponse:
    return _page(request, services, user)


@router.post("/projects", dependencies=[Depends(check_csrf)])
def add_project(request: Request, services: ServicesDep, user: PageIngester, name: NameField = "") -> Response:
    try:
        create_project(services, name, user)
    except InvalidInput as error:
        return _page(request, services, user, error=error.message, status_code=error.status)
    return RedirectResponse("/projects", status_code=303)


@router.get("/projects/{project_id}", response_class=HTMLResponse)
def project_page(request: Request, services: ServicesDep, user: PageIngester, project_id: str) -> HTMLResponse:
    """Show the form with the project's name and, to administrators, who may look into it."""
    return _project_page(request, services, user, project_id)


@router.post("/projects/{project_id}", dependencies=[Depends(check_csrf)])
def change_project(
    request: Request,
    services: ServicesDep,
    user: PageIngester,
    project_id: str,
    name: NameField = "",
    restricted: Annotated[str, Form(max_length=10)] = "",
    teams: IdsField = None,
    users: IdsField = None,
) -> Response:
    services.access.projects.get(project_id, user)  # raises NotFound: an address with a slip makes no project
    change = ProjectChange(name)
    if user.may(Permission.ADMIN):
        given = (frozenset(teams or ()), frozenset(users or ())) if restricted else (None, None)
        change = ProjectChange(name, bool(restricted), *given)
    try:
        services.access.projects.put(project_id, change, user)
    except (InvalidInput, Forbidden) as error:
        return _project_page(request, services, user, project_id, error=error)
    return RedirectResponse("/projects", status_code=303)


@router.post("/teams", dependencies=[Depends(check_csrf)])
def add_team(request: Request, services: ServicesDep, user: PageAdministrator, name: NameField = "") -> Response:
    try:
        with services.database.write() as session:
            slug = _free_slug(name, "team", lambda slug: session.get(Team, slug))
            directory.put_team(session, slug, name, services.clock.now(), user.id)
    except InvalidInput as error:
        return _page(request, services, user, error=error.message, status_code=error.status)
    return RedirectResponse("/projects", status_code=303)


def create_project(services: Services, name: str, user: Principal) -> str:
    """Add the project, open to all, and return its id. Raises InvalidInput for an empty or overlong name."""
    with services.database.read() as session:
        slug = _free_slug(name, "project", lambda slug: session.get(Project, slug))
    return services.access.projects.put(slug, ProjectChange(name), user)[0].id


def slug_of(name: str, what: str) -> str:
    """Return an id made of the name's letters and digits, `what` followed by a few where it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-")
    return slug or f"{what}-{new_id(what)[-8:]}"


def _free_slug(name: str, what: str, find: Callable[[str], Project | Team | None]) -> str:
    slug = slug_of(name, what)
    known = find(slug)
    if known is None or (known.name == name.strip() and not getattr(known, "is_restricted", False)):
        return slug
    return f"{slug}-{new_id(what)[-8:]}"


def _page(
    request: Request, services: Services, user: Principal, *, error: str | None = None, status_code: int = 200
) -> HTMLResponse:
    projects, teams = services.access.projects.list(user), choices.team_choices(services)
    shown: dict[str, Any] = {"projects": projects, "teams": teams, "error": error}
    return render(request, "projects.html", status_code=status_code, **shown)


def _project_page(
    request: Request, services: Services, user: Principal, project_id: str, *, error: AppError | None = None
) -> HTMLResponse:
    may_grant = user.may(Permission.ADMIN)
    return render(
        request,
        "project.html",
        status_code=error.status if error else 200,
        project=services.access.projects.get(project_id, user),
        may_grant=may_grant,
        teams=choices.team_choices(services) if may_grant else [],
        people=services.access.projects.people() if may_grant else [],
        error=error.message if error else None,
    )
