"""Lists as files: who of them may be contacted, and history taken in after a dry run; the result is downloaded.

Nothing is kept between the steps: the next step's form carries the file's text with it.
"""

import csv
import io
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api.contacts.calling import csv_answer, to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import CHANNELS, HOLDS, ContactForm, instant_of, purpose_choices, remembered
from app.pages.contacts import WILL_BE_ADDED, PostedForm
from app.pages.dependencies import PageContactReader, PageContactWriter, check_csrf, render
from app.pages.formats import zone_of
from app.pages.looks import Look, batch_look, count_look
from app.pages.people_on_file import name_of
from app.services import Services
from contact_registry.csv_service import RESULT_COLUMNS, CsvCheckOut, SuspectedOut
from contact_registry.csv_tables import read_table, write_table
from contact_registry.local_times import DateFormat
from contact_registry.people_service import check_zone
from contact_registry.repeats import RequestKey
from contact_registry.schemas import MAX_BATCH, BatchDefaults, BatchItemOut
from contact_registry.schemas_imports import ImportOut, ImportRowOut
from core.errors import AppError, Gone, InvalidInput, NotFound
from core.ids import new_id

router = APIRouter(prefix="/contacts/files")

ROWS_SHOWN = 200
MAX_CHARACTERS = 16_000_000
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
DATE_ORDERS = [
    ("iso", "2026-12-31"),
    ("dmy", "31/12/2026"),
    ("mdy", "12/31/2026"),
]

_OUTCOMES = {
    "created": Look("Created", "tick", "good"),
    "updated": Look("Updated", "tick", "note"),
    "unchanged": Look("Unchanged", "tick", "calm"),
    "duplicate_in_file": Look("Twice in the file", "document", "calm"),
    "suppressed": Look("Not stored", "stop", "calm"),
    "contact_only": Look("Person only", "people", "note"),
    "error": Look("Error", "warning", "stop"),
}


@dataclass(frozen=True, slots=True)
class FileForm:
    """The file's bytes, and how it is read."""

    content: bytes
    name: str
    email_column: str
    order: DateFormat
    tz: str
    columns: dict[str, str]  # field → column, where somebody said so


@dataclass(frozen=True, slots=True)
class CheckLine:
    number: int
    who: str
    answer: BatchItemOut
    look: Look
    why: str


