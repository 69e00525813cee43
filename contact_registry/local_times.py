"""Times as files write them: an instant with a zone, a local time, a day; ambiguous dates are never guessed."""

import re
from datetime import UTC, date, datetime
from typing import Literal

from contact_registry.zones import instant_of
from core.errors import InvalidInput

DateFormat = Literal["iso", "dmy", "mdy"]
_NUMERIC = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ ,T]+(.+))?")


def read_time(text: str, zone: str, order: DateFormat = "iso") -> datetime | date:
    """Return an aware UTC instant, or a date when the time of day is unknown. `zone` is that of local times.

    Raises InvalidInput `ambiguous_date` for dates such as 03/04/2026 under `iso`, `invalid_date` for nonsense.
    """
    text = text.strip()
    numeric = _NUMERIC.fullmatch(text)
    if numeric is not None:
        if order == "iso":
            raise InvalidInput(
                "ambiguous_date",
                "This date may be read in two ways: write it as 2026-12-31, or say which comes first, day or month.",
                field="date",
            )
        first, second, year, rest = numeric.groups()
        day, month = (first, second) if order == "dmy" else (second, first)
        text = f"{year}-{int(month):02}-{int(day):02}" + (f" {rest.strip()}" if rest else "")
    try:
        if len(text) == len("2026-12-31"):
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            "invalid_date", "This is no date or time such as 2026-12-31 or 2026-12-31T14:30Z."
        ) from error
    if at.tzinfo is None:
        return instant_of(at, zone)
    return at.astimezone(UTC)
