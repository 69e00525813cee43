"""Adding people: somebody new named by a claim, a fact or an import, or a whole contact sent by a program."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from contact_registry.addresses import email_key, phone_key, without_tag
from contact_registry.tables import Contact, ContactAddress
from core.errors import Conflict
from core.ids import new_id
from core.text import clean_text


def add_stranger(session: Session, raw_email: str, at: datetime, name: str | None = None) -> Contact | None:
    """Add a contact with this address; None when somebody else just did, and nothing is left behind.

    On PostgreSQL this waits for a transaction that is adding the same address.
    """
    savepoint = session.begin_nested()
    contact = Contact(id=new_id("con"), name=clean_text(name) if name else None, created_at=at, updated_at=at)
    try:
        session.add(contact)
        session.flush()
        session.add(email_row(contact.id, raw_email, at))
        session.flush()
    except IntegrityError:
        savepoint.rollback()
        return None
    savepoint.commit()
    return contact


def email_row(contact_id: str, raw: str, at: datetime) -> ContactAddress:
    """Return the row of an address. Raises InvalidInput `invalid_email`."""
    key = email_key(raw)
    return ContactAddress(
        id=new_id("adr"),
        contact_id=contact_id,
        kind="email",
        match_key=key,
        untagged_key=without_tag(key),
        address=clean_text(raw),
        original_contact=contact_id,
        created_at=at,
    )


def phone_row(contact_id: str, raw: str, at: datetime) -> ContactAddress:
    """Return the row of a phone. Raises InvalidInput `invalid_phone`."""
    key = phone_key(raw)
    return ContactAddress(
        id=new_id("adr"),
        contact_id=contact_id,
        kind="phone",
        match_key=key,
        untagged_key=key,
        address=clean_text(raw),
        original_contact=contact_id,
        created_at=at,
    )


def address_taken(owner: str) -> Conflict:
    """Return the refusal of an address that another contact has."""
    return Conflict(
        "address_taken",
        f"One of these addresses belongs to contact {owner}: change that contact, or merge the two.",
        contact=owner,
    )
