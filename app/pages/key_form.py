"""The form with which a key is made, on the settings page and on a person's own."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Form

from app.access.keys import NewKey
from app.access.permissions import SCOPES, Permission
from app.access.principals import Principal
from core.errors import InvalidInput

WORKSPACE = ""
_WORDS = {
    Permission.READ: "Search and read interviews",
    Permission.INGEST: "Add and change interviews",
    Permission.CONTACTS_READ: "Check and look at contacts",
    Permission.CONTACTS_WRITE: "Reserve, record and change contacts",
    Permission.ADMIN: "Everything, as an administrator",
}

TextField = Annotated[str, Form(max_length=1000)]


@dataclass(frozen=True, slots=True)
class KeyForm:
    """The fields as they were filled in. `owner` is `user:ID`, `team:ID` or WORKSPACE."""

    name: str = ""
    scopes: tuple[str, ...] = (Permission.READ, Permission.CONTACTS_READ)
    owner: str = WORKSPACE
    expires: str = ""
    hides_contacts: bool = False

    def wanted(self, zone: ZoneInfo) -> NewKey:
        """Return the key to make. Raises InvalidInput `invalid_date`."""
        kind, _, owner_id = self.owner.partition(":")
        return NewKey(
            self.name,
            self.scopes,
            user_id=owner_id if kind == "user" else None,
            team_id=owner_id if kind == "team" else None,
            expires_at=end_of_day(self.expires, zone) if self.expires else None,
            hides_contacts=self.hides_contacts,
        )


def key_form(
    name: TextField = "",
    scopes: Annotated[list[str] | None, Form(max_length=20)] = None,
    owner: TextField = WORKSPACE,
    expires: TextField = "",
    hides_contacts: Annotated[bool, Form()] = False,
) -> KeyForm:
    return KeyForm(name, tuple(scopes or ()), owner, expires.strip(), hides_contacts)


def scope_choices(user: Principal) -> list[tuple[str, str]]:
    """Return (scope, word) of every scope that the person may give."""
    return [(scope.value, _WORDS[scope]) for scope in SCOPES if user.may(scope)]


def end_of_day(text: str, zone: ZoneInfo) -> datetime:
    """Return when that day ends in the zone. Raises InvalidInput `invalid_date`."""
    try:
        following = date.fromisoformat(text) + timedelta(days=1)
        return datetime.combine(following, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("invalid_date", "The last day is a date such as 2027-03-31.", field="expires") from error
