"""Projects and teams: a name is enough, its id is made from it."""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageAdministrator, PageIngester, PageUser, check_csrf, render, user_of
from app.services import Services
from core import directory
from core.errors import InvalidInput
from core.ids import new_id
from core.tables import Project, Team
from core.visibility import Viewer

router = APIRouter()

NameField = Annotated[str, Form(max_length=1000)]

_SLUG_LENGTH = 48


@router.get("/projects", response_class=HTMLResponse)
def projects_page(request: Request, services: ServicesDep, user: PageUser) -> HTMLResponse:
    return _page(request, services)


@router.post("/projects", dependencies=[Depends(check_csrf)])
def add_project(request: Request, services: ServicesDep, user: PageIngester, name: NameField = "") -> Response:
    try:
        create_project(services, name, user.viewer)
    except InvalidInput as error:
        return _page(request, services, error=error.message, status_code=error.status)
    return RedirectResponse("/projects", status_code=303)


@router.post("/teams", dependencies=[Depends(check_csrf)])
def add_team(request: Request, services: ServicesDep, user: PageAdministrator, name: NameField = "") -> Response:
    try:
        with services.database.write() as session:
            directory.put_team(
                session, _free_slug(name, "team", lambda slug: session.get(Team, slug)), name, services.clock.now()
            )
    except InvalidInput as error:
        return _page(request, services, error=error.message, status_code=error.status)
    return RedirectResponse("/projects", status_code=303)


def create_project(services: Services, name: str, viewer: Viewer) -> str:
    """Add the project and return its id. Raises InvalidInput for an empty or overlong name."""
    with services.database.write() as session:
        slug = _free_slug(name, "project", lambda slug: session.get(Project, slug))
        return directory.put_project(session, slug, name, services.clock.now(), viewer)[0].id


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


def _page(request: Request, services: Services, *, error: str | None = None, status_code: int = 200) -> HTMLResponse:
    with services.database.read() as session:
        projects, teams = directory.list_projects(session, user_of(request).viewer), directory.list_teams(session)
    return render(request, "projects.html", status_code=status_code, projects=projects, teams=teams, error=error)
