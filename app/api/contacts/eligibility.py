"""POST /eligibility/…: advice about one person or a list; nothing is written."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.contacts.calling import ActorDep, RegistryDep, json_answer
from contact_registry.addresses import email_key
from contact_registry.schemas import BatchCheckIn, BatchOut, CheckOut, Input, QuestionIn, RawEmail

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class AddressIn(Input):
    email: RawEmail


class AddressOut(BaseModel):
    key: str


@router.post("/eligibility/check", response_model=CheckOut)
def check(body: QuestionIn, registry: RegistryDep, actor: ActorDep) -> Any:
    """Say whether a person may be contacted, why not, and from when on. 200 whatever the answer."""
    return json_answer(registry.check(body, actor))


@router.post("/eligibility/batch-check", status_code=207, response_model=BatchOut)
def batch_check(body: BatchCheckIn, registry: RegistryDep, actor: ActorDep) -> Response:
    """Judge up to 1,000 people; each item has its own status. `sequential` judges as if each were then booked."""
    return json_answer(registry.batch_check(body, actor), status=207)


@router.post("/addresses/normalise")
def normalise(body: AddressIn, actor: ActorDep) -> AddressOut:
    """Return the key by which an e-mail address is compared: equal keys are one mailbox."""
    return AddressOut(key=email_key(body.email))
