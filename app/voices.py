"""Who a contact is in what was recorded: (interview, speaker) pairs, for searches in what they said themselves.

Only the roof knows both halves: `search` filters by speakers of interviews and knows no contacts. A participant is a
contact by the link that somebody confirmed, else by address, as everywhere (`app/participation.py`).
"""

from collections.abc import Iterable
from contextlib import suppress

from sqlmodel import Session, col, or_, select

from app import participant_links
from app.access.permissions import Permission
from app.access.principals import Principal
from app.participant_links import ConfirmedLink
from app.services import Services
from contact_registry.addresses import email_key
from contact_registry.schemas_people import ContactOut
from contact_registry.service import RegistryService
from core.errors import Forbidden, Gone, NotFound
from core.tables import Participant

_PAGE = 200  # contacts of an account, at a time

Voices = frozenset[tuple[str, str]]


def find_voices(services: Services, user: Principal, contact: str | None, account: str | None) -> Voices | None:
    """Return who speaks for the contact, or for anybody of the account; of both only who is both; None for neither.

    Raises: Forbidden `not_permitted`, `contacts_hidden` for callers from whom contacts are kept; NotFound or Gone for
    a contact or an account that is not on file.
    """
    if not contact and not account:
        return None
    user.require(Permission.CONTACTS_READ)
    if user.hides_contacts:
        raise Forbidden("contacts_hidden", "This key asks and reserves only: who is on file is hidden from it.")
    people = [services.registry.get_contact(contact)] if contact else list(_of_account(services.registry, account))
    if contact and account:
        people = [person for person in people if person.account == services.registry.get_account(account).id]
    return _voices_of(services, people)


def _of_account(registry: RegistryService, account: str | None) -> Iterable[ContactOut]:
    account_id = registry.get_account(account or "").id
    cursor: str | None = None
    while True:
        page = registry.find_contacts(account=account_id, limit=_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _voices_of(services: Services, people: Iterable[ContactOut]) -> Voices:
    ids: set[str] = set()
    keys: set[str] = set()
    for person in people:
        ids.add(person.id)
        keys |= {email_key(email) for email in person.emails}
    with services.database.read() as session:
        linked = _links_to(session, services.registry, ids)
        present = _present(session, {interview_id for interview_id, _ in linked})
        voices = set()
        for interview_id, everybody in present.items():
            if not any(participant_links.key_or_none(one.email) in keys for one in everybody) and not any(
                interview_id == where for where, _ in linked
            ):
                continue
            links = participant_links.links_of(session, interview_id)
            for one in everybody:
                link = participant_links.link_of(one, links, everybody)
                is_meant = participant_links.key_or_none(one.email) in keys
                if link is not None:
                    is_meant = (interview_id, link.person) in linked
                if is_meant:
                    voices.add((interview_id, one.speaker or one.name))
        return frozenset(voices)


def _links_to(session: Session, registry: RegistryService, ids: set[str]) -> set[tuple[str, str]]:
    """Return (interview, person) of the links that lead to one of these contacts today, merges followed."""
    rows = list(session.exec(select(ConfirmedLink)))
    today: dict[str, str] = {}
    for contact_id in {row.contact_id for row in rows}:
        with suppress(NotFound, Gone):
            today[contact_id] = registry.get_contact(contact_id).id
    return {(row.interview_id, row.person) for row in rows if today.get(row.contact_id) in ids}


def _present(session: Session, linked: set[str]) -> dict[str, list[Participant]]:
    """Return the participants of interviews in which anybody has an address, or that are linked."""
    rows = session.exec(
        select(Participant)
        .where(or_(col(Participant.email).is_not(None), col(Participant.interview_id).in_(linked)))
        .order_by(col(Participant.interview_id), col(Participant.ordinal))
    )
    present: dict[str, list[Participant]] = {}
    for row in rows:
        present.setdefault(row.interview_id, []).append(row)
    return present
