"""What a long list needs: to be answered piece by piece, and to be taken up again where another process left it.

`ListWorker` makes one of these per job. `keep` stores a piece in the transaction it is called in; it raises
`LostJobError` where the job has gone.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.csv_service import email_index, import_rows
from contact_registry.csv_tables import Table, read_table, write_table
from contact_registry.file_checks import FileCheck, ListCheck
from contact_registry.import_run import Mark, mark_of_raw
from contact_registry.imports_service import ImportService, outcome_cells
from contact_registry.instants import write_instant
from contact_registry.questions import QuestionService, count_badges, item_out
from contact_registry.repository import rules
from contact_registry.rules_service import RulesService
from contact_registry.schemas_imports import MAX_JOB_ROWS, HistoryFile, ImportRowOut
from contact_registry.schemas_rules import SimulateIn
from contact_registry.tables_of_lists import RegistryJob, RegistryJobPart
from contact_registry.tables_of_record import HistoryImport
from contact_registry.workplace import Workplace

CHECKED_AT_ONCE = 1000
IMPORTED_AT_ONCE = 100  # others wait for the database's one writer meanwhile: a fifth of a second


@dataclass(frozen=True, slots=True)
class Piece:
    """Answers to `count` rows: `rows` are JSON, `rest` is added up over all pieces, `lines` are of a CSV file."""

    count: int
    rows: Sequence[str] = ()
    rest: dict[str, Any] = field(default_factory=dict)
    lines: Sequence[Sequence[str]] = ()
    import_id: str | None = None
    is_last: bool = False

    @property
    def csv(self) -> str:
        return write_table(self.lines[0], self.lines[1:]).decode() if self.lines else ""


Keep = Callable[[Session, Piece], None]


class Work(Protocol):
    head: dict[str, Any]  # what the whole answer says beside its rows
    holds_writer: bool  # while a piece is answered, so that others must get their turn between two

    def resume(self, session: Session, parts: Iterable[RegistryJobPart]) -> None:
        """Take up what was answered before, in the order of the list."""

    def answer(self, start: int, keep: Keep) -> None:
        """Answer the rows from `start` on and keep them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The services that answer lists."""

    at: Workplace
    questions: QuestionService
    imports: ImportService
    rules: RulesService


class StaleRulesError(Exception):
    """Other rules came in force since the list was begun: it begins again, so that one answer knows one set."""


class _Pinned:
    """Work under the rules and at the moment with which it began."""

    holds_writer = False

    def __init__(self, parts: Parts, job: RegistryJob) -> None:
        assert job.started_at is not None, "a job that is worked on was begun"
        self.at = parts.at
        self.now = job.started_at
        with parts.at.database.read() as session:
            self._version = rules.active_version(session)
        if job.head.get("policy_version", self._version) != self._version:
            raise StaleRulesError
        self.head: dict[str, Any] = {"policy_version": self._version, "checked_at": write_instant(self.now)}

    def require_same_rules(self, session: Session) -> None:
        if rules.active_version(session) != self._version:
            raise StaleRulesError


class _Checking(_Pinned):
    def __init__(self, parts: Parts, job: RegistryJob, actor: Actor) -> None:
        super().__init__(parts, job)
        with parts.at.database.read() as session:
            self.require_same_rules(session)
            known = parts.at.reader.rules(session)
        defaults = schemas.BatchDefaults.model_validate(job.asked["defaults"])
        self.check = ListCheck(parts.questions, known, self.now, actor, defaults, job.asked["mode"])


class ItemsWork(_Checking):
    """A batch check."""

    def __init__(self, parts: Parts, job: RegistryJob, actor: Actor, content: bytes) -> None:
        super().__init__(parts, job, actor)
        self._items: list[dict[str, Any]] = json.loads(content)

    def resume(self, session: Session, parts: Iterable[RegistryJobPart]) -> None:
        for part in parts:
            given = rows_of(part)
            self.check.remember(session, self._items[part.start : part.start + len(given)], given)

    def answer(self, start: int, keep: Keep) -> None:
        sent = self._items[start : start + CHECKED_AT_ONCE]
        with self.at.database.read() as session:
            self.require_same_rules(session)
            out = [item_out(answer, self.check.actor) for answer in self.check.judge(session, sent)]
        is_last = start + len(sent) >= len(self._items)
        piece = Piece(len(sent), [one.model_dump_json() for one in out], {"counts": count_badges(out)}, is_last=is_last)
        self.at.write(lambda session: keep(session, piece))


class FileWork(_Checking):
    """A check of a file."""

    def __init__(self, parts: Parts, job: RegistryJob, actor: Actor, content: bytes) -> None:
        super().__init__(parts, job, actor)
        self._table = read_table(content, job.asked["encoding"], most=MAX_JOB_ROWS)
        column = email_index(self._table, job.asked["email_column"])
        self._file = FileCheck(self.check, self._table, column)
        table = self._table
        read = {"encoding": table.encoding, "delimiter": table.delimiter, "columns": table.columns}
        self.head = read | {"email_column": table.columns[column]} | self.head

    def resume(self, session: Session, parts: Iterable[RegistryJobPart]) -> None:
        for part in parts:
            self._file.remember(session, part.start, rows_of(part))

    def answer(self, start: int, keep: Keep) -> None:
        stop = min(start + CHECKED_AT_ONCE, len(self._table.rows))
        with self.at.database.read() as session:
            self.require_same_rules(session)
            found = self._file.judge(session, start, stop)
        piece = Piece(
            stop - start,
            [one.model_dump_json() for one in found.out],
            {
                "counts": count_badges(found.out),
                "suspected_duplicates": [one.model_dump(mode="json") for one in found.suspected],
            },
            found.lines,
            is_last=stop == len(self._table.rows),
        )
        self.at.write(lambda session: keep(session, piece))


class _UndoneError(Exception):
    """Carries a piece of a dry run out of its transaction, which is rolled back."""

    def __init__(self, piece: Piece) -> None:
        super().__init__()
        self.piece = piece


class ImportWork:
    """An import of history, each piece in one transaction with its answers; or its dry run."""

    holds_writer = True

    def __init__(self, parts: Parts, job: RegistryJob, actor: Actor, content: bytes) -> None:
        self._at = parts.at
        self._imports = parts.imports
        self._actor = actor
        self._asked = job.asked
        self._import_id = job.import_id
        self._table: Table | None = None
        if job.kind == "csv_import":
            how = HistoryFile.model_validate(job.asked)
            self._table = read_table(content, how.encoding, most=MAX_JOB_ROWS)
            self._rows = import_rows(self._table, how, parts.at.settings.timezone)
        else:
            self._rows = json.loads(content)
        self._marks: set[Mark] = set()
        status = "previewed" if job.asked["dry_run"] else "imported"
        created_at = write_instant(job.started_at or job.created_at)
        self._columns = None if self._table is None else self._table.columns
        self.head: dict[str, Any] = {"status": status, "file_name": job.asked["file_name"], "created_at": created_at}
        if self._columns is not None:
            self.head["columns"] = self._columns

    def resume(self, session: Session, parts: Iterable[RegistryJobPart]) -> None:
        done = max((part.start + len(rows_of(part)) for part in parts), default=0)
        self._marks = {mark for mark in map(mark_of_raw, self._rows[:done]) if mark is not None}

    def answer(self, start: int, keep: Keep) -> None:
        if self._asked["dry_run"]:
            piece = self._tried(start)
            self._at.write(lambda session: keep(session, piece))
            return

        def work(session: Session) -> tuple[Piece, set[Mark]]:
            piece, marks = self._import(session, start)
            keep(session, piece)
            return piece, marks

        piece, marks = self._at.write(work)
        self._import_id = piece.import_id
        self._marks |= marks

    def _tried(self, start: int) -> Piece:
        def work(session: Session) -> None:
            piece, marks = self._import(session, start)
            self._marks |= marks
            raise _UndoneError(piece)

        try:
            self._at.write(work)
        except _UndoneError as undone:
            return undone.piece
        raise AssertionError("a dry run is always undone")

    def _import(self, session: Session, start: int) -> tuple[Piece, set[Mark]]:
        record = None if self._import_id is None else session.get(HistoryImport, self._import_id)
        if record is None:
            record = self._imports.begin(session, self._asked["file_name"], self._columns, self._actor)
        run = self._imports.run_of(session, record, self._asked["source"], self._actor, self._marks)
        stop = min(start + IMPORTED_AT_ONCE, len(self._rows))
        cells: Sequence[list[str] | None] = [None] * (stop - start)
        if self._table is not None:
            cells = self._table.rows[start:stop]
        rows = [
            run.row(number, *row)
            for number, row in enumerate(zip(self._rows[start:stop], cells, strict=True), start=start + 1)
        ]
        self._imports.count(record, rows)
        is_last = stop == len(self._rows)
        if is_last:
            self._imports.finish(session, record, self._actor)
        is_kept = not self._asked["dry_run"]
        piece = Piece(
            len(rows),
            [row.model_dump_json() for row in rows],
            {"counts": _counted(rows), "new_conflicts": run.conflicts},
            [_line(row, one) for row, one in zip(rows, cells, strict=True)] if self._table is not None else [],
            record.id if is_kept else None,
            is_last,
        )
        return piece, run.marks


class SimulationWork(_Pinned):
    """A comparison of proposed rules with those in force, for everybody or for many."""

    def __init__(self, parts: Parts, job: RegistryJob, actor: Actor, content: bytes) -> None:
        super().__init__(parts, job)
        self._rules = parts.rules
        self._asked = SimulateIn.model_validate_json(content)
        self._after = ""

    def resume(self, session: Session, parts: Iterable[RegistryJobPart]) -> None:
        for part in parts:
            self._after = part.rest["after"][-1]

    def answer(self, start: int, keep: Keep) -> None:
        with self.at.database.read() as session:
            self.require_same_rules(session)
            found, looked_at, self._after = self._rules.simulate_some(session, self._asked, self._after, self.now)
        rest = {
            "newly_ineligible": list(found.newly_ineligible),
            "newly_eligible": list(found.newly_eligible),
            "conflicts": [[at.isoformat(), booking] for at, booking in found.conflicts],
            "population": found.population,
            "counts_by_team": found.conflicts_by_team,
            "counts_by_segment": found.by_segment,
            "after": [self._after],
        }
        piece = Piece(looked_at, rest=rest, is_last=looked_at == 0)
        self.at.write(lambda session: keep(session, piece))


def rows_of(part: RegistryJobPart) -> list[dict[str, Any]]:
    """Return the answers of a part."""
    rows: list[dict[str, Any]] = json.loads(f"[{part.rows}]")
    return rows


def _counted(rows: Iterable[ImportRowOut]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return counts


def _line(row: ImportRowOut, cells: list[str] | None) -> list[str]:
    own = cells or []
    return [*([""] * len(own) if row.outcome == "suppressed" else own), *outcome_cells(row)]


MAKERS: dict[str, Callable[[Parts, RegistryJob, Actor, bytes], Work]] = {
    "batch_check": ItemsWork,
    "csv_check": FileWork,
    "import": ImportWork,
    "csv_import": ImportWork,
    "simulation": SimulationWork,
}
