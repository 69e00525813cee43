"""What every policy kind is judged on: the rule book, the facts, the question, and the clock reading.

A kind's module offers a judge: `finding(t)` says what fails at t (None = passes) and `clears_at(t)` gives the
least instant from t on at which it passes (None = never). Seasons and `supersedes` are the evaluator's
business.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from contact_registry.quick_values import quick_value
from contact_registry.values import (
    Blocking,
    Direction,
    History,
    Level,
    Limit,
    Policy,
    Question,
    RuleBook,
    TouchpointFact,
)


@quick_value
class Case:
    """One evaluation. `zone` is the person's zone, `now` the clock by which reservations live or lapse."""

    rules: RuleBook
    history: History
    question: Question
    now: datetime
    zone: str

    def zone_for(self, policy: Policy) -> str:
        """The zone in which this policy reads dates and wall clocks."""
        if policy.tz is None:
            return self.rules.tz
        return self.zone if policy.tz == "contact" else policy.tz

    @property
    def zone_is_known(self) -> bool:
        """False when the person's zone is only the workspace's, for want of a better one."""
        contact = self.question.contact
        return contact.tz is not None or contact.account_tz is not None


@quick_value
class Finding:
    """Why a rule fails at an instant."""

    blocking: tuple[Blocking, ...] = ()
    limit: Limit | None = None


class Judge(Protocol):
    """One policy applied to one case, at any instant."""

    def finding(self, at: datetime) -> Finding | None: ...

    def clears_at(self, at: datetime) -> datetime | None: ...


def restrains(policy: Policy, question: Question, service_purposes: frozenset[str]) -> bool:
    """Whether the policy gates this proposal, seasons and `supersedes` aside.

    A call from the customer interrupts nobody: inbound proposals are gated only by policies that count
    inbound. Service purposes are gated only where named. Account rules do not reach people without an
    account.
    """
    scope, contact = policy.applies_to, question.contact
    if question.direction is Direction.INBOUND and Direction.INBOUND not in (policy.counts.directions or ()):
        return False
    if policy.level is Level.ACCOUNT and contact.account is None:
        return False
    if scope.purposes is None:
        if question.purpose in service_purposes:
            return False
    elif question.purpose not in scope.purposes:
        return False
    return (
        (scope.teams is None or question.team in scope.teams)
        and (scope.channels is None or question.channel in scope.channels)
        and (scope.segments is None or not scope.segments.isdisjoint(contact.segments))
        and (scope.accounts is None or contact.account in scope.accounts)
        and (scope.contacts is None or contact.id in scope.contacts)
    )


def passes_at_a_glance(policy: Policy, history: History, at: datetime) -> bool:
    """Whether so few touchpoints lie near that a gap or a cap cannot fail, whatever it counts of them.

    False says nothing: the policy's judge has to look.
    """
    if policy.gap is not None:
        length, most = policy.gap.longest, 1
    elif policy.window is not None and policy.max_count is not None:
        length, most = policy.window.longest, policy.max_count
    else:
        return False
    timeline = history.account if policy.level is Level.ACCOUNT else history.contact
    return not timeline.facts or timeline.count_between(at - length, at + length) < most


def blocking(fact: TouchpointFact, now: datetime) -> Blocking:
    """What other teams may see of a touchpoint that stands in the way."""
    return Blocking(
        touchpoint=fact.id,
        at=fact.at,
        date=fact.date,
        team=fact.team,
        channel=fact.channel,
        purpose=fact.purpose,
        status=fact.status_at(now),
        expires_at=fact.expires_at,
    )
