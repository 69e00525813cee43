"""History taken in from files: a dry run first, then the import, once; what became of every row, and undoing it."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api.contacts.calling import csv_answer, to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import ContactForm
from app.pages.contacts import PostedForm
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.looks import IMPORT_OUTCOMES
from app.pages.registry_files import ROWS_SHOWN, files_page_of
from app.pages.registry_jobs import path_of
from app.pages.sent_files import FileForm, SentFile, carried, require_content
from app.services import Services
from contact_registry.csv_tables import read_table, write_table
from contact_registry.people_service import check_zone
from contact_registry.repeats import RequestKey
from contact_registry.schemas_imports import HistoryFile, ImportOut, ImportRowOut
from contact_registry.schemas_lists import JobOut
from core.errors import AppError, Gone, NotFound
from core.ids import new_id

router = APIRouter(prefix="/contacts/files")

TEMPLATE_COLUMNS = ("email", "name", "date", "team", "channel", "purpose", "status", "external_id")
FIELDS = {
    "email": "E-mail address",
    "name": "Name",
    "date": "Date",
    "at": "Date and time",
    "team": "Team",
    "channel": "How",
    "purpose": "Purpose",
    "status": "How it ended",
    "external_id": "Id in the other system",
    "engagement": "Study or deal",
}


@router.get("/template.csv")
def template(user: PageContactReader) -> Response:
    """Return a file of history to fill in, with one example."""
    example = ("jane@customer.example", "Jane Doe", "2026-03-31", "sales", "phone", "sales_call", "completed", "crm-1")
    return csv_answer(write_table(TEMPLATE_COLUMNS, [example]), "contacts-template.csv")


@router.post("/import", dependencies=[Depends(check_csrf)])
def import_history(
    request: Request,
    services: ServicesDep,
    user: PageContactWriter,
    form: PostedForm,
    sent: SentFile,
    key: Annotated[str, Form(max_length=60)] = "",
    step: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Show what importing would do; with the `key` that this page gave out, do it, once.

    `step` looks again instead (`preview`), or gives back the rows that are wrong (`errors`).
    """
    key = "" if step in ("preview", "errors") else key
    choices.put_first_team(services)
    try:
        require_content(sent)
        check_zone(sent.tz or None)
        if services.registry.files.is_long(sent.content):  # tried first; its page imports it
            return RedirectResponse(path_of(_take(services, user, form, sent)), status_code=303)
        done = _import(services, user, form, sent, key)
    except AppError as error:
        return files_page_of(request, services, error=error, form=form)
    if key:
        return RedirectResponse(f"/contacts/files/imports/{done.id}", status_code=303)
    if step == "errors":
        return csv_answer(_wrong_rows(sent, done), "import-wrong-rows.csv")
    return files_page_of(
        request,
        services,
        form=form,
        preview=done,
        carried=carried(form, sent) | {"key": new_id("key")},
        mapping=_mapping(sent),
        wrong_count=done.counts.get("error", 0),
        **_outcome_of(services, done),
    )


@router.get("/imports/{import_id}", response_class=HTMLResponse)
def import_page(request: Request, services: ServicesDep, user: PageContactReader, import_id: str) -> HTMLResponse:
    """Show what became of every row of an import."""
    return _import_page(request, services, import_id)


@router.get("/imports/{import_id}/result.csv")
def outcome_file(services: ServicesDep, user: PageContactReader, import_id: str) -> Response:
    file = services.registry.files.outcome_file(import_id)
    services.audit.happened(user.id, "import.exported", "import", import_id)
    return csv_answer(file, "import-outcome.csv")


@router.post("/imports/{import_id}/undo", dependencies=[Depends(check_csrf)])
def undo(request: Request, services: ServicesDep, user: PageContactWriter, import_id: str) -> Response:
    """Void what the import created and restore what it changed."""
    try:
        services.registry.imports.undo(import_id, to_actor(user))
    except NotFound:
        raise
    except AppError as error:
        return _import_page(request, services, import_id, error=error)
    return RedirectResponse(f"/contacts/files/imports/{import_id}", status_code=303)


def _import(services: Services, user: Principal, form: ContactForm, sent: FileForm, key: str) -> ImportOut:
    how, actor = _how(form, sent, dry_run=not key), to_actor(user)
    body = [how.model_dump(mode="json"), sha256(sent.content).hexdigest()]
    request = RequestKey(actor.id, key, "POST", "/contacts/files/import", body) if key else None
    return services.registry.files.import_file(sent.content, actor, how, request)


def _take(services: Services, user: Principal, form: ContactForm, sent: FileForm) -> JobOut:
    return services.registry.lists.import_file(sent.content, to_actor(user), _how(form, sent, dry_run=True))


def _how(form: ContactForm, sent: FileForm, *, dry_run: bool) -> HistoryFile:
    named = {"team": form.team, "channel": form.channel, "purpose": form.purpose}
    return HistoryFile(
        defaults={name: value for name, value in named.items() if value},
        order=sent.order,
        tz=sent.tz or None,
        columns=sent.columns,
        dry_run=dry_run,
        file_name=sent.name or None,
    )


def _mapping(sent: FileForm) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return for each field its word, the column it is read from, and the columns there are."""
    table = read_table(sent.content)
    found = table.recognised(sent.columns)
    choices_of = [("", "no column"), *((column, column) for column in table.columns)]
    return [
        (
            word,
            f"{field}={table.columns[found[field]] if field in found else ''}",
            [(f"{field}={value}", shown) for value, shown in choices_of],
        )
        for field, word in FIELDS.items()
    ]


def _wrong_rows(sent: FileForm, done: ImportOut) -> bytes:
    """Return the rows of the file that would not be imported, as they are, with the reason behind."""
    table = read_table(sent.content)
    wrong = [row for row in done.rows if row.outcome == "error"]
    lines = [[*table.rows[row.row - 1], row.message or row.error or ""] for row in wrong]
    return write_table([*table.columns, "reason"], lines)


def _outcome_of(services: Services, done: ImportOut) -> dict[str, Any]:
    """Return counts and the first rows of an import, those that went wrong before the others."""
    rows = sorted(done.rows, key=lambda row: row.outcome != "error")[:ROWS_SHOWN]
    return {
        "outcome_counts": [(IMPORT_OUTCOMES[outcome], count) for outcome, count in done.counts.items()],
        "outcome_rows": [(row, IMPORT_OUTCOMES[row.outcome], _linked(services, row)) for row in rows],
        "rows_total": len(done.rows),
    }


def _linked(services: Services, row: ImportRowOut) -> str | None:
    """Return the row's person if there is one to show: a dry run keeps nobody it would add."""
    try:
        return services.registry.get_contact(row.contact).id if row.contact else None
    except (NotFound, Gone):
        return None


def _import_page(
    request: Request, services: Services, import_id: str, *, error: AppError | None = None
) -> HTMLResponse:
    done = services.registry.imports.get(import_id)
    return render(
        request,
        "import.html",
        status_code=error.status if error else 200,
        done=done,
        rows_shown=ROWS_SHOWN,
        error=error.message if error else None,
        **_outcome_of(services, done),
    )
