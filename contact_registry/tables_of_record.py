"""The registry's books: versions of the rules, imports, bookings in conflict, and answers to repeated requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from core.database import utc_column


class Purpose(SQLModel, table=True):
    """A purpose that is not plain outreach, or that somebody described. Unlisted purposes are outreach."""

    __tablename__ = "purpose"

    id: str = Field(primary_key=True)
    purpose_class: str  # outreach | service
    name: str | None = None


class PolicySet(SQLModel, table=True):
    """One version of the rules as it was in force. The one with the highest version is in force now."""

    __tablename__ = "policy_set"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    policies: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    activated_by: str
    activated_at: datetime = Field(sa_column=utc_column())


class PolicyDraft(SQLModel, table=True):
    """The one set of rules being prepared; `base_version` is the version it was made from."""

    __tablename__ = "policy_draft"

    id: int = Field(default=1, primary_key=True)
    base_version: int
    revision: int = 1
    policies: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    changed_by: str
    changed_at: datetime = Field(sa_column=utc_column())


class BookingConflict(SQLModel, table=True):
    """A future booking that a rule now refuses, and what made it so. It is open until the booking moves or ends."""

    __tablename__ = "booking_conflict"

    id: str = Field(primary_key=True)
    touchpoint_id: str = Field(foreign_key="touchpoint.id", index=True)
    cause: str  # claim | record | merge | opt_out | policy_change | import | consent | reschedule
    cause_id: str | None = None
    refs: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    raised_at: datetime = Field(sa_column=utc_column(index=True))
    resolved_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class RepeatedRequest(SQLModel, table=True):
    """The answer to a request that carried an Idempotency-Key, given again when it is repeated.

    `body` is kept only for answers without personal data (opaque ids, instants, codes); otherwise `subject_id` says
    what to read again. `fingerprint` is a keyed hash: the request itself may hold an address.
    """

    __tablename__ = "repeated_request"
    __table_args__ = (Index("ix_repeated_request_contact", "contact_id"),)

    credential: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    status: int
    body: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    body_sha256: str
    subject_id: str | None = None
    contact_id: str | None = None
    created_at: datetime = Field(sa_column=utc_column(index=True))


class HistoryImport(SQLModel, table=True):
    """One imported file of history: how it went, row by row in `HistoryImportRow`."""

    __tablename__ = "history_import"

    id: str = Field(primary_key=True)
    file_name: str | None = None
    status: str  # previewed | imported | undone
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_by: str
    created_at: datetime = Field(sa_column=utc_column(index=True))
    undone_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class HistoryImportRow(SQLModel, table=True):
    """What became of one row. A suppressed person's row keeps its number and outcome, nothing of its content."""

    __tablename__ = "history_import_row"

    import_id: str = Field(primary_key=True, foreign_key="history_import.id")
    row: int = Field(primary_key=True)  # 1 is the first row after the heading
    outcome: str
    error: str | None = None
    message: str | None = None
    contact_id: str | None = None
    touchpoint_id: str | None = None
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))  # what undo restores
