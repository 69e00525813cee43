"""The SQL of who may look into restricted projects."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.access.tables import ProjectTeam, ProjectUser, User

Grants = dict[str, frozenset[str]]


def grants(session: Session, project_ids: Iterable[str]) -> tuple[Grants, Grants]:
    """Return the teams and the people that each project was granted to; projects without any are left out."""
    ids = tuple(project_ids)
    of_teams = select(col(ProjectTeam.project_id), col(ProjectTeam.team_id)).where(col(ProjectTeam.project_id).in_(ids))
    of_users = select(col(ProjectUser.project_id), col(ProjectUser.user_id)).where(col(ProjectUser.project_id).in_(ids))
    return _by_project(session.execute(of_teams)), _by_project(session.execute(of_users))


def put_grants(session: Session, project_id: str, teams: Iterable[str], users: Iterable[str]) -> None:
    """Replace whom the project is granted to."""
    session.execute(delete(ProjectTeam).where(col(ProjectTeam.project_id) == project_id))
    session.execute(delete(ProjectUser).where(col(ProjectUser.project_id) == project_id))
    session.add_all(ProjectTeam(project_id=project_id, team_id=team) for team in teams)
    session.add_all(ProjectUser(project_id=project_id, user_id=user) for user in users)
    session.flush()


def active_people(session: Session) -> list[tuple[str, str]]:
    """Return (id, name) of everybody who is not disabled, by name."""
    query = select(col(User.id), col(User.name)).where(col(User.disabled_at).is_(None))
    return [(user_id, name) for user_id, name in session.execute(query.order_by(col(User.name), col(User.id)))]


def known_users(session: Session, ids: Iterable[str]) -> frozenset[str]:
    return frozenset(session.scalars(select(col(User.id)).where(col(User.id).in_(tuple(ids)))))


def _by_project(rows: Iterable[Any]) -> Grants:
    found: dict[str, set[str]] = defaultdict(set)
    for project, grantee in rows:
        found[project].add(grantee)
    return {project: frozenset(grantees) for project, grantees in found.items()}
