"""Health, projects, teams and keys: what an administrator or another program sets up once."""

from dataclasses import asdict
from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.access.keys import NewKey
from app.access.permissions import SCOPES, Permission
from app.api.dependencies import Administrator, CurrentUser, Ingester, ServicesDep
from core import directory

health = APIRouter(tags=["system"])
router = APIRouter(prefix="/api/v1", tags=["system"])


class Health(BaseModel):
    status: str


class NameIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class NamedOut(BaseModel):
    """A project or a team."""

    id: str
    name: str


class NamedList(BaseModel):
    items: list[NamedOut]


class KeyIn(BaseModel):
    """A key to make. Without `scopes` it is an administrator's."""

    model_config = ConfigDict(extra="forbid")

    name: str
    scopes: list[str] = Field(default=["admin"], description=f"Some of {', '.join(SCOPES)}.")
    user: str | None = Field(default=None, description="Id of the person it acts for.")
    team: str | None = Field(default=None, description="Id of the team it acts for; it can act for no other.")
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


@router.get("/projects")
def list_projects(services: ServicesDep, user: CurrentUser) -> NamedList:
    with services.database.read() as session:
        return NamedList(items=[NamedOut(id=p.id, name=p.name) for p in directory.list_projects(session, user.viewer)])


@router.put("/projects/{project_id}")
def put_project(project_id: str, body: NameIn, response: Response, services: ServicesDep, user: Ingester) -> NamedOut:
    """Create a project (201) or rename it (200)."""
    with services.database.write() as session:
        project, is_new = directory.put_project(session, project_id, body.name, services.clock.now(), user.viewer)
    response.status_code = 201 if is_new else 200
    return NamedOut(id=project.id, name=project.name)


@router.get("/teams")
def list_teams(services: ServicesDep, user: CurrentUser) -> NamedList:
    with services.database.read() as session:
        return NamedList(items=[NamedOut(id=t.id, name=t.name) for t in directory.list_teams(session)])


@router.put("/teams/{team_id}")
def put_team(team_id: str, body: NameIn, response: Response, services: ServicesDep, user: Administrator) -> NamedOut:
    """Create a team (201) or rename it (200)."""
    with services.database.write() as session:
        team, is_new = directory.put_team(session, team_id, body.name, services.clock.now())
    response.status_code = 201 if is_new else 200
    return NamedOut(id=team.id, name=team.name)


@router.get("/keys")
def list_keys(services: ServicesDep, user: CurrentUser) -> KeyList:
    """List the keys: an administrator sees all of them, a person their own."""
    of_user = None if user.may(Permission.ADMIN) else user.user_id or user.id
    return KeyList(items=[KeyOut.model_validate(key) for key in services.access.keys.list(of_user)])


@router.post("/keys", status_code=201)
def create_key(body: KeyIn, services: ServicesDep, user: CurrentUser) -> NewKeyOut:
    """Make a key; its secret is in this answer and nowhere else."""
    key, secret = services.access.keys.create(body.wanted(), user.id, user)
    return NewKeyOut.model_validate({**asdict(key), "secret": secret})


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, services: ServicesDep, user: CurrentUser) -> None:
    of_user = None if user.may(Permission.ADMIN) else user.user_id or user.id
    services.access.keys.revoke(key_id, user.id, of_user)
