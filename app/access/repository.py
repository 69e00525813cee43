"""The SQL of people, teams, keys, links and sessions."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlmodel import Session, col

from app.access.permissions import Role
from app.access.tables import ApiKey, ProjectTeam, ProjectUser, SignInLink, TeamMember, User, WebSession

# --- people ---


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User)))


def find_user_by_email(session: Session, email: str) -> User | None:
    """Return the person with this address, given in lower case."""
    return session.scalars(select(User).where(col(User.email) == email)).one_or_none()


def find_user_by_subject(session: Session, issuer: str, subject: str) -> User | None:
    return session.scalars(select(User).where(col(User.issuer) == issuer, col(User.subject) == subject)).one_or_none()


def lock_administrators(session: Session) -> list[User]:
    """Return the administrators who can sign in, locked until the transaction ends: two may demote each other at once.

    Those with a password, with single sign-on, and the local one. (SQLite has one writer at a time anyway.)
    """
    able = or_(col(User.password_hash).is_not(None), col(User.subject).is_not(None), col(User.id) == "usr_local")
    query = select(User).where(col(User.role) == Role.ADMINISTRATOR, col(User.disabled_at).is_(None), able)
    return list(session.scalars(query.order_by(col(User.id)).with_for_update()))


def put_teams(session: Session, user_id: str, teams: Iterable[str]) -> None:
    """Make these the person's teams."""
    session.execute(delete(TeamMember).where(col(TeamMember.user_id) == user_id))
    session.add_all(TeamMember(team_id=team_id, user_id=user_id) for team_id in teams)
    session.flush()


def teams_of(session: Session, user_id: str) -> frozenset[str]:
    return frozenset(session.scalars(select(col(TeamMember.team_id)).where(col(TeamMember.user_id) == user_id)))


def projects_of(session: Session, user_id: str | None, teams: Iterable[str]) -> frozenset[str]:
    """Return the restricted projects granted to the person or to one of the teams."""
    by_team = select(col(ProjectTeam.project_id)).where(col(ProjectTeam.team_id).in_(tuple(teams)))
    found = set(session.scalars(by_team))
    if user_id is not None:
        found |= set(session.scalars(select(col(ProjectUser.project_id)).where(col(ProjectUser.user_id) == user_id)))
    return frozenset(found)


# --- keys ---


def find_key(session: Session, secret_hash: str) -> ApiKey | None:
    return session.scalars(select(ApiKey).where(col(ApiKey.secret_hash) == secret_hash)).one_or_none()


def list_keys(session: Session) -> list[ApiKey]:
    """Return every key, newest first, revoked ones included."""
    return list(session.scalars(select(ApiKey).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())))


def is_name_of_another(session: Session, name: str, user_id: str | None, team_id: str | None) -> bool:
    """Whether a key of this name acts for somebody else: one name is one source, and a source has one owner."""
    other = or_(
        col(ApiKey.user_id).is_distinct_from(user_id),
        col(ApiKey.team_id).is_distinct_from(team_id),
    )
    return session.scalars(select(ApiKey).where(col(ApiKey.name) == name, other).limit(1)).first() is not None


def touch_key(session: Session, key_id: str, at: datetime) -> None:
    session.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=at))


# --- links and sessions ---


def use_link(session: Session, secret_hash: str, purpose: str, at: datetime) -> str | None:
    """Mark the link as used and return whose it is; None when it is unknown, for another purpose, used or too old."""
    link = session.get(SignInLink, secret_hash, with_for_update=True)
    if link is None or link.purpose != purpose or link.used_at is not None or link.expires_at <= at:
        return None
    link.used_at = at
    return link.user_id


def find_link(session: Session, secret_hash: str, purposes: Iterable[str], at: datetime) -> SignInLink | None:
    """Return the link if it could be used now for one of the purposes."""
    link = session.get(SignInLink, secret_hash)
    usable = link is not None and link.purpose in purposes and link.used_at is None and link.expires_at > at
    return link if usable else None


def find_session(session: Session, secret_hash: str, at: datetime) -> WebSession | None:
    found = session.get(WebSession, secret_hash)
    return found if found is not None and found.expires_at > at else None


def touch_session(session: Session, secret_hash: str, at: datetime) -> None:
    session.execute(update(WebSession).where(col(WebSession.secret_hash) == secret_hash).values(last_seen_at=at))


def sessions_of(session: Session, principal_id: str, at: datetime) -> list[WebSession]:
    """Return the person's live sessions, last used first."""
    query = select(WebSession).where(_is_session_of(principal_id), col(WebSession.expires_at) > at)
    return list(session.scalars(query.order_by(col(WebSession.last_seen_at).desc(), col(WebSession.id))))


def delete_session(session: Session, secret_hash: str) -> None:
    session.execute(delete(WebSession).where(col(WebSession.secret_hash) == secret_hash))


def delete_sessions_of(session: Session, principal_id: str, *, but: str = "") -> None:
    """End the person's sessions, except the one with the hash `but`."""
    session.execute(delete(WebSession).where(_is_session_of(principal_id), col(WebSession.secret_hash) != but))


def _is_session_of(principal_id: str) -> ColumnElement[bool]:
    """The condition on sessions that are theirs, also those begun with a key of theirs."""
    keys = select(col(ApiKey.id)).where(col(ApiKey.user_id) == principal_id)
    return or_(col(WebSession.principal_id) == principal_id, col(WebSession.principal_id).in_(keys))


def delete_expired(session: Session, at: datetime) -> None:
    session.execute(delete(WebSession).where(col(WebSession.expires_at) <= at))
    session.execute(delete(SignInLink).where(col(SignInLink.expires_at) <= at))


def delete_links_of(session: Session, user_id: str, purpose: str) -> None:
    session.execute(delete(SignInLink).where(col(SignInLink.user_id) == user_id, col(SignInLink.purpose) == purpose))


def delete_all_links_of(session: Session, user_id: str) -> None:
    session.execute(delete(SignInLink).where(col(SignInLink.user_id) == user_id))
