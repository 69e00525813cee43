"""`blackout`: nobody is contacted on these local dates (inclusive) or between these instants [start, end)."""

from __future__ import annotations

from datetime import datetime, timedelta

from contact_registry.policies.case import Case, Finding
from contact_registry.values import BlackoutRange, Policy
from contact_registry.zones import first_instant

_DAY = timedelta(days=1)


class Blackout:
    """One blackout applied to one case."""

    def __init__(self, policy: Policy, case: Case) -> None:
        zone = case.zone_for(policy)
        self._ranges = sorted(_instants(spell, zone) for spell in policy.ranges)

    def finding(self, at: datetime) -> Finding | None:
        return Finding() if any(start <= at < end for start, end in self._ranges) else None

    def clears_at(self, at: datetime) -> datetime | None:
        for start, end in self._ranges:
            if start <= at < end:
                at = end
        return at


def _instants(spell: BlackoutRange, zone: str) -> tuple[datetime, datetime]:
    if spell.from_date is not None and spell.to_date is not None:
        return first_instant(spell.from_date, zone), first_instant(spell.to_date + _DAY, zone)
    assert spell.start is not None, "a range has dates or instants"
    assert spell.end is not None, "a range has dates or instants"
    return spell.start, spell.end
