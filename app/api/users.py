"""People: who I am, where I am signed in, who works here, and who is in which team."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app import cookies
from app.access.permissions import Role
from app.access.users import NewUser, UserChange, UserView
from app.api.dependencies import Administrator, CurrentUser, GivenId, ServicesDep, Themselves
from core.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["users"])


class UserOut(BaseModel):
    """A person who works with this Earshot."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    email: str | None
    role: str = Field(description=f"One of {', '.join(Role)}.")
    has_privacy: bool = Field(description="Erases, sees reasons of suppressions; administrators may anyway.")
    teams: list[str]
    is_invited: bool = Field(description="They have not come in yet.")
    uses_single_sign_on: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    disabled_at: datetime | None


class UserList(BaseModel):
    items: list[UserOut]


class UserIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=1000)
    email: str = Field(max_length=1000)
    role: str = Field(default=Role.MEMBER.value, description=f"One of {', '.join(Role)}.")
    has_privacy: bool = False
    teams: list[GivenId] = Field(default=[], max_length=1000)


class UserPatch(BaseModel):
    """What to change; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=1000)
    role: str | None = Field(default=None, description=f"One of {', '.join(Role)}.")
    has_privacy: bool | None = None
    teams: list[GivenId] | None = Field(default=None, max_length=1000)
    is_disabled: bool | None = Field(default=None, description="True signs them out everywhere at once.")


class LinkOut(BaseModel):
    """A one-time link with which somebody chooses a password; it is in this answer and nowhere else."""

    token: str
    path: str = Field(description="The page to open, below the address of this Earshot.")


class InvitedOut(UserOut):
    link: LinkOut


class MeOut(BaseModel):
    """Who is calling: a person, or a key."""

    id: str
    name: str
    role: str | None = Field(description="Null for a key.")
    permissions: list[str]
    teams: list[str]
    user: UserOut | None = Field(description="The person, also behind a person's key.")


class SessionOut(BaseModel):
    """A browser that is signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


class SessionList(BaseModel):
    items: list[SessionOut]


@router.get("/me")
def get_me(services: ServicesDep, user: CurrentUser) -> MeOut:
    return MeOut(
        id=user.id,
        name=user.name,
        role=user.role or None,
        permissions=sorted(user.permissions),
        teams=sorted(user.teams),
        user=_out(services.access.users.get(user.user_id)) if user.user_id else None,
    )


@router.get("/me/sessions")
def list_my_sessions(request: Request, services: ServicesDep, user: Themselves) -> SessionList:
    """List the browsers in which the caller is signed in, last seen first."""
    found = services.access.sessions.list(user.user_id or user.id, cookies.read(request, cookies.SESSION))
    return SessionList(items=[SessionOut.model_validate(session) for session in found])


@router.delete("/me/sessions", status_code=204)
def end_my_other_sessions(request: Request, services: ServicesDep, user: Themselves) -> None:
    """Sign the caller out everywhere, except in the browser that asks."""
    this = cookies.read(request, cookies.SESSION) or None
    services.access.sessions.end_all(user.user_id or user.id, user.id, but=this)


@router.delete("/me/sessions/{session_id}", status_code=204)
def end_my_session(session_id: str, services: ServicesDep, user: Themselves) -> None:
    services.access.sessions.end(user.user_id or user.id, session_id)


@router.get("/users")
def list_users(services: ServicesDep, user: Administrator) -> UserList:
    """List everybody, by name; those who are disabled come last."""
    return UserList(items=[_out(view) for view in services.access.users.list()])


@router.post("/users", status_code=201)
def invite_user(body: UserIn, services: ServicesDep, user: Administrator) -> InvitedOut:
    """Add somebody; nothing is sent: hand them the link, which holds for seven days."""
    wanted = NewUser(body.name, body.email, body.role, body.has_privacy, tuple(body.teams))
    view, token = services.access.users.invite(wanted, user.id)
    return InvitedOut(**_out(view).model_dump(), link=_link(token))


@router.get("/users/{user_id}")
def get_user(user_id: str, services: ServicesDep, user: Administrator) -> UserOut:
    return _out(services.access.users.get(user_id))


@router.patch("/users/{user_id}")
def change_user(user_id: str, body: UserPatch, services: ServicesDep, user: Administrator) -> UserOut:
    """Change what somebody may do, from their next request on. The last administrator stays one: 409."""
    teams = None if body.teams is None else tuple(body.teams)
    change = UserChange(body.name, body.role, body.has_privacy, teams, body.is_disabled)
    return _out(services.access.users.change(user_id, change, user.id))


@router.post("/users/{user_id}/reset-link", status_code=201)
def create_reset_link(user_id: str, services: ServicesDep, user: Administrator) -> LinkOut:
    """Make a new link to choose a password: a day for a reset, seven for who has not come in yet."""
    return _link(services.access.users.new_link(user_id, user.id))


@router.get("/teams/{team_id}/members")
def list_members(team_id: str, services: ServicesDep, user: Administrator) -> UserList:
    """List the people of a team, by name."""
    return UserList(items=[_out(view) for view in services.access.users.members(team_id)])


@router.get("/teams/{team_id}/members/{user_id}")
def get_member(team_id: str, user_id: str, services: ServicesDep, user: Administrator) -> UserOut:
    """Return the person if they are in the team."""
    view = services.access.users.get(user_id)
    if team_id not in view.teams:
        raise NotFound("not_a_member", "This person is not in this team.")
    return _out(view)


@router.put("/teams/{team_id}/members/{user_id}")
def put_member(team_id: str, user_id: str, services: ServicesDep, user: Administrator) -> UserOut:
    """Put the person into the team."""
    return _out(services.access.users.set_member(team_id, user_id, True, user.id))


@router.delete("/teams/{team_id}/members/{user_id}", status_code=204)
def remove_member(team_id: str, user_id: str, services: ServicesDep, user: Administrator) -> None:
    services.access.users.set_member(team_id, user_id, False, user.id)


def _out(view: UserView) -> UserOut:
    return UserOut.model_validate(view)


def _link(token: str) -> LinkOut:
    return LinkOut(token=token, path=f"/choose-password?token={token}")
