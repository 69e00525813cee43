"""What people choose from in forms: projects and teams, as (value, word) pairs for templates."""

from app.services import Services
from core import directory
from core.visibility import Viewer


def project_choices(services: Services, viewer: Viewer) -> list[tuple[str, str]]:
    """Return (id, name) of every project that the viewer may know of, by name."""
    with services.database.read() as session:
        return [(project.id, project.name) for project in directory.list_projects(session, viewer)]


def team_choices(services: Services) -> list[tuple[str, str]]:
    """Return (id, name) of every team, by name."""
    with services.database.read() as session:
        return [(team.id, team.name) for team in directory.list_teams(session)]
