"""What the contact pages ask for once and remember: team, purpose, channel and time; and how it becomes a question."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Form, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.pages.formats import local_instant
from contact_registry.schemas import QuestionIn
from contact_registry.service import RegistryService
from core.clock import Clock
from core.errors import InvalidInput

REMEMBERED_COOKIE = "earshot_asks"
REMEMBERED_S = 180 * 24 * 3600

# "Now" on a page: the registry refuses what has passed, and some milliseconds always have.
NOW_WITHIN = timedelta(minutes=1)

# Offered where the workspace has named none of its own.
PURPOSES = [
    ("interview", "Research interview"),
    ("survey", "Survey"),
    ("sales_call", "Sales call"),
    ("marketing", "Marketing"),
]
CHANNELS = [
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("video_call", "Video call"),
    ("meeting", "Meeting"),
    ("survey", "Survey"),
    ("in_app", "In the product"),
]
HOLDS = [
    ("PT15M", "15 minutes"),
    ("PT1H", "1 hour"),
    ("PT4H", "4 hours"),
    ("P1D", "1 day"),
    ("PT72H", "3 days"),
]

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class ContactForm:
    """The fields as they were typed; `contact` is an id, `who` an address, a name or a list."""

    who: str = ""
    contact: str = ""
    team: str = ""
    purpose: str = PURPOSES[0][0]
    channel: str = CHANNELS[0][0]
    at: str = ""


def posted_form(
    request: Request,
    who: Annotated[str, Form(max_length=400_000)] = "",
    contact: Annotated[str, Form(max_length=100)] = "",
    team: Annotated[str, Form(max_length=64)] = "",
    purpose: Annotated[str, Form(max_length=64)] = "",
    channel: Annotated[str, Form(max_length=64)] = "",
    at: Annotated[str, Form(max_length=40)] = "",
) -> ContactForm:
    """Read the form that was sent; what it leaves out is as remembered."""
    known = remembered(request)
    return ContactForm(who.strip(), contact, team or known.team, purpose or known.purpose, channel or known.channel, at)


def linked_form(
    request: Request,
    team: Annotated[str, Query(max_length=64)] = "",
    purpose: Annotated[str, Query(max_length=64)] = "",
    channel: Annotated[str, Query(max_length=64)] = "",
    at: Annotated[str, Query(max_length=40)] = "",
) -> ContactForm:
    """Read what the address says, which never names a person by address; the rest is as remembered."""
    known = remembered(request)
    return ContactForm("", "", team or known.team, purpose or known.purpose, channel or known.channel, at)


def remembered(request: Request) -> ContactForm:
    """Return the team, purpose and channel of this browser's last question."""
    parts = request.cookies.get(REMEMBERED_COOKIE, "").split("|")
    if len(parts) != 3 or not all(_SLUG.fullmatch(part) for part in parts):
        return ContactForm()
    return ContactForm(team=parts[0], purpose=parts[1], channel=parts[2])


def remember(request: Request, response: Response, form: ContactForm) -> None:
    """Keep team, purpose and channel in this browser; never whom was asked about."""
    parts = (form.team, form.purpose, form.channel)
    if all(_SLUG.fullmatch(part) for part in parts):
        secure = request.url.scheme == "https"
        response.set_cookie(
            REMEMBERED_COOKIE, "|".join(parts), max_age=REMEMBERED_S, httponly=True, samesite="lax", secure=secure
        )


def purpose_choices(registry: RegistryService) -> list[tuple[str, str]]:
    """Return (id, name) of the purposes on record, else of a few common ones."""
    return [(purpose.id, purpose.name or purpose.id) for purpose in registry.rules.purposes()] or PURPOSES


def instant_of(form: ContactForm, clock: Clock, zone: ZoneInfo) -> datetime:
    """Return the asked instant; an empty field is NOW_WITHIN from now. Raises InvalidInput `invalid_time`."""
    if not form.at:
        return (clock.now() + NOW_WITHIN).replace(microsecond=0)
    at = local_instant(form.at, zone)
    if at is None:
        raise InvalidInput("invalid_time", "The time is not readable: write it as 2026-05-12T14:00.", field="at")
    return at


def question_of(form: ContactForm, at: datetime, *, contact: str | None = None, email: str | None = None) -> QuestionIn:
    """Return the question about one person. Raises InvalidInput `invalid_question` naming the field."""
    try:
        return QuestionIn(
            contact=contact, email=email, at=at, team=form.team, purpose=form.purpose, channel=form.channel
        )
    except ValidationError as error:
        raise unreadable(error) from error


def unreadable(error: ValidationError) -> InvalidInput:
    """Return the failure in words, without the value: it may be an address."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "form"
    return InvalidInput("invalid_question", f"The field “{field}” is not as expected: {first['msg']}.", field=field)
