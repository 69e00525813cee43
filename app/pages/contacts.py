"""The check page: whom may we contact? Addresses travel in the form's body, never in the page's address."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from app.access.principals import Principal
from app.api.dependencies import ServicesDep
from app.pages import choices, timeline
from app.pages.contact_form import (
    CHANNELS,
    HOLDS,
    ContactForm,
    actor_of,
    instant_of,
    linked_form,
    posted_form,
    purpose_choices,
    question_of,
    remember,
)
from app.pages.dependencies import PageContactReader, check_csrf, render
from app.pages.formats import zone_of
from app.services import Services
from contact_registry.schemas import MAX_BATCH, BatchCheckIn, BatchDefaults, BatchItemOut
from contact_registry.schemas_people import ContactOut
from core.errors import AppError, InvalidInput

router = APIRouter(prefix="/contacts")

PEOPLE_SHOWN = 30
_BETWEEN_PEOPLE = re.compile(r"[\n;,]+|(?<=\S)\s+(?=[^\s<]+@)")
_ANGLE_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>")

PostedForm = Annotated[ContactForm, Depends(posted_form)]
LinkedForm = Annotated[ContactForm, Depends(linked_form)]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One person of a pasted list: the answer, and why in a few words."""

    who: str
    answer: BatchItemOut
    why: str


@router.get("", response_class=HTMLResponse)
def contacts_page(request: Request, services: ServicesDep, user: PageContactReader, form: LinkedForm) -> HTMLResponse:
    """Show the empty form and the people on file."""
    people = services.registry.find_contacts(limit=PEOPLE_SHOWN).items
    return _page(request, services, form, people=people)


@router.post("", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def check(request: Request, services: ServicesDep, user: PageContactReader, form: PostedForm) -> HTMLResponse:
    """Answer for one address or name, or for each of a list; nothing is written."""
    try:
        response = _page(request, services, form, **_answers(request, services, user, form))
    except AppError as error:
        response = _page(request, services, form, status_code=error.status, error=error.message)
    remember(request, response, form)
    return response


@router.get("/{contact_id}", response_class=HTMLResponse)
def profile_page(
    request: Request, services: ServicesDep, user: PageContactReader, contact_id: str, form: LinkedForm
) -> HTMLResponse:
    """Show one person: may they be contacted, and what every team did and plans."""
    profile = services.registry.profile(contact_id, actor_of(user))
    teams = choices.team_choices(services)
    form = _with_team(form, teams)
    answer, error = profile.check, None
    try:
        if form.team:
            at = instant_of(form, services.clock, zone_of(request))
            answer = services.registry.check(question_of(form, at, contact=profile.id), actor_of(user))
    except AppError as refused:
        error = refused.message
    return render(
        request,
        "contact.html",
        **_common(services, form, teams),
        profile=profile,
        who=name_of(profile),
        answer=answer,
        error=error,
        line=timeline.view_of(profile.timeline, answer, services.clock.now(), zone_of(request)),
    )


def name_of(contact: ContactOut) -> str:
    """Return how people call the contact: the name, else an address, else the id."""
    return contact.name or next(iter(contact.emails), None) or contact.id


def people_in(text: str) -> list[str]:
    """Return the addresses or names of a field: one a line, or between commas; `Name <address>` is its address."""
    people: dict[str, None] = {}
    for part in _BETWEEN_PEOPLE.split(text):
        address = _ANGLE_ADDRESS.search(part)
        person = address.group(1) if address else part.strip().strip("\"'")
        if person:
            people[person] = None
    return list(people)


def answer_page(
    request: Request, services: Services, user: Principal, form: ContactForm, *, lost_race: str, status_code: int
) -> HTMLResponse:
    """Show the present answer under the news that a reservation was refused."""
    at = instant_of(form, services.clock, zone_of(request))
    email = None if form.contact else form.who
    answer = services.registry.check(question_of(form, at, contact=form.contact or None, email=email), actor_of(user))
    who = name_of(services.registry.get_contact(answer.contact)) if answer.contact else form.who
    return _page(request, services, form, status_code=status_code, answer=answer, who=who, lost_race=lost_race)


def _answers(request: Request, services: Services, user: Principal, form: ContactForm) -> dict[str, Any]:
    people = people_in(form.who)
    if not people:
        raise InvalidInput("nobody_asked", "Write an address, a name or a list of addresses.", field="who")
    if len(people) > MAX_BATCH:
        raise InvalidInput(
            "too_many_people",
            f"There are {len(people)} people in the list; at most {MAX_BATCH} are checked at once here.",
            field="who",
        )
    if len(people) > 1:
        return _many(request, services, user, form, people)
    if "@" in people[0]:
        return _one(request, services, user, form, people[0])
    matches = services.registry.find_contacts(people[0], limit=PEOPLE_SHOWN).items
    return {"matches": matches}


def _one(request: Request, services: Services, user: Principal, form: ContactForm, address: str) -> dict[str, Any]:
    at = instant_of(form, services.clock, zone_of(request))
    answer = services.registry.check(question_of(form, at, email=address), actor_of(user))
    who = name_of(services.registry.get_contact(answer.contact)) if answer.contact else address
    return {"answer": answer, "who": who}


def _many(
    request: Request, services: Services, user: Principal, form: ContactForm, people: list[str]
) -> dict[str, Any]:
    at = instant_of(form, services.clock, zone_of(request))
    defaults = BatchDefaults(at=at, team=form.team, channel=form.channel, purpose=form.purpose)
    asked = BatchCheckIn(defaults=defaults, items=[{"email": who} for who in people])
    answers = services.registry.batch_check(asked, actor_of(user)).items
    rules = {policy["id"]: policy.get("name") or policy["id"] for policy in services.registry.rules.active().policies}
    lines = [BatchLine(who, item, _why(item, people, rules)) for who, item in zip(people, answers, strict=True)]
    return {"batch": lines, "eligible_count": sum(item.decision == "eligible" for item in answers)}


def _why(item: BatchItemOut, people: list[str], rules: dict[str, str]) -> str:
    if item.duplicate_of is not None:
        return f"The same person as {people[item.duplicate_of]}."
    if item.error is not None:
        return item.message or item.error
    return ", ".join(rules[ref] for ref in item.reasons or [] if ref in rules)


def _with_team(form: ContactForm, teams: list[tuple[str, str]]) -> ContactForm:
    if form.team in dict(teams) or not teams:
        return form
    return ContactForm(form.who, form.contact, teams[0][0], form.purpose, form.channel, form.at)


def _common(services: Services, form: ContactForm, teams: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "form": form,
        "teams": teams,
        "team_names": dict(teams),
        "purposes": purpose_choices(services.registry),
        "channels": CHANNELS,
        "holds": HOLDS,
        "held": False,
        "lost_race": None,
    }


def _page(
    request: Request, services: Services, form: ContactForm, *, status_code: int = 200, **parts: Any
) -> HTMLResponse:
    teams = choices.team_choices(services)
    shown: dict[str, Any] = {"answer": None, "batch": None, "matches": None, "error": None, "people": [], "who": ""}
    context = _common(services, form, teams) | shown | {"max_people": MAX_BATCH} | parts
    return render(request, "contacts.html", status_code=status_code, **context)
