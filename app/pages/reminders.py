"""A date for people's own calendar: from when on somebody may be contacted. Earshot sends nothing itself."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request
from starlette.responses import Response

from app.api.dependencies import ServicesDep
from app.api.interviews import attachment
from app.pages.dependencies import PageContactReader
from app.pages.people_on_file import name_of
from core.errors import InvalidInput

router = APIRouter(prefix="/contacts")

_LINE_BYTES = 73  # a line of a calendar file has 75 bytes, the first of a continued one is a space (RFC 5545, 3.1)


@router.get("/{contact_id}/reminder.ics")
def reminder(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    afterwards: BackgroundTasks,
    contact_id: str,
    at: Annotated[str, Query(max_length=40)],
) -> Response:
    """Return a calendar entry of a quarter of an hour that leads back to the person's page."""
    try:
        when = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("invalid_time", "The date of the reminder is not readable.", field="at") from error
    contact = services.registry.get_contact(contact_id)
    afterwards.add_task(services.audit.seen, user.id, "contact.viewed", "contact", contact.id)
    address = str(request.url_for("profile_page", contact_id=contact.id))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Earshot//Contact registry//EN",
        "BEGIN:VEVENT",
        f"UID:{contact.id}-{when:%Y%m%dT%H%M}@earshot",
        f"DTSTAMP:{services.clock.now():%Y%m%dT%H%M%SZ}",
        f"DTSTART:{when:%Y%m%dT%H%M%SZ}",
        "DURATION:PT15M",
        f"SUMMARY:{_text(f'Ask again whether {name_of(contact)} may be contacted')}",
        f"DESCRIPTION:{_text('Check first: other teams may have been in touch since.')}",
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    body = "\r\n".join(_folded(line) for line in lines).encode()
    return Response(body, media_type="text/calendar; charset=utf-8", headers=attachment("reminder.ics"))


def _text(value: str) -> str:
    """Return the text as a calendar holds it (RFC 5545, 3.3.11)."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> str:
    parts, part = [], ""
    for letter in line:
        if len((part + letter).encode()) > _LINE_BYTES:
            parts.append(part)
            part = ""
        part += letter
    return "\r\n ".join([*parts, part])
