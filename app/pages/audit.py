"""The audit as a page: who did what, filtered, with names in place of ids, and as a file."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from app.api.audit import ExportFormat, export_answer
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageAdministrator, render
from app.pages.formats import local_instant, zone_of
from app.pages.names_of_actors import names_of_actors
from core.audit import EventFilter
from core.errors import InvalidInput

router = APIRouter(prefix="/audit")

PAGE_SIZE = 100
# Where a subject has a page of its own.
_PAGES = {
    "interview": "/interviews/",
    "contact": "/contacts/",
    "account": "/contacts/accounts/",
    "project": "/projects/",
}


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """What the page's address says; the days are the workspace's, both included."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    first: str = ""
    last: str = ""
    cursor: str = ""

    @property
    def is_filtered(self) -> bool:
        return bool(self.actor or self.action or self.subject or self.first or self.last)

    def address(self, **other: str) -> str:
        asked = {key: value for key, value in {**asdict(self), **other}.items() if value}
        return urlencode(asked)


Asked = Annotated[AuditQuestion, Depends()]


@router.get("", response_class=HTMLResponse)
def audit_page(request: Request, services: ServicesDep, user: PageAdministrator, question: Asked) -> HTMLResponse:
    """List events, newest first."""
    items, next_cursor = services.audit.page(
        _filter(request, question), cursor=question.cursor or None, limit=PAGE_SIZE
    )
    return render(
        request,
        "audit.html",
        question=question,
        events=items,
        names=names_of_actors(services, {event.actor for event in items}),
        pages=_PAGES,
        first_link="/audit?" + question.address(cursor=""),
        next_link="/audit?" + question.address(cursor=next_cursor) if next_cursor else None,
        exports=[
            (name, f"/audit/export?format={name}&" + question.address(cursor="")) for name in get_args(ExportFormat)
        ],
    )


@router.get("/export")
def export(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    question: Asked,
    format: str = "csv",  # noqa: A002 - the query parameter's name
) -> Response:
    """Return all events that the page would list as a file."""
    known: ExportFormat | None = next((one for one in get_args(ExportFormat) if one == format), None)
    if known is None:
        raise InvalidInput("unknown_format", "The audit is exported as csv or jsonl.", field="format")
    wanted = _filter(request, question)
    services.audit.happened(user.id, "audit.exported", "audit", "audit", format=known)
    return export_answer(services.audit.every(wanted), known)


def _filter(request: Request, question: AuditQuestion) -> EventFilter:
    zone = zone_of(request)
    last = local_instant(question.last, zone)
    return EventFilter(
        actor=question.actor or None,
        action=question.action or None,
        subject=question.subject or None,
        from_at=local_instant(question.first, zone),
        to_at=None if last is None else last + timedelta(days=1),
    )
