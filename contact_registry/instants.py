"""The registry's time types at the border: RFC 3339 text with a zone in, UTC text with `Z` out.

Instants are cut to whole milliseconds, which is what rules compare; milliseconds are written only when not zero.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
D = TypeVar("D", bound=date)


@lru_cache(maxsize=256)  # a list says the same instant in most of its lines
def write_instant(at: datetime) -> str:
    """Return RFC 3339 in UTC: `2026-03-15T12:00:00Z`, with three decimals only when there are milliseconds."""
    text = at.astimezone(UTC).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds" if text.microsecond else "seconds") + "Z"


def _only_text(value: Any) -> Any:
    if isinstance(value, str) and not value.strip().lstrip("+-").replace(".", "").isdigit():
        return value
    if isinstance(value, datetime):
        return value
    raise ValueError("an instant is RFC 3339 text with a zone, such as 2026-03-15T12:00:00Z")


def _to_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("the instant has no zone: add Z or an offset such as +01:00")
    if value.tzinfo is UTC and not value.microsecond % 1000:
        return value  # as it is in every line of a list but those that name their own
    try:
        value = value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant is outside the years 1 to 9999") from error
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _in_reach(value: D) -> D:
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise ValueError(f"the year is not within {EARLIEST_YEAR} to {LATEST_YEAR}")
    return value


Instant = Annotated[
    datetime,
    BeforeValidator(_only_text),
    AfterValidator(_to_utc),
    PlainSerializer(write_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-15T12:00:00Z"]}),
]
# As callers name them: rules add and take years away, which must stay within the calendar.
GivenInstant = Annotated[Instant, AfterValidator(_in_reach)]
GivenDay = Annotated[date, AfterValidator(_in_reach)]
