"""The list of interviews and one interview: player, transcript, progress, downloads, retry, cancel, delete."""

from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from app.access.permissions import Permission
from app.api.dependencies import ServicesDep
from app.api.interviews import attachment
from app.pages import choices, looks
from app.pages.consent import ANSWERS
from app.pages.dependencies import PageIngester, PageReader, check_csrf, render
from app.pages.participants import participants_shown
from app.pages.quotes import occurrences
from app.participation import ERASED_NAME
from ingest.schemas import InterviewOut, SegmentOut
from search.values import MAX_QUERY_CHARACTERS

router = APIRouter(prefix="/interviews")

PAGE_SIZE = 50
VOICES = 6  # colours of speakers; the seventh speaker has the first one's
FORMATS = (("vtt", "VTT"), ("srt", "SRT"), ("txt", "Text"), ("md", "Markdown"), ("docx", "Word"), ("json", "JSON"))

# What a browser may play in place; anything else is only offered as a download.
_PLAYED = ("audio/", "video/")
_MEDIA_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; media-src 'self'; style-src 'self'; sandbox",
    "cache-control": "private, no-cache",  # a browser must not go on playing what was withdrawn
}


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """What the list's address says."""

    title: str = ""
    project: str = ""
    status: str = ""
    tag: str = ""
    cursor: str = ""

    @property
    def is_filtered(self) -> bool:
        return bool(self.title or self.project or self.status or self.tag)

    def address(self, cursor: str) -> str:
        asked = {key: value for key, value in {**asdict(self), "cursor": cursor}.items() if value}
        return "/interviews?" + urlencode(asked) if asked else "/interviews"


@router.get("", response_class=HTMLResponse)
def interviews_page(
    request: Request, services: ServicesDep, user: PageReader, question: Annotated[ListQuestion, Depends()]
) -> HTMLResponse:
    """List interviews, newest first; while one of them is being worked on the list renews itself."""
    page = services.ingest.list_interviews(
        project=question.project or None,
        status=question.status or None,
        tag=question.tag or None,
        text=question.title or None,
        cursor=question.cursor or None,
        limit=PAGE_SIZE,
        viewer=user.viewer,
    )
    projects = choices.project_choices(services, user.viewer)
    return render(
        request,
        "interviews.html",
        question=question,
        interviews=page.items,
        projects=projects,
        project_names=dict(projects),
        statuses=looks.status_words(),
        is_moving=any(looks.is_moving(interview.status) for interview in page.items),
        here=question.address(question.cursor),
        first_link=question.address(""),
        next_link=question.address(page.next_cursor) if page.next_cursor else None,
    )


@router.get("/{interview_id}", response_class=HTMLResponse)
def interview_page(
    request: Request,
    services: ServicesDep,
    user: PageReader,
    afterwards: BackgroundTasks,
    interview_id: str,
    t: Annotated[int | None, Query(ge=0, le=10**9)] = None,
    find: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = "",
) -> HTMLResponse:
    """Show the interview; `t` is the millisecond to start at, `find` or what a search for `q` found is marked."""
    interview = services.ingest.get(interview_id, user.viewer)
    is_open = interview.withdrawn_at is None and (interview.is_quotable or user.viewer.reads_unquotable)
    segments = services.ingest.segments(interview_id, user.viewer) if is_open else []
    if segments:
        afterwards.add_task(services.audit.seen, user.id, "interview.read", "interview", interview_id)
    needle = find.strip()
    if needle:
        marks = [occurrences(segment.text, needle) for segment in segments]
    else:
        marks = services.search.mark(q, [segment.text for segment in segments], interview.language, user.viewer)
    links, linked_names = participants_shown(services, user, interview_id)
    return render(
        request,
        "interview.html",
        interview=interview,
        links=links,
        linked_names=linked_names,
        may_link=user.may(Permission.CONTACTS_WRITE),
        erased_name=ERASED_NAME,
        segments=segments,
        project_name=dict(choices.project_choices(services, user.viewer)).get(
            interview.project or "", interview.project
        ),
        is_moving=looks.is_moving(interview.status),
        is_open=is_open,
        has_sound=is_open and _has_sound(interview),
        may_change=user.may(Permission.INGEST) and interview.withdrawn_at is None,
        may_withdraw=user.may(Permission.PRIVACY) and interview.withdrawn_at is None,
        consent_answers=ANSWERS,
        receipt=services.withdrawal.of_interview(interview_id) if user.may(Permission.PRIVACY) else None,
        start_fragment="" if t is None else f"#t={t / 1000:g}",
        linked=_segments_at(segments, t),
        voices=_voices(segments),
        needle=needle,
        marks=marks,
        found_count=sum(map(len, marks)),
        formats=FORMATS,
        is_news=False,
    )


