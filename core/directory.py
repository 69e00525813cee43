"""Projects and teams: small named things that interviews, searches and contact rules refer to by slug."""

import re
from datetime import datetime

from sqlmodel import Session, col, select

from core.audit import record_event
from core.errors import Conflict, InvalidInput
from core.tables import Project, Team
from core.text import clean_text
from core.visibility import Viewer

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
MAX_NAME_LENGTH = 200


def check_slug(slug: str, what: str) -> str:
    """Return the slug or raise InvalidInput `invalid_<what>_id`."""
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"invalid_{what}_id",
            f"A {what}'s id has 1 to 64 lower-case letters, digits, '.', '_' or '-' and begins and ends with a letter "
            "or digit.",
            field="id",
        )
    return slug


def _check_name(name: str, what: str) -> str:
    name = clean_text(name).replace("\n", " ")
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput(
            f"invalid_{what}_name", f"A {what}'s name has 1 to {MAX_NAME_LENGTH} characters.", field="name"
        )
    return name


def put_project(session: Session, slug: str, name: str, at: datetime, viewer: Viewer) -> tuple[Project, bool]:
    """Create the project or rename it; the second value says whether it is new.

    Raises: Conflict `project_id_in_use` for one that the viewer may not look into.
    """
    name = _check_name(name, "project")
    project = session.get(Project, check_slug(slug, "project"))
    if project is not None and not viewer.may_see_project(project):
        raise Conflict("project_id_in_use", "This id is in use: take another one.")
    if project is not None:
        project.name = name
        return project, False
    project = Project(id=slug, name=name, created_at=at)
    session.add(project)
    session.flush()
    return project, True


def list_projects(session: Session, viewer: Viewer) -> list[Project]:
    """Return the projects that the viewer may know of, by name."""
    projects = session.exec(select(Project).order_by(col(Project.name), col(Project.id)))
    return [project for project in projects if viewer.may_see_project(project)]


def require_project(session: Session, slug: str, viewer: Viewer) -> Project:
    """Return the project or raise InvalidInput `unknown_project`, also for one the viewer may not know of."""
    project = session.get(Project, slug)
    if project is None or not viewer.may_see_project(project):
        raise InvalidInput(
            "unknown_project",
            f"There is no project {slug[:64]!r}: create it first or leave it out.",
            field="project",
        )
    return project


def put_team(session: Session, slug: str, name: str, at: datetime, actor: str = "system") -> tuple[Team, bool]:
    """Create the team or rename it; the second value says whether it is new."""
    name = _check_name(name, "team")
    team = session.get(Team, check_slug(slug, "team"))
    is_new = team is None
    if team is None:
        team = Team(id=slug, name=name, created_at=at)
        session.add(team)
        session.flush()
    team.name = name
    action = "team.created" if is_new else "team.renamed"
    record_event(session, at=at, actor=actor, action=action, subject_type="team", subject_id=slug)
    return team, is_new


def list_teams(session: Session) -> list[Team]:
    """Return all teams, by name."""
    return list(session.exec(select(Team).order_by(col(Team.name), col(Team.id))))


def require_team(session: Session, slug: str) -> Team:
    """Return the team or raise InvalidInput `unknown_team`."""
    team = session.get(Team, slug)
    if team is None:
        raise InvalidInput(
            "unknown_team",
            f"There is no team {slug[:64]!r}: create it first.",
            field="team",
        )
    return team
