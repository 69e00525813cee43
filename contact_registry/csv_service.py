"""Lists of people as files: who of them may be contacted, and history that is taken in."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key, without_tag
from contact_registry.batch import BatchAnswer, BatchMode, check_batch
from contact_registry.confinement import with_own_team, within_team
from contact_registry.csv_tables import Table, read_table, write_table
from contact_registry.imports_service import ImportService
from contact_registry.instants import write_instant
from contact_registry.local_times import DateFormat, read_time
from contact_registry.messages import reason_message
from contact_registry.questions import QuestionService, count_badges, item_out, read_item
from contact_registry.repeats import RequestKey
from contact_registry.repository import people
from contact_registry.schemas_imports import ImportIn, ImportOut
from contact_registry.workplace import Workplace
from core.errors import AppError, InvalidInput

RESULT_COLUMNS = ("eligibility", "status", "next_eligible_at", "reason", "matched_contact", "duplicate_of_row")


class SuspectedOut(BaseModel):
    """A row whose address differs only by its +tag from that of an earlier row, or of somebody on file."""

    index: int
    row: int | None = None  # the earlier row's index
    contact: str | None = None


class CsvCheckOut(BaseModel):
    """How the file was read, how many people have which badge, and one line per row (`index` 0 is row 1).

    Suspected duplicates are for somebody to look at: each is answered as a person of their own.
    """

    encoding: str
    delimiter: str
    columns: list[str]
    email_column: str
    policy_version: int
    checked_at: str
    counts: dict[str, int]
    rows: list[schemas.BatchItemOut]
    suspected_duplicates: list[SuspectedOut] = []


class CsvService:
    def __init__(self, workplace: Workplace, questions: QuestionService, imports: ImportService) -> None:
        self._at = workplace
        self._questions = questions
        self._imports = imports

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
        filled = with_own_team(defaults.model_dump(exclude_none=True, exclude={"ttl"}), actor)
        recognised = table.recognised()
        items = within_team(
            [read_item(schemas.QuestionIn, _question_of(row, column, recognised), filled) for row in table.rows], actor
        )
        with self._at.database.read() as session:
            known = self._at.reader.rules(session)
            now = self._at.locks.now(session, self._at.clock)
            rows = self._questions.rows(session, known, items, now)
            found = check_batch(known.book, rows, BatchMode(mode), now)
            suspected = _suspected(session, [row[column] for row in table.rows], found, actor)
        out = [item_out(answer, actor) for answer in found]
        lines = []
        for row, answer, item in zip(table.rows, found, out, strict=True):
            reason = item.message or ""
            if answer.decision is not None and answer.decision.reasons:
                decision = replace(answer.decision, account_name=None) if actor.hides_contacts else answer.decision
                reason = reason_message(decision.reasons[0], decision, known.teams, actor.sees_privacy)
            lines.append([*row, *_result_cells(item, reason)])
        answer_out = CsvCheckOut(
            encoding=table.encoding,
            delimiter=table.delimiter,
            columns=table.columns,
            email_column=table.columns[column],
            policy_version=known.book.version,
            checked_at=write_instant(now),
            counts=count_badges(out),
            rows=out,
            suspected_duplicates=suspected,
        )
        return answer_out, write_table([*table.columns, *RESULT_COLUMNS], lines)

    def items(
        self, content: bytes, *, email_column: str | None = None, encoding: str | None = None
    ) -> list[dict[str, Any]]:
        """Return every row as an item of a batch: the person, and what the row says of the question."""
        table = read_table(content, encoding)
        column, recognised = email_index(table, email_column), table.recognised()
        return [_question_of(row, column, recognised) for row in table.rows]

    def import_file(
        self,
        content: bytes,
        actor: Actor,
        *,
        defaults: Mapping[str, str],
        tz: str | None = None,
        encoding: str | None = None,
        order: DateFormat = "iso",
        source: str | None = None,
        dry_run: bool = False,
        file_name: str | None = None,
        columns: Mapping[str, str] | None = None,
        request: RequestKey | None = None,
    ) -> ImportOut:
        """Import a file of history; local times are in `tz`, the workspace's zone by default.

        `columns` names a field's column where its heading does not say, or is misleading; "" for none.
        """
        table = read_table(content, encoding)
        recognised = table.recognised(columns)
        if "email" not in recognised:
            email_index(table, None)  # raises
        zone = tz or self._at.settings.timezone
        rows = [_import_row(row, recognised, defaults, zone, order) for row in table.rows]
        sent = ImportIn(rows=rows, source=source, dry_run=dry_run, file_name=file_name)
        return self._imports.run(sent, actor, request)

    def outcome_file(self, import_id: str) -> bytes:
        """Return an import's outcome, one line per row of the file. Raises NotFound `import_not_found`."""
        done = self._imports.get(import_id)
        rows = [
            [str(row.row), row.outcome, row.error or "", row.message or "", row.contact or "", row.touchpoint or ""]
            for row in done.rows
        ]
        return write_table(["row", "outcome", "error", "message", "contact", "touchpoint"], rows)


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


def _suspected(
    session: Session, addresses: Sequence[str], answers: Sequence[BatchAnswer], actor: Actor
) -> list[SuspectedOut]:
    """Return the rows that may repeat a person under another spelling, in order."""
    keys = {one.index: email_key(addresses[one.index]) for one in answers if one.decision is not None}
    strangers = {one.index for one in answers if one.decision is not None and one.decision.contact is None}
    bare = {index: without_tag(key) for index, key in keys.items()}
    on_file = people.find_owners_by_untagged(session, {bare[index] for index in strangers})
    first: dict[str, int] = {}
    found: list[SuspectedOut] = []
    for index, key in keys.items():
        earlier = first.setdefault(bare[index], index)
        owner = None if actor.hides_contacts or index not in strangers else on_file.get(bare[index])
        if keys[earlier] != key:
            found.append(SuspectedOut(index=index, row=earlier))
        elif owner is not None:
            found.append(SuspectedOut(index=index, contact=owner))
    return found


def _question_of(row: list[str], email: int, recognised: Mapping[str, int]) -> dict[str, Any]:
    item: dict[str, Any] = {"email": row[email]}
    for field in ("team", "channel", "purpose", "engagement", "at"):
        index = recognised.get(field)
        if index is not None and row[index].strip():
            item[field] = row[index].strip()
    return item


def _result_cells(item: schemas.BatchItemOut, reason: str) -> list[str]:
    next_at = "" if item.next_eligible_at is None else write_instant(item.next_eligible_at)
    duplicate = "" if item.duplicate_of is None else str(item.duplicate_of + 1)
    status = item.badge or item.error or ("duplicate" if duplicate else "")
    return [item.decision or "", status, next_at, reason, item.contact or "", duplicate]


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
