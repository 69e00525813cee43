"""The tour: how a recording becomes findable text. Start reading here.

receive → probe    `IngestService.add_recording` streams the bytes to the blob store and looks into the file at once,
                   so that a bad one is answered with its reason and leaves nothing behind.
transcribe         sound, window by window, to timed segments; each window is stored when it is written down.
diarize            voices get names: "Speaker 1", "Speaker 2".
split              segments to passages, along turns and sentences.
embed → index      `search` makes the passages findable, behind the port `PassageIndex`.
finish             who took part is told to the registry, behind the port `ParticipationLog`; the interview is ready.

An interview that came with its text starts at embed: the steps before find their work done. Every step may be done
again at any time (a process can be killed between its commit and the note that it is finished), stores its result in
one transaction per piece, and ends with Stopped when the interview is no longer this attempt's to work on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.tables import Interview
from ingest import repository, work_repository
from ingest.languages import listening_code
from ingest.media import probe
from ingest.schemas import InterviewStatus
from ingest.speaker_naming import assign_speakers
from ingest.split import split_passages
from ingest.tables import IngestJob
from ingest.values import ListeningOptions, TimedSegment
from ingest.windows import SoundWindows
from ingest.work import Interrupted, PipelineParts, Stopped, Work

__all__ = ["Interrupted", "PipelineParts", "Stopped", "process"]

# Runs a named step and remembers that it is done; the steps' results are rows, so what it returns is just "go on".
Durably = Callable[[str, Callable[[], bool]], bool]


def at_once(_name: str, step: Callable[[], bool]) -> bool:
    """Run a step without remembering it."""
    return step()


def process(
    parts: PipelineParts,
    interview_id: str,
    attempt: int,
    durably: Durably = at_once,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Work through all steps, or as far as it goes; the interview's row says how it ended."""
    work = Work(parts, interview_id, attempt, is_stopping)
    for step in (transcribe, diarize, split, embed, index, finish):
        if not durably(step.__name__, partial(work.attempt_step, step)):
            return


def transcribe(work: Work) -> None:
    """Write down what is said, going on after the last window that is stored."""
    parts = work.parts
    with work.writing() as (session, interview):
        if interview.recording_sha256 is None or repository.has_segments(session, interview.id):
            return
        transcriber = parts.transcriber_for(interview.source)
        work_repository.drop_heard_by_others(session, interview.id, transcriber.model_name)
        last = work_repository.last_heard(session, interview.id)
        if last is not None and last.is_last:
            return
        options = _listening_options(work, work_repository.find_job(session, interview.id))
        interview.status = InterviewStatus.TRANSCRIBING.value
        path = parts.blobs.path(interview.recording_sha256)
    report = work.reporter("transcribe", 0.0, 0.8)
    info = probe(path)
    with SoundWindows(path, parts.detector, parts.window_s) as windows:
        window = windows.window_at(last.end_ms if last else 0)
        while window is not None:
            report(window.start_ms / max(1, info.duration_ms))
            if window.speech:  # silence needs no model
                transcriber.prepare(work.download_reporter())
            heard = transcriber.transcribe_window(window, options, lambda ms: report(ms / max(1, info.duration_ms)))
            with work.writing() as (session, interview):
                work_repository.add_heard(session, interview.id, heard, transcriber.model_name)
                if window.is_last:
                    interview.notice = windows.tally.warning(info)
            window = None if window.is_last else windows.window_at(window.end_ms)


def diarize(work: Work) -> None:
    """Tell the voices apart and store the text."""
    with work.reading() as (session, interview):
        heard = work_repository.heard_parts(session, interview.id)
        if not heard or repository.has_segments(session, interview.id):
            return
    segments: list[TimedSegment] = work_repository.unpacked(heard)
    if segments and work.parts.diarizer is not None:
        report = work.reporter("diarize", 0.8, 0.88)
        report(0.0)
        path = work.parts.blobs.path(str(interview.recording_sha256))
        whole_ms = max(1, heard[-1].end_ms)
        with SoundWindows(path, work.parts.detector, work.parts.window_s) as windows:
            turns = work.parts.diarizer.find_turns(windows, lambda ms: report(ms / whole_ms))
        segments = list(assign_speakers(segments, turns))
    with work.writing() as (session, interview):
        repository.put_text(session, interview.id, segments, ())
        job = work_repository.find_job(session, interview.id)
        asked = job.asked_language if job else None  # it may have been corrected while this was heard
        interview.language = asked or work_repository.main_language(heard) or interview.language
        interview.transcribed_by = heard[-1].model if segments else None


def split(work: Work) -> None:
    """Cut the text into passages."""
    with work.reading() as (session, interview):
        if repository.has_passages(session, interview.id):
            return
        drafts = split_passages(repository.timed_segments(repository.segments_of(session, interview.id)))
    with work.writing() as (session, interview):
        interview.status = InterviewStatus.INDEXING.value
        repository.put_passages(session, interview.id, drafts)


def embed(work: Work) -> None:
    """Give every passage its vector."""
    with work.reading() as (_, interview):
        start = 0.0 if interview.recording_sha256 is None else 0.88
    report = work.reporter("embed", start, 0.98)
    report(0.0)
    work.parts.passages.embed(work.interview_id, report)


def index(work: Work) -> None:
    """Make the passages findable."""
    work.reporter("index", 0.98, 0.99)(0.0)
    work.parts.passages.index(work.interview_id)


def finish(work: Work) -> None:
    """Call the interview ready and forget the windows it was written down in.

    Who took part is told before: a process that is killed in between does this step again, and telling twice is
    telling once. After the commit nobody would come back for it.
    """
    with work.reading():  # raises Stopped: what was cancelled or deleted is not told
        pass
    work.parts.participation.settle(work.interview_id)
    with work.writing() as (session, interview):
        if not repository.has_segments(session, interview.id):
            interview.notice = _why_empty(interview)
        interview.status = InterviewStatus.READY.value
        interview.progress, interview.step = 1.0, None
        interview.error_code = interview.error_message = interview.error_trace = None
        work_repository.drop_heard(session, interview.id)


def _listening_options(work: Work, job: IngestJob | None) -> ListeningOptions:
    language = job.asked_language if job else None
    vocabulary = dict.fromkeys((*(job.vocabulary if job else ()), *work.parts.vocabulary))
    return ListeningOptions(listening_code(language) if language else None, tuple(vocabulary))


def _why_empty(interview: Interview) -> str:
    if not interview.duration_ms:
        return "The recording is 0 seconds long, so there is no text."
    return "No speech was found in the recording, so there is no text."
