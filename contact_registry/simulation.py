"""What a proposed policy set would change, against the same log: a pure comparison that stores nothing.

The service reads the population in chunks and feeds it through one `Simulation`, so that a hundred thousand
people never stand in memory together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from contact_registry.conflicts import broken_rules, future_bookings
from contact_registry.eligibility import is_eligible
from contact_registry.values import ContactView, History, Question, RuleBook


@dataclass(frozen=True, slots=True)
class Difference:
    """Who and what the proposed rules change.

    `conflicts`: (when, booking) in order of time; `conflicts_by_team`: how many per team of the booking. `by_segment`:
    segment to its numbers of `newly_ineligible` and `newly_eligible` people.
    """

    newly_ineligible: tuple[str, ...]
    newly_eligible: tuple[str, ...]
    conflicts: tuple[tuple[datetime, str], ...]
    population: int
    conflicts_by_team: dict[str, int]
    by_segment: dict[str, dict[str, int]]

    @property
    def new_planned_conflicts(self) -> tuple[str, ...]:
        """The bookings, in order of time."""
        return tuple(booking for _, booking in self.conflicts)


class Simulation:
    """Compares two rule books person by person. `question.contact` is replaced by each person in turn."""

    def __init__(self, current: RuleBook, proposed: RuleBook, question: Question, now: datetime) -> None:
        self._current = current
        self._proposed = proposed
        self._question = question
        self._now = now
        self._ineligible: list[str] = []
        self._eligible: list[str] = []
        self._conflicts: list[tuple[datetime, str]] = []
        self._population = 0
        self._teams: Counter[str] = Counter()
        self._segments: dict[str, Counter[str]] = {}

    def add(self, contact: ContactView, history: History) -> None:
        """Judge one known person under both rule books."""
        assert contact.id is not None, "the population is of people on file"
        self._population += 1
        question = replace(self._question, contact=contact)
        before = is_eligible(self._current, history, question, self._now)
        after = is_eligible(self._proposed, history, question, self._now)
        if before and not after:
            self._ineligible.append(contact.id)
            self._count_segments(contact, "newly_ineligible")
        elif after and not before:
            self._eligible.append(contact.id)
            self._count_segments(contact, "newly_eligible")
        self._add_conflicts(contact, history)

    def difference(self) -> Difference:
        """What was found so far: people in the order they came, bookings in order of time."""
        return Difference(
            newly_ineligible=tuple(self._ineligible),
            newly_eligible=tuple(self._eligible),
            conflicts=tuple(sorted(self._conflicts)),
            population=self._population,
            conflicts_by_team=dict(sorted(self._teams.items())),
            by_segment={name: dict(counter) for name, counter in sorted(self._segments.items())},
        )

    def _add_conflicts(self, contact: ContactView, history: History) -> None:
        for booking in future_bookings(history.contact, self._now):
            after = broken_rules(self._proposed, history, contact, booking, self._now)
            if after and not broken_rules(self._current, history, contact, booking, self._now):
                self._conflicts.append((booking.sort_key, booking.id))
                self._teams[booking.team] += 1

    def _count_segments(self, contact: ContactView, change: str) -> None:
        for segment in contact.segments:
            self._segments.setdefault(segment, Counter())[change] += 1
