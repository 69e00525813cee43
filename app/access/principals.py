"""Who is calling, put together from rows as they are now: what they may do and whose interviews they may see."""

from dataclasses import dataclass, replace

from sqlmodel import Session

from app.access import repository
from app.access.permissions import Permission, Role, of_role, of_scopes
from app.access.tables import ApiKey, User
from core.errors import Forbidden
from core.visibility import Viewer

_NEEDED = {
    Permission.READ: "read interviews",
    Permission.INGEST: "add or change interviews",
    Permission.CONTACTS_READ: "look at contacts",
    Permission.CONTACTS_WRITE: "change or reserve contacts",
    Permission.PRIVACY: "do what the privacy permission is for",
    Permission.ADMIN: "administer this workspace",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: `id` goes into the audit, `source` names where their interviews come from."""

    id: str
    name: str
    source: str
    permissions: frozenset[Permission]
    viewer: Viewer
    role: str = ""  # of a person; "" for a key
    user_id: str | None = None  # the person, also behind a person's key
    teams: frozenset[str] = frozenset()
    bound_team: str | None = None  # the only team that this key may act for
    hides_contacts: bool = False  # every answer says `contact: null`

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def acting_team(self, team: str | None) -> str | None:
        """Return the team for which they act when they name `team`: a key that is bound to one acts for no other.

        Raises Forbidden `other_team`.
        """
        if self.bound_team is not None and team not in (None, self.bound_team):
            raise Forbidden("other_team", f"This key acts for the team {self.bound_team!r} only.", field="team")
        return self.bound_team or team

    def require(self, permission: Permission) -> None:
        """Raise Forbidden `not_permitted` unless they hold the permission."""
        if permission not in self.permissions:
            raise Forbidden("not_permitted", f"This needs the right to {_NEEDED[permission]} ({permission.value}).")


def of_user(session: Session, user: User) -> Principal:
    """Return the person as a principal. Whether they are disabled is the caller's question."""
    permissions = of_role(user.role, has_privacy=user.has_privacy)
    teams = repository.teams_of(session, user.id)
    is_administrator = user.role == Role.ADMINISTRATOR
    viewer = Viewer(
        sees_all=is_administrator,
        projects=frozenset() if is_administrator else repository.projects_of(session, user.id, teams),
        reads_unquotable=Permission.PRIVACY in permissions,
    )
    return Principal(user.id, user.name, "page", permissions, viewer, user.role, user.id, teams)


def of_key(session: Session, key: ApiKey, owner: User | None) -> Principal:
    """Return who calls with `key`: the person it is bound to with no more than its scopes, a team, or the workspace."""
    permissions = of_scopes(key.scopes)
    if owner is not None:
        person = of_user(session, owner)
        permissions &= person.permissions
        base = replace(person, role="")
    else:
        teams = frozenset({key.team_id}) if key.team_id else frozenset[str]()
        sees_all = Permission.ADMIN in permissions and key.team_id is None
        projects = frozenset[str]() if sees_all else repository.projects_of(session, None, teams)
        viewer = Viewer(sees_all=sees_all, projects=projects)
        base = Principal(key.id, key.name, key.name, permissions, viewer, teams=teams, bound_team=key.team_id)
    confined = Permission.READ not in permissions
    viewer = replace(
        base.viewer,
        reads_unquotable=Permission.PRIVACY in permissions,
        only_source=key.name if confined else None,
    )
    return replace(
        base,
        id=key.id,
        name=key.name,
        source=key.name,
        permissions=permissions,
        viewer=viewer,
        hides_contacts=key.hides_contacts,
    )
