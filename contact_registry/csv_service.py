"""Lists of people as files: who of them may be contacted, and history that is taken in."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.csv_tables import Table, read_table, write_table
from contact_registry.file_checks import RESULT_COLUMNS, FileCheck, ListCheck, question_of
from contact_registry.imports_service import ImportService, outcome_cells
from contact_registry.instants import write_instant
from contact_registry.local_times import DateFormat, read_time
from contact_registry.questions import QuestionService, count_badges
from contact_registry.repeats import RequestKey
from contact_registry.schemas_imports import MAX_JOB_ROWS, MAX_ROWS, CsvCheckOut, HistoryFile, ImportIn, ImportOut
from contact_registry.workplace import Workplace
from core.errors import AppError, InvalidInput

OUTCOME_COLUMNS = ("row", "outcome", "error", "message", "contact", "touchpoint")


class CsvService:
    def __init__(self, workplace: Workplace, questions: QuestionService, imports: ImportService) -> None:
        self._at = workplace
        self._questions = questions
        self._imports = imports

    def is_long(self, content: bytes, encoding: str | None = None) -> bool:
        """Return whether the file is a job. Raises as `read_table`, beyond what a job takes `too_many_rows`."""
        if content.count(b"\n") + content.count(b"\r") <= MAX_ROWS:  # in any encoding no row is without one
            return False
        return len(read_table(content, encoding, most=MAX_JOB_ROWS).rows) > MAX_ROWS

    def check(
        self,
        content: bytes,
        defaults: schemas.BatchDefaults,
        actor: Actor,
        *,
        email_column: str | None = None,
        encoding: str | None = None,
        mode: str = "sequential",
    ) -> tuple[CsvCheckOut, bytes]:
        """Judge every row: the answer, and the file again with RESULT_COLUMNS behind its own.

        Columns of the file (team, channel, purpose, at, engagement) win over `defaults`. Nothing is written.
        """
        table = read_table(content, encoding)
        column = email_index(table, email_column)
        with self._at.database.read() as session:
            known = self._at.reader.rules(session)
            now = self._at.locks.now(session, self._at.clock)
            check = ListCheck(self._questions, known, now, actor, defaults, mode)
            found = FileCheck(check, table, column).judge(session, 0, len(table.rows))
        answer_out = CsvCheckOut(
            encoding=table.encoding,
            delimiter=table.delimiter,
            columns=table.columns,
            email_column=table.columns[column],
            policy_version=known.book.version,
            checked_at=write_instant(now),
            counts=count_badges(found.out),
            rows=found.out,
            suspected_duplicates=found.suspected,
        )
        return answer_out, write_table([*table.columns, *RESULT_COLUMNS], found.lines)

    def items(
        self, content: bytes, *, email_column: str | None = None, encoding: str | None = None
    ) -> list[dict[str, Any]]:
        """Return every row as an item of a batch: the person, and what the row says of the question."""
        table = read_table(content, encoding)
        column, recognised = email_index(table, email_column), table.recognised()
        return [question_of(row, column, recognised) for row in table.rows]

    def import_file(
        self,
        content: bytes,
        actor: Actor,
        how: HistoryFile,
        request: RequestKey | None = None,
    ) -> ImportOut:
        """Import a file of history. Raises InvalidInput for what is no list or has no addresses."""
        table = read_table(content, how.encoding)
        rows = import_rows(table, how, self._at.settings.timezone)
        sent = ImportIn(rows=rows, source=how.source, dry_run=how.dry_run, file_name=how.file_name)
        return self._imports.run(sent, actor, request, table)

    def outcome_file(self, import_id: str) -> bytes:
        """Return an import's outcome behind the lines of its file, while these are kept; suppressed ones are empty.

        Raises NotFound `import_not_found`.
        """
        done = self._imports.get(import_id)
        lines = self._imports.lines_of(import_id)
        columns = lines.get(0, [])
        blank = [""] * len(columns)
        rows = [[*lines.get(row.row, blank), *outcome_cells(row)] for row in done.rows]
        return write_table([*columns, *OUTCOME_COLUMNS], rows)


def import_rows(table: Table, how: HistoryFile, usual_zone: str) -> list[dict[str, Any]]:
    """Return the rows of a file as `ImportIn` takes them; local times are in `usual_zone` where `how` names none.

    Raises InvalidInput `no_email_column`.
    """
    recognised = table.recognised(how.columns)
    if "email" not in recognised:
        email_index(table, None)  # raises
    zone = how.tz or usual_zone
    return [_import_row(row, recognised, how.defaults, zone, how.order) for row in table.rows]


def email_index(table: Table, wanted: str | None) -> int:
    """Return the index of the column that holds addresses. Raises InvalidInput `no_email_column`."""
    if wanted is not None and wanted in table.columns:
        return table.columns.index(wanted)
    index = table.recognised().get("email")
    if wanted is not None or index is None:
        raise InvalidInput(
            "no_email_column",
            "No column of the file is called email: name the one that holds the addresses.",
            columns=table.columns,
        )
    return index


def _import_row(
    row: list[str], recognised: Mapping[str, int], defaults: Mapping[str, str], zone: str, order: DateFormat
) -> dict[str, Any]:
    """Return one row as `ImportIn` takes it; what is wrong with its time is told as that row's error."""
    item: dict[str, Any] = {field: row[index].strip() for field, index in recognised.items() if row[index].strip()}
    item = {**defaults, **item}
    times = [item.pop(field) for field in ("at", "date") if field in item]
    if times:
        try:
            when = read_time(times[0], zone, order)
        except AppError as error:
            return {**item, "problem": (error.code, error.message)}
        item["at" if isinstance(when, dt.datetime) else "date"] = when
    return item
