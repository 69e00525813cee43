"""What people choose from in forms: projects and teams, as (value, word) pairs for templates."""

from app.participation import DEFAULT_TEAM, DEFAULT_TEAM_NAME
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


def asking_teams(services: Services) -> list[tuple[str, str]]:
    """Return (id, name) of the teams that may ask for contacts; in a new workspace the one it begins with."""
    return team_choices(services) or [(DEFAULT_TEAM, DEFAULT_TEAM_NAME)]


def put_first_team(services: Services) -> None:
    """Add the team that a workspace begins with, unless it has one: nobody must set up anything before asking."""
    if not team_choices(services):
        with services.database.write() as session:
            directory.put_team(session, DEFAULT_TEAM, DEFAULT_TEAM_NAME, services.clock.now())
