"""Who saw, changed, exported, contacted and overrode: the workspace's audit, for administrators."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response, StreamingResponse

from app.api.dependencies import Administrator, ServicesDep
from app.audit import AuditEventOut
from core.audit import EventFilter

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

COLUMNS = tuple(AuditEventOut.model_fields)
ExportFormat = Literal["csv", "jsonl"]
_MEDIA_TYPES: dict[ExportFormat, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class AuditPage(BaseModel):
    items: list[AuditEventOut]
    next_cursor: str | None


def asked_events(
    actor: Annotated[str | None, Query(description="Id of who did it.")] = None,
    action: Annotated[str | None, Query(description="`interview.read`; or a noun alone: `interview`.")] = None,
    subject: Annotated[str | None, Query(description="Id of what it was done to.")] = None,
    from_at: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to_at: Annotated[AwareDatetime | None, Query(alias="to", description="Not included.")] = None,
) -> EventFilter:
    return EventFilter(actor, action, subject, from_at, to_at)


AskedEvents = Annotated[EventFilter, Depends(asked_events)]


@router.get("")
def list_audit(
    services: ServicesDep,
    user: Administrator,
    wanted: AskedEvents,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> AuditPage:
    """List who did what, newest first; opaque ids only. Searches are not recorded."""
    items, next_cursor = services.audit.page(wanted, cursor=cursor, limit=limit)
    return AuditPage(items=items, next_cursor=next_cursor)


@router.get("/export", response_class=StreamingResponse)
def export_audit(
    services: ServicesDep,
    user: Administrator,
    wanted: AskedEvents,
    file_format: Annotated[ExportFormat, Query(alias="format")] = "csv",
) -> Response:
    """Return all events as a file, newest first; the export itself becomes an event."""
    services.audit.happened(user.id, "audit.exported", "audit", "audit", format=file_format)
    return export_answer(services.audit.every(wanted), file_format)


def export_answer(events: Iterator[AuditEventOut], file_format: ExportFormat) -> Response:
    """Return the file, sent while it is read."""
    write = _csv_lines if file_format == "csv" else _json_lines
    headers = {"content-disposition": f'attachment; filename="audit.{file_format}"'}
    return StreamingResponse(write(events), media_type=_MEDIA_TYPES[file_format], headers=headers)


def _json_lines(events: Iterator[AuditEventOut]) -> Iterator[str]:
    for event in events:
        yield event.model_dump_json() + "\n"


def _csv_lines(events: Iterator[AuditEventOut]) -> Iterator[str]:
    """Ids and codes cannot begin with what a spreadsheet takes for a formula, nor can JSON."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for event in events:
        row = event.model_dump(mode="json")
        writer.writerow([json.dumps(value) if isinstance(value, dict) else value for value in row.values()])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()
