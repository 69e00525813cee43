"""Lists too long to be answered at once: how far they are, what came of them, and importing what was tried."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from app.api.contacts.calling import to_actor
from app.api.contacts.jobs import owner_of
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.looks import IMPORT_OUTCOMES, Look, count_look
from app.services import Services
from contact_registry.schemas_lists import JobOut
from core.errors import AppError, Conflict

router = APIRouter(prefix="/contacts/files/jobs")

_KINDS = {
    "batch_check": "Check of a list",
    "csv_check": "Check of a list",
    "import": "Import",
    "csv_import": "Import",
    "simulation": "Trial of rules",
}


@router.get("/{job_id}", response_class=HTMLResponse)
def job_page(request: Request, services: ServicesDep, user: PageContactReader, job_id: str) -> HTMLResponse:
    """Show how far a list is, or what came of it; asks again by itself while it is worked on."""
    job = services.registry.lists.get(job_id, owner_of(user))
    return _page(request, services, job, _summary(services, job))


@router.get("/{job_id}/result.csv")
def result_file(services: ServicesDep, user: PageContactReader, job_id: str) -> Response:
    pieces = services.registry.lists.result_csv(job_id, owner_of(user))
    services.audit.happened(user.id, "list.exported", "job", job_id)
    headers = {"Content-Disposition": 'attachment; filename="contacts-answered.csv"'}
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{job_id}/import", dependencies=[Depends(check_csrf)])
def import_tried(request: Request, services: ServicesDep, user: PageContactWriter, job_id: str) -> Response:
    """Import what was tried; pressed twice, it is imported once."""
    try:
        begun = services.registry.lists.import_tried(job_id, to_actor(user), owner_of(user))
    except Conflict as error:
        job = services.registry.lists.get(job_id, owner_of(user))
        return _page(request, services, job, _summary(services, job), error=error)
    return RedirectResponse(path_of(begun), status_code=303)


def path_of(job: JobOut) -> str:
    """Return the address of the job's page."""
    return f"/contacts/files/jobs/{job.id}"


def name_of_job(job: JobOut) -> str:
    """Return what the job is, in words."""
    name = _KINDS[job.kind]
    if job.dry_run:
        name = "Trial of an import"
    return f"{name}: {job.file_name}" if job.file_name else name


def _summary(services: Services, job: JobOut) -> dict[str, Any]:
    return services.registry.lists.summary(job.id, None) if job.status == "done" else {}


def _page(
    request: Request, services: Services, job: JobOut, summary: dict[str, Any], *, error: AppError | None = None
) -> HTMLResponse:
    counts: dict[str, int] = summary.get("counts", {})
    looks: list[tuple[Look, int]] = [
        (IMPORT_OUTCOMES[name] if job.kind.endswith("import") else count_look(name), count)
        for name, count in counts.items()
    ]
    return render(
        request,
        "list_job.html",
        status_code=error.status if error else 200,
        job=job,
        title=name_of_job(job),
        counts=looks,
        summary=summary,
        error=error.message if error else None,
    )
