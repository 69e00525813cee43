"""The SQL of keys, links and sessions."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.access.tables import ApiKey, SignInLink, WebSession


def find_key(session: Session, secret_hash: str) -> ApiKey | None:
    return session.exec(select(ApiKey).where(ApiKey.secret_hash == secret_hash)).one_or_none()


def list_keys(session: Session) -> list[ApiKey]:
    """Return every key, newest first, revoked ones included."""
    return list(session.exec(select(ApiKey).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())))


def touch_key(session: Session, key_id: str, at: datetime) -> None:
    session.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=at))


def use_link(session: Session, secret_hash: str, at: datetime) -> bool:
    """Mark the link as used; False when it is unknown, used or past its time."""
    link = session.get(SignInLink, secret_hash)
    if link is None or link.used_at is not None or link.expires_at <= at:
        return False
    link.used_at = at
    return True


def find_session(session: Session, secret_hash: str, at: datetime) -> WebSession | None:
    found = session.get(WebSession, secret_hash)
    return found if found is not None and found.expires_at > at else None


def delete_session(session: Session, secret_hash: str) -> None:
    session.execute(delete(WebSession).where(col(WebSession.secret_hash) == secret_hash))


def delete_expired(session: Session, at: datetime) -> None:
    session.execute(delete(WebSession).where(col(WebSession.expires_at) <= at))
    session.execute(delete(SignInLink).where(col(SignInLink.expires_at) <= at))