def file_form(
    file: Annotated[UploadFile | None, File()] = None,
    text: Annotated[str, Form(max_length=MAX_CHARACTERS)] = "",
    file_name: Annotated[str, Form(max_length=200)] = "",
    email_column: Annotated[str, Form(max_length=200)] = "",
    order: Annotated[str, Form(max_length=10)] = "iso",
    tz: Annotated[str, Form(max_length=64)] = "",
    columns: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> FileForm:
    """Read what was chosen, else what was pasted or carried along from the step before; `columns` are field=column."""
    dates: DateFormat = next((one for one in get_args(DateFormat) if one == order), "iso")
    told = dict(one.split("=", 1) for one in columns or [] if "=" in one)
    if file is not None and file.filename:
        return FileForm(file.file.read(), file.filename[:200], email_column.strip(), dates, tz.strip(), told)
    return FileForm(text.encode(), file_name, email_column.strip(), dates, tz.strip(), told)


SentFile = Annotated[FileForm, Depends(file_form)]


@router.get("", response_class=HTMLResponse)
def files_page(request: Request, services: ServicesDep, user: PageContactReader) -> HTMLResponse:
    return _page(request, services)


@router.get("/template.csv")
def template(user: PageContactReader) -> Response:
    """Return a file of history to fill in, with one example."""
    example = ("jane@customer.example", "Jane Doe", "2026-03-31", "sales", "phone", "sales_call", "completed", "crm-1")
    return csv_answer(write_table(TEMPLATE_COLUMNS, [example]), "contacts-template.csv")


@router.post("/check", dependencies=[Depends(check_csrf)])
def check(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    form: PostedForm,
    sent: SentFile,
    download: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Answer for every row, on the page or as the file with the answers behind its columns; nothing is written."""
    choices.put_first_team(services)
    try:
        _require_content(sent)
        defaults = BatchDefaults(
            at=instant_of(form, services.clock, zone_of(request)),
            team=form.team or None,
            channel=form.channel or None,
            purpose=form.purpose or None,
        )
        column = sent.email_column or None
        answer, file = services.registry.files.check(sent.content, defaults, to_actor(user), email_column=column)
        services.audit.list_checked(user.id, sent.content)
    except AppError as error:
        return _page(request, services, error=error, form=form)
    if download:
        return csv_answer(file, "contacts-checked.csv")
    lines = _check_lines(services, answer, file)
    counts = [(count_look(badge), count) for badge, count in answer.counts.items()]
    return _page(
        request,
        services,
        form=form,
        checked=answer,
        lines=lines,
        counts=counts,
        carried=_carried(form, sent) | {"key": new_id("key")},
        eligible_count=answer.counts.get("eligible", 0) + answer.counts.get("unknown_person", 0),
    )


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
        _require_content(sent)
        check_zone(sent.tz or None)
        done = _import(services, user, form, sent, key)
    except AppError as error:
        return _page(request, services, error=error, form=form)
    if key:
        return RedirectResponse(f"/contacts/files/imports/{done.id}", status_code=303)
    if step == "errors":
        return csv_answer(_wrong_rows(sent, done), "import-wrong-rows.csv")
    return _page(
        request,
        services,
        form=form,
        preview=done,
        carried=_carried(form, sent) | {"key": new_id("key")},
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


def _require_content(sent: FileForm) -> None:
    if not sent.content.strip():
        raise InvalidInput("no_file", "Choose a file or paste its text.", field="file")


def _import(services: Services, user: Principal, form: ContactForm, sent: FileForm, key: str) -> ImportOut:
    named = {"team": form.team, "channel": form.channel, "purpose": form.purpose}
    defaults = {name: value for name, value in named.items() if value}
    actor = to_actor(user)
    body = [defaults, sent.order, sent.tz, sorted(sent.columns.items()), sha256(sent.content).hexdigest()]
    return services.registry.files.import_file(
        sent.content,
        actor,
        defaults=defaults,
        order=sent.order,
        tz=sent.tz or None,
        columns=sent.columns,
        dry_run=not key,
        file_name=sent.name or None,
        request=RequestKey(actor.id, key, "POST", "/contacts/files/import", body) if key else None,
    )


def _carried(form: ContactForm, sent: FileForm) -> dict[str, str]:
    """Return the fields that the next step's form sends along, the file as text whatever its encoding was."""
    encoding = read_table(sent.content).encoding
    text = sent.content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    asked = {"team": form.team, "purpose": form.purpose, "channel": form.channel, "at": form.at}
    read = {"file_name": sent.name, "email_column": sent.email_column, "order": sent.order, "tz": sent.tz}
    return asked | read | {"text": text}


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


def _check_lines(services: Services, answer: CsvCheckOut, file: bytes) -> list[CheckLine]:
    column = answer.columns.index(answer.email_column)
    why = len(answer.columns) + RESULT_COLUMNS.index("reason")
    suspected = {one.index: one for one in answer.suspected_duplicates}
    lines: list[CheckLine] = []
    rows = list(csv.reader(io.StringIO(file.decode(), newline="")))[1:]
    for row, item in zip(rows[:ROWS_SHOWN], answer.rows, strict=False):
        same = "" if item.duplicate_of is None else f"The same person as in row {item.duplicate_of + 1}."
        added = WILL_BE_ADDED if item.badge == "unknown_person" and item.decision == "eligible" else ""
        parts = [same or added or row[why], _suspicion(services, suspected.get(item.index))]
        look = batch_look(item.badge, item.duplicate_of is not None)
        lines.append(CheckLine(item.index + 1, row[column], item, look, " ".join(part for part in parts if part)))
    return lines


def _suspicion(services: Services, suspected: SuspectedOut | None) -> str:
    if suspected is None:
        return ""
    if suspected.row is not None:
        return f"Perhaps the same person as in row {suspected.row + 1}."
    contact = services.registry.get_contact(suspected.contact or "")
    return f"Perhaps {name_of(contact)}, who is on file with a similar address."


def _outcome_of(services: Services, done: ImportOut) -> dict[str, Any]:
    """Return counts and the first rows of an import, those that went wrong before the others."""
    rows = sorted(done.rows, key=lambda row: row.outcome != "error")[:ROWS_SHOWN]
    return {
        "outcome_counts": [(_OUTCOMES[outcome], count) for outcome, count in done.counts.items()],
        "outcome_rows": [(row, _OUTCOMES[row.outcome], _linked(services, row)) for row in rows],
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


def _page(
    request: Request,
    services: Services,
    *,
    error: AppError | None = None,
    form: ContactForm | None = None,
    **parts: Any,
) -> HTMLResponse:
    message = error.message if error else None
    if error and error.extra.get("columns"):
        message = f"{error.message} The columns are: {', '.join(error.extra['columns'])}."
    return render(
        request,
        "files.html",
        status_code=error.status if error else 200,
        **{"checked": None, "preview": None} | parts,
        error=message,
        form=form or remembered(request),
        teams=choices.asking_teams(services),
        purposes=purpose_choices(services.registry),
        channels=CHANNELS,
        orders=DATE_ORDERS,
        holds=HOLDS,
        max_people=MAX_BATCH,
        zone=str(zone_of(request)),
        imports=services.registry.imports.recent(),
        outcome_looks=_OUTCOMES,
        rows_shown=ROWS_SHOWN,
    )
