"""What programs send and read about people and companies: contacts, accounts, stops, consents, merging, erasing."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from contact_registry.instants import Instant
from contact_registry.schemas import CheckOut, Id, Input, RawEmail, Slug, TouchpointOut


class ExternalId(Input):
    system: Slug
    id: Id


class AccountIn(Input):
    name: str = Field(min_length=1, max_length=200)
    tz: str | None = Field(default=None, max_length=64)
    external_ids: list[ExternalId] = Field(default=[], max_length=50)


class AccountOut(BaseModel):
    id: str
    name: str
    tz: str | None
    external_ids: list[dict[str, str]] = []
    people: int = 0
    created_at: Instant


class AccountPage(BaseModel):
    items: list[AccountOut]
    next_cursor: str | None = None


class ContactIn(Input):
    name: str | None = Field(default=None, max_length=200)
    emails: list[RawEmail] = Field(default=[], max_length=50)
    phones: list[str] = Field(default=[], max_length=50, description="E.164, such as +420123456789.")
    account: Id | None = None
    tz: str | None = Field(default=None, max_length=64)
    segments: list[Slug] = Field(default=[], max_length=100)
    external_ids: list[ExternalId] = Field(default=[], max_length=50)

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not (self.name or self.emails or self.phones or self.external_ids):
            raise ValueError("a contact needs a name, an address or an external id")
        return self


class ContactChange(Input):
    """PATCH: fields that are left out stay; a list replaces the list there was."""

    name: str | None = Field(default=None, max_length=200)
    emails: list[RawEmail] | None = Field(default=None, max_length=50)
    phones: list[str] | None = Field(default=None, max_length=50)
    account: Id | None = None
    tz: str | None = Field(default=None, max_length=64)
    segments: list[Slug] | None = Field(default=None, max_length=100)


class ContactOut(BaseModel):
    id: str
    name: str | None
    emails: list[str]
    phones: list[str]
    account: str | None
    account_name: str | None = None
    tz: str | None
    segments: list[str]
    external_ids: list[dict[str, str]] = []
    badge: str | None = None
    next_eligible_at: Instant | None = None
    merged_from: list[str] = []
    created_at: Instant
    updated_at: Instant


class ContactPage(BaseModel):
    items: list[ContactOut]
    next_cursor: str | None = None


class ProfileOut(ContactOut):
    """A contact with what may be done now and the log of all teams (12 months back, everything ahead)."""

    check: CheckOut
    timeline: list[TouchpointOut]
    suspected_duplicates: list[str] = []


class SubjectIn(Input):
    contact: Id | None = None
    email: RawEmail | None = None
    account: Id | None = None
    domain: str | None = Field(default=None, max_length=255)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.contact, self.email, self.account, self.domain)) != 1:
            raise ValueError("give exactly one of contact, email, account and domain")
        return self


class SuppressionIn(Input):
    subject: SubjectIn
    source: Literal["opt_out", "complaint", "hard_bounce", "legal", "manual"]
    channels: list[Slug] | None = Field(default=None, min_length=1)
    purposes: list[Slug] | None = Field(default=None, min_length=1)
    starts_at: Instant | None = Field(default=None, alias="from")
    ends_at: Instant | None = Field(default=None, alias="until")


class SuppressionOut(BaseModel):
    id: str
    subject: dict[str, str]  # kind, and the id where there is one; never an address
    source: str | None  # None for those who may not know it
    channels: list[str] | None
    purposes: list[str] | None
    starts_at: Instant | None = Field(serialization_alias="from")
    ends_at: Instant | None = Field(serialization_alias="until")
    created_by: str
    created_at: Instant
    lifted_at: Instant | None = None
    new_conflicts: list[str] = []


class LiftIn(Input):
    evidence: str = Field(
        min_length=10, max_length=2000, description="How we know that the person came back themselves."
    )


class ConsentIn(Input):
    contact: Id
    purpose: Slug
    channel: Slug | None = None
    state: Literal["granted", "withdrawn"]
    effective_from: Instant
    effective_until: Instant | None = None
    source: Slug | None = None
    evidence: str | None = Field(default=None, max_length=2000)


class ConsentOut(BaseModel):
    id: str
    contact: str
    purpose: str
    channel: str | None
    state: str
    effective_from: Instant
    effective_until: Instant | None
    source: str | None
    captured_by: str
    created_at: Instant
    new_conflicts: list[str] = []


class MergeIn(Input):
    """POST /contacts/{id}/merge: the contact of the path survives, `from` becomes a redirect to it."""

    source: Id = Field(alias="from")


class MergeOut(BaseModel):
    into: str
    merged: str = Field(serialization_alias="from")
    noop: bool
    new_conflicts: list[str] = []


class EraseIn(Input):
    touchpoints: Literal["anonymise", "delete"] = "anonymise"
    drop_account: bool = Field(
        default=False,
        description="Take the company out of the touchpoints too: for companies of so few known people that it "
        "would tell who it was. Company limits then no longer count them.",
    )


class EraseOut(BaseModel):
    contact: str
    erased_at: Instant
    suppressed_addresses: int
    cancelled: int
    anonymised: int
    deleted: int
    noop: bool = False


class ConflictOut(BaseModel):
    id: str
    touchpoint: TouchpointOut
    cause: str
    cause_id: str | None
    refs: list[str]
    raised_at: Instant


class StatsOut(BaseModel):
    """Sizes: of the whole registry, or of one contact's log."""

    contacts: int
    touchpoints: int
    live_touchpoints: int
