"""What the registry's routes share: who is calling in the registry's terms, and answering a repeated request."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, Depends, Header, Request, Response
from pydantic import BaseModel

from app.access.permissions import Permission
from app.access.principals import Principal
from app.api import problems
from app.api.dependencies import Administrator, ContactReader, ContactWriter, PrivacyOfficer, ServicesDep
from app.api.json_answers import json_answer
from contact_registry.actor import Actor
from contact_registry.repeats import RequestKey
from contact_registry.schemas_lists import JobOut, JobTaken
from contact_registry.service import RegistryService
from core.errors import AppError, BadRequest, Forbidden

REPLAYED = "Idempotency-Replayed"


def to_actor(user: Principal) -> Actor:
    """Return the principal as the registry knows callers; pages and commands use it too."""
    return Actor(
        id=user.id,
        source=user.source,
        may_override=user.may(Permission.ADMIN),
        sees_privacy=user.may(Permission.PRIVACY),
        hides_contacts=user.hides_contacts,
        bound_team=user.bound_team,
    )


def _asking(user: ContactReader) -> Actor:
    return to_actor(user)


def _claiming(user: ContactWriter) -> Actor:
    return to_actor(user)


def _reading(user: ContactReader) -> Actor:
    return _check_sees_contacts(user)


def _writing(user: ContactWriter) -> Actor:
    return _check_sees_contacts(user)


def _check_sees_contacts(user: Principal) -> Actor:
    if user.hides_contacts:
        raise Forbidden("contacts_hidden", "This key asks and reserves only: who is on file is hidden from it.")
    return to_actor(user)


def _administering(user: Administrator) -> Actor:
    return to_actor(user)


def _keeping_privacy(user: PrivacyOfficer) -> Actor:
    return to_actor(user)


def registry_of(services: ServicesDep) -> RegistryService:
    return services.registry


# These two let keys in to which contacts are hidden: the registry answers them with `contact: null`.
AskingActor = Annotated[Actor, Depends(_asking)]
ClaimingActor = Annotated[Actor, Depends(_claiming)]
ReadingActor = Annotated[Actor, Depends(_reading)]
WritingActor = Annotated[Actor, Depends(_writing)]
AdministeringActor = Annotated[Actor, Depends(_administering)]
PrivacyActor = Annotated[Actor, Depends(_keeping_privacy)]
RegistryDep = Annotated[RegistryService, Depends(registry_of)]
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Send the same key again and you get the same answer again; nothing happens twice.",
    ),
]
CsvBody = Annotated[bytes, Body(media_type="text/csv", description="The file itself.")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=50, description="Revision that you read: refused with 412 if older."),
]


def request_key(request: Request, actor: Actor, key: str | None, body: BaseModel) -> RequestKey | None:
    """Return the request as the registry remembers it; None when the caller gave it no key."""
    if key is None:
        return None
    if not key.strip():
        raise BadRequest("invalid_idempotency_key", "The Idempotency-Key is empty: send a random text of your own.")
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return RequestKey(actor.id, key, request.method, request.url.path, sent)


def answer_once(
    key: RequestKey | None, call: Callable[[], BaseModel], *, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Return the call's answer, or its error, marked when it was given before; 202 where it took a list as a job."""
    try:
        body = call()
        answer = taken_answer(body) if isinstance(body, JobOut) else json_answer(body, status=status)
    except AppError as error:
        answer = problems.from_app_error(error)
    if key is not None and key.replayed:
        answer.headers[REPLAYED] = "true"
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def taken_answer(job: JobOut) -> Response:
    """Return 202: the list is worked on, and where to ask how far it is."""
    answer = json_answer(JobTaken(job=job.id, status_url=job.status_url), status=202)
    answer.headers["Location"] = job.status_url
    return answer


def csv_answer(content: bytes, file_name: str) -> Response:
    """Return a CSV file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def revision_of(if_match: str | None) -> int | None:
    """Return the revision that an If-Match header names. Raises BadRequest `invalid_if_match`."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit():
        raise BadRequest("invalid_if_match", 'If-Match holds the revision of the touchpoint, such as "3".')
    return int(text)


TAKEN: dict[int | str, dict[str, Any]] = {
    202: {
        "model": JobTaken,
        "description": "Longer than is answered at once: Location says where to ask how far it is.",
    }
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    409: {"description": "The present state refuses it: not eligible, lapsed, or lost to somebody faster."},
    422: {"description": "Wrong whatever the state."},
}
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "A CSV file.", "content": {"text/csv": {"schema": {"type": "string"}}}},
}
