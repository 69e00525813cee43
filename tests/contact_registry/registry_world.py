"""A registry over a real database with a clock set by hand, and the smallest ways to fill it and ask it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel, select

from contact_registry import tables
from contact_registry.actor import Actor
from contact_registry.repository.locks import Locks
from contact_registry.schemas import CheckOut, QuestionIn, ReserveIn, TouchpointIn, TouchpointOut
from contact_registry.schemas_people import ContactIn
from contact_registry.schemas_rules import ActivateIn, DraftIn
from contact_registry.service import RegistryService
from contact_registry.workplace import go_on
from core import directory
from core.audit import AuditEvent
from core.clock import Clock, SettableClock
from core.database import Database
from core.settings import Settings

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
TEAMS = ("research", "sales", "support", "cx", "marketing", "it")
CRM = Actor(id="key_crm", source="crm")
GAP30 = {"id": "gap30", "kind": "min_gap", "gap": "P30D", "applies_to": {}, "counts": {}}
ACCOUNT1 = {
    "id": "acct1",
    "kind": "frequency_cap",
    "level": "account",
    "max": 1,
    "window": "P30D",
    "applies_to": {},
    "counts": {},
}


@dataclass(slots=True)
class RegistryWorld:
    registry: RegistryService
    database: Database
    clock: Clock
    people: Mapping[str, str] = field(default_factory=dict)  # who was there from the beginning: name, contact id

    def set_clock(self, at: str) -> None:
        assert isinstance(self.clock, SettableClock)
        self.clock.set(datetime.fromisoformat(at))

    def add_contact(self, *emails: str, **fields: Any) -> str:
        return self.registry.add_contact(ContactIn(emails=list(emails), **fields), CRM).id

    def add_account(self, key: str = "acme", tz: str | None = None) -> str:
        now = self.clock.now()
        with self.database.write() as session:
            session.add(tables.Account(id=key, name=key.capitalize(), tz=tz, created_at=now, updated_at=now))
        return key

    def put_rules(self, *policies: Mapping[str, Any]) -> int:
        self.registry.rules.put_draft(DraftIn(policies=[dict(policy) for policy in policies]), CRM)
        return self.registry.rules.activate(ActivateIn(), CRM).version

    def check(self, **fields: Any) -> CheckOut:
        return self.registry.check(QuestionIn.model_validate(question(**fields)), CRM)

    def reserve(self, **fields: Any) -> TouchpointOut:
        return self.registry.reserve(ReserveIn.model_validate(question(**fields)), CRM)

    def book(self, **fields: Any) -> TouchpointOut:
        return self.registry.book(TouchpointIn.model_validate(question(**fields)), CRM)

    def record(self, **fields: Any) -> TouchpointOut:
        sent = {"status": "completed", **question(**fields)}
        if "date" in sent:
            del sent["at"]
        return self.registry.record(TouchpointIn.model_validate(sent), CRM)

    def actions(self, subject: str | None = None) -> list[str]:
        """Return what the audit says, oldest first."""
        with self.database.read() as session:
            events = session.exec(select(AuditEvent).order_by(AuditEvent.id)).all()
        return [event.action for event in events if subject in (None, event.subject_id)]

    def rows(self) -> list[tables.Touchpoint]:
        with self.database.read() as session:
            return list(session.exec(select(tables.Touchpoint)))


def question(**fields: Any) -> dict[str, Any]:
    """Return a question about an interview on 10 May, with the given fields instead."""
    usual = {
        "at": "2026-05-10T10:00:00Z",
        "team": "research",
        "channel": "video_call",
        "purpose": "interview",
    }
    return usual | fields


def open_registry(
    url: str,
    folder: Path,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    locks: Locks | None = None,
    before_insert: Callable[[], None] = go_on,
) -> RegistryWorld:
    """Return a registry over a database that already has its tables."""
    clock = clock or SettableClock(NOW)
    database = database or Database(url)
    settings = Settings(data_dir=folder, database_url=url)
    registry = RegistryService(database, clock, settings, locks=locks, before_insert=before_insert)
    return RegistryWorld(registry, database, clock)


def new_registry(url: str, folder: Path, **options: Any) -> RegistryWorld:
    """Return a registry over new tables, with the usual teams."""
    world = open_registry(url, folder, **options)
    SQLModel.metadata.create_all(world.database.writer_engine)
    with world.database.write() as session:
        for team in TEAMS:
            directory.put_team(session, team, team.capitalize(), world.clock.now())
    return world


def refs(reasons: Sequence[Any]) -> list[str]:
    return [reason["ref"] if isinstance(reason, dict) else reason.ref for reason in reasons]
