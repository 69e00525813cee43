"""The rows of an import, one by one: each is created, updated, unchanged, repeated, suppressed or wrong."""

import datetime as dt
from collections.abc import Set as AbstractSet
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key, without_tag
from contact_registry.confinement import check_own_team
from contact_registry.facts import FactService
from contact_registry.instants import GivenDay, GivenInstant
from contact_registry.questions import read_item
from contact_registry.reading import Rules, Subject
from contact_registry.registrar import add_stranger
from contact_registry.repository import touchpoints
from contact_registry.schemas_imports import ImportRowOut
from contact_registry.tables_of_lists import ImportedLine
from contact_registry.tables_of_record import HistoryImportRow
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.workplace import Workplace, check_team
from core.errors import AppError, InvalidInput

_STATUSES = {"completed", "held", "no_show", "cancelled", "planned"}
_NEEDED = ("team", "channel", "purpose")


def _known_status(value: str) -> str:
    word = value.strip().lower()
    if word not in _STATUSES:
        raise ValueError(f"status is one of {', '.join(sorted(_STATUSES))}")
    return word


class ImportRowIn(BaseModel):
    """One row of history; without `at` and `date` it only adds the person."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=400)
    name: str | None = Field(default=None, max_length=200)
    external_id: schemas.Id | None = None
    at: GivenInstant | None = None
    date: GivenDay | None = None
    team: schemas.Slug | None = None
    channel: schemas.Slug | None = None
    purpose: schemas.Slug | None = None
    engagement: schemas.Id | None = None
    direction: schemas.Direction = "outbound"
    status: Annotated[str, AfterValidator(_known_status)] = "completed"


Mark = tuple[Any, ...]  # two rows of one file with the same mark say the same


class ImportRun:
    """An import within one transaction: of all its rows, or of the next ones of a long list.

    `earlier` are the marks of the rows before, `marks` those of these.
    """

    def __init__(
        self,
        workplace: Workplace,
        facts: FactService,
        session: Session,
        known: Rules,
        source: str,
        import_id: str,
        actor: Actor,
        now: dt.datetime,
        earlier: AbstractSet[Mark] = frozenset(),
    ) -> None:
        self._at = workplace
        self._facts = facts
        self._session = session
        self._known = known
        self._source = source
        self._import_id = import_id
        self._actor = actor
        self._now = now
        self._earlier = earlier
        self.marks: set[Mark] = set()
        self.conflicts: list[str] = []

    def row(self, number: int, raw: dict[str, Any], cells: list[str] | None = None) -> ImportRowOut:
        """Import one row, and write down what became of it; of a file also its `cells`, unless nothing may be kept."""
        savepoint = self._session.begin_nested()
        before: dict[str, Any] | None = None
        try:
            out, before = self._import(number, raw)
        except AppError as error:
            savepoint.rollback()
            if error.code in ("do_not_store", "contact_erased"):
                out = ImportRowOut(row=number, outcome="suppressed")
            else:
                out = ImportRowOut(row=number, outcome="error", error=error.code, message=error.message)
        else:
            savepoint.commit()
        self._session.add(
            HistoryImportRow(
                import_id=self._import_id,
                row=number,
                outcome=out.outcome,
                error=out.error,
                message=out.message,
                contact_id=out.contact,
                touchpoint_id=out.touchpoint,
                before=before,
            )
        )
        if cells is not None and out.outcome != "suppressed":
            self._keep_line(number, raw, cells, out)
        return out

    def _keep_line(self, number: int, raw: dict[str, Any], cells: list[str], out: ImportRowOut) -> None:
        key = _bare_key(raw)
        if out.outcome == "error" and key is not None:  # a row that is wrong was never judged
            subject = self._at.reader.subject(self._session, None, str(raw["email"]))
            if subject.view.id is None and self._facts.is_erased(self._session, subject):
                return
        self._session.add(ImportedLine(import_id=self._import_id, line=number, match_key=key, cells=cells))

    def _import(self, number: int, raw: dict[str, Any]) -> tuple[ImportRowOut, dict[str, Any] | None]:
        key = email_key(str(raw.get("email") or ""))
        if "problem" in raw:  # a file's row whose time could not be read
            raise InvalidInput(*raw["problem"])
        item = _read(raw)
        subject = self._at.lock_person(self._session, None, item.email)
        if self._is_repeated(mark_of(item, key)):
            return ImportRowOut(row=number, outcome="duplicate_in_file", contact=subject.view.id), None
        if item.at is None and item.date is None:
            return self._person_only(number, item, subject), None
        return self._fact(number, item, subject)

    def _is_repeated(self, mark: Mark) -> bool:
        """Return whether the file said the same before: the same external id, or the same row without one."""
        repeated = mark in self._earlier or mark in self.marks
        self.marks.add(mark)
        return repeated

    def _person_only(self, number: int, item: ImportRowIn, subject: Subject) -> ImportRowOut:
        if subject.view.id is not None:
            return ImportRowOut(row=number, outcome="contact_only", contact=subject.view.id)
        if self._facts.is_erased(self._session, subject):
            return ImportRowOut(row=number, outcome="suppressed")
        contact = add_stranger(self._session, item.email, self._now, item.name)
        if contact is None:
            raise ChangedMeanwhileError
        return ImportRowOut(row=number, outcome="contact_only", contact=contact.id)

    def _fact(self, number: int, item: ImportRowIn, subject: Subject) -> tuple[ImportRowOut, dict[str, Any] | None]:
        missing = [name for name in _NEEDED if getattr(item, name) is None]
        if missing:
            raise InvalidInput("missing_field", f"The row has no {', '.join(missing)}.", field=missing[0])
        check_team(self._session, self._known, item.team or "")
        check_own_team(item.team or "", self._actor)
        fields = item.model_dump(exclude={"name"}) | {"name": item.name, "source": self._source}
        asked = schemas.TouchpointIn.model_validate(fields)
        before = self._before(item)
        row, outcome, found = self._facts.store(self._session, self._known, subject, asked, self._actor, self._now)
        if outcome == "created":
            row.import_id = self._import_id
            self._session.flush()
        self.conflicts += [booking for booking in found if booking not in self.conflicts]
        out = ImportRowOut.model_validate(
            {"row": number, "outcome": outcome, "contact": row.contact_id, "touchpoint": row.id}
        )
        return out, before if outcome == "updated" else None

    def _before(self, item: ImportRowIn) -> dict[str, Any] | None:
        """Return what an update would overwrite, for undo."""
        if item.external_id is None:
            return None
        row = touchpoints.find_by_external_ids(self._session, self._source, [item.external_id]).get(item.external_id)
        if row is None:
            return None
        return {
            "at": row.at.isoformat(),
            "on_date": None if row.on_date is None else row.on_date.isoformat(),
            "status": row.status,
            "team": row.team,
            "channel": row.channel,
            "purpose": row.purpose,
            "direction": row.direction,
            "engagement": row.engagement,
            "contact_id": row.contact_id,
        }


def mark_of(item: ImportRowIn, key: str) -> Mark:
    """Return what tells the row, of this address' match key, from the file's others."""
    if item.external_id is not None:
        return ("id", item.external_id)
    return ("row", key, item.at, item.date, item.team, item.channel, item.purpose)


def mark_of_raw(raw: dict[str, Any]) -> Mark | None:
    """Return the mark of a row as it was sent; None for one that cannot be read."""
    try:
        key = email_key(str(raw.get("email") or ""))
        return None if "problem" in raw else mark_of(_read(raw), key)
    except AppError:
        return None


def _read(raw: dict[str, Any]) -> ImportRowIn:
    item = read_item(ImportRowIn, {k: v for k, v in raw.items() if v not in (None, "")}, {})
    if isinstance(item, AppError):
        raise item
    return item


def _bare_key(raw: dict[str, Any]) -> str | None:
    try:
        return without_tag(email_key(str(raw.get("email") or "")))
    except InvalidInput:
        return None
