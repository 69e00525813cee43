"""Cursors of lists: the sort key of the last item, opaque to callers."""

import base64
import binascii
import json

from core.errors import InvalidInput


def write_cursor(*parts: str) -> str:
    """Return an opaque cursor that stands behind an item with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, parts: int) -> tuple[str, ...] | None:
    """Return the sort key. Raises InvalidInput `invalid_cursor`."""
    if cursor is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _invalid() from error
    if not isinstance(found, list) or len(found) != parts or not all(isinstance(one, str) for one in found):
        raise _invalid()
    return tuple(found)


def _invalid() -> InvalidInput:
    return InvalidInput(
        "invalid_cursor", "The cursor is none of ours: take next_cursor of the page before.", field="cursor"
    )
