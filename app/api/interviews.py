"""Interviews and recordings: send them, watch them, read their transcripts, hear them."""

import json
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from app.access.principals import Principal
from app.api import repeats
from app.api.dependencies import Ingester, Reader, ReaderOrIngester, ServicesDep
from app.api.repeats import IdempotencyKey
from app.api.streamed_form import ReceivedForm, receive_form
from app.services import Services
from core.blobs import read_file
from core.errors import InvalidInput
from ingest.schemas import InterviewIn, InterviewOut, InterviewPage, RecordingIn, SegmentOut, TranscriptFormat

router = APIRouter(prefix="/api/v1", tags=["interviews"])

_LIST_FIELDS = frozenset({"participants", "tags", "vocabulary"})


class RecordingReceived(BaseModel):
    """A recording that was taken in; `is_new` is false when the same content was there already."""

    interview_id: str
    status: str
    is_new: bool
    interview: InterviewOut


class SegmentList(BaseModel):
    items: list[SegmentOut]


@router.post("/interviews", status_code=201)
def add_interview(
    body: InterviewIn,
    services: ServicesDep,
    user: Ingester,
    response: Response,
    key: IdempotencyKey = None,
) -> InterviewOut:
    """Store an interview that comes with its text; the same `external_id` again updates it."""
    body = body.model_copy(update={"team": user.acting_team(body.team)})
    fingerprint = repeats.fingerprint_of("POST /interviews", body.model_dump_json())
    interview, replayed = repeats.once(
        services,
        user.id,
        key,
        fingerprint,
        status=201,
        create=lambda: services.ingest.add_interview(body, source=user.source, actor=user.id, viewer=user.viewer),
        read=partial(services.ingest.get, viewer=user.viewer),
    )
    _mark_replay(response, replayed)
    return interview


@router.post(
    "/recordings",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "title": {"type": "string"},
                            "external_id": {"type": "string"},
                            "project": {"type": "string"},
                            "recorded_at": {"type": "string", "format": "date-time"},
                            "language": {"type": "string"},
                            "participants": {
                                "type": "string",
                                "description": "A JSON list, or names between commas.",
                            },
                            "tags": {
                                "type": "string",
                                "description": "A JSON list, or words between commas.",
                            },
                            "vocabulary": {
                                "type": "string",
                                "description": "A JSON list, or words between commas.",
                            },
                        },
                    }
                }
            },
        }
    },
)
async def add_recording(
    request: Request, services: ServicesDep, user: Ingester, response: Response, key: IdempotencyKey = None
) -> RecordingReceived:
    """Store a recording (or a transcript file) and have it processed; the same content again is found by its hash."""
    settings = services.settings
    async with receive_form(request, settings.uploads_dir, "file", settings.max_upload_bytes) as form:
        received = await run_in_threadpool(_store, services, user, form, key)
    _mark_replay(response, received[1])
    return received[0]


def _store(services: Services, user: Principal, form: ReceivedForm, key: str | None) -> tuple[RecordingReceived, bool]:
    if form.file is None:
        raise InvalidInput("file_missing", "The form has no file in its field 'file'.", field="file")
    sent = recording_from_fields(form.fields, user)
    path, name = form.file.path, form.file.name
    is_new = False

    def create() -> InterviewOut:
        nonlocal is_new
        interview, is_new = services.ingest.add_recording(
            read_file(path), name, sent, source=user.source, actor=user.id, viewer=user.viewer
        )
        return interview

    parts = ("POST /recordings", sent.model_dump_json(), name, str(form.file.size_bytes))
    fingerprint = repeats.fingerprint_of(*parts)
    read = partial(services.ingest.get, viewer=user.viewer)
    interview, replayed = repeats.once(services, user.id, key, fingerprint, status=202, create=create, read=read)
    received = RecordingReceived(interview_id=interview.id, status=interview.status, is_new=is_new, interview=interview)
    return received, replayed


def recording_from_fields(fields: dict[str, list[str]], user: Principal) -> RecordingIn:
    """Return the metadata of a form: lists come as JSON, between commas, or as repeated fields.

    Raises InvalidInput `invalid_input` naming the field; Forbidden `other_team`.
    """
    values: dict[str, Any] = {}
    for name, texts in fields.items():
        given = [text for text in texts if text.strip()]
        if given:
            values[name] = _list_of(given, name) if name in _LIST_FIELDS else given[-1]
    try:
        sent = RecordingIn.model_validate(values)
    except ValidationError as error:
        failures = [
            {"field": ".".join(str(part) for part in failure["loc"]), "message": failure["msg"]}
            for failure in error.errors()
        ]
        detail = f"{failures[0]['field']}: {failures[0]['message']}"
        raise InvalidInput("invalid_input", detail, errors=failures) from error
    return sent.model_copy(update={"team": user.acting_team(sent.team)})


