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


def check_batch(
    rules: RuleBook, rows: Sequence[BatchRow | AppError], mode: BatchMode, now: datetime
) -> list[BatchAnswer]:
    """One answer per row, in order. Rows of one account should share one `history.account`."""
    answers: list[BatchAnswer] = []
    first_row: dict[str, int] = {}
    accounts: dict[str, Timeline] = {}
    for index, row in enumerate(rows):
        if isinstance(row, AppError):
            answers.append(BatchAnswer(index, error=row))
            continue
        earlier = first_row.setdefault(row.person, index)
        if earlier != index:
            answers.append(BatchAnswer(index, duplicate_of=earlier))
            continue
        account = row.question.contact.account
        history = row.history
        if account in accounts:
            history = History(history.contact, accounts[account], history.suppressions, history.consents)
        decision = evaluate(rules, history, row.question, now)
        answers.append(BatchAnswer(index, decision=decision))
        if mode is BatchMode.SEQUENTIAL and decision.eligible and account is not None:
            accounts[account] = history.account.with_fact(as_booked(row.question, index))
    return answers


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
