"""Durable jobs on DBOS: runs `pipeline.process` so that a killed process goes on where it was.

The database is the list of what is to be done: whoever adds an interview commits a row, and the runtime, in the server
or in `earshot worker`, gives DBOS a workflow for every unfinished row DBOS does not know. So an interview added by
another process, restored from a backup or left by a crash between two commits is found like any other.

A workflow's id is the interview's id and the attempt: the same attempt enqueued twice is one workflow, and a retry,
which DBOS would otherwise take for the finished one, is another.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core.settings import Settings
from core.tables import Interview
from ingest import work_repository
from ingest.pipeline import PipelineParts, process
from ingest.schemas import InterviewStatus
from ingest.work_repository import Attempt
from ingest.worker_lock import WorkerLock

logger = logging.getLogger(__name__)

# DBOS resumes a workflow only under the version that began it. Raise this when the steps of `process` change their
# order or number: unfinished interviews then start a new attempt, which keeps what is already stored.
APPLICATION_VERSION = "1"

_WORKFLOW = "process_interview"
_QUEUE = "interviews"
# A process that dies this often over one interview is killed by it.
_MOST_CRASHES = 6
_WORKER_SLOTS = 64
# A worker that reported nothing for this long is dead (several machines only: on SQLite the lock says who lives).
_SILENT_FOR = timedelta(minutes=10)
_STOP_TIMEOUT_S = 10.0

_KNOWN_AND_GOING = ("ENQUEUED", "PENDING", "DELAYED")


class DbosJobs:
    """`ingest.ports.Jobs`: tells the runtime of this process, if there is one, to look now and not in a second."""

    def __init__(self) -> None:
        self.added = threading.Event()

    def enqueue(self, interview_id: str) -> None:
        self.added.set()


class DbosRuntime:
    """Does the work while it is started. At most one per process, because DBOS is one per process.

    `is_model_here` says cheaply whether interviews that wait for a model can go on.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: DbosJobs,
        build_parts: Callable[[], PipelineParts],
        is_model_here: Callable[[], bool],
        *,
        look_every_s: float = 2.0,
        wake_every_s: float = 30.0,
        try_download_every_s: float = 1800.0,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._build_parts = build_parts
        self._is_model_here = is_model_here
        self._look_every_s = look_every_s
        self._wake_every_s = wake_every_s
        self._try_download_every_s = try_download_every_s
        self._is_sqlite = settings.jobs_url.startswith("sqlite")
        self._lock = WorkerLock(settings.data_dir, 1 if self._is_sqlite else _WORKER_SLOTS)
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None
        self._parts: PipelineParts | None = None
        self._running: set[str] = set()

    @property
    def is_working(self) -> bool:
        """Whether this process does the work; False while another one holds the lock."""
        return self._lock.slot is not None

    def start(self) -> None:
        """Begin to work, in threads of its own, as soon as no other process does."""
        if self._keeper is None:
            self._stopping.clear()
            self._keeper = threading.Thread(target=self._keep, name="jobs-keeper", daemon=True)
            self._keeper.start()

    def stop(self) -> None:
        """Stop working at the next step or report of progress; what was begun goes on at the next start."""
        self._stopping.set()
        self._jobs.added.set()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None

    # --- the keeper's thread -----------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._stopping.is_set() and not self._lock.take():
            self._stopping.wait(self._look_every_s)
        try:
            if not self._stopping.is_set():
                self._launch()
                self._look_around()
        except Exception:
            logger.exception("the job runtime ended; restart the process")
            raise
        finally:
            self._shut_down()

    def _look_around(self) -> None:
        wakes_at = tries_at = time.monotonic()
        while not self._stopping.is_set():
            self._jobs.added.clear()
            now = time.monotonic()
            try:
                if now >= wakes_at:
                    wakes_at = now + self._wake_every_s
                    if now >= tries_at or self._is_model_here():
                        tries_at = now + self._try_download_every_s
                        self._start_waiting()
                self._enqueue_unfinished()
            except SQLAlchemyError:  # a busy or unreachable database is looked at again
                logger.warning("looking for unfinished interviews failed", exc_info=True)
            self._jobs.added.wait(self._look_every_s)

    def _enqueue_unfinished(self) -> None:
        """Give DBOS a workflow for every unfinished attempt it does not know, and mend what the two disagree on."""
        from dbos import DBOS

        assert self._parts is not None
        with self._parts.database.read() as session:
            attempts = work_repository.unfinished_attempts(session)
        if not attempts:
            return
        known = {
            status.workflow_id: status
            for status in DBOS.list_workflows(
                workflow_ids=[_workflow_id(attempt) for attempt in attempts], load_input=False, load_output=False
            )
        }
        for attempt in attempts:
            status = known.get(_workflow_id(attempt))
            if status is None:
                self._enqueue(attempt)
            elif status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
                self._give_up(attempt)
            elif (
                status.status not in _KNOWN_AND_GOING
                or status.app_version != APPLICATION_VERSION
                or self._is_abandoned(attempt)
            ):
                self._start_again(attempt)

    def _enqueue(self, attempt: Attempt) -> None:
        from dbos import DBOS

        DBOS.enqueue_workflow_with_options(
            {
                "workflow_name": _WORKFLOW,
                "queue_name": _QUEUE,
                "workflow_id": _workflow_id(attempt),
                "app_version": APPLICATION_VERSION,
            },
            attempt.interview_id,
            attempt.number,
        )

    def _is_abandoned(self, attempt: Attempt) -> bool:
        assert self._parts is not None
        is_begun = attempt.status != InterviewStatus.RECEIVED.value
        return not self._is_sqlite and is_begun and self._parts.clock.now() - attempt.updated_at > _SILENT_FOR

    def _start_again(self, attempt: Attempt) -> None:
        """Begin a new attempt for one that ended without its interview's knowledge, unless it has ended since."""
        self._change(attempt, work_repository.restart)

    def _start_waiting(self) -> None:
        """Begin a new attempt for every interview that waits for a model."""
        assert self._parts is not None
        with self._parts.database.read() as session:
            waiting = work_repository.waiting_attempts(session)
        for attempt in waiting:
            self._change(attempt, work_repository.restart)

    def _give_up(self, attempt: Attempt) -> None:
        def fail(_: Session, interview: Interview, at: datetime) -> None:
            interview.status = InterviewStatus.FAILED.value
            interview.step, interview.updated_at = None, at
            interview.error_code = "crashed_repeatedly"
            interview.error_message = (
                f"Processing was cut off more than {_MOST_CRASHES} times because the program ended, so it is not tried "
                "again by itself. Check the machine's memory, then retry."
            )

        self._change(attempt, fail)

    def _change(self, attempt: Attempt, change: Callable[[Session, Interview, datetime], None]) -> None:
        assert self._parts is not None
        with self._parts.database.write() as session:
            interview = work_repository.still(session, attempt)
            if interview is not None:
                change(session, interview, self._parts.clock.now())

    # --- DBOS --------------------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        from dbos import DBOS

        self._parts = self._build_parts()
        url = make_url(self._settings.jobs_url)
        if self._is_sqlite:
            _use_write_ahead_log(str(url.database))
        executor = "local" if self._is_sqlite else f"{socket.gethostname()}-{self._lock.slot}"
        DBOS(
            config={
                "name": "earshot",
                "system_database_url": url.set(
                    drivername="sqlite" if self._is_sqlite else "postgresql"
                ).render_as_string(hide_password=False),
                "application_version": APPLICATION_VERSION,
                "executor_id": executor,
                "log_level": "WARNING",
                "enable_otlp": False,
            }
        )
        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_MOST_CRASHES)(
            lambda interview_id, attempt: self._run(interview_id, attempt)  # DBOS registers plain functions
        )
        DBOS.launch()
        DBOS.register_queue(
            _QUEUE,
            worker_concurrency=max(1, self._settings.workers),
            polling_interval_sec=min(0.5, self._look_every_s),
            on_conflict="always_update",
        )

    def _run(self, interview_id: str, attempt: int) -> None:
        """The workflow: its steps are those of `pipeline.process`."""
        from dbos import DBOS

        assert self._parts is not None
        self._running.add(interview_id)
        try:
            process(
                self._parts,
                interview_id,
                attempt,
                lambda name, step: DBOS.run_step({"name": name}, step),
                self._stopping.is_set,
            )
        finally:
            self._running.discard(interview_id)

    def _shut_down(self) -> None:
        if self._parts is not None:
            from dbos import DBOS

            deadline = time.monotonic() + _STOP_TIMEOUT_S
            while self._running and time.monotonic() < deadline:
                time.sleep(0.05)
            DBOS.destroy(destroy_registry=True)
            self._parts = None
        self._lock.release()


def _workflow_id(attempt: Attempt) -> str:
    return f"{attempt.interview_id}.{attempt.number}"


def _use_write_ahead_log(path: str) -> None:
    """Let readers and the writer of the job database pass each other; the file remembers it."""
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
