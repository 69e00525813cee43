"""The rules: versions, the draft, its dry run and activation; purposes."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.contacts.calling import (
    PROBLEMS,
    TAKEN,
    AdministeringActor,
    AskingActor,
    ReadingActor,
    RegistryDep,
    taken_answer,
)
from app.api.json_answers import json_answer
from contact_registry.schemas_rules import (
    MAX_SIMULATED,
    ActivateIn,
    DraftIn,
    DraftOut,
    PolicySetOut,
    PurposeIn,
    PurposeOut,
    SimulateIn,
    SimulateOut,
)

router = APIRouter(prefix="/api/v1", tags=["contacts"], responses=PROBLEMS)


class PolicySetList(BaseModel):
    items: list[PolicySetOut]


class PurposeList(BaseModel):
    items: list[PurposeOut]


@router.get("/policy-sets", response_model=PolicySetList)
def list_policy_sets(registry: RegistryDep, actor: AskingActor) -> Response:
    """List the versions of the rules, newest first."""
    return json_answer(PolicySetList(items=registry.rules.history()))


@router.get("/policy-sets/active", response_model=PolicySetOut)
def get_active(registry: RegistryDep, actor: AskingActor) -> Response:
    return json_answer(registry.rules.active())


@router.get("/policy-sets/draft", response_model=DraftOut)
def get_draft(registry: RegistryDep, actor: AskingActor) -> Response:
    """Return the draft; where there is none, the rules in force as its beginning."""
    return json_answer(registry.rules.draft())


@router.put("/policy-sets/draft", response_model=DraftOut)
def put_draft(body: DraftIn, registry: RegistryDep, actor: AdministeringActor) -> Response:
    return json_answer(registry.rules.put_draft(body, actor))


@router.post("/policy-sets/draft/simulate", response_model=SimulateOut, responses=TAKEN)
def simulate(body: SimulateIn, registry: RegistryDep, actor: ReadingActor) -> Response:
    """Say whom and which bookings the draft (or the given rules) would hit or free; nothing of it is put in force.

    For more than 10,000 people it is taken as a job (202).
    """
    if registry.rules.count_asked(body) > MAX_SIMULATED:
        return taken_answer(registry.lists.simulate(body, actor))
    return json_answer(registry.rules.simulate(body))


@router.post("/policy-sets/draft/activate", response_model=PolicySetOut)
def activate(registry: RegistryDep, actor: AdministeringActor, body: ActivateIn | None = None) -> Response:
    """Put the draft in force as the next version."""
    return json_answer(registry.rules.activate(body or ActivateIn(), actor))


@router.get("/policy-sets/{version}", response_model=PolicySetOut)
def get_policy_set(
    version: Annotated[int, Path(ge=0, le=2**31 - 1)], registry: RegistryDep, actor: AskingActor
) -> Response:
    return json_answer(registry.rules.version(version))


@router.get("/purposes", response_model=PurposeList)
def list_purposes(registry: RegistryDep, actor: AskingActor) -> Response:
    return json_answer(PurposeList(items=registry.rules.purposes()))


@router.put("/purposes/{purpose_id}", response_model=PurposeOut)
def put_purpose(purpose_id: str, body: PurposeIn, registry: RegistryDep, actor: AdministeringActor) -> Response:
    """Say whether a purpose is outreach or service; rules leave service alone unless they name it."""
    return json_answer(registry.rules.put_purpose(purpose_id, body, actor))
