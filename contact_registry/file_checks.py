"""Lists being judged piece by piece, as items of a batch or as rows of a file; one piece of all rows is the usual case.

Called by the batch check, the check of files, and the worker that answers long lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key, without_tag
from contact_registry.batch import BatchAnswer, BatchMode, BatchRun
from contact_registry.confinement import with_own_team, within_team
from contact_registry.csv_tables import Table
from contact_registry.instants import write_instant
from contact_registry.messages import reason_message
from contact_registry.questions import QuestionService, item_out, read_item
from contact_registry.reading import Rules
from contact_registry.repository import people
from contact_registry.schemas_imports import SuspectedOut
from core.errors import AppError

RESULT_COLUMNS = ("eligibility", "status", "next_eligible_at", "reason", "matched_contact", "duplicate_of_row")


class ListCheck:
    """Judges items in the order they come, all under the same rules and at the same moment."""

    def __init__(
        self,
        questions: QuestionService,
        known: Rules,
        now: datetime,
        actor: Actor,
        defaults: schemas.BatchDefaults,
        mode: str,
    ) -> None:
        self.known = known
        self.now = now
        self.actor = actor
        self._questions = questions
        self._filled = with_own_team(defaults.model_dump(exclude_none=True, exclude={"ttl"}), actor)
        self._run = BatchRun(known.book, BatchMode(mode), now)

    def judge(self, session: Session, sent: Sequence[Mapping[str, Any]]) -> list[BatchAnswer]:
        """Return one answer to each of the next items."""
        items, booked = self._items(sent), self._run.booked()
        return self._run.judge(self._questions.rows(session, self.known, items, self.now, booked))

    def remember(self, session: Session, sent: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        """Take the next items as answered: `given` are their `BatchItemOut` as JSON."""
        asked = self._questions.asked(session, self.known, self._items(sent), self.now)
        self._run.remember(asked, [one["decision"] == "eligible" for one in given])

    def _items(self, sent: Sequence[Mapping[str, Any]]) -> list[schemas.QuestionIn | AppError]:
        return within_team([read_item(schemas.QuestionIn, item, self._filled) for item in sent], self.actor)


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """Answers to some rows of a file, the rows with RESULT_COLUMNS behind, and who may be somebody else there."""

    out: list[schemas.BatchItemOut]
    lines: list[list[str]]
    suspected: list[SuspectedOut]


class FileCheck:
    """Judges the rows of a file; columns of the file win over the defaults of its `ListCheck`."""

    def __init__(self, check: ListCheck, table: Table, column: int) -> None:
        self._check = check
        self._table = table
        self._column = column
        self._recognised = table.recognised()
        self._first: dict[str, tuple[int, str]] = {}  # address without its +tag: the first row with it, and its key

    def judge(self, session: Session, start: int, stop: int) -> CheckedRows:
        """Judge the rows from `start` up to `stop`, which are the next ones."""
        rows, actor = self._table.rows[start:stop], self._check.actor
        found = self._check.judge(session, [question_of(row, self._column, self._recognised) for row in rows])
        out = [item_out(answer, actor) for answer in found]
        lines = []
        for row, answer, item in zip(rows, found, out, strict=True):
            reason = item.message or ""
            if answer.decision is not None and answer.decision.reasons:
                decision = replace(answer.decision, account_name=None) if actor.hides_contacts else answer.decision
                reason = reason_message(decision.reasons[0], decision, self._check.known.teams, actor.sees_privacy)
            lines.append([*row, *_result_cells(item, reason)])
        return CheckedRows(out, lines, self._suspected(session, found))

    def remember(self, session: Session, start: int, given: Sequence[Mapping[str, Any]]) -> None:
        """Take the rows from `start` on, which are the next ones, as answered."""
        rows = self._table.rows[start : start + len(given)]
        self._check.remember(session, [question_of(row, self._column, self._recognised) for row in rows], given)
        for index, (row, one) in enumerate(zip(rows, given, strict=True), start):
            if one["decision"] is not None:
                key = email_key(row[self._column])
                self._first.setdefault(without_tag(key), (index, key))

    def _suspected(self, session: Session, answers: Sequence[BatchAnswer]) -> list[SuspectedOut]:
        """Return the rows that may repeat a person under another spelling, in order."""
        cells = self._table.rows
        keys = {one.index: email_key(cells[one.index][self._column]) for one in answers if one.decision is not None}
        strangers = {one.index for one in answers if one.decision is not None and one.decision.contact is None}
        bare = {index: without_tag(key) for index, key in keys.items()}
        on_file = people.find_owners_by_untagged(session, {bare[index] for index in strangers})
        found: list[SuspectedOut] = []
        for index, key in keys.items():
            earlier, earlier_key = self._first.setdefault(bare[index], (index, key))
            owner = None if self._check.actor.hides_contacts or index not in strangers else on_file.get(bare[index])
            if earlier_key != key:
                found.append(SuspectedOut(index=index, row=earlier))
            elif owner is not None:
                found.append(SuspectedOut(index=index, contact=owner))
        return found


def question_of(row: list[str], email: int, recognised: Mapping[str, int]) -> dict[str, Any]:
    """Return a file's row as an item of a batch."""
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
