"""States of the registry as worked cases describe them, written straight into its tables under the given ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlmodel import Session, delete

from contact_registry import tables, tables_of_record
from contact_registry.addresses import domain_key, email_key
from contact_registry.peppers import PepperFile
from contact_registry.registrar import email_row
from contact_registry.stops_service import address_tokens
from core.clock import SettableClock
from core.database import Database
from core.settings import Settings
from core.tables import Team

Json = dict[str, Any]

_IN_ORDER = (  # children first
    tables_of_record.BookingConflict,
    tables_of_record.HistoryImportRow,
    tables_of_record.HistoryImport,
    tables_of_record.RepeatedRequest,
    tables_of_record.Purpose,
    tables_of_record.PolicyDraft,
    tables.SuppressionToken,
    tables.Suppression,
    tables.Consent,
    tables.Touchpoint,
    tables.ContactExternalId,
    tables.ContactSegment,
    tables.ContactAddress,
    tables.Contact,
    tables.AccountExternalId,
    tables.Account,
)


@dataclass(slots=True)
class World:
    database: Database
    clock: SettableClock
    settings: Settings

    def set_clock(self, at: str) -> None:
        self.clock.set(datetime.fromisoformat(at))

    def add_teams(self, value: Any) -> None:
        """Put every team that is named anywhere in `value` on record."""
        named = set(_teams_in(value))
        with self.database.write() as session:
            for team in sorted(named):
                if session.get(Team, team) is None:
                    session.add(Team(id=team, name=team.capitalize(), created_at=self.clock.now()))


def _teams_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _teams_in(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "team" and isinstance(one, str):
                yield one
            elif key == "teams" and isinstance(one, list):
                yield from (team for team in one if isinstance(team, str))
            else:
                yield from _teams_in(one)


def clear_registry(world: World) -> None:
    """Empty everything but the versions of the rules, which only ever go up, and the audit, which keeps what it has."""
    with world.database.write() as session:
        for table in _IN_ORDER:
            session.exec(delete(table))


def fill_registry(world: World, given: Json, client: httpx.Client) -> None:
    """Write the state of a case; its rules go through the API, as rules always do."""
    world.set_clock(given["now"])
    world.settings.timezone = given.get("tz", "UTC")
    world.add_teams(given)
    for purpose, purpose_class in given.get("purposes", {}).items():
        _succeed(client.put(f"/api/v1/purposes/{purpose}", json={"class": purpose_class}))
    _succeed(client.put("/api/v1/policy-sets/draft", json={"policies": given.get("policies", [])}))
    _succeed(client.post("/api/v1/policy-sets/draft/activate"))
    now = world.clock.now()
    with world.database.write() as session:
        for account in given.get("accounts", []):
            name = account.get("name", account["id"].capitalize())
            session.add(
                tables.Account(id=account["id"], name=name, tz=account.get("tz"), created_at=now, updated_at=now)
            )
        session.flush()
        for contact in given.get("contacts", []):
            _add_contact(session, contact, now)
        for touchpoint in given.get("touchpoints", []):
            _add_touchpoint(session, touchpoint, now)
        peppers = PepperFile(world.settings.data_dir)
        for suppression in given.get("suppressions", []):
            _add_suppression(session, suppression, peppers, now)
        for number, consent in enumerate(given.get("consents", [])):
            _add_consent(session, consent, number, now)


def _succeed(response: httpx.Response) -> None:
    if response.status_code >= 300:
        raise RuntimeError(f"the state of a case was refused: {response.status_code} {response.text}")


def _add_contact(session: Session, contact: Json, now: datetime) -> None:
    session.add(
        tables.Contact(
            id=contact["id"],
            name=contact.get("name"),
            account_id=contact.get("account"),
            tz=contact.get("tz"),
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()
    for email in contact.get("emails", []):
        session.add(email_row(contact["id"], email, now))
    for segment in contact.get("segments", []):
        session.add(tables.ContactSegment(contact_id=contact["id"], segment=segment, original_contact=contact["id"]))
    session.flush()


def _add_touchpoint(session: Session, touchpoint: Json, now: datetime) -> None:
    contact = session.get_one(tables.Contact, touchpoint["contact"])
    on_date = date.fromisoformat(touchpoint["date"]) if "date" in touchpoint else None
    at = (
        datetime.fromisoformat(touchpoint["at"])
        if on_date is None
        else datetime.combine(on_date, time(0), tzinfo=ZoneInfo("UTC"))
    )
    session.add(
        tables.Touchpoint(
            id=touchpoint["id"],
            contact_id=contact.id,
            account_id=touchpoint.get("account", contact.account_id),
            at=at,
            on_date=on_date,
            team=touchpoint["team"],
            channel=touchpoint["channel"],
            purpose=touchpoint["purpose"],
            direction=touchpoint.get("direction", "outbound"),
            engagement=touchpoint.get("engagement"),
            status=touchpoint["status"],
            expires_at=_instant(touchpoint.get("expires_at")),
            source="given",
            created_by="given",
            created_at=now,
            updated_at=now,
        )
    )


def _add_suppression(session: Session, given: Json, peppers: PepperFile, now: datetime) -> None:
    ((kind, value),) = given["subject"].items()
    if kind == "domain":
        value = domain_key(value)
    row = tables.Suppression(
        id=given["id"],
        subject_kind="address" if kind == "email" else kind,
        subject_id=None if kind == "email" else value,
        source=given["source"],
        channels=given.get("channels"),
        purposes=given.get("purposes"),
        starts_at=_instant(given.get("from")),
        ends_at=_instant(given.get("until")),
        created_by="given",
        created_at=now,
    )
    session.add(row)
    session.flush()
    if kind == "email":
        session.add_all(address_tokens(peppers, row.id, email_key(value)))
    else:
        session.add(tables.SuppressionToken(token=f"{kind}:{value}", suppression_id=row.id))


def _add_consent(session: Session, given: Json, number: int, now: datetime) -> None:
    effective_from = _instant(given["effective_from"])
    assert effective_from is not None, "a consent is in force from an instant on"
    session.add(
        tables.Consent(
            id=f"consent-{number}",
            contact_id=given["contact"],
            original_contact=given["contact"],
            purpose=given["purpose"],
            channel=given.get("channel"),
            state=given["state"],
            effective_from=effective_from,
            effective_until=_instant(given.get("effective_until")),
            captured_by="given",
            created_at=now,
        )
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
