"""Which touchpoints a policy counts, and how far each of them reaches.

A counted touchpoint becomes a `Span`: it starts at `start` and reaches to `until`, the first instant that
is a full gap (or window) later. Gaps and caps differ only in how many spans may meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from contact_registry.policies.case import Case
from contact_registry.values import (
    LIVE_STATUSES,
    Basis,
    Direction,
    Duration,
    Level,
    Policy,
    SameEngagement,
    TouchpointFact,
)
from contact_registry.zones import add_calendar, first_instant, zone_of

_OUTBOUND = frozenset({Direction.OUTBOUND})
_DAY = timedelta(days=1)


class Span(NamedTuple):
    """A counted touchpoint: contact at or after `until` is a full length later."""

    start: datetime
    until: datetime
    fact: TouchpointFact


class Counter:
    """The touchpoints that one policy counts in one case, with the policy's length in its own basis."""

    def __init__(self, policy: Policy, case: Case, length: Duration) -> None:
        self.policy = policy
        self.case = case
        self.length = length
        self.zone = case.zone_for(policy)
        self.elapsed = length.elapsed if policy.basis is Basis.ELAPSED else None
        history = case.history
        self.timeline = history.account if policy.level is Level.ACCOUNT else history.contact
        self._tz = zone_of(self.zone)
        self._until_of_day: dict[date, datetime] = {}
        self._later: tuple[datetime, list[Span]] | None = None

    def reach(self, at: datetime) -> datetime:
        """The first instant that is a full length after `at`."""
        return at + self.elapsed if self.elapsed is not None else self._day_reaches(self._day_of(at))

    def spans_from(self, at: datetime) -> list[Span]:
        """Counted spans that reach beyond `at`, and all later ones, in order of their start.

        The row of the earliest instant asked is kept and serves every later one; it may hold spans that
        end before.
        """
        if self._later is None or at < self._later[0]:
            self._later = (at, self._spans(self.timeline.between(at - self.length.longest, None)))
        return self._later[1]

    def _spans(self, facts: Iterable[TouchpointFact]) -> list[Span]:
        counted = filter(self._counts(), facts)
        spans = [self._elapsed_span(f) if self.elapsed is not None else self._calendar_span(f) for f in counted]
        spans.sort(key=_start)
        return spans

    def _elapsed_span(self, fact: TouchpointFact) -> Span:
        """An instant reaches `elapsed` further. A date reaches from its day's start to `elapsed` after
        its end.
        """
        assert self.elapsed is not None, "the policy's basis is elapsed"
        if fact.at is not None:
            return Span(fact.at, fact.at + self.elapsed, fact)
        assert fact.date is not None, "a touchpoint has an instant or a date"
        zone = fact.tz or self.case.zone
        ends = first_instant(fact.date + _DAY, zone)
        return Span(first_instant(fact.date, zone), ends + self.elapsed, fact)

    def _calendar_span(self, fact: TouchpointFact) -> Span:
        """Local dates are exact whether the time is known or not."""
        day = self._day_of(fact.at) if fact.at is not None else fact.date
        assert day is not None, "a touchpoint has an instant or a date"
        return Span(fact.at or first_instant(day, self.zone), self._day_reaches(day), fact)

    def _day_of(self, at: datetime) -> date:
        return at.astimezone(self._tz).date()

    def _day_reaches(self, day: date) -> datetime:
        """The first instant of the local date that is the policy's length after `day`."""
        until = self._until_of_day.get(day)
        if until is None:
            until = self._until_of_day[day] = first_instant(add_calendar(day, self.length), self.zone)
        return until

    def _counts(self) -> Callable[[TouchpointFact], bool]:
        """The test that says whether a touchpoint feeds this policy's counter."""
        chosen, question, now = self.policy.counts, self.case.question, self.case.now
        teams, channels, purposes = chosen.teams, chosen.channels, chosen.purposes
        service = self.case.rules.service_purposes
        statuses = LIVE_STATUSES if chosen.statuses is None else chosen.statuses
        directions = _OUTBOUND if chosen.directions is None else chosen.directions
        ignoring = question.ignoring
        own = question.engagement if self.policy.same_engagement is SameEngagement.IGNORE else None

        def counts(fact: TouchpointFact) -> bool:
            return (
                fact.status_at(now) in statuses
                and fact.direction in directions
                and (fact.purpose not in service if purposes is None else fact.purpose in purposes)
                and (teams is None or fact.team in teams)
                and (channels is None or fact.channel in channels)
                and (own is None or fact.engagement != own)
                and fact.id not in ignoring
            )

        return counts


def _start(span: Span) -> datetime:
    return span.start
