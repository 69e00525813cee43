"""One attempt at one interview: what it may write, how far it is, and how it ends when it does not end well.

`pipeline.py` works through it. An attempt that was cancelled, deleted or replaced by a newer one writes nothing more:
every transaction asks first, and so does every report of progress.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlmodel import Session

from core.blobs import BlobStore
from core.clock import Clock
from core.database import Database
from core.errors import AppError
from core.tables import Interview
from ingest import work_repository
from ingest.ports import (
    Diarizer,
    NoParticipationLog,
    OnDownload,
    ParticipationLog,
    PassageIndex,
    SpeechDetector,
    Transcriber,
)
from ingest.schemas import InterviewStatus
from ingest.windows import WINDOW_S

logger = logging.getLogger(__name__)

# How often progress is written down; each time is a small transaction and a look whether to go on.
REPORT_EVERY_S = 1.0
# Errors that end when somebody brings a model, with nothing else to repair.
_MODEL_IS_MISSING = ("needs_model", "embedding_model_missing")
_TRACE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What processing needs from outside. Nothing here has loaded a model yet.

    `transcriber_for` takes an interview's source: the samples have a transcriber of their own.
    """

    database: Database
    clock: Clock
    blobs: BlobStore
    detector: SpeechDetector
    transcriber_for: Callable[[str], Transcriber]
    diarizer: Diarizer | None
    passages: PassageIndex
    vocabulary: tuple[str, ...] = ()
    window_s: float = WINDOW_S
    participation: ParticipationLog = field(default_factory=NoParticipationLog)


class Stopped(Exception):  # noqa: N818 - not an error: the work is no longer wanted
    """This attempt may not go on: the interview was cancelled, deleted, sent anew or has failed."""


class Interrupted(BaseException):
    """The process is being stopped; the work goes on at the next start."""


class Work:
    """The attempt in hand."""

    def __init__(self, parts: PipelineParts, interview_id: str, attempt: int, is_stopping: Callable[[], bool]) -> None:
        self.parts = parts
        self.interview_id = interview_id
        self.attempt = attempt
        self._is_stopping = is_stopping
        self._reported_at = 0.0
        self._reported = ("", 0.0)

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, Interview]]:
        """Open the transaction of one result; raises Stopped when this attempt may write nothing."""
        with self.parts.database.write() as session:
            interview = work_repository.current(session, self.interview_id, self.attempt)
            if interview is None:
                raise Stopped
            interview.updated_at = self.parts.clock.now()
            yield session, interview

    @contextmanager
    def reading(self) -> Iterator[tuple[Session, Interview]]:
        """Open a look at the interview; raises Stopped when this attempt has nothing to do there any more."""
        if self._is_stopping():
            raise Interrupted
        with self.parts.database.read() as session:
            interview = work_repository.current(session, self.interview_id, self.attempt, for_update=False)
            if interview is None:
                raise Stopped
            yield session, interview

    def reporter(self, step: str, start: float, end: float) -> Callable[[float], None]:
        """Return a function that takes how much of `step` is done (0 … 1) and writes it down now and then.

        `start` to `end` is the step's share of the whole. It raises Stopped or Interrupted when work should end.
        """

        def report(done: float) -> None:
            if self._is_stopping():
                raise Interrupted
            reached = round(start + (end - start) * min(1.0, max(0.0, done)), 4)
            now = time.monotonic()
            if self._reported[0] == step and now - self._reported_at < REPORT_EVERY_S:
                return
            if self._reported[0] == step:
                reached = max(reached, self._reported[1])
            with self.parts.database.write() as session:
                at = self.parts.clock.now()
                if not work_repository.report_progress(session, self.interview_id, self.attempt, step, reached, at):
                    raise Stopped
            self._reported, self._reported_at = (step, reached), now

        return report

    def download_reporter(self) -> OnDownload:
        """Return a function that shows a model being fetched as a step of its own."""
        report = self.reporter("fetch_model", 0.0, 0.0)
        return lambda _fetched_bytes, _total_bytes: report(0.0)

    def attempt_step(self, step: Callable[[Work], None]) -> bool:
        """Do a step; False when the attempt ends with it, and then the interview says why."""
        try:
            step(self)
        except Stopped:
            return False
        except AppError as error:
            return self._end_badly(error.code, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the interview must say that it failed
            name = type(error).__name__
            return self._end_badly(
                "processing_failed",
                f"Processing stopped with an unexpected error ({name}). Retry; if it happens again, ask whoever runs "
                "this Earshot: the details are in `earshot doctor`.",
            )
        return True

    def _end_badly(self, code: str, sentence: str) -> bool:
        waits = code in _MODEL_IS_MISSING
        try:
            with self.writing() as (_, interview):
                interview.status = (InterviewStatus.NEEDS_MODEL if waits else InterviewStatus.FAILED).value
                interview.step = None
                interview.error_code, interview.error_message = code, sentence
                interview.error_trace = traceback.format_exc()[-_TRACE_LIMIT:]
        except Stopped:
            return False
        level = logging.INFO if waits else logging.WARNING
        logger.log(level, "interview %s stopped in attempt %d: %s", self.interview_id, self.attempt, code)
        return False
