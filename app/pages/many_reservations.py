"""Reserving many people at once: those ticked on a page, or of a checked file those that may be contacted."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse

from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages.contact_form import ContactForm, instant_of, remember
from app.pages.contacts import PostedForm
from app.pages.dependencies import PageContactWriter, check_csrf, render
from app.pages.formats import zone_of
from app.pages.looks import Look, contact_look, touchpoint_look
from app.pages.people_on_file import name_of
from app.pages.sent_files import SentFile
from app.services import Services
from contact_registry.repeats import RequestKey
from contact_registry.schemas import MAX_BATCH, BatchDefaults, BatchItemOut, BatchReserveIn
from core.errors import AppError, Gone, InvalidInput, NotFound

router = APIRouter()

_SOMEBODY = "Somebody who is not on file"
_NOT_RESERVED = Look("Not reserved", "warning", "stop")

Ttl = Annotated[str, Form(max_length=40)]
Key = Annotated[str, Form(max_length=60)]


@dataclass(frozen=True, slots=True)
class Line:
    who: str
    answer: BatchItemOut
    look: Look


@router.post("/reservations/many", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def reserve_many(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    form: PostedForm,
    person: Annotated[list[str] | None, Form()] = None,
    ttl: Ttl = "PT15M",
    key: Key = "",
) -> HTMLResponse:
    """Claim everybody who was ticked, each by themselves, and show what became of each."""
    items = [{"email": one} if "@" in one else {"contact": one} for one in person or []]
    try:
        response = _reserve(request, services, user, form, items, ttl, key, person or [])
    except AppError as error:
        return _refused(request, error, "/contacts")
    remember(request, response, form)
    return response


@router.post("/contacts/files/reserve", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def reserve_from_file(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    form: PostedForm,
    sent: SentFile,
    row: Annotated[list[int] | None, Form()] = None,
    take: Annotated[str, Form(max_length=10)] = "",
    first: Annotated[int, Form()] = 0,
    spread: Annotated[str, Form(max_length=10)] = "",
    ttl: Ttl = "PT15M",
    key: Key = "",
) -> HTMLResponse:
    """Check the file again and claim the ticked rows, or the first so many that may be contacted."""
    try:
        rows = services.registry.files.items(sent.content, email_column=sent.email_column or None)
        if take == "first":
            chosen = _first(request, services, user, form, sent, first, is_spread=bool(spread))
        else:
            chosen = [number - 1 for number in row or [] if 0 < number <= len(rows)]
        asked = (sha256(sent.content).hexdigest(), sent.email_column, row, take, first, spread)
        return _reserve(request, services, user, form, [rows[index] for index in chosen], ttl, key, asked)
    except AppError as error:
        return _refused(request, error, "/contacts/files")


def spread_over(companies: Sequence[tuple[int, str | None]], count: int) -> list[int]:
    """Return `count` of the rows: of each company one, then a second, and so on; people of none stand alone.

    `companies` are (row, company) in the order of the file, which holds within a company and among them.
    """
    by_company: dict[str, list[int]] = defaultdict(list)
    for row, company in companies:
        by_company[company or f"row {row}"].append(row)
    ranked = [(rank, row) for rows in by_company.values() for rank, row in enumerate(rows)]
    return [row for _, row in sorted(ranked)[:count]]


def _first(
    request: Request,
    services: Services,
    user: Principal,
    form: ContactForm,
    sent: SentFile,
    count: int,
    *,
    is_spread: bool,
) -> list[int]:
    """Return the indexes of the first rows that may be contacted. Raises InvalidInput `invalid_number`."""
    if not 1 <= count <= MAX_BATCH:
        raise InvalidInput("invalid_number", f"Choose how many people: 1 to {MAX_BATCH}.", field="first")
    defaults = BatchDefaults(
        at=instant_of(form, services.clock, zone_of(request)),
        team=form.team,
        channel=form.channel,
        purpose=form.purpose,
    )
    column = sent.email_column or None
    answer, _ = services.registry.files.check(sent.content, defaults, to_actor(user), email_column=column)
    free = [one for one in answer.rows if one.decision == "eligible"]
    if not is_spread:
        return [one.index for one in free[:count]]
    companies = services.registry.people.accounts_of(one.contact for one in free if one.contact)
    return spread_over([(one.index, companies.get(one.contact or "")) for one in free], count)


def _reserve(
    request: Request,
    services: Services,
    user: Principal,
    form: ContactForm,
    items: list[dict[str, Any]],
    ttl: str,
    key: str,
    asked: Sequence[object],
) -> HTMLResponse:
    """Claim the items; the same form with the same `key` again shows the first answer. `asked` is what was chosen."""
    at = instant_of(form, services.clock, zone_of(request)) if form.at else None
    defaults = BatchDefaults(at=at, team=form.team, channel=form.channel, purpose=form.purpose, ttl=ttl)
    body = [form.team, form.channel, form.purpose, form.at, ttl, sha256(repr(asked).encode()).hexdigest()]
    sent = RequestKey(user.id, key, "POST", request.url.path, body) if key else None
    answers = services.registry.batch_reserve(
        BatchReserveIn(defaults=defaults, items=items), to_actor(user), sent
    ).items
    if not answers:
        raise InvalidInput(
            "nobody_chosen", "Nobody who may be contacted was chosen: tick at least one.", field="person"
        )
    people = items if sent is None or not sent.replayed else [{}] * len(answers)  # the first so many are others by now
    lines = [
        Line(_who(services, item, answer), answer, _look(answer)) for item, answer in zip(people, answers, strict=True)
    ]
    return render(
        request,
        "reserved.html",
        lines=lines,
        reserved_count=sum(line.answer.status == 201 for line in lines),
        error=None,
        back="/contacts",
    )


def _look(answer: BatchItemOut) -> Look:
    if answer.status == 201:
        return touchpoint_look("reserved")
    return contact_look(answer.badge) if answer.badge else _NOT_RESERVED


def _who(services: Services, item: dict[str, Any], answer: BatchItemOut) -> str:
    contact = answer.contact or item.get("contact")
    try:
        return name_of(services.registry.get_contact(contact)) if contact else str(item.get("email", _SOMEBODY))
    except (NotFound, Gone):
        return _SOMEBODY


def _refused(request: Request, error: AppError, back: str) -> HTMLResponse:
    shown: dict[str, Any] = {"lines": [], "reserved_count": 0, "error": error.message, "back": back}
    return render(request, "reserved.html", status_code=error.status, **shown)
