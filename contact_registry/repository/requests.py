"""Answers to requests that carried an Idempotency-Key, and forgetting them."""

from datetime import datetime

from sqlalchemy import String, and_, cast, delete, null, or_, update
from sqlmodel import Session, col

from contact_registry.tables_of_record import RepeatedRequest


def find_request(session: Session, credential: str, key: str) -> RepeatedRequest | None:
    """Return the stored answer as the database has it now."""
    return session.get(RepeatedRequest, (credential, key), populate_existing=True)


def forget_requests_before(session: Session, before: datetime) -> int:
    """Delete stored answers older than this; return how many."""
    result = session.connection().execute(delete(RepeatedRequest).where(col(RepeatedRequest.created_at) < before))
    return int(result.rowcount)


def forget_bodies_of(session: Session, contact_id: str) -> None:
    """Drop the bodies of answers about this person, batches included; status, ids and digest stay."""
    in_a_batch = and_(
        col(RepeatedRequest.contact_id).is_(None),
        cast(col(RepeatedRequest.body), String).contains(contact_id, autoescape=True),
    )
    session.connection().execute(
        update(RepeatedRequest)
        .where(or_(col(RepeatedRequest.contact_id) == contact_id, in_a_batch))
        .values(body=null())
    )
