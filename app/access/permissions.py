"""Who may do what: roles of people and scopes of keys, both as sets of permissions.

Routes ask for a permission, never for a role. Administrators hold all of them, and no restricted project is hidden
from them: whoever runs the machine could read the database anyway, so the audit records it instead.
"""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    READ = "read"  # search, play, read interviews
    INGEST = "ingest"  # add, change and delete interviews
    CONTACTS_READ = "contacts:read"  # check and look at contacts
    CONTACTS_WRITE = "contacts:write"  # reserve, record, change contacts
    PRIVACY = "privacy"  # erase, see why somebody is suppressed, read what must not be quoted
    ADMIN = "admin"  # people, teams, projects, keys, rules, audit


class Role(StrEnum):
    """What a person is in the workspace; `member` is what newcomers become."""

    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    VIEWER = "viewer"


SCOPES = (Permission.READ, Permission.INGEST, Permission.CONTACTS_READ, Permission.CONTACTS_WRITE, Permission.ADMIN)

_EVERYTHING = frozenset(Permission)
_OF_ROLE = {
    Role.ADMINISTRATOR: _EVERYTHING,
    Role.MEMBER: frozenset((Permission.READ, Permission.INGEST, Permission.CONTACTS_READ, Permission.CONTACTS_WRITE)),
    Role.VIEWER: frozenset((Permission.READ, Permission.CONTACTS_READ)),
}


def of_role(role: str, *, has_privacy: bool) -> frozenset[Permission]:
    """Return what a person of this role may do; `has_privacy` is granted to people one by one."""
    permissions = _OF_ROLE[Role(role)]
    return permissions | {Permission.PRIVACY} if has_privacy else permissions


def of_scopes(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return what a key of these scopes may do: `admin` is everything, writing contacts includes reading them."""
    permissions = frozenset(Permission(scope) for scope in scopes)
    if Permission.ADMIN in permissions:
        return _EVERYTHING
    return permissions | {Permission.CONTACTS_READ} if Permission.CONTACTS_WRITE in permissions else permissions
