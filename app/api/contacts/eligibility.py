"""POST /eligibility/…: advice about one person or a list; nothing is written."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.api.contacts.calling import (
    CSV_ANSWER,
    TAKEN,
    AskingActor,
    CsvBody,
    RegistryDep,
    csv_answer,
    taken_answer,
)
from app.api.dependencies import ServicesDep
from app.api.json_answers import json_answer
from app.services import Services
from contact_registry.actor import Actor
from contact_registry.addresses import email_key
from contact_registry.instants import Instant
from contact_registry.schemas import (
    MAX_BATCH,
    BatchCheckIn,
    BatchDefaults,
    BatchOut,
    CheckOut,
    Id,
    Input,
    QuestionIn,
    RawEmail,
    Slug,
)
from contact_registry.schemas_imports import CsvCheckOut
from contact_registry.schemas_lists import JobOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


class FileQuestion(Input):
    """What a file is asked about, where its own columns do not say."""

    team: Slug | None = None
    channel: Slug | None = None
    purpose: Slug | None = None
    at: Instant | None = None
    engagement: Id | None = None
    mode: Literal["sequential", "independent"] = "sequential"
    email_column: str | None = Field(default=None, description="Heading of the column with addresses.")
    encoding: str | None = Field(default=None, max_length=40, description="Of the file; guessed when left out.")

    def defaults(self) -> BatchDefaults:
        return BatchDefaults(**self.model_dump(exclude={"mode", "email_column", "encoding"}))


class AddressIn(Input):
    email: RawEmail


class AddressOut(BaseModel):
    key: str


@router.post("/eligibility/check", response_model=CheckOut)
def check(body: QuestionIn, registry: RegistryDep, actor: AskingActor) -> Any:
    """Say whether a person may be contacted, why not, and from when on. 200 whatever the answer."""
    return json_answer(registry.check(body, actor))


@router.post("/eligibility/batch-check", status_code=207, response_model=BatchOut, responses=TAKEN)
def batch_check(body: BatchCheckIn, registry: RegistryDep, actor: AskingActor) -> Response:
    """Judge up to 1,000 people, each item with its own status; up to 100,000 are taken as a job (202).

    `sequential` judges as if each were then booked.
    """
    if len(body.items) > MAX_BATCH:
        return taken_answer(registry.lists.check_items(body, actor))
    return json_answer(registry.batch_check(body, actor), status=207)


@router.post("/eligibility/csv-check", response_model=CsvCheckOut, responses=TAKEN)
def check_file(
    content: CsvBody, query: Annotated[FileQuestion, Query()], services: ServicesDep, actor: AskingActor
) -> Response:
    """Judge everybody in a CSV file; columns of the file win over the query. Nothing is booked.

    More than 10,000 rows, up to 100,000, are taken as a job (202).
    """
    checked = _check_file(content, query, services, actor)
    return checked if isinstance(checked, Response) else json_answer(checked[0])


@router.post("/eligibility/csv-check/result.csv", response_class=Response, responses=CSV_ANSWER | TAKEN)
def check_file_as_file(
    content: CsvBody, query: Annotated[FileQuestion, Query()], services: ServicesDep, actor: AskingActor
) -> Response:
    """Return the file as it was sent, with the answers in columns behind its own; safe to open in a spreadsheet."""
    checked = _check_file(content, query, services, actor)
    return checked if isinstance(checked, Response) else csv_answer(checked[1], "eligibility.csv")


def _check_file(
    content: bytes, query: FileQuestion, services: Services, actor: Actor
) -> tuple[CsvCheckOut, bytes] | Response:
    files = services.registry.files
    is_long = files.is_long(content, query.encoding)
    check = services.registry.lists.check_file if is_long else files.check
    checked = check(
        content,
        query.defaults(),
        actor,
        email_column=query.email_column,
        encoding=query.encoding,
        mode=query.mode,
    )
    services.audit.list_checked(actor.id, content)
    return taken_answer(checked) if isinstance(checked, JobOut) else checked


@router.post("/addresses/normalise")
def normalise(body: AddressIn, actor: AskingActor) -> AddressOut:
    """Return the key by which an e-mail address is compared: equal keys are one mailbox."""
    return AddressOut(key=email_key(body.email))
