"""Keys, one-time sign-in links and browser sessions; secrets are stored as SHA-256 of 256 random bits, never plain."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from core.database import utc_column


class ApiKey(SQLModel, table=True):
    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    name: str = Field(index=True)  # the integration; keys of one name are one source, so a key can be replaced
    secret_hash: str = Field(unique=True)
    hint: str  # the first characters, so that people recognise the key
    role: str
    created_at: datetime = Field(sa_column=utc_column())
    created_by: str
    last_used_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class SignInLink(SQLModel, table=True):
    __tablename__ = "sign_in_link"

    secret_hash: str = Field(primary_key=True)
    created_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column())
    used_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class WebSession(SQLModel, table=True):
    __tablename__ = "web_session"

    secret_hash: str = Field(primary_key=True)
    principal_id: str
    principal_name: str
    role: str
    created_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column(index=True))
