"""Who must not be contacted: the list, never with an address, adding somebody, and lifting a stop with evidence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages.contact_form import CHANNELS, unreadable
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.formats import local_instant, zone_of
from app.services import Services
from contact_registry.schemas_people import LiftIn, SuppressionIn, SuppressionOut
from core.errors import AppError, Gone, InvalidInput, NotFound

router = APIRouter(prefix="/contacts/stops")

KINDS = [
    ("email", "An e-mail address and its person"),
    ("domain", "Everybody at a domain"),
    ("contact", "A person on file, by name"),
    ("account", "A company on file, by name"),
]
SOURCES = [
    ("opt_out", "They asked for it"),
    ("complaint", "They complained"),
    ("hard_bounce", "The address does not exist"),
    ("legal", "Legal reasons"),
    ("manual", "Our own decision"),
]
ERASURE = "erasure"
_SOURCE_WORDS = dict(SOURCES) | {ERASURE: "They were erased"}

Field = Annotated[str, Form(max_length=400)]


@dataclass(frozen=True, slots=True)
class StopForm:
    """The fields as they were typed."""

    kind: str = KINDS[0][0]
    who: str = ""
    source: str = SOURCES[0][0]
    until: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class StopLine:
    """A stop as people read it; `link` leads to the person or company, where there is one."""

    stop: SuppressionOut
    who: str
    link: str | None
    why: str


def stop_form(
    kind: Field = "", who: Field = "", source: Field = "", until: Field = "", channel: Field = ""
) -> StopForm:
    return StopForm(kind, who.strip(), source, until.strip(), channel)


@router.get("", response_class=HTMLResponse)
def stops_page(
    request: Request, services: ServicesDep, user: PageContactReader, lifted: bool = False, cursor: str | None = None
) -> HTMLResponse:
    return _page(request, services, user, lifted=lifted, cursor=cursor)


@router.post("", dependencies=[Depends(check_csrf)])
def add(
    request: Request, services: ServicesDep, user: PageContactWriter, form: Annotated[StopForm, Depends(stop_form)]
) -> Response:
    """Stop all contacts at once."""
    try:
        stop = services.registry.stops.suppress(_stop_of(services, form, zone_of(request)), to_actor(user))
    except ValidationError as invalid:
        return _page(request, services, user, error=unreadable(invalid), form=form)
    except AppError as error:
        return _page(request, services, user, error=error, form=form)
    return RedirectResponse(f"/contacts/stops#{stop.id}", status_code=303)


@router.post("/{stop_id}/lift", dependencies=[Depends(check_csrf)])
def lift(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    stop_id: str,
    evidence: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """End a stop because the person came back themselves; it stays on record."""
    try:
        services.registry.stops.lift(stop_id, _evidence(evidence), to_actor(user))
    except AppError as error:
        return _page(request, services, user, error=error)
    return RedirectResponse("/contacts/stops", status_code=303)


def _evidence(text: str) -> LiftIn:
    try:
        return LiftIn(evidence=text.strip())
    except ValidationError as error:
        raise InvalidInput(
            "no_evidence", "Write in 10 to 2,000 characters how we know that they came back.", field="evidence"
        ) from error


def _stop_of(services: Services, form: StopForm, zone: ZoneInfo) -> SuppressionIn:
    """Return the stop that the form describes. Raises InvalidInput, ValidationError."""
    if not form.who:
        raise InvalidInput("nobody_named", "Write whom the stop is about.", field="who")
    named: dict[str, str] = {form.kind: form.who}
    if form.kind == "contact":
        named = {"contact": _only_one("person", [one.id for one in services.registry.find_contacts(form.who).items])}
    elif form.kind == "account":
        named = {"account": _only_one("company", [one.id for one in services.registry.find_accounts(form.who).items])}
    sent: dict[str, Any] = {"subject": named, "source": form.source, "until": _end(form.until, zone)}
    if form.channel:
        sent["channels"] = [form.channel]
    return SuppressionIn.model_validate(sent)


def _only_one(what: str, ids: list[str]) -> str:
    if len(ids) != 1:
        found = f"{len(ids)} names" if ids else "No name"
        raise InvalidInput("not_one", f"{found} on file match: write the whole name of one {what}.", field="who")
    return ids[0]


def _end(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    end = local_instant(text, zone)
    if end is None:
        raise InvalidInput("invalid_date", "The date is not readable: write it as 2026-12-24.", field="until")
    return end


def _line(services: Services, stop: SuppressionOut) -> StopLine:
    who, link = _subject(services, stop.subject)
    return StopLine(stop, who, link, _SOURCE_WORDS.get(stop.source or "", ""))


def _subject(services: Services, subject: dict[str, str]) -> tuple[str, str | None]:
    kind, subject_id = subject["kind"], subject.get("id", "")
    if kind == "domain":
        return f"Everybody at {subject_id}", None
    try:
        if kind == "contact":
            contact = services.registry.get_contact(subject_id)
            return contact.name or "A person without a name", f"/contacts/{contact.id}"
        if kind == "account":
            return f"Everybody at {services.registry.get_account(subject_id).name}", f"/contacts/accounts/{subject_id}"
    except (NotFound, Gone):
        return "Somebody who was erased", None
    return "An address, kept unreadable", None


def _page(
    request: Request,
    services: Services,
    user: Principal,
    *,
    lifted: bool = False,
    cursor: str | None = None,
    error: AppError | None = None,
    form: StopForm | None = None,
) -> HTMLResponse:
    stops, next_cursor = services.registry.stops.list_all(to_actor(user), include_lifted=lifted, cursor=cursor)
    return render(
        request,
        "stops.html",
        status_code=error.status if error else 200,
        lines=[_line(services, stop) for stop in stops],
        lifted=lifted,
        next_cursor=next_cursor,
        error=error.message if error else None,
        form=form or StopForm(),
        kinds=KINDS,
        sources=SOURCES,
        channels=[("", "In every way"), *CHANNELS],
        channel_names=dict(CHANNELS),
        erasure=ERASURE,
    )
