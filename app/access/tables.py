"""People, their teams and projects, keys, one-time links and sessions.

Secrets are stored as SHA-256 of 256 random bits, passwords as Argon2id; neither is ever stored plain.
"""

from datetime import datetime

from sqlalchemy import JSON, Column, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from core.database import utc_column


class User(SQLModel, table=True):
    """A person who works with Earshot. `email` is None for the local administrator until they give one."""

    __tablename__ = "workspace_user"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="uq_workspace_user_issuer_subject"),)

    id: str = Field(primary_key=True)
    name: str
    email: str | None = Field(default=None, unique=True)  # in lower case
    role: str  # see permissions.Role
    has_privacy: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    password_hash: str | None = None
    issuer: str | None = None  # who vouches for them at single sign-on, and under which name
    subject: str | None = None
    created_at: datetime = Field(sa_column=utc_column())
    last_sign_in_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    disabled_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class TeamMember(SQLModel, table=True):
    __tablename__ = "team_member"

    team_id: str = Field(primary_key=True, foreign_key="team.id", ondelete="CASCADE")
    user_id: str = Field(primary_key=True, foreign_key="workspace_user.id", ondelete="CASCADE", index=True)


class ProjectTeam(SQLModel, table=True):
    """A team that may look into a restricted project."""

    __tablename__ = "project_team"

    project_id: str = Field(primary_key=True, foreign_key="project.id", ondelete="CASCADE")
    team_id: str = Field(primary_key=True, foreign_key="team.id", ondelete="CASCADE", index=True)


class ProjectUser(SQLModel, table=True):
    """A person who may look into a restricted project."""

    __tablename__ = "project_user"

    project_id: str = Field(primary_key=True, foreign_key="project.id", ondelete="CASCADE")
    user_id: str = Field(primary_key=True, foreign_key="workspace_user.id", ondelete="CASCADE", index=True)


class ApiKey(SQLModel, table=True):
    """`user_id` or `team_id`: whom it acts for; neither: the workspace itself."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    name: str = Field(index=True)  # the integration; keys of one name are one source, so a key can be replaced
    secret_hash: str = Field(unique=True)
    hint: str  # the first characters, so that people recognise the key
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False, server_default='["admin"]'))
    user_id: str | None = Field(default=None, index=True)
    team_id: str | None = Field(default=None, index=True)
    hides_contacts: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = Field(sa_column=utc_column())
    created_by: str
    expires_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    last_used_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class SignInLink(SQLModel, table=True):
    """A link that works once: it signs `user_id` in, or lets them choose a password (`invitation`, `reset`)."""

    __tablename__ = "sign_in_link"

    secret_hash: str = Field(primary_key=True)
    purpose: str = Field(default="sign_in", sa_column_kwargs={"server_default": "sign_in"})
    user_id: str = Field(default="usr_local", sa_column_kwargs={"server_default": "usr_local"}, index=True)
    created_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column())
    used_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class WebSession(SQLModel, table=True):
    """A signed-in browser. What its principal may do is looked up at each request, so a change holds at once."""

    __tablename__ = "web_session"

    secret_hash: str = Field(primary_key=True)
    id: str = Field(unique=True)  # what people see and end; the hash stays inside
    principal_id: str = Field(index=True)  # a user, or the administrator's key they signed in with
    device: str = Field(default="", sa_column_kwargs={"server_default": ""})  # "Firefox on Linux"
    created_at: datetime = Field(sa_column=utc_column())
    last_seen_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column(index=True))
