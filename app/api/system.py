"""Health, projects, teams and keys: what an administrator or another program sets up once."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from app.access.service import KeyView
from app.api.dependencies import CurrentUser, ServicesDep
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


class KeyOut(BaseModel):
    """A key as lists show it: never its secret."""

    id: str
    name: str
    hint: str
    role: str
    created_at: datetime
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
        return NamedList(items=[NamedOut(id=p.id, name=p.name) for p in directory.list_projects(session)])


@router.put("/projects/{project_id}")
def put_project(
    project_id: str, body: NameIn, response: Response, services: ServicesDep, user: CurrentUser
) -> NamedOut:
    """Create a project (201) or rename it (200)."""
    with services.database.write() as session:
        project, is_new = directory.put_project(session, project_id, body.name, services.clock.now())
    response.status_code = 201 if is_new else 200
    return NamedOut(id=project.id, name=project.name)


@router.get("/teams")
def list_teams(services: ServicesDep, user: CurrentUser) -> NamedList:
    with services.database.read() as session:
        return NamedList(items=[NamedOut(id=t.id, name=t.name) for t in directory.list_teams(session)])


@router.put("/teams/{team_id}")
def put_team(team_id: str, body: NameIn, response: Response, services: ServicesDep, user: CurrentUser) -> NamedOut:
    """Create a team (201) or rename it (200)."""
    with services.database.write() as session:
        team, is_new = directory.put_team(session, team_id, body.name, services.clock.now())
    response.status_code = 201 if is_new else 200
    return NamedOut(id=team.id, name=team.name)


@router.get("/keys")
def list_keys(services: ServicesDep, user: CurrentUser) -> KeyList:
    return KeyList(items=[_key(key) for key in services.access.list_keys()])


@router.post("/keys", status_code=201)
def create_key(body: NameIn, services: ServicesDep, user: CurrentUser) -> NewKeyOut:
    """Make a key; its secret is in this answer and nowhere else."""
    key, secret = services.access.create_key(body.name, user.id)
    return NewKeyOut(**_key(key).model_dump(), secret=secret)


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, services: ServicesDep, user: CurrentUser) -> None:
    services.access.revoke_key(key_id, user.id)


def _key(key: KeyView) -> KeyOut:
    return KeyOut(
        id=key.id,
        name=key.name,
        hint=key.hint,
        role=key.role,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
