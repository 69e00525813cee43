"""Bookings that a rule refuses: found after a fact, a merge, an opt-out or a change of rules; never
cancelled here.

A booking is judged as if it were proposed now, itself left out. The service calls this once per person whose
bookings a change can reach: the person, and for account rules the others of the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contact_registry.eligibility import failing_refs
from contact_registry.values import (
    ContactView,
    History,
    Question,
    RuleBook,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)
from contact_registry.zones import first_instant, zone_of_contact

_BOOKED = frozenset({TouchpointStatus.PLANNED, TouchpointStatus.RESERVED})


def question_of(booking: TouchpointFact, contact: ContactView, workspace_tz: str) -> Question:
    """The question that this booking answers, itself left out; a date without time is asked at its first
    instant.
    """
    at = booking.at
    if at is None:
        assert booking.date is not None, "a touchpoint has an instant or a date"
        at = first_instant(booking.date, booking.tz or zone_of_contact(contact, workspace_tz)[0])
    return Question(
        contact=contact,
        at=at,
        team=booking.team,
        channel=booking.channel,
        purpose=booking.purpose,
        engagement=booking.engagement,
        direction=booking.direction,
        ignoring=frozenset({booking.id}),
    )


def future_bookings(timeline: Timeline, now: datetime) -> tuple[TouchpointFact, ...]:
    """Planned touchpoints and live holds that lie ahead, in order of time."""
    return tuple(
        fact
        for fact in timeline.between(now, None)
        if fact.status_at(now) in _BOOKED and (fact.at is None or fact.at >= now)
    )


def broken_rules(
    rules: RuleBook, history: History, contact: ContactView, booking: TouchpointFact, now: datetime
) -> tuple[str, ...]:
    """Ids of the rules that would refuse this booking today; empty when it is in order."""
    return failing_refs(rules, history, question_of(booking, contact, rules.tz), now)


def new_conflicts(
    rules: RuleBook,
    contact: ContactView,
    before: History,
    after: History,
    now: datetime,
    *,
    besides: Iterable[str] = (),
) -> tuple[str, ...]:
    """Ids of the person's future bookings that a rule refuses after a change and did not refuse before it.

    In order of time. `besides`: ids left out, such as the claim that made the change.
    """
    skipped = frozenset(besides)
    return tuple(
        booking.id
        for booking in future_bookings(after.contact, now)
        if booking.id not in skipped
        and not set(broken_rules(rules, after, contact, booking, now))
        <= set(broken_rules(rules, before, contact, booking, now))
    )
