"""Touchpoints as facts, and a sorted row of them that can be cut by time.

The repository builds one `Timeline` per contact and per account; the policies read only the slice that their
window can reach, so that an account with ten thousand touchpoints costs no more than one with ten.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from contact_registry.quick_values import quick_value
from contact_registry.terms import Direction, TouchpointStatus

__all__ = ["DATE_ONLY_SPAN", "Direction", "Timeline", "TouchpointFact", "TouchpointStatus"]

# A date without a time starts at most 14 hours before it does in UTC (Kiritimati) and ends at most 12 hours
# after it does in UTC (west of Greenwich), with one hour more on the day of a clock change.
_EARLIEST_ZONE = timedelta(hours=14)
DATE_ONLY_SPAN = timedelta(hours=14 + 24 + 12 + 1)


@quick_value
class TouchpointFact:
    """One interruption of one person; exactly one of `at` (aware UTC) and `date` (time unknown) is set.

    `account` is the snapshot taken when the touchpoint was made. `tz` is the zone of its person, read only
    for a date without time; None means the zone of the person asked about. `contact` is None after an
    erasure.
    """

    id: str
    contact: str | None
    team: str
    channel: str
    purpose: str
    status: TouchpointStatus
    at: datetime | None = None
    date: date | None = None
    account: str | None = None
    direction: Direction = Direction.OUTBOUND
    engagement: str | None = None
    expires_at: datetime | None = None
    tz: str | None = None

    def status_at(self, now: datetime) -> TouchpointStatus:
        """The status at the clock `now`: a reservation is live iff now < expires_at."""
        if self.status is TouchpointStatus.RESERVED and self.expires_at is not None and now >= self.expires_at:
            return TouchpointStatus.EXPIRED
        return self.status

    @property
    def sort_key(self) -> datetime:
        """An instant not later than the touchpoint's start in any zone."""
        if self.at is not None:
            return self.at
        assert self.date is not None, "a touchpoint has an instant or a date"
        return datetime.combine(self.date, time(0), tzinfo=UTC) - _EARLIEST_ZONE


class Timeline:
    """Touchpoints in order of time (ties by id). Immutable: `with_fact` and `without` return another one."""

    __slots__ = ("_keys", "facts")

    facts: tuple[TouchpointFact, ...]

    def __init__(self, facts: Iterable[TouchpointFact] = ()) -> None:
        self.facts = tuple(sorted(facts, key=lambda fact: (fact.sort_key, fact.id)))
        self._keys = [fact.sort_key for fact in self.facts]

    def __len__(self) -> int:
        return len(self.facts)

    def __iter__(self) -> Iterator[TouchpointFact]:
        return iter(self.facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and self.facts == other.facts

    def __hash__(self) -> int:
        return hash(self.facts)

    def __repr__(self) -> str:
        return f"Timeline({len(self.facts)} touchpoints)"

    def between(self, start: datetime | None, end: datetime | None) -> tuple[TouchpointFact, ...]:
        """Facts that may overlap [start, end], in order; dates without a time are kept when in doubt."""
        low = 0 if start is None else bisect_left(self._keys, start - DATE_ONLY_SPAN)
        high = len(self.facts) if end is None else bisect_right(self._keys, end)
        return self.facts[low:high]

    def count_between(self, start: datetime, end: datetime) -> int:
        """The number of facts that `between` gives."""
        if not self._keys:
            return 0
        return bisect_right(self._keys, end) - bisect_left(self._keys, start - DATE_ONLY_SPAN)

    def with_fact(self, fact: TouchpointFact) -> Timeline:
        """The same row with one more fact in its place."""
        key = fact.sort_key
        place = bisect_right(self._keys, key)
        while place > 0 and self._keys[place - 1] == key and self.facts[place - 1].id > fact.id:
            place -= 1
        grown = Timeline()
        grown.facts = (*self.facts[:place], fact, *self.facts[place:])
        grown._keys = [*self._keys[:place], key, *self._keys[place:]]
        return grown

    def without(self, *ids: str) -> Timeline:
        """The same row without the touchpoints of these ids."""
        gone = frozenset(ids)
        kept = Timeline()
        kept.facts = tuple(fact for fact in self.facts if fact.id not in gone)
        kept._keys = [fact.sort_key for fact in kept.facts]
        return kept
