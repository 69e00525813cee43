"""The rules in force as sentences, a draft of the next ones, what it would change, and its activation."""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import CHANNELS, ContactForm, instant_of, purpose_choices, remembered, unreadable
from app.pages.contacts import PostedForm
from app.pages.dependencies import PageAdministrator, PageContactReader, check_csrf, render
from app.pages.formats import zone_of
from app.pages.people_on_file import name_of
from app.pages.registry_jobs import path_of
from app.services import Services
from contact_registry.schemas_rules import (
    MAX_SIMULATED,
    ActivateIn,
    DraftIn,
    DraftOut,
    SimulateIn,
    SimulateOut,
    SimulationQuestion,
)
from core.errors import AppError, Conflict, InvalidInput

router = APIRouter(prefix="/contacts/rules")

NAMES_SHOWN = 30
MAX_DAYS = 3650
MAX_COUNT = 1000

Field = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A sentence with its gaps filled in; `kind` is gap, cap, company or blackout."""

    kind: str
    count: str
    days: str
    team: str
    from_date: str
    to_date: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the draft would change: how many, and the first of them as (contact id, name)."""

    counts: SimulateOut
    eligible: list[tuple[str, str]]
    ineligible: list[tuple[str, str]]
    conflicts: list[tuple[str, str]]


def rule_form(
    kind: Field = "", count: Field = "", days: Field = "", team: Field = "", from_date: Field = "", to_date: Field = ""
) -> RuleForm:
    return RuleForm(kind, count, days, team, from_date, to_date)


@router.get("", response_class=HTMLResponse)
def rules_page(request: Request, services: ServicesDep, user: PageContactReader) -> HTMLResponse:
    return _page(request, services)


@router.post("/add", dependencies=[Depends(check_csrf)])
def add(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    form: Annotated[RuleForm, Depends(rule_form)],
    revision: Field = "",
) -> Response:
    """Add a rule to the draft; the rules in force stay as they are."""
    try:
        draft = services.registry.rules.draft()
        rule = rule_of(form, {str(policy["id"]) for policy in draft.policies})
        sent = DraftIn(policies=[*draft.policies, rule], revision=_whole(revision, "revision", 0, None))
        services.registry.rules.put_draft(sent, to_actor(user))
    except AppError as error:
        return _page(request, services, error=error)
    return RedirectResponse("/contacts/rules#draft", status_code=303)


@router.post("/remove", dependencies=[Depends(check_csrf)])
def remove(
    request: Request, services: ServicesDep, user: PageAdministrator, rule: Field = "", revision: Field = ""
) -> Response:
    """Take a rule out of the draft."""
    try:
        kept = [policy for policy in services.registry.rules.draft().policies if policy["id"] != rule]
        sent = DraftIn(policies=kept, revision=_whole(revision, "revision", 0, None))
        services.registry.rules.put_draft(sent, to_actor(user))
    except AppError as error:
        return _page(request, services, error=error)
    return RedirectResponse("/contacts/rules#draft", status_code=303)


@router.post("/json", dependencies=[Depends(check_csrf)])
def put_json(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    policies: Annotated[str, Form(max_length=500_000)] = "",
    revision: Field = "",
) -> Response:
    """Replace the draft by rules written as JSON; what was typed stays in the field when it is refused."""
    try:
        sent = DraftIn(policies=_json_of(policies), revision=_whole(revision, "revision", 0, None))
        services.registry.rules.put_draft(sent, to_actor(user))
    except ValidationError as invalid:
        return _page(request, services, error=unreadable(invalid), typed=policies)
    except AppError as error:
        return _page(request, services, error=error, typed=policies)
    return RedirectResponse("/contacts/rules#draft", status_code=303)


@router.post("/reset", dependencies=[Depends(check_csrf)])
def reset(services: ServicesDep, user: PageAdministrator) -> Response:
    """Make the draft the same as the rules in force."""
    in_force = services.registry.rules.active().policies
    services.registry.rules.put_draft(DraftIn(policies=in_force), to_actor(user))
    return RedirectResponse("/contacts/rules#draft", status_code=303)


@router.post("/simulate", dependencies=[Depends(check_csrf)])
def simulate(request: Request, services: ServicesDep, user: PageContactReader, form: PostedForm) -> Response:
    """Show whom the draft would newly allow and newly refuse; for very many people as a job. Nothing comes in force."""
    try:
        at = instant_of(form, services.clock, zone_of(request))
        question = SimulationQuestion(at=at, team=form.team, channel=form.channel, purpose=form.purpose)
        asked = SimulateIn(question=question)
        if services.registry.rules.count_asked(asked) > MAX_SIMULATED:
            return RedirectResponse(path_of(services.registry.lists.simulate(asked, to_actor(user))), status_code=303)
        found = _found(services, services.registry.rules.simulate(asked))
    except ValidationError as invalid:
        return _page(request, services, error=unreadable(invalid), form=form)
    except AppError as error:
        return _page(request, services, error=error, form=form)
    return _page(request, services, form=form, found=found)


