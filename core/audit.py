"""The record of who did what: append-only, written in the transaction of the change, opaque ids only.

A detail never holds a name, an address or anything somebody said: erasing a person leaves these rows as they are.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel

from core.database import utc_column
from core.ids import new_id


class AuditEvent(SQLModel, table=True):
    __tablename__ = "audit_event"

    id: str = Field(primary_key=True)
    at: datetime = Field(sa_column=utc_column(index=True))
    actor: str = Field(index=True)  # id of a key or user, or "system"
    action: str = Field(index=True)  # noun.verb, "reservation.created"
    subject_type: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def record_event(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one audit event to the caller's transaction."""
    session.add(
        AuditEvent(
            id=new_id("aud"),
            at=at,
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=detail or {},
        )
    )
