"""`quiet_hours`: the wall clock where the rule is read is outside its quiet windows.

The test reads the local wall clock of an instant, so it is defined through every clock change: an hour can be
quiet twice in autumn, and a window that ends inside the missing hour of spring opens at the jump.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from contact_registry.policies.case import Case, Finding
from contact_registry.values import OnUnknownZone, Policy, QuietWindow
from contact_registry.zones import transition_between, zone_of

_DAY = timedelta(days=1)
# A week that is not always quiet opens within seven days; a clock change can swallow one opening, not two.
_SEARCH = timedelta(days=22)


class QuietHours:
    """One quiet-hours policy applied to one case."""

    def __init__(self, policy: Policy, case: Case) -> None:
        self._zone = case.zone_for(policy)
        self._tz = zone_of(self._zone)
        self._windows = policy.windows
        blocks_unknown = policy.on_unknown_tz is OnUnknownZone.BLOCK and policy.tz == "contact"
        self._zone_missing = blocks_unknown and not case.zone_is_known

    def finding(self, at: datetime) -> Finding | None:
        if self._zone_missing or self._quiet_until(self._wall(at)) is not None:
            return Finding()
        return None

    def clears_at(self, at: datetime) -> datetime | None:
        if self._zone_missing:
            return None
        last = at + _SEARCH
        while at <= last:
            wall = self._wall(at)
            ends = self._quiet_until(wall)
            if ends is None:
                return at
            # With an unchanged offset the wall clock runs straight to the window's end; a change cuts it
            # short.
            straight = at + min(ends - wall, _DAY)
            at = transition_between(at, straight, self._zone) or straight
        return None

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self._tz).replace(tzinfo=None)

    def _quiet_until(self, wall: datetime) -> datetime | None:
        """The end, on the wall clock, of the last window that covers this reading; None when it is open."""
        ends = [end for window in self._windows if (end := _covered_until(window, wall)) is not None]
        return max(ends) if ends else None


def _covered_until(window: QuietWindow, wall: datetime) -> datetime | None:
    """The end of this window if it covers the reading: the one begun today, or yesterday's that wraps
    midnight.
    """
    today = datetime.combine(wall.date(), time(0))
    days = window.days
    if wall.time() >= window.start and (days is None or today.weekday() in days):
        end = _end(window, today)
        if wall < end:
            return end
    yesterday = today - _DAY
    if window.wraps and (days is None or yesterday.weekday() in days):
        end = _end(window, yesterday)
        if wall < end:
            return end
    return None


def _end(window: QuietWindow, day: datetime) -> datetime:
    if window.end is None:
        return day + _DAY
    return datetime.combine((day + _DAY if window.wraps else day).date(), window.end)
