"""What every moment found must meet, from the parameters of a search and from what was typed into its query.

`finding` makes them once for each search; `masks` and `findable` apply them, `facets` leaves out one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from search.query_language import TypedQuery
from search.values import Kind, SearchFilters, SearchRequest

_LEAST = timedelta(milliseconds=1)  # as exactly as instants are stored


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of several values of one kind, one is enough; () and None ask nothing. `from_at`, `to_at`: both inclusive."""

    projects: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    kind: Kind | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    speakers: tuple[str, ...] = ()
    voices: frozenset[tuple[str, str]] | None = None


def of_filters(filters: SearchFilters) -> Conditions:
    """Return the parameters as conditions."""
    return Conditions(
        projects=_one(filters.project),
        teams=_one(filters.team),
        tags=_one(filters.tag),
        languages=_one(filters.language),
        kind=filters.kind,
        from_at=filters.from_at,
        to_at=filters.to_at,
        speakers=_one(filters.speaker),
        voices=filters.voices,
    )


def of_query(typed: TypedQuery, request: SearchRequest) -> Conditions:
    """Return what was typed as conditions; projects and teams still as they were typed.

    `before:` is before that day begins, `after:` is that day or later. Raises: InvalidInput `unknown_date`.
    """
    before = typed.instant("before", request.zone)
    return Conditions(
        projects=typed.values.get("project", ()),
        teams=typed.values.get("team", ()),
        tags=typed.values.get("tag", ()),
        from_at=typed.instant("after", request.zone),
        to_at=None if before is None else before - _LEAST,
        speakers=typed.values.get("speaker", ()),
    )


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
