"""History from other systems, row by row: each row is created, updated, unchanged, repeated, suppressed or wrong.

Importing twice is importing once, through `(source, external_id)`. Rows of erased people are counted, not stored.
A dry run does all of it and keeps nothing.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key
from contact_registry.confinement import check_own_team
from contact_registry.facts import FactService
from contact_registry.instants import Instant
from contact_registry.questions import read_item
from contact_registry.reading import Rules, Subject
from contact_registry.registrar import add_stranger
from contact_registry.repeats import RequestKey
from contact_registry.repository import imports, people, touchpoints
from contact_registry.schemas_imports import ImportIn, ImportOut, ImportRowOut
from contact_registry.tables import Touchpoint
from contact_registry.tables_of_record import HistoryImport, HistoryImportRow
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.workplace import Workplace, check_team
from core.audit import record_event
from core.errors import AppError, Conflict, InvalidInput, NotFound
from core.ids import new_id

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
    at: Instant | None = None
    date: dt.date | None = None
    team: schemas.Slug | None = None
    channel: schemas.Slug | None = None
    purpose: schemas.Slug | None = None
    engagement: schemas.Id | None = None
    direction: schemas.Direction = "outbound"
    status: Annotated[str, AfterValidator(_known_status)] = "completed"


class _DryRunDoneError(Exception):
    """Carries the answer of a dry run out of its transaction, which is rolled back."""

    def __init__(self, answer: ImportOut) -> None:
        super().__init__()
        self.answer = answer


class ImportService:
    def __init__(self, workplace: Workplace, facts: FactService) -> None:
        self._at = workplace
        self._facts = facts

    def run(self, sent: ImportIn, actor: Actor, request: RequestKey | None = None) -> ImportOut:
        """Import the rows, or say what importing them would do (`dry_run`)."""
        try:
            return self._at.write(lambda session: self._run(session, sent, actor, request))
        except _DryRunDoneError as done:
            return done.answer

    def _run(self, session: Session, sent: ImportIn, actor: Actor, request: RequestKey | None) -> ImportOut:
        stored = None if sent.dry_run else self._at.repeats.find(session, request)
        if stored is not None and stored.subject_id is not None:
            return self._read(session, stored.subject_id)
        self._at.locks.rules_shared(session)
        known = self._at.reader.rules(session)
        now = self._at.locks.now(session, self._at.clock)
        source = sent.source or actor.source
        record = HistoryImport(
            id=new_id("imp"), file_name=sent.file_name, status="imported", created_by=actor.id, created_at=now
        )
        session.add(record)
        session.flush()
        run = _Run(self._at, self._facts, session, known, source, record.id, actor, now)
        rows = [run.row(number, row) for number, row in enumerate(sent.rows, start=1)]
        record.counts = dict(sorted(Counter(row.outcome for row in rows).items()))
        record_event(
            session,
            at=now,
            actor=actor.id,
            action="import.done",
            subject_type="import",
            subject_id=record.id,
            detail=dict(record.counts),
        )
        session.flush()
        answer = ImportOut(
            id=None if sent.dry_run else record.id,
            status="previewed" if sent.dry_run else record.status,
            file_name=record.file_name,
            counts=record.counts,
            rows=rows,
            new_conflicts=run.conflicts,
            created_at=now,
        )
        if sent.dry_run:
            raise _DryRunDoneError(answer)
        body = answer.model_dump(mode="json", exclude={"rows"})
        self._at.repeats.keep(session, request, status=207, body=body, at=now, subject_id=record.id, is_personal=True)
        return answer

    def get(self, import_id: str) -> ImportOut:
        """Return an import with the outcome of every row. Raises NotFound `import_not_found`."""
        with self._at.database.read() as session:
            return self._read(session, import_id)

    def recent(self, limit: int = 50) -> list[ImportOut]:
        """Return the latest imports without their rows, newest first."""
        with self._at.database.read() as session:
            return [_out(record, []) for record in imports.recent_imports(session, limit)]

    def _read(self, session: Session, import_id: str) -> ImportOut:
        record = session.get(HistoryImport, import_id)
        if record is None:
            raise NotFound("import_not_found", f"There is no import {import_id[:40]!r}.")
        rows = [
            ImportRowOut.model_validate(
                row.model_dump(exclude={"import_id", "contact_id", "touchpoint_id"})
            ).model_copy(update={"contact": row.contact_id, "touchpoint": row.touchpoint_id})
            for row in imports.import_rows(session, import_id)
        ]
        return _out(record, rows)

    def undo(self, import_id: str, actor: Actor) -> ImportOut:
        """Void what the import created and restore what it changed. Raises NotFound, Conflict `already_undone`, Forbidden `other_team`."""

        def work(session: Session) -> ImportOut:
            record = session.get(HistoryImport, import_id, populate_existing=True)
            if record is None:
                raise NotFound("import_not_found", f"There is no import {import_id[:40]!r}.")
            if record.status == "undone":
                raise Conflict("already_undone", "This import was undone before.")
            done = imports.import_rows(session, import_id)
            rows = touchpoints.touchpoint_rows(session, (row.touchpoint_id for row in done if row.touchpoint_id))
            for row in rows.values():
                check_own_team(row.team, actor)
            self._at.locks.contacts(session, {row.contact_id for row in rows.values() if row.contact_id})
            owners = _owners_now(session, (line.before["contact_id"] for line in done if line.before))
            now = self._at.locks.now(session, self._at.clock)
            for line in done:
                row = rows.get(line.touchpoint_id or "")
                if row is not None and row.contact_id is not None:
                    _restore(row, line, owners, now)
            record.status, record.undone_at = "undone", now
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="import.undone",
                subject_type="import",
                subject_id=import_id,
            )
            session.flush()
            return self._read(session, import_id)

        return self._at.write(work)


def _out(record: HistoryImport, rows: list[ImportRowOut]) -> ImportOut:
    return ImportOut(
        id=record.id,
        status=record.status,
        file_name=record.file_name,
        counts=record.counts,
        rows=rows,
        created_at=record.created_at,
    )


def _owners_now(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Return the contacts' present ids: a merged one's is the survivor's, an erased one has none."""
    persons = people.find_people(session, ids)
    return {key: person.merged_into or key for key, person in persons.items() if person.erased_at is None}


