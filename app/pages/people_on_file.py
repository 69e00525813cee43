"""What lists of people show beside a name: the badge of a question about each, asked for all at once."""

from collections.abc import Sequence

from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.pages.contact_form import ContactForm
from app.services import Services
from contact_registry.schemas import BatchCheckIn, BatchDefaults, BatchItemOut, CheckOut
from contact_registry.schemas_people import ContactOut

ALTERNATIVES_SHOWN = 5
_LOOKED_THROUGH = 100


def name_of(contact: ContactOut) -> str:
    """Return how people call the contact: the name, else an address, else the id."""
    return contact.name or next(iter(contact.emails), None) or contact.id


def with_team(form: ContactForm, teams: list[tuple[str, str]]) -> ContactForm:
    """Return the form with a team that exists, if any does."""
    if form.team in dict(teams) or not teams:
        return form
    return ContactForm(form.who, form.contact, teams[0][0], form.purpose, form.channel, form.at)


def badges_of(
    services: Services, user: Principal, form: ContactForm, people: Sequence[ContactOut]
) -> dict[str, BatchItemOut]:
    """Return by contact id whether each may be contacted now, as the form's team would; nothing while no team is."""
    if not form.team or not people:
        return {}
    defaults = BatchDefaults(team=form.team, channel=form.channel, purpose=form.purpose)
    items = [{"contact": contact.id} for contact in people]
    asked = BatchCheckIn(mode="independent", defaults=defaults, items=items)
    answers = services.registry.batch_check(asked, to_actor(user)).items
    return {contact.id: answer for contact, answer in zip(people, answers, strict=True)}


def instead_of(services: Services, user: Principal, form: ContactForm, contact_id: str) -> list[ContactOut]:
    """Return a few people who may be contacted in somebody's place: of the same company first, then alike."""
    contact = services.registry.get_contact(contact_id)
    found: dict[str, ContactOut] = {}
    for account, segment in [(contact.account, None), *((None, segment) for segment in contact.segments)]:
        if account or segment:
            page = services.registry.find_contacts(account=account, segment=segment, limit=_LOOKED_THROUGH)
            found |= {one.id: one for one in page.items if one.id not in found}
    others = [one for one in found.values() if one.id != contact.id]
    badges = badges_of(services, user, form, others)
    free = [one for one in others if one.id in badges and badges[one.id].decision == "eligible"]
    return free[:ALTERNATIVES_SHOWN]


def whom_to_ask(services: Services, answer: CheckOut) -> dict[str, list[str]]:
    """Return for each team that stands in the way the names of its people."""
    teams = dict.fromkeys(touch.team for reason in answer.reasons for touch in reason.blocking)
    if not teams:
        return {}
    people = [person for person in services.access.users.list() if person.disabled_at is None]
    return {team: [person.name for person in people if team in person.teams] for team in teams}
