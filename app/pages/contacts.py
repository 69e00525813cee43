"""The check page: whom may we contact? Addresses travel in the form's body, never in the page's address."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices, timeline
from app.pages.contact_form import (
    CHANNELS,
    HOLDS,
    ContactForm,
    instant_of,
    linked_form,
    posted_form,
    purpose_choices,
    question_of,
    remember,
)
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.formats import zone_of
from app.pages.looks import Look, batch_look
from app.pages.people_on_file import badges_of, instead_of, name_of, whom_to_ask, with_team
from app.pages.touchpoints import actions_of
from app.services import Services
from contact_registry.csv_tables import write_table
from contact_registry.schemas import MAX_BATCH, BatchCheckIn, BatchDefaults, BatchItemOut
from core.errors import AppError, InvalidInput
from core.ids import new_id

router = APIRouter(prefix="/contacts")

PEOPLE_SHOWN = 30
WILL_BE_ADDED = "Not on file; reserving adds them."
_BETWEEN_PEOPLE = re.compile(r"[\n;,]+|(?<=\S)\s+(?=[^\s<]+@)")
_ANGLE_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>")

PostedForm = Annotated[ContactForm, Depends(posted_form)]
LinkedForm = Annotated[ContactForm, Depends(linked_form)]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One person of a pasted list: the answer, and why in a few words."""

    who: str
    answer: BatchItemOut
    look: Look
    why: str


@router.get("", response_class=HTMLResponse)
def contacts_page(
    request: Request, services: ServicesDep, user: PageContactReader, afterwards: BackgroundTasks, form: LinkedForm
) -> HTMLResponse:
    """Show the empty form and the people on file."""
    afterwards.add_task(services.audit.people_listed, user.id)
    people = services.registry.find_contacts(limit=PEOPLE_SHOWN).items
    form = with_team(form, choices.team_choices(services))
    return _page(request, services, form, people=people, badges=badges_of(services, user, form, people))


@router.post("", dependencies=[Depends(check_csrf)])
def check(request: Request, services: ServicesDep, user: PageContactReader, form: PostedForm) -> Response:
    """Answer for one address or name, or for each of a list, which when long is a job; nothing of it is written."""
    choices.put_first_team(services)
    response: Response
    try:
        people = people_in(form.who)
        if len(people) > MAX_BATCH:
            response = RedirectResponse(f"/contacts/files/jobs/{_take(request, services, user, form, people)}", 303)
        else:
            response = _page(request, services, form, **_answers(request, services, user, form, people))
    except AppError as error:
        response = _page(request, services, form, status_code=error.status, error=error.message)
    remember(request, response, form)
    return response


@router.get("/{contact_id}", response_class=HTMLResponse)
def profile_page(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    afterwards: BackgroundTasks,
    contact_id: str,
    form: LinkedForm,
) -> HTMLResponse:
    """Show one person: may they be contacted, and what every team did and plans."""
    profile = services.registry.profile(contact_id, to_actor(user))
    afterwards.add_task(services.audit.seen, user.id, "contact.viewed", "contact", profile.id)
    teams = choices.team_choices(services)
    form = with_team(form, teams)
    answer, error = profile.check, None
    try:
        if form.team:
            at = instant_of(form, services.clock, zone_of(request))
            answer = services.registry.check(question_of(form, at, contact=profile.id), to_actor(user))
    except AppError as refused:
        error = refused.message
    return render(
        request,
        "contact.html",
        **_common(services, form, teams),
        profile=profile,
        who=name_of(profile),
        answer=answer,
        asks=whom_to_ask(services, answer),
        error=error,
        consents=services.registry.stops.consents(profile.id),
        alike=[services.registry.get_contact(one) for one in profile.suspected_duplicates],
        actions={touch.id: actions_of(touch, services.clock.now()) for touch in profile.timeline},
        now=services.clock.now(),
        line=timeline.view_of(profile.timeline, answer, services.clock.now(), zone_of(request)),
    )


