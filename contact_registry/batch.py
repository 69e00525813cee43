"""Checks of many people at once: each alone, or as if every eligible one were booked in order. Writes
nothing.

`sequential` is what a list needs: ten people of one account under a cap of three are not ten eligible people.
A bad row never fails the batch; results keep the order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from contact_registry.eligibility import evaluate
from contact_registry.quick_values import quick_value
from contact_registry.values import (
    Decision,
    History,
    Question,
    RuleBook,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)
from core.errors import AppError


class BatchMode(StrEnum):
    INDEPENDENT = "independent"
    SEQUENTIAL = "sequential"


@quick_value
class BatchRow:
    """One row that could be read. `person` is the same for two rows about one person (contact id or match
    key).
    """

    person: str
    question: Question
    history: History


@quick_value
class BatchAnswer:
    """Exactly one of `decision`, `duplicate_of` (index of the person's first row) and `error` is set."""

    index: int
    decision: Decision | None = None
    duplicate_of: int | None = None
    error: AppError | None = None

    @property
    def status(self) -> int:
        """The status of the row, as if it had been asked alone."""
        return 200 if self.error is None else self.error.status


class BatchRun:
    """Judges a list piece by piece, so that it comes to the same as judging it in one go."""

    def __init__(self, rules: RuleBook, mode: BatchMode, now: datetime) -> None:
        self._rules = rules
        self._mode = mode
        self._now = now
        self._next = 0
        self._first_row: dict[str, int] = {}
        self._booked: dict[str, list[TouchpointFact]] = {}

    def judge(self, rows: Sequence[BatchRow | AppError]) -> list[BatchAnswer]:
        """Return one answer per row, in order, for the next rows of the list.

        Rows of one account should share one `history.account`.
        """
        accounts: dict[str, Timeline] = {}
        return [self._judge(row, accounts) for row in rows]

    def _judge(self, row: BatchRow | AppError, accounts: dict[str, Timeline]) -> BatchAnswer:
        index = self._take_index()
        if isinstance(row, AppError):
            return BatchAnswer(index, error=row)
        earlier = self._first_row.setdefault(row.person, index)
        if earlier != index:
            return BatchAnswer(index, duplicate_of=earlier)
        account = row.question.contact.account
        history = row.history
        if account is not None and account in self._booked:
            if account not in accounts:
                accounts[account] = Timeline([*history.account, *self._booked[account]])
            history = History(history.contact, accounts[account], history.suppressions, history.consents)
        decision = evaluate(self._rules, history, row.question, self._now)
        if decision.eligible:
            fact = self._book(row.question, index)
            if fact is not None and account in accounts:  # else the account's next row makes it, if there is one
                accounts[account] = accounts[account].with_fact(fact)
        return BatchAnswer(index, decision=decision)

    def remember(self, asked: Sequence[tuple[str, Question] | AppError], eligible: Sequence[bool]) -> None:
        """Take the next rows (person, question) as already judged: `eligible` is what was answered."""
        for row, is_eligible in zip(asked, eligible, strict=True):
            index = self._take_index()
            if isinstance(row, AppError):
                continue
            person, question = row
            if self._first_row.setdefault(person, index) == index and is_eligible:
                self._book(question, index)

    def booked(self) -> dict[str, int]:
        """Return account → how many of its people were taken so far."""
        return {account: len(facts) for account, facts in self._booked.items()}

    def _take_index(self) -> int:
        self._next += 1
        return self._next - 1

    def _book(self, question: Question, index: int) -> TouchpointFact | None:
        account = question.contact.account
        if self._mode is not BatchMode.SEQUENTIAL or account is None:
            return None
        fact = as_booked(question, index)
        self._booked.setdefault(account, []).append(fact)
        return fact


def check_batch(
    rules: RuleBook, rows: Sequence[BatchRow | AppError], mode: BatchMode, now: datetime
) -> list[BatchAnswer]:
    """One answer per row, in order. Rows of one account should share one `history.account`."""
    return BatchRun(rules, mode, now).judge(rows)


def as_booked(question: Question, index: int) -> TouchpointFact:
    """The touchpoint that booking this question would make."""
    return TouchpointFact(
        id=f"row-{index}",
        contact=question.contact.id,
        account=question.contact.account,
        at=question.at,
        team=question.team,
        channel=question.channel,
        purpose=question.purpose,
        direction=question.direction,
        engagement=question.engagement,
        status=TouchpointStatus.PLANNED,
    )
