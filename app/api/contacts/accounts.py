"""Companies on file."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.contacts.calling import (
    KeyHeader,
    ReadingActor,
    RegistryDep,
    WritingActor,
    answer_once,
    request_key,
)
from app.api.contacts.contacts import TimelineOut
from app.api.json_answers import json_answer
from contact_registry.schemas_people import AccountIn, AccountOut, AccountPage

router = APIRouter(prefix="/api/v1", tags=["contacts"])


@router.post("/accounts", status_code=201, response_model=AccountOut)
def add_account(
    body: AccountIn, request: Request, registry: RegistryDep, actor: WritingActor, key: KeyHeader = None
) -> Response:
    sent = request_key(request, actor, key, body)
    return answer_once(sent, lambda: registry.add_account(body, actor, sent), status=201)


@router.get("/accounts", response_model=AccountPage)
def find_accounts(
    registry: RegistryDep,
    actor: ReadingActor,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    return json_answer(registry.find_accounts(q, limit=limit, cursor=cursor))


@router.get("/accounts/{account_id}", response_model=AccountOut)
def get_account(account_id: str, registry: RegistryDep, actor: ReadingActor) -> Response:
    return json_answer(registry.get_account(account_id))


@router.put("/accounts/{account_id}", response_model=AccountOut)
def change_account(account_id: str, body: AccountIn, registry: RegistryDep, actor: WritingActor) -> Response:
    return json_answer(registry.accounts.change(account_id, body, actor))


@router.get("/accounts/{account_id}/timeline")
def get_timeline(account_id: str, registry: RegistryDep, actor: ReadingActor) -> TimelineOut:
    """Return a year of contacts with the company's people, newest first."""
    return TimelineOut(items=registry.accounts.timeline(account_id))
