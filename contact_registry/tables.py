"""The registry's rows: who can be contacted, what was agreed, and what the rules are.

Instants are aware UTC. Ids of teams are slugs of `core.tables.Team`, kept as text so that history outlives a team.
Rows of rules, imports and repeated requests stand in `tables_of_record.py`.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Date, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

import contact_registry.tables_of_record  # noqa: F401  migrations find a package's tables through this module
from core.database import utc_column


class Account(SQLModel, table=True):
    """A company. `id` is chosen by us; the ids other systems use are `AccountExternalId` rows."""

    __tablename__ = "account"

    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    tz: str | None = None
    created_at: datetime = Field(sa_column=utc_column())
    updated_at: datetime = Field(sa_column=utc_column())


class AccountExternalId(SQLModel, table=True):
    __tablename__ = "account_external_id"

    system: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)


class Contact(SQLModel, table=True):
    """A person. A merged one is a redirect (`merged_into`), an erased one a tombstone (`erased_at`)."""

    __tablename__ = "contact"

    id: str = Field(primary_key=True)
    name: str | None = Field(default=None, index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    tz: str | None = None
    merged_into: str | None = Field(default=None, foreign_key="contact.id", index=True)
    merge_filled: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    erased_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    created_at: datetime = Field(sa_column=utc_column(index=True))
    updated_at: datetime = Field(sa_column=utc_column())


class ContactAddress(SQLModel, table=True):
    """One e-mail address or phone of a contact. Two live contacts never share a match key."""

    __tablename__ = "contact_address"
    __table_args__ = (
        UniqueConstraint("kind", "match_key", name="uq_contact_address_key"),
        Index("ix_contact_address_untagged", "kind", "untagged_key"),
    )

    id: str = Field(primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    kind: str  # "email" or "phone"
    match_key: str
    untagged_key: str  # the match key without a +tag: suspected duplicates and suppression
    address: str  # as it was written, for people
    original_contact: str  # whose it was before a merge
    created_at: datetime = Field(sa_column=utc_column())


class ContactSegment(SQLModel, table=True):
    """A label of a contact that rules may name. After a merge `original_contact` says whose it was."""

    __tablename__ = "contact_segment"

    contact_id: str = Field(primary_key=True, foreign_key="contact.id")
    segment: str = Field(primary_key=True)
    original_contact: str = Field(primary_key=True)


class ContactExternalId(SQLModel, table=True):
    __tablename__ = "contact_external_id"

    system: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    original_contact: str


class Touchpoint(SQLModel, table=True):
    """One interruption, past or future. A reservation is one in status `reserved`; `expired` is never stored.

    `at` is the start. When only the day is known `on_date` holds it and `at` is that day's first instant in UTC,
    good for ordering and for bounded reads (padded by two days), never for rules.
    """

    __tablename__ = "touchpoint"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="uq_touchpoint_source_external_id"),
        Index("ix_touchpoint_contact_at", "contact_id", "at"),
        Index("ix_touchpoint_account_at", "account_id", "at"),
        Index("ix_touchpoint_status_at", "status", "at"),
    )

    id: str = Field(primary_key=True)
    contact_id: str | None = Field(default=None, foreign_key="contact.id")  # None once the person is erased
    original_contact: str | None = None  # whose it was before a merge
    account_id: str | None = Field(default=None, foreign_key="account.id")  # where the person worked then
    at: datetime = Field(sa_column=utc_column())
    on_date: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    team: str
    channel: str
    purpose: str
    direction: str = "outbound"
    engagement: str | None = None
    status: str
    expires_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    duration_ms: int | None = None
    source: str
    external_id: str | None = None
    notes: str | None = None  # never shown across teams
    overrides: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))  # refs, reason, who, when
    violations: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))  # facts only
    policy_version: int | None = None  # the rules that let a claim through
    import_id: str | None = Field(default=None, index=True)
    created_by: str
    created_at: datetime = Field(sa_column=utc_column())
    updated_at: datetime = Field(sa_column=utc_column())
    revision: int = 1  # If-Match


class Suppression(SQLModel, table=True):
    """A stop. Its subject is a contact, an account, a domain, or an address known by keyed hashes alone."""

    __tablename__ = "suppression"

    id: str = Field(primary_key=True)
    subject_kind: str  # contact | account | domain | address
    subject_id: str | None = None  # None for an address: see SuppressionToken
    original_contact: str | None = None
    source: str
    channels: list[str] | None = Field(default=None, sa_column=Column(JSON))
    purposes: list[str] | None = Field(default=None, sa_column=Column(JSON))
    starts_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    ends_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=utc_column(index=True))
    lifted_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    lifted_by: str | None = None
    lift_evidence: str | None = None


class SuppressionToken(SQLModel, table=True):
    """How a suppression is found: `contact:ID`, `account:ID`, `domain:NAME`, or keyed hashes of an address.

    An address leaves HMAC-SHA256 of its match key, once as it is and once without a +tag; nothing else of it.
    """

    __tablename__ = "suppression_token"

    token: str = Field(primary_key=True)
    suppression_id: str = Field(primary_key=True, foreign_key="suppression.id", index=True)
    is_loose: bool = False  # the form without a +tag, where it differs
    key_version: int | None = None


class Consent(SQLModel, table=True):
    """One statement about consent; append-only, the latest in force decides."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_contact_purpose", "contact_id", "purpose"),)

    id: str = Field(primary_key=True)
    contact_id: str = Field(foreign_key="contact.id")
    original_contact: str
    purpose: str
    channel: str | None = None  # None: any
    state: str  # granted | withdrawn
    effective_from: datetime = Field(sa_column=utc_column())
    effective_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    source: str | None = None
    evidence: str | None = None  # free text; dropped when the person is erased
    captured_by: str
    created_at: datetime = Field(sa_column=utc_column())
