"""`consent_required`: the latest consent record in force at t for the purpose (this channel or any) is a
grant.

Ties at one instant go to the withdrawal, and among grants to the one that ends first.
"""

from __future__ import annotations

from datetime import datetime

from contact_registry.policies.case import Case, Finding
from contact_registry.values import ConsentFact, ConsentState, Policy


class ConsentRequired:
    """One consent policy applied to one case."""

    def __init__(self, policy: Policy, case: Case) -> None:
        question = case.question
        purpose = policy.consent_purpose or question.purpose
        self._records = sorted(
            (
                record
                for record in case.history.consents
                if record.purpose == purpose and record.channel in (None, question.channel)
            ),
            key=_starts,
        )

    def finding(self, at: datetime) -> Finding | None:
        return None if self._granted(at) else Finding()

    def clears_at(self, at: datetime) -> datetime | None:
        if self._granted(at):
            return at
        starts = (record.effective_from for record in self._records if record.effective_from > at)
        return next((start for start in starts if self._granted(start)), None)

    def _granted(self, at: datetime) -> bool:
        begun = [record for record in self._records if record.effective_from <= at]
        if not begun:
            return False
        latest = begun[-1].effective_from
        return all(_allows(record, at) for record in begun if record.effective_from == latest)


def _starts(record: ConsentFact) -> datetime:
    return record.effective_from


def _allows(record: ConsentFact, at: datetime) -> bool:
    in_force = record.effective_until is None or at < record.effective_until
    return record.state is ConsentState.GRANTED and in_force
