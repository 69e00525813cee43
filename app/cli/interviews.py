"""`earshot add FILE…` and `earshot search QUERY`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import fail, open_services, write_json
from app.services import Services
from core.blobs import read_file
from core.errors import AppError
from core.visibility import ALL_SEEING
from ingest.schemas import UNFINISHED, InterviewOut, RecordingIn
from search.values import SearchFilters, SearchRequest, SearchResult

Files = Annotated[list[Path], typer.Argument(help="Recordings, or transcripts (.vtt .srt .txt .json).")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, a line for each file.")]
_POLL_S = 0.5


def add(
    files: Files,
    project: Annotated[str | None, typer.Option(help="Id of an existing project.")] = None,
    title: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given several times.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1; default: found out by listening.")] = None,
    wait: Annotated[bool, typer.Option(help="Stay until each file is processed.")] = True,
    as_json: Json = False,
) -> None:
    """Take recordings in and show their progress. Exit status 1 when one was refused or failed."""
    services = open_services()
    sent = RecordingIn(title=title, project=project, tags=tag or [], language=language)
    taken: list[InterviewOut] = []
    refused = 0
    for path in files:
        try:
            taken.append(_take(services, path, sent))
        except AppError as error:
            refused += 1
            typer.echo(f"{path}: {error.message}", err=True)
    if wait:
        from app.wiring import working_runtime

        with working_runtime(services):
            taken = [_follow(services, interview) for interview in taken]
    for interview in taken:
        _report(interview, as_json)
    if refused or any(interview.status in ("failed", "cancelled") for interview in taken):
        raise SystemExit(1)


def _take(services: Services, path: Path, sent: RecordingIn) -> InterviewOut:
    if not path.is_file():
        fail(f"{path}: there is no such file.")
    interview, is_new = services.ingest.add_recording(
        read_file(path), path.name, sent, source="cli", actor="cli", viewer=ALL_SEEING
    )
    typer.echo(f"{path}: {'taken in' if is_new else 'already known'} as {interview.id}", err=True)
    return interview


def _follow(services: Services, interview: InterviewOut) -> InterviewOut:
    is_terminal = sys.stderr.isatty()
    last_line = ""
    while interview.status in UNFINISHED:
        line = f"{interview.title[:40]}: {interview.status} {interview.progress:4.0%}"
        if is_terminal:
            sys.stderr.write("\r\x1b[K" + line)
        elif line != last_line:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()
        last_line = line
        time.sleep(_POLL_S)
        interview = services.ingest.get(interview.id, ALL_SEEING)
    if is_terminal:
        sys.stderr.write("\r\x1b[K")
    return interview


def _report(interview: InterviewOut, as_json: bool) -> None:
    if as_json:
        write_json(interview.model_dump(mode="json"))
        return
    typer.echo(f"{interview.id}\t{interview.status}\t{interview.title}")
    for sentence in (interview.notice, interview.error.message if interview.error else None):
        if sentence:
            typer.echo(f"  {sentence}")


def search(
    query: Annotated[list[str], typer.Argument(help="What was said, in any words.")],
    mode: Annotated[str, typer.Option(help="hybrid, semantic (by meaning) or keyword (by word).")] = "hybrid",
    limit: Annotated[int, typer.Option(min=1, max=50)] = 10,
    project: Annotated[str | None, typer.Option()] = None,
    speaker: Annotated[str | None, typer.Option(help="Somebody who speaks in the moment.")] = None,
    as_json: Json = False,
) -> None:
    """Find the moments in which something was said."""
    if mode not in ("hybrid", "semantic", "keyword"):
        fail(f"there is no mode {mode!r}: take hybrid, semantic or keyword.", 2)
    services = open_services()
    request = SearchRequest(
        query=" ".join(query),
        mode=mode,  # type: ignore[arg-type]  # checked above
        limit=limit,
        filters=SearchFilters(project=project, speaker=speaker),
        viewer=ALL_SEEING,
    )
    answer = services.search.search(request)
    if as_json:
        from search.schemas import SearchAnswerOut

        write_json(SearchAnswerOut.model_validate(answer).model_dump(mode="json"))
        return
    if not answer.results:
        typer.echo("Nothing was found.")
    for number, result in enumerate(answer.results, 1):
        _show(number, result)


def _show(number: int, result: SearchResult) -> None:
    when = f"{result.interview.recorded_at:%d %b %Y}" if result.interview.recorded_at else "no date"
    at = _clock_time(result.found.start_ms)
    typer.echo(f"{number}. {result.interview.title} ({when}) {at} {', '.join(result.speakers)}".rstrip())
    text = ("… " if result.found.offset else "") + " ".join(result.text[result.found.offset :].split())
    typer.echo(f"   {text if len(text) <= 300 else text[:299] + '…'}\n")


def _clock_time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"at {minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"at {minutes}:{seconds:02}"
