"""What programs send and read about rules: sets of policies, drafts, dry runs, purposes."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from contact_registry.instants import Instant
from contact_registry.schemas import Direction, Id, Input, Slug

MAX_SIMULATED = 10_000  # people; more are a job


class PolicySetOut(BaseModel):
    version: int
    policies: list[dict[str, Any]]  # as b.2 of the specification
    sentences: dict[str, str] = {}  # policy id: the rule in one sentence
    overlaps: dict[str, list[str]] = {}  # policy id: what to know where one rule supersedes another
    activated_at: Instant | None = None
    activated_by: str | None = None


def _storable(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Raise ValueError for half characters (lone surrogates), which no database and no answer takes."""
    json.dumps(policies, ensure_ascii=False).encode()
    return policies


class DraftIn(Input):
    """PUT: the whole proposed set. `revision` is that of the draft last read, so that nobody overwrites another."""

    policies: Annotated[list[dict[str, Any]], AfterValidator(_storable)] = Field(max_length=200)
    revision: int | None = None


class DraftOut(PolicySetOut):
    revision: int
    base_version: int
    changed_by: str
    changed_at: Instant


class ActivateIn(Input):
    base_version: int | None = Field(
        default=None, description="Version the draft was judged against; 409 when it is not the one in force."
    )


class SimulationQuestion(Input):
    at: Instant
    team: Slug
    channel: Slug
    purpose: Slug
    engagement: Id | None = None
    direction: Direction = "outbound"


class SimulateIn(Input):
    """Compare `policies` (the draft when left out) with those in force, for everybody or for `contacts`."""

    policies: Annotated[list[dict[str, Any]], AfterValidator(_storable)] | None = Field(default=None, max_length=200)
    question: SimulationQuestion
    contacts: list[Id] | None = Field(default=None, max_length=100_000)


class SimulateOut(BaseModel):
    newly_ineligible: list[str]
    newly_eligible: list[str]
    new_planned_conflicts: list[str]
    population: int
    counts_by_team: dict[str, int] = {}
    counts_by_segment: dict[str, dict[str, int]] = {}


class PurposeIn(Input):
    purpose_class: Literal["outreach", "service"] = Field(alias="class")
    name: str | None = Field(default=None, max_length=200)


class PurposeOut(BaseModel):
    id: str
    purpose_class: str = Field(serialization_alias="class")
    name: str | None