def _restore(row: Touchpoint, line: HistoryImportRow, owners: Mapping[str, str], now: dt.datetime) -> None:
    if line.outcome == "created":
        row.status = "voided"
        row.external_id = None  # so that the file can be imported again
    elif line.outcome == "updated" and line.before is not None:
        before = dict(line.before)
        row.at = dt.datetime.fromisoformat(before.pop("at"))
        day = before.pop("on_date")
        row.on_date = None if day is None else dt.date.fromisoformat(day)
        row.contact_id = owners.get(before.pop("contact_id"), row.contact_id)
        for name, value in before.items():
            setattr(row, name, value)
    else:
        return
    row.updated_at = now
    row.revision += 1


class _Run:
    """One import under way."""

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
    ) -> None:
        self._at = workplace
        self._facts = facts
        self._session = session
        self._known = known
        self._source = source
        self._import_id = import_id
        self._actor = actor
        self._now = now
        self._seen: set[tuple[Any, ...]] = set()
        self.conflicts: list[str] = []

    def row(self, number: int, raw: dict[str, Any]) -> ImportRowOut:
        """Import one row, and write down what became of it."""
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
        return out

    def _import(self, number: int, raw: dict[str, Any]) -> tuple[ImportRowOut, dict[str, Any] | None]:
        key = email_key(str(raw.get("email") or ""))
        if "problem" in raw:  # a file's row whose time could not be read
            raise InvalidInput(*raw["problem"])
        item = read_item(ImportRowIn, {k: v for k, v in raw.items() if v not in (None, "")}, {})
        if isinstance(item, AppError):
            raise item
        subject = self._at.lock_person(self._session, None, item.email)
        if self._is_repeated(item, key):
            return ImportRowOut(row=number, outcome="duplicate_in_file", contact=subject.view.id), None
        if item.at is None and item.date is None:
            return self._person_only(number, item, subject), None
        return self._fact(number, item, subject)

    def _is_repeated(self, item: ImportRowIn, key: str) -> bool:
        """Return whether the file said the same before: the same external id, or the same row without one."""
        mark: tuple[Any, ...] = ("id", item.external_id)
        if item.external_id is None:
            mark = ("row", key, item.at, item.date, item.team, item.channel, item.purpose)
        repeated = mark in self._seen
        self._seen.add(mark)
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