@router.post("/{contact_id}/merge", dependencies=[Depends(check_csrf)])
def merge(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    contact_id: str,
    source: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Make `source` the same person as this one; bookings that now collide go to the inbox of conflicts."""
    done = services.registry.merging.merge(contact_id, source, to_actor(user))
    path = "/contacts/conflicts" if done.new_conflicts else f"/contacts/{done.into}"
    return RedirectResponse(path, status_code=303)


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
    request: Request,
    services: Services,
    user: Principal,
    form: ContactForm,
    *,
    status_code: int,
    lost_race: str | None = None,
    error: str | None = None,
) -> HTMLResponse:
    """Show the present answer under the news that a reservation was refused, or that its form was wrong."""
    parts = _one(request, services, user, form, None if form.contact else form.who)
    contact = parts["answer"].contact
    if lost_race and contact:
        parts["alternatives"] = instead_of(services, user, form, contact)
    return _page(request, services, form, status_code=status_code, lost_race=lost_race, error=error, **parts)


def _take(request: Request, services: Services, user: Principal, form: ContactForm, people: list[str]) -> str:
    """Take a long list as a file of one column, and return the job's id."""
    at = instant_of(form, services.clock, zone_of(request))
    defaults = BatchDefaults(at=at, team=form.team, channel=form.channel, purpose=form.purpose)
    content = write_table(["email"], [[who] for who in people], for_spreadsheet=False)
    return services.registry.lists.check_file(content, defaults, to_actor(user), encoding="utf-8").id


def _answers(
    request: Request, services: Services, user: Principal, form: ContactForm, people: list[str]
) -> dict[str, Any]:
    if not people:
        raise InvalidInput("nobody_asked", "Write an address, a name or a list of addresses.", field="who")
    if len(people) > 1:
        return _many(request, services, user, form, people)
    if "@" in people[0]:
        return _one(request, services, user, form, people[0])
    matches = services.registry.find_contacts(people[0], limit=PEOPLE_SHOWN).items
    return {"matches": matches, "badges": badges_of(services, user, form, matches)}


def _one(
    request: Request, services: Services, user: Principal, form: ContactForm, address: str | None
) -> dict[str, Any]:
    """Answer about one address, or about the form's contact; with the log of all teams if they are on file."""
    now, zone = services.clock.now(), zone_of(request)
    asked = question_of(form, instant_of(form, services.clock, zone), contact=form.contact or None, email=address)
    answer = services.registry.check(asked, to_actor(user))
    asks = whom_to_ask(services, answer)
    if answer.contact is None:
        return {"answer": answer, "who": address, "asks": asks}
    touchpoints = services.registry.timeline(answer.contact, now - timeline.BACK)
    who = name_of(services.registry.get_contact(answer.contact))
    return {"answer": answer, "who": who, "asks": asks, "line": timeline.view_of(touchpoints, answer, now, zone)}


def _many(
    request: Request, services: Services, user: Principal, form: ContactForm, people: list[str]
) -> dict[str, Any]:
    at = instant_of(form, services.clock, zone_of(request))
    defaults = BatchDefaults(at=at, team=form.team, channel=form.channel, purpose=form.purpose)
    asked = BatchCheckIn(defaults=defaults, items=[{"email": who} for who in people])
    answers = services.registry.batch_check(asked, to_actor(user)).items
    rules = {policy["id"]: policy.get("name") or policy["id"] for policy in services.registry.rules.active().policies}
    lines = [
        BatchLine(who, item, batch_look(item.badge, item.duplicate_of is not None), _why(item, people, rules))
        for who, item in zip(people, answers, strict=True)
    ]
    eligible_count = sum(item.decision == "eligible" for item in answers)
    return {"batch": lines, "eligible_count": eligible_count, "key": new_id("key")}


def _why(item: BatchItemOut, people: list[str], rules: dict[str, str]) -> str:
    if item.duplicate_of is not None:
        return f"The same person as {people[item.duplicate_of]}."
    if item.error is not None:
        return item.message or item.error
    if item.badge == "unknown_person" and item.decision == "eligible":
        return WILL_BE_ADDED
    return ", ".join(rules[ref] for ref in item.reasons or [] if ref in rules)


def _common(services: Services, form: ContactForm, teams: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "form": form,
        "teams": teams,
        "team_names": dict(teams),
        "purposes": purpose_choices(services.registry),
        "channels": CHANNELS,
        "holds": HOLDS,
        "lengths": HOLDS,
        "lost_race": None,
    }


def _page(
    request: Request, services: Services, form: ContactForm, *, status_code: int = 200, **parts: Any
) -> HTMLResponse:
    teams = choices.asking_teams(services)
    shown: dict[str, Any] = {"answer": None, "batch": None, "matches": None, "error": None, "people": [], "who": ""}
    shown |= {"badges": {}, "line": None, "asks": {}, "alternatives": []}
    context = _common(services, form, teams) | shown | {"max_people": MAX_BATCH} | parts
    return render(request, "contacts.html", status_code=status_code, **context)
