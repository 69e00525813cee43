"""Zone arithmetic: local dates, their first instants, calendar addition, and clock changes.

A local time becomes an instant by the "compatible" reading of RFC 5545 and Temporal: the earlier one in a
fold, the later one in a gap. Used by the policies and by pages that write dates; pure functions of zone
names.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contact_registry.values import ContactView, Duration, ZoneSource

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def zone_exists(name: str) -> bool:
    """True for a name of the IANA database that zoneinfo can open."""
    try:
        zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ZoneInfoNotFoundError or ValueError for anything else."""
    return ZoneInfo(name)


def zone_of_contact(contact: ContactView, workspace_tz: str) -> tuple[str, ZoneSource]:
    """The contact's own zone, else the account's, else the workspace's; with which one it was."""
    if contact.tz is not None:
        return contact.tz, ZoneSource.CONTACT
    if contact.account_tz is not None:
        return contact.account_tz, ZoneSource.ACCOUNT
    return workspace_tz, ZoneSource.WORKSPACE


def local_date(at: datetime, zone: str) -> date:
    """The calendar date that a wall in `zone` shows at the instant `at`."""
    return at.astimezone(zone_of(zone)).date()


def instant_of(local: datetime, zone: str) -> datetime:
    """The instant of a naive local time: the earlier one in a fold, the later one in a gap (RFC 5545)."""
    return local.replace(tzinfo=zone_of(zone), fold=0).astimezone(UTC)


@lru_cache(maxsize=65536)
def first_instant(day: date, zone: str) -> datetime:
    """The first instant at which `zone` shows the date `day` (or a later one, where that date never was).

    A repeated midnight is its first occurrence; a missing one is the moment the clock jumps over it.
    """
    midnight = datetime.combine(day, time(0))
    at = instant_of(midnight, zone)
    if at.astimezone(zone_of(zone)).replace(tzinfo=None) == midnight:
        return at
    # In the gap the compatible reading may lie after the jump: 23:30 -> 00:30 (Toronto, 1919) starts the
    # day 00:30.
    jump = transition_between(at - _DAY, at, zone)
    return jump if jump is not None else at


def transition_between(start: datetime, end: datetime, zone: str) -> datetime | None:
    """The first instant in (start, end] with another offset than at `start`; None if both ends agree.

    The span must be short enough to hold one transition (a day or two). Transitions lie on whole seconds.
    """
    tz = zone_of(zone)
    before = start.astimezone(tz).utcoffset()
    if end.astimezone(tz).utcoffset() == before:
        return None
    low = start.replace(microsecond=0)  # offset as before, since transitions lie on whole seconds
    high = end if end.microsecond == 0 else end.replace(microsecond=0)
    if high.astimezone(tz).utcoffset() == before:  # pragma: no cover - only for a transition inside a second
        return end
    while high - low > _SECOND:
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def add_calendar(day: date, length: Duration) -> date:
    """The date `length` later: months first, clamped to the month's end (31 Jan + 1 month = 28 Feb), then
    days.
    """
    if length.months:
        years, month_index = divmod(day.year * 12 + day.month - 1 + length.months, 12)
        month = month_index + 1
        day = date(years, month, min(day.day, monthrange(years, month)[1]))
    return day + timedelta(days=length.days)


def add_calendar_instant(at: datetime, length: Duration, zone: str) -> datetime:
    """The first instant of the local date that lies `length` after the local date of `at`."""
    return first_instant(add_calendar(local_date(at, zone), length), zone)
