"""`min_gap`: between any two contacts lies at least the gap, looking back and ahead.

Passes at t iff for every counted touchpoint u, with a the earlier and b the later of (u, t): b >= a (+) gap.
"""

from __future__ import annotations

from datetime import datetime

from contact_registry.policies.case import Case, Finding, blocking
from contact_registry.policies.counting import Counter
from contact_registry.values import Policy


class MinGap:
    """One gap policy applied to one case."""

    def __init__(self, policy: Policy, case: Case) -> None:
        assert policy.gap is not None, "validation gives every min_gap its gap"
        self._counter = Counter(policy, case, policy.gap)
        self._now = case.now

    def finding(self, at: datetime) -> Finding | None:
        reach = self._counter.reach(at)
        near = [span.fact for span in self._counter.spans_from(at) if at < span.until and span.start < reach]
        return Finding(tuple(blocking(fact, self._now) for fact in near)) if near else None

    def clears_at(self, at: datetime) -> datetime | None:
        # Spans come in order of their start. One that conflicts pushes t to its end; no instant before
        # that end could do, and whatever was passed before stays passed because t only grows.
        reach = self._counter.reach(at)
        for span in self._counter.spans_from(at):
            if span.start >= reach:
                break
            if at < span.until:
                at = span.until
                reach = self._counter.reach(at)
        return at
