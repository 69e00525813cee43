"""Who confirmed which participant of an interview to be which contact.

Participants are written anew whenever their interview is sent again, so a link names them by a digest of their
address, or of their name where they have none; never by a row. `app/participation.py` reads and writes the links.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256

from sqlmodel import Field, Session, SQLModel, col, select

from contact_registry.addresses import email_key
from core.database import utc_column
from core.errors import InvalidInput
from core.tables import Participant
from core.text import clean_text


class ConfirmedLink(SQLModel, table=True):
    """`contact_id` stays as it was confirmed: after a merge it leads to the survivor, after an un-merge back."""

    __tablename__ = "participant_link"

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    person: str = Field(primary_key=True)  # see `person_of`
    contact_id: str = Field(foreign_key="contact.id", index=True)
    confirmed_by: str
    confirmed_at: datetime = Field(sa_column=utc_column())


def person_of(participant: Participant) -> str:
    """Return what names this participant of an interview: SHA-256 of the address's match key, else of the name."""
    key = key_or_none(participant.email)
    return _digest("email", key) if key else _by_name(participant.name)


def key_or_none(email: str | None) -> str | None:
    """Return the match key of an address; None for what is none."""
    try:
        return email_key(email) if email else None
    except InvalidInput:
        return None


def links_of(session: Session, interview_id: str) -> dict[str, ConfirmedLink]:
    """Return the interview's links by person."""
    rows = session.exec(select(ConfirmedLink).where(ConfirmedLink.interview_id == interview_id))
    return {row.person: row for row in rows}


def links_to(session: Session, contact_ids: Collection[str]) -> list[ConfirmedLink]:
    """Return the links to any of these contacts."""
    return list(session.exec(select(ConfirmedLink).where(col(ConfirmedLink.contact_id).in_(contact_ids))))


def link_of(
    participant: Participant, links: dict[str, ConfirmedLink], everybody: Sequence[Participant]
) -> ConfirmedLink | None:
    """Return the link of this participant.

    Somebody confirmed by name who has an address by now is the same person, unless another has that name as well.
    """
    found = links.get(person_of(participant))
    if found is None and participant.email:
        by_name = _by_name(participant.name)
        if sum(_by_name(other.name) == by_name for other in everybody) == 1:
            found = links.get(by_name)
    return found


def _by_name(name: str) -> str:
    return _digest("name", " ".join(clean_text(name).casefold().split()))


def _digest(kind: str, text: str) -> str:
    return sha256(f"{kind}:{text}".encode()).hexdigest()
