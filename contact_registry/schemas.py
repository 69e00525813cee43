"""What programs ask the registry and what they are told: questions, claims, facts, batches.

Unknown fields are refused. People, rules and imports have their own files (`schemas_people.py`, `schemas_rules.py`,
`schemas_imports.py`). The answers here hold opaque ids only, so that a repeated request may be answered from storage.
"""

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contact_registry.instants import GivenDay, GivenInstant, Instant

MAX_BATCH = 1000

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
RECORDINGS = "interview"  # source of what recordings tell: their external ids name interviews, which may be restricted
RawEmail = Annotated[str, StringConstraints(max_length=400)]  # cleaned and judged by `addresses`
Direction = Literal["outbound", "inbound"]


def _not_of_recordings(source: str) -> str:
    if source == RECORDINGS:
        raise ValueError(f"the source {RECORDINGS!r} is Earshot's own: take another")
    return source


GivenSource = Annotated[Slug, AfterValidator(_not_of_recordings)]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuestionIn(Input):
    """May this person be contacted at that time, by that team, in that way, for that purpose?"""

    contact: Id | None = None
    email: RawEmail | None = None
    at: GivenInstant | None = Field(default=None, description="When; left out: now, by the registry's clock.")
    team: Slug
    channel: Slug
    purpose: Slug
    engagement: Id | None = Field(default=None, description="Study or deal that ties several touchpoints together.")
    direction: Direction = "outbound"
    address: RawEmail | None = Field(default=None, description="Which of the person's addresses will be used.")

    @model_validator(mode="after")
    def _names_one_person(self) -> Self:
        if (self.contact is None) == (self.email is None):
            raise ValueError("name the person by exactly one of contact and email")
        return self


class OverrideIn(Input):
    refs: list[Id] = Field(min_length=1, max_length=100, description="Ids of all the rules to pass over.")
    reason: str = Field(max_length=2000)
    reason_code: Slug | None = None


class ClaimIn(QuestionIn):
    override: OverrideIn | None = None
    external_id: Id | None = None
    notes: str | None = Field(default=None, max_length=10_000)


class ReserveIn(ClaimIn):
    ttl: str = Field(
        default="PT15M", max_length=40, description="How long the reservation holds: ISO 8601, at most PT72H."
    )


class ExtendIn(Input):
    ttl: str = Field(
        default="PT15M", max_length=40, description="How long it holds from now: ISO 8601; in all at most 72 hours."
    )


class TouchpointIn(Input):
    """A booking (`planned`) or a fact (`completed`, `no_show`, or one called off)."""

    contact: Id | None = None
    email: RawEmail | None = None
    name: str | None = Field(default=None, max_length=200, description="Used when the person is new.")
    at: GivenInstant | None = None
    date: GivenDay | None = Field(default=None, description="Instead of `at` when only the day is known (facts only).")
    team: Slug
    channel: Slug
    purpose: Slug
    engagement: Id | None = None
    direction: Direction = "outbound"
    address: RawEmail | None = None
    status: Literal["planned", "completed", "held", "no_show", "cancelled"] = "planned"
    override: OverrideIn | None = None
    external_id: Id | None = None
    source: GivenSource | None = Field(
        default=None, description="Namespace of external_id; the caller's own by default."
    )
    duration_ms: int | None = Field(default=None, ge=0, le=2**31 - 1)
    notes: str | None = Field(default=None, max_length=10_000)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.contact is None) == (self.email is None):
            raise ValueError("name the person by exactly one of contact and email")
        if (self.at is None) == (self.date is None):
            raise ValueError("give exactly one of at and date")
        if self.status == "planned" and self.at is None:
            raise ValueError("a planned touchpoint needs at, not date")
        return self


class TouchpointChange(Input):
    """PATCH: move it (`at`), or give it its outcome (`status`)."""

    at: GivenInstant | None = None
    status: Literal["completed", "held", "no_show", "cancelled", "voided"] | None = None
    override: OverrideIn | None = None
    notes: str | None = Field(default=None, max_length=10_000)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.at is None and self.status is None and self.notes is None:
            raise ValueError("give at, status or notes")
        if self.at is not None and self.status is not None:
            raise ValueError("give at or status, not both")
        return self


class BlockingOut(BaseModel):
    touchpoint: str | None  # None for callers to whom contacts are hidden
    at: Instant | None
    date: dt.date | None = None
    team: str
    channel: str
    purpose: str
    status: str
    expires_at: Instant | None = None


class LimitOut(BaseModel):
    max: int
    window: str
    count: int


class ReasonOut(BaseModel):
    code: str
    ref: str
    policy_name: str
    policy_version: int
    level: str
    clears_at: Instant | None
    overridable: bool
    blocking: list[BlockingOut] = []
    limit: LimitOut | None = None
    message: str
    message_id: str | None = None


class ZoneOut(BaseModel):
    """The zone that "local" meant, and where it was found: contact, account or workspace."""

    name: str
    source: str


class CheckOut(BaseModel):
    decision: Literal["eligible", "ineligible"]
    status: str
    badge: str
    contact: str | None
    at: Instant
    checked_at: Instant
    policy_version: int
    next_eligible_at: Instant | None
    may_improve_at: Instant | None
    binding: bool = False
    tz: ZoneOut
    message: str
    reasons: list[ReasonOut]


class TouchpointOut(BaseModel):
    """A touchpoint as any team may see it: never its notes."""

    id: str
    status: str
    contact: str | None
    account: str | None = None
    at: Instant
    date: dt.date | None = None
    team: str
    channel: str
    purpose: str
    direction: str
    engagement: str | None = None
    expires_at: Instant | None = None
    external_id: str | None = None
    source: str
    policy_version: int | None = None
    overridden: list[str] = []
    violations: list[str] = []
    new_conflicts: list[str] = []
    created_by: str
    created_at: Instant
    updated_at: Instant
    revision: int


class BatchDefaults(Input):
    at: Instant | None = None
    team: Slug | None = None
    channel: Slug | None = None
    purpose: Slug | None = None
    engagement: Id | None = None
    direction: Direction | None = None
    ttl: str | None = Field(default=None, max_length=40)


class BatchCheckIn(Input):
    """Items are read one by one, so that a bad one spoils only itself; `defaults` fill what an item leaves out."""

    mode: Literal["sequential", "independent"] = "sequential"
    defaults: BatchDefaults = BatchDefaults()
    items: list[dict[str, Any]]


class BatchReserveIn(Input):
    atomic: bool = False
    defaults: BatchDefaults = BatchDefaults()
    items: list[dict[str, Any]]


class BatchItemOut(BaseModel):
    index: int
    status: int
    decision: str | None = None
    badge: str | None = None
    contact: str | None = None
    reasons: list[str] | None = None
    next_eligible_at: Instant | None = None
    duplicate_of: int | None = None
    error: str | None = None
    message: str | None = None
    reservation: TouchpointOut | None = None


class BatchOut(BaseModel):
    policy_version: int
    checked_at: Instant
    items: list[BatchItemOut]
    counts: dict[str, int] = {}