@router.get("/{interview_id}/progress", response_class=HTMLResponse)
def progress(request: Request, services: ServicesDep, user: PageReader, interview_id: str) -> Response:
    """Return what has changed; once the work is over, tell htmx to load the whole page again."""
    interview = services.ingest.get(interview_id, user.viewer)
    if not looks.is_moving(interview.status):
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return render(request, "_progress_news.html", interview=interview, is_news=True)


@router.get("/{interview_id}/media", response_class=FileResponse)
def media(
    services: ServicesDep,
    user: PageReader,
    afterwards: BackgroundTasks,
    interview_id: str,
    download: bool = False,
) -> Response:
    """Stream the recording; a Range is answered with 206, so that players can seek."""
    path, media_type = services.ingest.recording(interview_id, user.viewer, to_keep=download)
    is_played = media_type.startswith(_PLAYED)
    action = "recording.downloaded" if download else "recording.played"
    afterwards.add_task(services.audit.seen, user.id, action, "interview", interview_id)
    if download or not is_played:
        name = services.ingest.get(interview_id, user.viewer).file_name or f"{interview_id}.bin"
        safe_type = media_type if is_played else "application/octet-stream"
        return FileResponse(path, media_type=safe_type, filename=name, headers=_MEDIA_HEADERS)
    return FileResponse(path, media_type=media_type, headers=_MEDIA_HEADERS)


@router.get("/{interview_id}/transcript", response_class=Response)
def transcript_file(
    services: ServicesDep,
    user: PageReader,
    afterwards: BackgroundTasks,
    interview_id: str,
    format: str = "txt",  # noqa: A002 - the query parameter's name
) -> Response:
    """Return the transcript as a file to save."""
    body, media_type, file_name = services.ingest.transcript(interview_id, format, user.viewer)
    afterwards.add_task(services.audit.seen, user.id, "transcript.exported", "interview", interview_id)
    return Response(body, media_type=media_type, headers=attachment(file_name))


@router.post("/{interview_id}/retry", dependencies=[Depends(check_csrf)])
def retry(services: ServicesDep, user: PageIngester, interview_id: str) -> Response:
    services.ingest.retry(interview_id, user.id, user.viewer)
    return RedirectResponse(f"/interviews/{interview_id}", status_code=303)


@router.post("/{interview_id}/cancel", dependencies=[Depends(check_csrf)])
def cancel(services: ServicesDep, user: PageIngester, interview_id: str) -> Response:
    services.ingest.cancel(interview_id, user.id, user.viewer)
    return RedirectResponse(f"/interviews/{interview_id}", status_code=303)


@router.get("/{interview_id}/delete", response_class=HTMLResponse)
def confirm_delete(request: Request, services: ServicesDep, user: PageIngester, interview_id: str) -> HTMLResponse:
    """Ask before anything is deleted."""
    interview = services.ingest.get(interview_id, user.viewer)
    what = "its recording and its text" if interview.has_recording else "its text"
    return render(
        request,
        "confirm.html",
        heading=f"Delete “{interview.title}”?",
        sentences=[f"The interview, {what} go for good and nobody finds them any more. This cannot be undone."],
        action=f"/interviews/{interview_id}/delete",
        button="Delete it",
        back=f"/interviews/{interview_id}",
    )


@router.post("/{interview_id}/delete", dependencies=[Depends(check_csrf)])
def delete(services: ServicesDep, user: PageIngester, interview_id: str) -> Response:
    services.ingest.delete(interview_id, user.id, user.viewer)
    services.search.let_go()
    return RedirectResponse("/interviews", status_code=303)


def _has_sound(interview: InterviewOut) -> bool:
    return interview.has_recording and (interview.media_type or "").startswith(_PLAYED)


def _segments_at(segments: list[SegmentOut], at_ms: int | None) -> set[int]:
    """Return the ordinal of the segment that is heard at this millisecond, if there is one."""
    if at_ms is None:
        return set()
    begun = [segment.ordinal for segment in segments if segment.start_ms is not None and segment.start_ms <= at_ms]
    return {begun[-1]} if begun else set()


def _voices(segments: list[SegmentOut]) -> dict[str, int]:
    """Number the speakers by first appearance, for their colours."""
    speakers = dict.fromkeys(segment.speaker for segment in segments if segment.speaker)
    return {speaker: number % VOICES for number, speaker in enumerate(speakers)}
