"""Projects and who may look into them: open to all, or restricted to teams and people.

Administrators restrict, open and grant; whoever may add interviews makes projects and renames open ones. A restricted
project does not exist for anybody else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.access import project_repository
from app.access.permissions import Permission
from app.access.principals import Principal
from core import directory
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.directory import require_team
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.tables import Project
from core.text import clean_text


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as those see it who may look into it; `teams` and `users` are ids, empty for an open one."""

    id: str
    name: str
    is_restricted: bool
    teams: tuple[str, ...]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What a project becomes; None leaves it as it is. Opening a project takes back what was granted."""

    name: str
    is_restricted: bool | None = None
    teams: frozenset[str] | None = None
    users: frozenset[str] | None = None


class ProjectService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def people(self) -> list[tuple[str, str]]:
        """Return (id, name) of everybody that a project can be granted to, by name."""
        with self._database.read() as session:
            return project_repository.active_people(session)

    def list(self, caller: Principal) -> list[ProjectView]:
        """Return the projects that the caller may know of, by name."""
        with self._database.read() as session:
            return _views(session, directory.list_projects(session, caller.viewer))

    def get(self, project_id: str, caller: Principal) -> ProjectView:
        """Return the project. Raises NotFound `unknown_project`, also for one they may not know of."""
        with self._database.read() as session:
            project = session.get(Project, project_id)
            if project is None or not caller.viewer.may_see_project(project):
                raise NotFound("unknown_project", f"There is no project {project_id[:64]!r}.")
            return _views(session, [project])[0]

    def put(self, project_id: str, change: ProjectChange, caller: Principal) -> tuple[ProjectView, bool]:
        """Create the project or change it; the second value says whether it is new.

        Raises: Forbidden `not_permitted` when others than administrators restrict, open, grant, or rename a restricted
        one; Conflict `project_id_in_use` for one they may not know of; InvalidInput `unknown_team`, `unknown_user`,
        `project_is_open` for grants on an open one.
        """
        now = self._clock.now()
        with self._database.write() as session:
            known = session.get(Project, project_id)
            before = None if known is None else _views(session, [known])[0]
            if known is not None and not caller.viewer.may_see_project(known):
                raise Conflict("project_id_in_use", "This id is in use: take another one.")
            after = _changed(project_id, before, change)
            _check_rights(caller, before, after)
            _check_grants(session, before, after)
            project, is_new = directory.put_project(session, project_id, change.name, now, caller.viewer)
            project.is_restricted = after.is_restricted
            session.add(project)
            project_repository.put_grants(session, project_id, after.teams, after.users)
            for action, detail in _steps(before, after):
                _audit(session, now, caller.id, action, project_id, detail)
            return _views(session, [project])[0], is_new


def _views(session: Session, projects: Iterable[Project]) -> list[ProjectView]:
    projects = list(projects)
    teams, users = project_repository.grants(session, (project.id for project in projects))
    return [
        ProjectView(
            project.id,
            project.name,
            project.is_restricted,
            tuple(sorted(teams.get(project.id, ()))),
            tuple(sorted(users.get(project.id, ()))),
        )
        for project in projects
    ]


def _changed(project_id: str, before: ProjectView | None, change: ProjectChange) -> ProjectView:
    was = before or ProjectView(project_id, change.name, False, (), ())
    is_restricted = was.is_restricted if change.is_restricted is None else change.is_restricted
    teams = was.teams if change.teams is None else tuple(sorted(change.teams))
    users = was.users if change.users is None else tuple(sorted(change.users))
    if not is_restricted and (change.teams or change.users):
        raise InvalidInput(
            "project_is_open", "An open project is granted to nobody: restrict it as well.", field="restricted"
        )
    if not is_restricted:
        teams = users = ()
    return ProjectView(project_id, clean_text(change.name).replace("\n", " "), is_restricted, teams, users)


def _check_rights(caller: Principal, before: ProjectView | None, after: ProjectView) -> None:
    was = before or ProjectView(after.id, after.name, False, (), ())
    if caller.may(Permission.ADMIN) or after == was:
        return
    if was.is_restricted or after.is_restricted:
        raise Forbidden("not_permitted", "Only an administrator restricts, opens, grants or renames such a project.")


def _check_grants(session: Session, before: ProjectView | None, after: ProjectView) -> None:
    """Look at what is granted anew: a person who left since may keep what they have."""
    for team in set(after.teams) - set(before.teams if before else ()):
        require_team(session, team)
    new_users = set(after.users) - set(before.users if before else ())
    if new_users - project_repository.known_users(session, new_users):
        raise InvalidInput("unknown_user", "There is nobody with this id to grant the project to.", field="users")


def _steps(before: ProjectView | None, after: ProjectView) -> list[tuple[str, dict[str, str]]]:
    """Return what happened, one audit event each."""
    was = before or ProjectView(after.id, after.name, False, (), ())
    steps: list[tuple[str, dict[str, str]]] = []
    if before is None:
        steps.append(("project.created", {}))
    elif was.name != after.name:
        steps.append(("project.renamed", {}))
    if was.is_restricted != after.is_restricted:
        steps.append(("project.restricted" if after.is_restricted else "project.opened", {}))
    for what, old, new in (("team", was.teams, after.teams), ("user", was.users, after.users)):
        steps += [("project.granted", {what: one}) for one in sorted(set(new) - set(old))]
        steps += [("project.grant_withdrawn", {what: one}) for one in sorted(set(old) - set(new))]
    return steps


def _audit(session: Session, at: datetime, actor: str, action: str, project_id: str, detail: dict[str, str]) -> None:
    record_event(
        session, at=at, actor=actor, action=action, subject_type="project", subject_id=project_id, detail=detail
    )
