"""`frequency_cap`: no window of the given length holds more than `max_count`, whichever way it is laid.

Passes at t iff for every anchor x among the counted touchpoints and the proposal with x <= t < x (+)
window, the number in [x, x (+) window) with the proposal is at most the maximum, or the proposal does not
increase it. The number is of touchpoints, of engagements or of people (`count_by`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

from contact_registry.policies.case import Case, Finding, blocking
from contact_registry.policies.counting import Counter, Span
from contact_registry.values import TICK, CountBy, Limit, Policy, TouchpointFact
from contact_registry.zones import first_instant, local_date

_DAY = timedelta(days=1)


class FrequencyCap:
    """One cap applied to one case."""

    def __init__(self, policy: Policy, case: Case) -> None:
        assert policy.window is not None, "validation gives every frequency_cap its window"
        assert policy.max_count is not None, "validation gives every frequency_cap its max"
        self._window = policy.window
        self._max = policy.max_count
        self._counter = Counter(policy, case, policy.window)
        self._count_by = policy.count_by
        self._question = case.question
        self._now = case.now
        self._later: _Row | None = None

    def finding(self, at: datetime) -> Finding | None:
        row = self._row_from(at)
        full = [window for window in row.windows_at(at) if not row.fits(*window)]
        if not full:
            return None
        # Every window holds the place of `at`, so together they are one stretch.
        members = row.spans[min(low for low, _ in full) : max(high for _, high in full)]
        count = max(row.count(low, high) for low, high in full)
        blocks = tuple(blocking(span.fact, self._now) for span in members)
        return Finding(blocks, Limit(self._max, self._window, count))

    def usage(self, at: datetime) -> Limit:
        """How full the fullest window around `at` is, for "2 of 3 used in 90 days"."""
        row = self._row_from(at)
        return Limit(self._max, self._window, max(row.count(*window) for window in row.windows_at(at)))

    def clears_at(self, at: datetime) -> datetime | None:
        row = self._row_from(at)
        spans = row.spans
        if len(spans) < self._max:
            return at
        index = 0
        while True:
            while index < len(spans) and spans[index].start <= at:
                if at < spans[index].until and not row.fits(*row.window_of(index)):
                    at = spans[index].until
                index += 1
            low, high = row.window_from(at)
            if row.fits(low, high):
                return at
            at = self._after_own_window(row, at, low, high)

    def _row_from(self, at: datetime) -> _Row:
        """Counted spans that reach beyond `at`; the same row as long as the counter keeps its own."""
        spans = self._counter.spans_from(at)
        if self._later is None or self._later.spans is not spans:
            keys = None if self._count_by is CountBy.TOUCHPOINT else [self._key(span.fact) for span in spans]
            self._later = _Row(spans, keys, self._own_key(), self._max, self._counter.reach)
        return self._later

    def _key(self, fact: TouchpointFact) -> Hashable:
        """What is counted once: the touchpoint's engagement (alone if it has none) or its person."""
        if self._count_by is CountBy.ENGAGEMENT and fact.engagement is not None:
            return fact.engagement
        if self._count_by is CountBy.CONTACT and fact.contact is not None:
            return fact.contact
        return ("touchpoint", fact.id)

    def _own_key(self) -> Hashable:
        question = self._question
        if self._count_by is CountBy.ENGAGEMENT and question.engagement is not None:
            return question.engagement
        if self._count_by is CountBy.CONTACT and question.contact.id is not None:
            return question.contact.id
        return ("proposal",)

    def _after_own_window(self, row: _Row, at: datetime, low: int, high: int) -> datetime:
        """The next instant that may pass when the window that starts with the proposal itself is full.

        Until the first member's start that window only gains members. What can help is that the first
        member is passed (then it anchors a window of its own, which blocks if it is full), or that a
        touchpoint of the proposal's own engagement or person enters at the far end.
        """
        first = row.spans[low]
        if self._count_by is CountBy.TOUCHPOINT:
            return first.until  # the first member's own window holds all of these, so it is full until it ends
        passed = first.start + TICK
        own = row.next_own(high)
        return passed if own is None else min(passed, self._enters_at(own.start, at))

    def _enters_at(self, start: datetime, at: datetime) -> datetime:
        """The least instant after `at` whose window holds `start`."""
        if self._counter.elapsed is not None:
            return max(start - self._counter.elapsed + TICK, at + TICK)
        zone = self._counter.zone
        day = max(local_date(at, zone) + _DAY, local_date(start - self._window.longest, zone))
        while self._counter.reach(first_instant(day, zone)) <= start:
            day += _DAY
        return max(first_instant(day, zone), at + TICK)


class _Row:
    """Counted spans in order of start, with windows over them as index ranges [low, high)."""

    def __init__(
        self,
        spans: list[Span],
        keys: list[Hashable] | None,
        own: Hashable,
        most: int,
        reach: Callable[[datetime], datetime],
    ) -> None:
        self.spans = spans
        self._starts = [span.start for span in spans]
        self._keys = keys
        self._own = own
        self._most = most
        self._reach = reach
        # The keys between two moving ends: windows are asked in order of time, so the ends move little.
        self._low = self._high = 0
        self._held: dict[Hashable, int] = {}

    def window_from(self, at: datetime) -> tuple[int, int]:
        """The window that starts with the proposal."""
        return bisect_left(self._starts, at), bisect_left(self._starts, self._reach(at))

    def window_of(self, index: int) -> tuple[int, int]:
        """The window that starts with a touchpoint."""
        span = self.spans[index]
        low = bisect_left(self._starts, span.start, 0, index + 1)
        return low, bisect_left(self._starts, span.until, low)

    def windows_at(self, at: datetime) -> list[tuple[int, int]]:
        """Every window that holds `at`, the proposal's own last."""
        before = range(bisect_right(self._starts, at))
        anchored = [self.window_of(index) for index in before if at < self.spans[index].until]
        return [*anchored, self.window_from(at)]

    def fits(self, low: int, high: int) -> bool:
        """True when the window has room, or already holds the proposal's engagement or person."""
        if high - low < self._most:
            return True
        if self._keys is None:
            return False
        return self.count(low, high) < self._most or self._own in self._held

    def count(self, low: int, high: int) -> int:
        """How many touchpoints, engagements or people the window holds."""
        if self._keys is None:
            return high - low
        if low >= self._high or high <= self._low:
            self._low = self._high = low
            self._held.clear()
        while self._high < high:
            self._add(self._keys[self._high], 1)
            self._high += 1
        while self._low > low:
            self._low -= 1
            self._add(self._keys[self._low], 1)
        while self._high > high:
            self._high -= 1
            self._add(self._keys[self._high], -1)
        while self._low < low:
            self._add(self._keys[self._low], -1)
            self._low += 1
        return len(self._held)

    def next_own(self, index: int) -> Span | None:
        """The first span from `index` on that has the proposal's own engagement or person."""
        if self._keys is None:
            return None
        places = range(index, len(self._keys))
        return next((self.spans[i] for i in places if self._keys[i] == self._own), None)

    def _add(self, key: Hashable, number: int) -> None:
        held = self._held.get(key, 0) + number
        if held:
            self._held[key] = held
        else:
            del self._held[key]
