"""The upload page. A plain form sends files whole; with script each file goes resumably to the API instead."""

import re
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import ValidationError
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api import problems
from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.consent import ANSWERS, consent_of
from app.pages.contact_form import unreadable
from app.pages.dependencies import PageIngester, check_csrf, render, user_of
from app.pages.languages import language_choices
from app.pages.projects import create_project
from app.services import Services
from core.blobs import read_chunks, too_large
from core.errors import AppError, InvalidInput
from ingest.checks import check_details
from ingest.schemas import Consent, ParticipantIn, RecordingIn

router = APIRouter(prefix="/upload")

ACCEPTED = "audio/*,video/*,.wav,.mp3,.m4a,.ogg,.opus,.flac,.mp4,.mov,.webm,.mkv,.vtt,.srt,.txt,.json"
UNNAMED = "Unnamed participant"
_PERSON = re.compile(r"(?P<name>[^<>,]*)(?:<(?P<email>[^<>]*)>)?\s*(?:,\s*(?P<role>.*))?")

Text = Annotated[str, Form(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What is known about the files, as it was typed."""

    title: str = ""
    project: str = ""
    new_project: str = ""
    recorded_at: str = ""
    language: str = ""
    participants: str = ""
    tags: str = ""
    vocabulary: str = ""
    quote: str = ""
    share: str = ""
    keep_until: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: an interview, or the reason why not."""

    name: str
    interview_id: str | None
    error: str | None


def posted_form(
    title: Text = "",
    project: Text = "",
    new_project: Text = "",
    recorded_at: Text = "",
    language: Text = "",
    participants: Text = "",
    tags: Text = "",
    vocabulary: Text = "",
    quote: Text = "",
    share: Text = "",
    keep_until: Text = "",
) -> UploadForm:
    return UploadForm(
        title,
        project,
        new_project,
        recorded_at,
        language,
        participants,
        tags,
        vocabulary,
        quote,
        share,
        keep_until,
    )


@router.get("", response_class=HTMLResponse)
def upload_page(request: Request, services: ServicesDep, user: PageIngester, project: str = "") -> HTMLResponse:
    return _page(request, services, UploadForm(project=project), [])


@router.post("", dependencies=[Depends(check_csrf)])
def upload(
    request: Request,
    services: ServicesDep,
    user: PageIngester,
    form: Annotated[UploadForm, Depends(posted_form)],
    files: Annotated[list[UploadFile] | None, File()] = None,
) -> Response:
    """Take every file in; one that is refused does not stop the others."""
    chosen = [file for file in files or [] if file.filename]
    if not chosen:
        return _page(request, services, form, [Outcome("", None, "Choose at least one file.")], status_code=422)
    try:
        sent = recording_of(services, form, user)
    except AppError as error:
        return _page(request, services, form, [Outcome("The form", None, error.message)], status_code=error.status)
    outcomes = [_take(services, user, file, sent) for file in chosen]
    if all(outcome.interview_id for outcome in outcomes):
        one = f"/interviews/{outcomes[0].interview_id}" if len(outcomes) == 1 else "/interviews"
        return RedirectResponse(one, status_code=303)
    return _page(request, services, form, outcomes, status_code=422)


@router.post("/details", dependencies=[Depends(check_csrf)])
def details(services: ServicesDep, user: PageIngester, form: Annotated[UploadForm, Depends(posted_form)]) -> Response:
    """Return the form as the metadata that a resumable upload sends along, or a problem in words."""
    try:
        return JSONResponse(recording_of(services, form, user).model_dump(mode="json", exclude_defaults=True))
    except AppError as error:
        return problems.from_app_error(error)


def recording_of(services: Services, form: UploadForm, user: Principal) -> RecordingIn:
    """Return the form as checked metadata; a project that is named anew is made. Raises InvalidInput."""
    fields: dict[str, Any] = {
        "title": form.title,
        "project": form.project,
        "recorded_at": form.recorded_at or None,
        "language": form.language,
        "participants": _people(form),
        "tags": form.tags,
        "vocabulary": form.vocabulary,
    }
    try:
        sent = RecordingIn.model_validate(fields)
    except ValidationError as error:
        raise unreadable(error) from error
    check_details(sent, ZoneInfo(services.settings.timezone))
    if form.new_project.strip():
        sent.project = create_project(services, form.new_project, user)
    return sent


def _people(form: UploadForm) -> list[ParticipantIn]:
    """Return who took part, each with the consent of the form's one line; somebody unnamed holds it if nobody is."""
    people = people_of(form.participants)
    consent = consent_of(form.quote, form.share, form.keep_until)
    if consent == Consent():
        return people
    people = people or [ParticipantIn(name=UNNAMED)]
    return [person.model_copy(update={"consent": consent}) for person in people]


def people_of(text: str) -> list[ParticipantIn]:
    """Read one person a line: `Name <address>, role`, the name alone is enough; another line is InvalidInput."""
    people = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _PERSON.fullmatch(line.strip())
        if match is None:
            raise InvalidInput(
                "unreadable_participant",
                f"Line {number} of who took part cannot be read: write Name <address>, role; the name alone is enough.",
                field="participants",
            )
        name, email, role = (match[part] or "" for part in ("name", "email", "role"))
        people.append(ParticipantIn(name=name.strip() or email.strip(), email=email.strip(), role=role.strip()))
    return people


def _take(services: Services, user: Principal, file: UploadFile, sent: RecordingIn) -> Outcome:
    name = file.filename or "file"
    try:
        if file.size is not None and file.size > services.settings.max_upload_bytes:
            raise too_large(services.settings.max_upload_bytes)
        interview, _ = services.ingest.add_recording(
            read_chunks(file.file), name, sent, source=user.source, actor=user.id, viewer=user.viewer
        )
    except AppError as error:
        return Outcome(name, None, error.message)
    return Outcome(name, interview.id, None)


def _page(
    request: Request, services: Services, form: UploadForm, outcomes: list[Outcome], *, status_code: int = 200
) -> HTMLResponse:
    return render(
        request,
        "upload.html",
        status_code=status_code,
        form=form,
        outcomes=outcomes,
        projects=choices.project_choices(services, user_of(request).viewer),
        languages=language_choices(),
        max_bytes=services.settings.max_upload_bytes,
        accepted=ACCEPTED,
        consent_answers=ANSWERS,
    )
