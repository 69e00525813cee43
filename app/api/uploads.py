"""Resumable uploads: the tus 1.0 protocol (core, creation, termination) over `ingest.uploads`.

POST announces a file and says what it is; PATCH sends bytes from an offset; HEAD asks how far it came.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from app.api import repeats
from app.api.dependencies import Ingester, ServicesDep
from app.api.interviews import recording_from_fields
from app.api.repeats import IdempotencyKey
from app.api.streaming import feed
from core.errors import BadRequest, PreconditionFailed
from ingest.uploads import TUS_EXTENSIONS, TUS_VERSION, Upload, parse_metadata

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])

_OFFSET_TYPE = "application/offset+octet-stream"
_BYTES_BODY = {"requestBody": {"content": {_OFFSET_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}
_FIELDS_OF_TUS = {"filename": "file name", "filetype": "media type"}


class UnsupportedTusVersionError(PreconditionFailed):
    """The client speaks another version of tus."""


def _tus_headers(max_bytes: int) -> dict[str, str]:
    return {"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store", "Tus-Max-Size": str(max_bytes)}


def _state(response: Response, upload: Upload, max_bytes: int) -> None:
    response.headers.update(_tus_headers(max_bytes))
    response.headers["Upload-Offset"] = str(upload.offset)
    response.headers["Upload-Length"] = str(upload.length)
    if upload.interview_id is not None:
        response.headers["Earshot-Interview"] = upload.interview_id


def _check_version(tus_resumable: str | None) -> None:
    if tus_resumable != TUS_VERSION:
        raise UnsupportedTusVersionError("tus_version", f"Send the header 'Tus-Resumable: {TUS_VERSION}'.")


TusResumable = Annotated[str | None, Header(alias="Tus-Resumable")]


@router.options("", status_code=204)
def describe_uploads(services: ServicesDep, user: Ingester, response: Response) -> None:
    """Say which version and extensions of tus are spoken."""
    response.headers.update(_tus_headers(services.settings.max_upload_bytes))
    response.headers["Tus-Version"] = TUS_VERSION
    response.headers["Tus-Extension"] = TUS_EXTENSIONS


@router.post("", status_code=201)
def create_upload(
    services: ServicesDep,
    user: Ingester,
    response: Response,
    upload_length: Annotated[int, Header(alias="Upload-Length", ge=0)],
    upload_metadata: Annotated[str, Header(alias="Upload-Metadata")] = "",
    tus_resumable: TusResumable = None,
    key: IdempotencyKey = None,
) -> None:
    """Announce a file. `Upload-Metadata` has `filename` and the fields of POST /recordings, each in base64."""
    _check_version(tus_resumable)
    pairs = parse_metadata(upload_metadata)
    file_name = pairs.pop("filename", "") or pairs.pop("name", "") or "recording"
    fields = {name: [value] for name, value in pairs.items() if name not in _FIELDS_OF_TUS}
    sent = recording_from_fields(fields, user)
    fingerprint = repeats.fingerprint_of("POST /uploads", str(upload_length), upload_metadata)
    upload, replayed = repeats.once(
        services,
        user.id,
        key,
        fingerprint,
        status=201,
        create=lambda: services.uploads.create(
            upload_length, file_name, sent, source=user.source, actor=user.id, viewer=user.viewer
        ),
        read=lambda upload_id: services.uploads.get(upload_id, user.id, user.viewer),
    )
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    _state(response, upload, services.settings.max_upload_bytes)
    response.headers["Location"] = f"/api/v1/uploads/{upload.id}"


@router.head("/{upload_id}")
def get_upload(
    upload_id: str, services: ServicesDep, user: Ingester, response: Response, tus_resumable: TusResumable = None
) -> None:
    """Say in `Upload-Offset` how many bytes are there, and in `Earshot-Interview` what became of them."""
    _check_version(tus_resumable)
    _state(response, services.uploads.get(upload_id, user.id, user.viewer), services.settings.max_upload_bytes)


@router.patch("/{upload_id}", status_code=204, openapi_extra=_BYTES_BODY)
async def append_to_upload(
    upload_id: str,
    request: Request,
    services: ServicesDep,
    user: Ingester,
    response: Response,
    upload_offset: Annotated[int, Header(alias="Upload-Offset", ge=0)],
    tus_resumable: TusResumable = None,
) -> None:
    """Add bytes at `Upload-Offset`; the last one makes the interview, named in `Earshot-Interview`."""
    _check_version(tus_resumable)
    if request.headers.get("content-type", "") != _OFFSET_TYPE:
        raise BadRequest("wrong_content_type", f"Send the bytes with 'Content-Type: {_OFFSET_TYPE}'.")
    upload, _ = await feed(
        request, lambda chunks: services.uploads.append(upload_id, upload_offset, chunks, user.id, user.viewer)
    )
    _state(response, upload, services.settings.max_upload_bytes)


@router.delete("/{upload_id}", status_code=204)
async def terminate_upload(
    upload_id: str, services: ServicesDep, user: Ingester, response: Response, tus_resumable: TusResumable = None
) -> None:
    """Throw the bytes away; an interview that was made of them stays."""
    _check_version(tus_resumable)
    await run_in_threadpool(services.uploads.terminate, upload_id, user.id)
    response.headers.update(_tus_headers(services.settings.max_upload_bytes))
