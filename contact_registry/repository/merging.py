"""Moving all rows of one contact to another, and those that were theirs back; forgetting a person's rows."""

from datetime import datetime

from sqlalchemy import delete, func, null, update
from sqlmodel import Session, col, select

from contact_registry.repository.stops import contact_token
from contact_registry.repository.touchpoints import move_touchpoints
from contact_registry.tables import (
    Consent,
    Contact,
    ContactAddress,
    ContactExternalId,
    ContactSegment,
    Suppression,
    SuppressionToken,
    Touchpoint,
)
from contact_registry.tables_of_record import BookingConflict, HistoryImportRow

_OWNED = (ContactAddress, ContactSegment, ContactExternalId, Consent)


def move_everything(session: Session, source: str, into: str) -> None:
    """Give all that `source` has to `into`; earlier redirects to `source` lead on to `into`."""
    connection = session.connection()
    for table in _OWNED:
        connection.execute(update(table).where(col(table.contact_id) == source).values(contact_id=into))
    move_touchpoints(session, source, into)
    _move_stops(session, source, into)
    connection.execute(update(Contact).where(col(Contact.merged_into) == source).values(merged_into=into))


def _move_stops(session: Session, source: str, into: str) -> None:
    connection = session.connection()
    connection.execute(
        update(Suppression)
        .where(col(Suppression.subject_kind) == "contact", col(Suppression.subject_id) == source)
        .values(subject_id=into, original_contact=func.coalesce(col(Suppression.original_contact), source))
    )
    connection.execute(
        update(SuppressionToken)
        .where(col(SuppressionToken.token) == contact_token(source))
        .values(token=contact_token(into))
    )


def move_back(session: Session, contact: str, survivor: str) -> None:
    """Give `contact` back what was theirs before the merge."""
    connection = session.connection()
    for table in _OWNED:
        connection.execute(
            update(table)
            .where(col(table.contact_id) == survivor, col(table.original_contact) == contact)
            .values(contact_id=contact)
        )
    connection.execute(
        update(Touchpoint)
        .where(col(Touchpoint.contact_id) == survivor, col(Touchpoint.original_contact) == contact)
        .values(contact_id=contact, original_contact=None)
    )
    theirs = list(
        session.exec(
            select(Suppression.id).where(
                col(Suppression.subject_id) == survivor, col(Suppression.original_contact) == contact
            )
        )
    )
    connection.execute(
        update(Suppression).where(col(Suppression.id).in_(theirs)).values(subject_id=contact, original_contact=None)
    )
    connection.execute(
        update(SuppressionToken)
        .where(
            col(SuppressionToken.suppression_id).in_(theirs),
            col(SuppressionToken.token) == contact_token(survivor),
        )
        .values(token=contact_token(contact))
    )


def forget_touchpoints(session: Session, contact: str, now: datetime, *, drop_account: bool) -> int:
    """Take the person out of their touchpoints; what rules of companies count stays. Return how many."""
    values = {
        "contact_id": None,
        "original_contact": None,
        "engagement": None,
        "notes": None,
        "external_id": None,
        "overrides": null(),
        "updated_at": now,
    }
    if drop_account:
        values["account_id"] = None
    result = session.connection().execute(
        update(Touchpoint).where(col(Touchpoint.contact_id) == contact).values(values)
    )
    return int(result.rowcount)


def forget_consent_texts(session: Session, contact: str) -> None:
    """Drop what people wrote about consent; that it was given or withdrawn stays."""
    session.connection().execute(
        update(Consent).where(col(Consent.contact_id) == contact).values(evidence=None, source=None)
    )


def forget_stop_texts(session: Session, contact: str) -> None:
    """Drop what people wrote when they lifted a stop of this person."""
    session.connection().execute(
        update(Suppression)
        .where(col(Suppression.subject_kind) == "contact", col(Suppression.subject_id) == contact)
        .values(lift_evidence=None)
    )


def forget_import_rows(session: Session, contact: str) -> None:
    """Take the person out of the records of imports."""
    session.connection().execute(
        update(HistoryImportRow)
        .where(col(HistoryImportRow.contact_id) == contact)
        .values(contact_id=None, touchpoint_id=None, before=null(), message=None)
    )


def redirects_to(session: Session, contact: str) -> list[Contact]:
    """Return the contacts that were merged into this one."""
    return list(session.exec(select(Contact).where(col(Contact.merged_into) == contact)))


def delete_touchpoints(session: Session, ids: list[str]) -> None:
    """Delete these touchpoints and the conflicts noted on them."""
    connection = session.connection()
    connection.execute(delete(BookingConflict).where(col(BookingConflict.touchpoint_id).in_(ids)))
    connection.execute(delete(Touchpoint).where(col(Touchpoint.id).in_(ids)))
