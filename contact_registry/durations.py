"""ISO 8601 durations of policies and holds: text in, `Duration` out.

Elapsed parts (weeks, days, hours, minutes, seconds) are exact lengths; months and years exist only for
calendar arithmetic, which `zones.add_calendar` does. Called by policy validation and by claims (`ttl`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

_PATTERN = re.compile(
    r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})(?:[.,](?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)


class DurationError(ValueError):
    """The text is not an ISO 8601 duration such as P30D, P2W, PT15M or P1M."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A length: whole `months` (calendar only), whole `days` (a week is seven), the rest in microseconds.

    `longest` is an upper bound on any calendar: 31 days a month, one day for clock changes. For range reads.
    """

    months: int = 0
    days: int = 0
    microseconds: int = 0
    longest: timedelta = field(init=False, repr=False, compare=False)  # asked for in every check

    def __post_init__(self) -> None:
        longest = timedelta(days=31 * self.months + self.days + 1, microseconds=self.microseconds)
        object.__setattr__(self, "longest", longest)

    @property
    def is_zero(self) -> bool:
        """True when the length is nothing at all; durations are never negative."""
        return not (self.months or self.days or self.microseconds)

    @property
    def elapsed(self) -> timedelta:
        """The exact length, a day being 24 hours. Raises DurationError when months are involved."""
        if self.months:
            raise DurationError(f"{self} has months or years, which have no fixed length.")
        return timedelta(days=self.days, microseconds=self.microseconds)

    def __str__(self) -> str:
        """The ISO 8601 text; weeks are kept as days (P14D)."""
        years, months = divmod(self.months, 12)
        date = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if n)
        seconds, fraction = divmod(self.microseconds, 1_000_000)
        hours, seconds = divmod(seconds, 3600)
        minutes, seconds = divmod(seconds, 60)
        shown = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else (str(seconds) if seconds else "")
        time = "".join(f"{n}{unit}" for n, unit in ((hours or "", "H"), (minutes or "", "M"), (shown, "S")) if n)
        if not date and not time:
            return "PT0S"
        return f"P{date}" + (f"T{time}" if time else "")


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration; only seconds may have a fraction. Raises DurationError for anything else."""
    match = _PATTERN.fullmatch(text)
    if match is None or text in ("P", "PT"):
        raise DurationError(f"{text!r} is not an ISO 8601 duration such as P30D, P2W, PT15M or P1M.")
    part = {name: int(value) for name, value in match.groupdict().items() if value and name != "fraction"}
    fraction = (match["fraction"] or "").ljust(6, "0")
    seconds = part.get("hours", 0) * 3600 + part.get("minutes", 0) * 60 + part.get("seconds", 0)
    return Duration(
        months=part.get("years", 0) * 12 + part.get("months", 0),
        days=part.get("weeks", 0) * 7 + part.get("days", 0),
        microseconds=seconds * 1_000_000 + int(fraction or 0),
    )
