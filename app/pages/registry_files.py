"""Lists as files: who of them may be contacted, answered on the page or as a file; and the forms to send them.

Nothing is kept between the steps: the next step's form carries the file's text with it. Lists that are too long for
that become jobs (`registry_jobs.py`).
"""

import csv
import io
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.contacts.calling import csv_answer, to_actor
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.contact_form import CHANNELS, HOLDS, ContactForm, instant_of, purpose_choices, remembered
from app.pages.contacts import WILL_BE_ADDED, PostedForm
from app.pages.dependencies import PageContactReader, check_csrf, render, user_of
from app.pages.formats import zone_of
from app.pages.looks import IMPORT_OUTCOMES, Look, batch_look, count_look
from app.pages.people_on_file import name_of
from app.pages.registry_jobs import name_of_job, path_of
from app.pages.sent_files import SentFile, carried, require_content
from app.services import Services
from contact_registry.file_checks import RESULT_COLUMNS
from contact_registry.schemas import MAX_BATCH, BatchDefaults, BatchItemOut
from contact_registry.schemas_imports import CsvCheckOut, SuspectedOut
from core.errors import AppError
from core.ids import new_id

router = APIRouter(prefix="/contacts/files")

ROWS_SHOWN = 200
DATE_ORDERS = [
    ("iso", "2026-12-31"),
    ("dmy", "31/12/2026"),
    ("mdy", "12/31/2026"),
]


@dataclass(frozen=True, slots=True)
class CheckLine:
    number: int
    who: str
    answer: BatchItemOut
    look: Look
    why: str


@router.get("", response_class=HTMLResponse)
def filesfiles_page_of(request: Request, services: ServicesDep, user: PageContactReader) -> HTMLResponse:
    return files_page_of(request, services)


@router.post("/check", dependencies=[Depends(check_csrf)])
def check(
    request: Request,
    services: ServicesDep,
    user: PageContactReader,
    form: PostedForm,
    sent: SentFile,
    download: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Answer for every row, on the page or as the file with the answers behind its columns; a long list is a job."""
    choices.put_first_team(services)
    try:
        require_content(sent)
        defaults = BatchDefaults(
            at=instant_of(form, services.clock, zone_of(request)),
            team=form.team or None,
            channel=form.channel or None,
            purpose=form.purpose or None,
        )
        column, lists = sent.email_column or None, services.registry.lists
        if services.registry.files.is_long(sent.content):
            job = lists.check_file(
                sent.content, defaults, to_actor(user), email_column=column, file_name=sent.name or None
            )
            services.audit.list_checked(user.id, sent.content)
            return RedirectResponse(path_of(job), status_code=303)
        answer, file = services.registry.files.check(sent.content, defaults, to_actor(user), email_column=column)
        services.audit.list_checked(user.id, sent.content)
    except AppError as error:
        return files_page_of(request, services, error=error, form=form)
    if download:
        return csv_answer(file, "contacts-checked.csv")
    lines = _check_lines(services, answer, file)
    counts = [(count_look(badge), count) for badge, count in answer.counts.items()]
    return files_page_of(
        request,
        services,
        form=form,
        checked=answer,
        lines=lines,
        counts=counts,
        carried=carried(form, sent) | {"key": new_id("key")},
        eligible_count=answer.counts.get("eligible", 0) + answer.counts.get("unknown_person", 0),
    )


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


def files_page_of(
    request: Request,
    services: Services,
    *,
    error: AppError | None = None,
    form: ContactForm | None = None,
    **parts: Any,
) -> HTMLResponse:
    """Return the page with its forms, and above them what is in `parts`: `checked` or `preview` with theirs."""
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
        jobs=[(name_of_job(job), path_of(job), job) for job in services.registry.lists.recent(user_of(request).id)],
        outcome_looks=IMPORT_OUTCOMES,
        rows_shown=ROWS_SHOWN,
    )
