"""Small words of sentences: dates in a zone, lengths of time, and what a team did on which channel.

English only for now; every sentence is built from these and from the templates of `messages.py`, so a
translation replaces the two files.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from contact_registry.durations import Duration
from contact_registry.zones import local_date, zone_of

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)

# channel: (what was done, the word that leads to the person, the noun of a planned one)
_CHANNELS = {
    "phone": ("phoned", "", "a call"),
    "email": ("wrote", "to", "an e-mail"),
    "sms": ("sent a text message", "to", "a text message"),
    "video_call": ("had a video call", "with", "a video call"),
    "meeting": ("had a meeting", "with", "a meeting"),
    "post": ("sent a letter", "to", "a letter"),
}
_ANY_CHANNEL = ("was in touch", "with", "a contact")


def day_text(day: date, *, beside: date | None = None) -> str:
    """`5 Mar 2026`, or `5 Mar` beside a date of the same year."""
    short = f"{day.day} {_MONTHS[day.month - 1]}"
    return short if beside is not None and beside.year == day.year else f"{short} {day.year}"


def moment_text(at: datetime, zone: str) -> str:
    """`4 Apr 2026, 16:00 Prague`, rounded up to the minute, never down."""
    local = round_up(at).astimezone(zone_of(zone))
    return f"{day_text(local.date())}, {local:%H:%M} {place(zone)}"


def until_text(at: datetime, now: datetime, zone: str) -> str:
    """`11:15 today`, or `11:15 on 6 May 2026`, rounded up to the minute."""
    local = round_up(at).astimezone(zone_of(zone))
    if local.date() == local_date(now, zone):
        return f"{local:%H:%M} today"
    return f"{local:%H:%M} on {day_text(local.date())}"


def round_up(at: datetime) -> datetime:
    """The next whole minute, or `at` itself if it is one."""
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    return whole if whole == at else whole + _MINUTE


def place(zone: str) -> str:
    """The last part of a zone's name as people say it: Prague, New York, UTC."""
    return zone.rpartition("/")[2].replace("_", " ")


def length_text(length: Duration) -> str:
    """`14 days`, `1 month`, `36 hours`; parts are joined by `and`."""
    years, months = divmod(length.months, 12)
    hours, rest = divmod(length.microseconds, 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    parts = [(years, "year"), (months, "month"), (length.days, "day"), (hours, "hour"), (minutes, "minute")]
    if rest:
        parts.append((rest // 1_000_000 + (rest % 1_000_000 > 0), "second"))
    return list_text(f"{n} {unit}" + ("" if n == 1 else "s") for n, unit in parts if n)


def list_text(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(items)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def deed(channel: str, whom: str | None) -> str:
    """`phoned`, or with somebody named `phoned somebody at Acme`."""
    did, leading, _ = _CHANNELS.get(channel, _ANY_CHANNEL)
    return did if whom is None else " ".join(filter(None, (did, leading, whom)))


def plan(channel: str, whom: str | None) -> str:
    """`a call`, or with somebody named `a call with somebody at Acme`."""
    noun = _CHANNELS.get(channel, _ANY_CHANNEL)[2]
    return noun if whom is None else f"{noun} with {whom}"


def name_of(team: str, teams: dict[str, str]) -> str:
    """The team's name; its id as a name where it is not known any more."""
    return teams.get(team) or (team[:1].upper() + team[1:]).replace("_", " ").replace("-", " ")