def _list_of(texts: list[str], name: str) -> list[Any]:
    if len(texts) == 1 and texts[0].lstrip().startswith("["):
        try:
            parsed = json.loads(texts[0])
        except (ValueError, RecursionError) as error:
            raise InvalidInput("invalid_input", f"{name}: this is not valid JSON.", field=name) from error
        return list(parsed)
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


@router.get("/interviews")
def list_interviews(
    services: ServicesDep,
    user: Reader,
    project: str | None = None,
    status: str | None = None,
    tag: str | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> InterviewPage:
    """List interviews, newest first; `text` is looked for in titles."""
    return services.ingest.list_interviews(
        project=project, status=status, tag=tag, text=text, cursor=cursor, limit=limit, viewer=user.viewer
    )


@router.get("/interviews/{interview_id}")
def get_interview(interview_id: str, services: ServicesDep, user: ReaderOrIngester) -> InterviewOut:
    return services.ingest.get(interview_id, user.viewer)


@router.delete("/interviews/{interview_id}", status_code=204)
def delete_interview(interview_id: str, services: ServicesDep, user: Ingester) -> None:
    """Remove the interview, its text, its vectors and its recording."""
    services.ingest.delete(interview_id, user.id, user.viewer)
    services.search.let_go()


@router.post("/interviews/{interview_id}/retry", status_code=202)
def retry_interview(interview_id: str, services: ServicesDep, user: Ingester) -> InterviewOut:
    """Process again what failed, was cancelled or waited for a model."""
    return services.ingest.retry(interview_id, user.id, user.viewer)


@router.post("/interviews/{interview_id}/cancel", status_code=202)
def cancel_interview(interview_id: str, services: ServicesDep, user: Ingester) -> InterviewOut:
    """Stop processing; the recording stays and can be retried."""
    return services.ingest.cancel(interview_id, user.id, user.viewer)


@router.get("/interviews/{interview_id}/segments")
def get_segments(interview_id: str, services: ServicesDep, user: Reader, afterwards: BackgroundTasks) -> SegmentList:
    """Return the text, unless a participant does not want to be quoted."""
    segments = services.ingest.segments(interview_id, user.viewer)
    afterwards.add_task(services.audit.seen, user.id, "interview.read", "interview", interview_id)
    return SegmentList(items=segments)


@router.get("/interviews/{interview_id}/transcript", response_class=Response)
def get_transcript(
    interview_id: str,
    services: ServicesDep,
    user: Reader,
    afterwards: BackgroundTasks,
    file_format: Annotated[TranscriptFormat, Query(alias="format")] = TranscriptFormat.JSON,
) -> Response:
    """Return the transcript as a file; JSON is for programs that read on, and no export."""
    body, media_type, file_name = services.ingest.transcript(interview_id, file_format, user.viewer)
    action = "interview.read" if file_format == TranscriptFormat.JSON else "transcript.exported"
    afterwards.add_task(services.audit.seen, user.id, action, "interview", interview_id)
    return Response(body, media_type=media_type, headers=attachment(file_name))


@router.get("/interviews/{interview_id}/recording", response_class=FileResponse)
def get_recording(
    interview_id: str, services: ServicesDep, user: Reader, afterwards: BackgroundTasks, download: bool = False
) -> Response:
    """Return the recording's bytes; a Range is answered with 206. With `download` as a file to keep."""
    path, media_type = services.ingest.recording(interview_id, user.viewer, to_keep=download)
    action = "recording.downloaded" if download else "recording.played"
    afterwards.add_task(services.audit.seen, user.id, action, "interview", interview_id)
    if download:
        name = services.ingest.get(interview_id, user.viewer).file_name or interview_id
        return FileResponse(path, media_type=media_type, filename=name)
    return FileResponse(path, media_type=media_type)


def attachment(file_name: str) -> dict[str, str]:
    """Return the header that makes a browser save the answer under this name (RFC 6266)."""
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"}


def _mark_replay(response: Response, replayed: bool) -> None:
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