@router.get("/activate", response_class=HTMLResponse)
def confirm_activation(request: Request, services: ServicesDep, user: PageAdministrator) -> HTMLResponse:
    """Ask before the draft comes in force."""
    draft = services.registry.rules.draft()
    if not draft.revision:
        raise Conflict("no_draft", "There is no draft to put in force: change the rules first.")
    return render(
        request,
        "confirm.html",
        heading=f"Put version {draft.version} of the rules in force?",
        sentences=[
            *(draft.sentences.values() or ["No rules at all: everybody may be contacted at any time."]),
            "Every team is held to these from then on. Bookings that they refuse are listed as conflicts, "
            "never cancelled.",
        ],
        action=f"/contacts/rules/activate/{draft.revision}",
        button="Put them in force",
        back="/contacts/rules#draft",
    )


@router.post("/activate/{revision}", dependencies=[Depends(check_csrf)])
def activate(request: Request, services: ServicesDep, user: PageAdministrator, revision: str) -> Response:
    """Put the draft in force, if it is still the one that was read."""
    try:
        draft = services.registry.rules.draft()
        if str(draft.revision) != revision:
            raise Conflict("draft_changed", "The draft was changed meanwhile: read it again before it comes in force.")
        services.registry.rules.activate(ActivateIn(base_version=draft.base_version), to_actor(user))
    except AppError as error:
        return _page(request, services, error=error)
    return RedirectResponse("/contacts/rules", status_code=303)


def rule_of(form: RuleForm, taken: set[str]) -> dict[str, Any]:
    """Return the form's rule as a document with an id of its own. Raises InvalidInput naming the field."""
    if form.kind == "blackout":
        first, last = _day(form.from_date, "from_date"), _day(form.to_date, "to_date")
        rule: dict[str, Any] = {
            "name": f"Closed from {first} to {last}",
            "kind": "blackout",
            "level": "contact",
            "ranges": [{"from_date": first, "to_date": last}],
        }
        return {"id": _free_id(f"closed_{first}", taken), **rule}
    days = _whole(form.days, "days", 1, MAX_DAYS)
    if form.kind == "gap":
        rule = {"name": f"{days}-day cool-down", "kind": "min_gap", "level": "contact", "gap": f"P{days}D"}
        return {"id": _free_id(f"gap{days}", taken), **rule, "applies_to": {}, "counts": {}}
    if form.kind not in ("cap", "company"):
        raise InvalidInput("unknown_rule", "Choose one of the kinds of rule on the page.", field="kind")
    count = _whole(form.count, "count", 1, MAX_COUNT)
    is_company = form.kind == "company"
    rule = {
        "name": f"{count} contacts {'per company ' if is_company else ''}in {days} days",
        "kind": "frequency_cap",
        "level": "account" if is_company else "contact",
        "max": count,
        "window": f"P{days}D",
    }
    teams = {"teams": [form.team]} if form.team else {}
    name = f"{'account' if is_company else 'person'}_{count}_in_{days}"
    return {"id": _free_id(name, taken), **rule, "applies_to": teams, "counts": teams}


def _free_id(wanted: str, taken: set[str]) -> str:
    number, found = 2, wanted
    while found in taken:
        found, number = f"{wanted}_{number}", number + 1
    return found


def _whole(text: str, field: str, least: int, most: int | None) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else None
    if number is None or number < least or (most is not None and number > most):
        limits = f"from {least} to {most:,}" if most is not None else f"of at least {least}"
        raise InvalidInput("invalid_number", f"The field “{field}” takes a whole number {limits}.", field=field)
    return number


def _day(text: str, field: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError as error:
        raise InvalidInput(
            "invalid_date", "Give both days of the closed time, such as 2026-12-24.", field=field
        ) from error


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("invalid_json", f"This is not readable as JSON: {error}.", field="policies") from error


def _found(services: Services, counts: SimulateOut) -> Found:
    def people(ids: list[str]) -> list[tuple[str, str]]:
        return [(one, name_of(services.registry.get_contact(one))) for one in ids[:NAMES_SHOWN]]

    booked = [services.registry.get_touchpoint(one).contact for one in counts.new_planned_conflicts[:NAMES_SHOWN]]
    return Found(
        counts=counts,
        eligible=people(counts.newly_eligible),
        ineligible=people(counts.newly_ineligible),
        conflicts=people([contact for contact in dict.fromkeys(booked) if contact]),
    )


def _in_words(error: AppError) -> str:
    policy = error.extra.get("policy")
    return f"Rule “{policy}”: {error.message}" if policy else error.message


def _names_of_rules(draft: DraftOut) -> list[tuple[str, str, str]]:
    """Return (id, name, sentence) of each of the draft's rules."""
    return [
        (str(policy["id"]), str(policy.get("name") or policy["id"]), draft.sentences.get(str(policy["id"]), ""))
        for policy in draft.policies
    ]


def _page(
    request: Request,
    services: Services,
    *,
    error: AppError | None = None,
    typed: str | None = None,
    form: ContactForm | None = None,
    found: Found | None = None,
) -> HTMLResponse:
    rules = services.registry.rules
    draft = rules.draft()
    names = {key.id: key.name for key in services.access.keys.list()}
    return render(
        request,
        "rules.html",
        status_code=error.status if error else 200,
        active=rules.active(),
        history=rules.history(),
        names=names,
        draft=draft,
        draft_rules=_names_of_rules(draft),
        policies=json.dumps(draft.policies, indent=2, ensure_ascii=False) if typed is None else typed,
        is_typed=typed is not None,
        form=form or remembered(request),
        found=found,
        names_shown=NAMES_SHOWN,
        error=_in_words(error) if error else None,
        teams=choices.team_choices(services),
        purposes=purpose_choices(services.registry),
        channels=CHANNELS,
    )
