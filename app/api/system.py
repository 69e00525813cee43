"""Health, projects, teams and keys: what an administrator or another program sets up once."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse

from app.access.keys import NewKey
from app.access.permissions import SCOPES, Permission
from app.access.principals import Principal
from app.access.projects import ProjectChange, ProjectView
from app.api.dependencies import (
    Administrator,
    CurrentUser,
    GivenId,
    Ingester,
    ReaderOrIngester,
    ServicesDep,
    Themselves,
)
from core import directory
from core.errors import NotFound

health = APIRouter(tags=["system"])
router = APIRouter(prefix="/api/v1", tags=["system"])


MAX_GRANTS = 1000
NEW: dict[int | str, dict[str, Any]] = {201: {"description": "It is new."}}
SECURITY_TXT_LASTS = timedelta(days=180)  # from now: the page is made at each request


class Health(BaseModel):
    status: str


class NameIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class TeamOut(BaseModel):
    id: str
    name: str


class TeamList(BaseModel):
    items: list[TeamOut]


class ProjectIn(BaseModel):
    """What is left out stays as it is. Only an administrator restricts, opens and grants."""

    model_config = ConfigDict(extra="forbid")

    name: str
    restricted: bool | None = Field(default=None, description="False opens it and takes back what was granted.")
    teams: list[GivenId] | None = Field(
        default=None, max_length=MAX_GRANTS, description="Ids of all teams it is open to."
    )
    users: list[GivenId] | None = Field(
        default=None, max_length=MAX_GRANTS, description="Ids of all people it is open to."
    )

    def change(self) -> ProjectChange:
        return ProjectChange(
            self.name,
            self.restricted,
            None if self.teams is None else frozenset(self.teams),
            None if self.users is None else frozenset(self.users),
        )


class ProjectOut(BaseModel):
    """`teams` and `users` are those that a restricted project is open to, beside administrators."""

    id: str
    name: str
    restricted: bool
    teams: list[str]
    users: list[str]


class ProjectList(BaseModel):
    items: list[ProjectOut]


class KeyIn(BaseModel):
    """A key to make. Without `scopes` it is an administrator's."""

    model_config = ConfigDict(extra="forbid")

    name: str
    scopes: list[str] = Field(default=["admin"], description=f"Some of {', '.join(SCOPES)}.")
    user: GivenId | None = Field(default=None, description="Id of the person it acts for.")
    team: GivenId | None = Field(default=None, description="Id of the team it acts for; it can act for no other.")
    expires_at: AwareDatetime | None = None
    hides_contacts: bool = Field(default=False, description="Every answer about a person says `contact: null`.")

    def wanted(self) -> NewKey:
        return NewKey(self.name, self.scopes, self.user, self.team, self.expires_at, self.hides_contacts)


class KeyOut(BaseModel):
    """A key as lists show it: never its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    hint: str
    scopes: list[str]
    user: str | None = Field(validation_alias="user_id")
    team: str | None = Field(validation_alias="team_id")
    hides_contacts: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A key at its creation, the only time its secret is shown."""

    secret: str


class KeyList(BaseModel):
    items: list[KeyOut]


@health.get("/healthz")
def healthz(services: ServicesDep) -> Health:
    """Answer 200 when requests can be served: the database answers a query."""
    with services.database.read() as session:
        session.connection().exec_driver_sql("SELECT 1")
    return Health(status="ok")


@health.get("/.well-known/security.txt", include_in_schema=False)
def security_txt(services: ServicesDep) -> PlainTextResponse:
    """Say whom to tell of a vulnerability (RFC 9116); there is no such page until somebody is named."""
    settings = services.settings
    if not settings.security_contact:
        raise NotFound("no_security_contact", "Nobody is named here to report vulnerabilities to.")
    expires = services.clock.now().replace(microsecond=0) + SECURITY_TXT_LASTS
    lines = [f"Contact: {settings.security_contact}", f"Expires: {expires.isoformat()}", "Preferred-Languages: en"]
    if settings.base_url:
        lines.append(f"Canonical: {settings.base_url.rstrip('/')}/.well-known/security.txt")
    return PlainTextResponse("\n".join(lines) + "\n")


@router.get("/projects")
def list_projects(services: ServicesDep, user: ReaderOrIngester) -> ProjectList:
    """List the projects that you may look into."""
    return ProjectList(items=[_project_out(project) for project in services.access.projects.list(user)])


@router.put("/projects/{project_id}", responses=NEW)
def put_project(
    project_id: str, body: ProjectIn, response: Response, services: ServicesDep, user: Ingester
) -> ProjectOut:
    """Create a project (201) or change it (200)."""
    project, is_new = services.access.projects.put(project_id, body.change(), user)
    response.status_code = 201 if is_new else 200
    return _project_out(project)


@router.get("/teams")
def list_teams(services: ServicesDep, user: CurrentUser) -> TeamList:
    with services.database.read() as session:
        return TeamList(items=[TeamOut(id=t.id, name=t.name) for t in directory.list_teams(session)])


@router.put("/teams/{team_id}", responses=NEW)
def put_team(team_id: str, body: NameIn, response: Response, services: ServicesDep, user: Administrator) -> TeamOut:
    """Create a team (201) or rename it (200)."""
    with services.database.write() as session:
        team, is_new = directory.put_team(session, team_id, body.name, services.clock.now(), user.id)
    response.status_code = 201 if is_new else 200
    return TeamOut(id=team.id, name=team.name)


@router.get("/keys")
def list_keys(services: ServicesDep, user: CurrentUser) -> KeyList:
    """List the keys: an administrator sees all of them, a person their own."""
    return KeyList(items=[KeyOut.model_validate(key) for key in services.access.keys.list(_whose_keys(user))])


@router.post("/keys", status_code=201)
def create_key(body: KeyIn, services: ServicesDep, user: CurrentUser) -> NewKeyOut:
    """Make a key; its secret is in this answer and nowhere else."""
    key, secret = services.access.keys.create(body.wanted(), user.id, user)
    return NewKeyOut.model_validate({**asdict(key), "secret": secret})


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, services: ServicesDep, user: Themselves) -> None:
    """Stop a key: an administrator any, a person their own."""
    services.access.keys.revoke(key_id, user.id, _whose_keys(user))


def _whose_keys(user: Principal) -> str | None:
    """Return the owner whose keys the caller may see and stop; None: everybody's."""
    return None if user.may(Permission.ADMIN) else user.user_id or user.id


def _project_out(project: ProjectView) -> ProjectOut:
    return ProjectOut(
        id=project.id,
        name=project.name,
        restricted=project.is_restricted,
        teams=list(project.teams),
        users=list(project.users),
    )
