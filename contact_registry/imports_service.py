"""History from other systems: imports, what became of their rows, and taking them back.

Importing twice is importing once, through `(source, external_id)`. Rows of erased people are counted, not stored.
A dry run does all of it and keeps nothing.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.confinement import check_own_team
from contact_registry.csv_tables import Table
from contact_registry.facts import FactService
from contact_registry.import_run import ImportRun, Mark
from contact_registry.repeats import RequestKey
from contact_registry.repository import imports, people, touchpoints
from contact_registry.schemas_imports import ImportIn, ImportOut, ImportRowOut
from contact_registry.tables import Touchpoint
from contact_registry.tables_of_lists import ImportedLine
from contact_registry.tables_of_record import HistoryImport, HistoryImportRow
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import Conflict, NotFound
from core.ids import new_id

RUNNING = "running"
LINES_KEPT = dt.timedelta(days=7)


class _DryRunDoneError(Exception):
    """Carries the answer of a dry run out of its transaction, which is rolled back."""

    def __init__(self, answer: ImportOut) -> None:
        super().__init__()
        self.answer = answer


class ImportService:
    def __init__(self, workplace: Workplace, facts: FactService) -> None:
        self._at = workplace
        self._facts = facts

    def run(
        self, sent: ImportIn, actor: Actor, request: RequestKey | None = None, table: Table | None = None
    ) -> ImportOut:
        """Import the rows, or say what importing them would do (`dry_run`). `table` is the file they are from."""
        try:
            return self._at.write(lambda session: self._run(session, sent, actor, request, table))
        except _DryRunDoneError as done:
            return done.answer

    def _run(
        self, session: Session, sent: ImportIn, actor: Actor, request: RequestKey | None, table: Table | None
    ) -> ImportOut:
        stored = None if sent.dry_run else self._at.repeats.find(session, request)
        if stored is not None and stored.subject_id is not None:
            return self._read(session, stored.subject_id)
        record = self.begin(session, sent.file_name, None if table is None else table.columns, actor)
        run = self.run_of(session, record, sent.source, actor)
        cells = [None] * len(sent.rows) if table is None else table.rows
        rows = [run.row(number, *row) for number, row in enumerate(zip(sent.rows, cells, strict=True), start=1)]
        self.count(record, rows)
        self.finish(session, record, actor)
        now = record.created_at
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

    def begin(self, session: Session, file_name: str | None, columns: list[str] | None, actor: Actor) -> HistoryImport:
        """Add an import under way, and for a file its heading. Its rows come next, in this transaction or more."""
        self._at.locks.rules_shared(session)
        now = self._at.locks.now(session, self._at.clock)
        record = HistoryImport(
            id=new_id("imp"), file_name=file_name, status=RUNNING, created_by=actor.id, created_at=now
        )
        session.add(record)
        session.flush()
        if columns is not None:
            imports.forget_lines_before(session, now - LINES_KEPT)
            session.add(ImportedLine(import_id=record.id, line=0, cells=columns))
        return record

    def run_of(
        self,
        session: Session,
        record: HistoryImport,
        source: str | None,
        actor: Actor,
        earlier: AbstractSet[Mark] = frozenset(),
    ) -> ImportRun:
        """Return what imports rows into the record, which stand behind rows with the marks `earlier`."""
        self._at.locks.rules_shared(session)
        known = self._at.reader.rules(session)
        now = self._at.locks.now(session, self._at.clock)
        return ImportRun(self._at, self._facts, session, known, source or actor.source, record.id, actor, now, earlier)

    def count(self, record: HistoryImport, rows: Iterable[ImportRowOut]) -> None:
        """Add the outcomes to those of the rows before."""
        record.counts = dict(sorted((Counter(record.counts) + Counter(row.outcome for row in rows)).items()))

    def finish(self, session: Session, record: HistoryImport, actor: Actor) -> None:
        """End an import: from now on it can be undone."""
        record.status = "imported"
        record_event(
            session,
            at=self._at.locks.now(session, self._at.clock),
            actor=actor.id,
            action="import.done",
            subject_type="import",
            subject_id=record.id,
            detail=dict(record.counts),
        )
        session.flush()

    def lines_of(self, import_id: str) -> dict[int, list[str]]:
        """Return the lines of the imported file that are kept, by their number; 0 is the heading."""
        with self._at.database.read() as session:
            return imports.lines_of(session, import_id)

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
        """Void what the import created and restore what it changed.

        Raises NotFound; Conflict `already_undone`, `import_running`; Forbidden `other_team`.
        """

        def work(session: Session) -> ImportOut:
            record = session.get(HistoryImport, import_id, populate_existing=True)
            if record is None:
                raise NotFound("import_not_found", f"There is no import {import_id[:40]!r}.")
            if record.status == "undone":
                raise Conflict("already_undone", "This import was undone before.")
            if record.status == RUNNING:
                raise Conflict("import_running", "This import is still under way: undo it when it has ended.")
            done = imports.import_rows(session, import_id)
            rows = touchpoints.touchpoint_rows(session, (row.touchpoint_id for row in done if row.touchpoint_id))
            for touched in rows.values():
                check_own_team(touched.team, actor)
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


def outcome_cells(row: ImportRowOut) -> list[str]:
    """Return what became of a row as cells of the outcome file."""
    return [str(row.row), row.outcome, row.error or "", row.message or "", row.contact or "", row.touchpoint or ""]


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
