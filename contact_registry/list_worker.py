"""Works on long lists, a piece at a time, as many processes as there are: each job is one process's at a time.

A piece is stored together with how far the job is, or not at all, so a process may end at any moment: the next one
takes the job up behind the last piece.
"""

import logging
import os
import socket
import traceback
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.list_work import MAKERS, Parts, Piece, StaleRulesError, Work
from contact_registry.long_lists import end_failed
from contact_registry.repository import jobs
from contact_registry.tables_of_lists import RegistryJob, RegistryJobPart
from core.errors import AppError
from core.ids import new_id

logger = logging.getLogger(__name__)

_HELD_FOR = timedelta(minutes=5)  # longer than any piece takes
_MOST_ATTEMPTS = 5


class LostJobError(Exception):
    """The job is gone, or another process has it by now."""


class ListWorker:
    """`only`: the one job that it takes; left out, every one."""

    def __init__(self, parts: Parts, only: str | None = None) -> None:
        self._parts = parts
        self._only = only
        self._at = parts.at
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_id('wrk')}"
        self._job: RegistryJob | None = None
        self._work: Work | None = None
        self._done = 0

    def step(self) -> bool:
        """Answer the next piece of the oldest list; False when nothing is to be done.

        Raises SQLAlchemyError for a database that is busy or gone: call it again later.
        """
        if self._job is None:
            self._job = self._take()
            if self._job is None:
                return False
        job = self._job
        try:
            if self._work is None:
                self._work, self._done = self._begin(job), job.done
            self._work.answer(self._done, self._keep)
            self._go_on(job)
        except LostJobError:
            self._drop()
        except StaleRulesError:
            self._begin_again(job)
        except SQLAlchemyError:
            self._drop()
            raise
        except AppError as error:
            self._fail(job, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold up the lists behind
            where = "".join(traceback.format_tb(error.__traceback__))  # without its words, which may be personal
            logger.error("a long list of kind %s broke: %s\n%s", job.kind, type(error).__name__, where)
            self._fail(job, "list_broke", "Something broke on our side; the log says what.")
        return True

    @property
    def holds_writer(self) -> bool:
        """Say whether the job in hand keeps others from writing while a piece is answered."""
        return self._work is not None and self._work.holds_writer

    def finish(self) -> None:
        """Work until nothing is to be done."""
        while self.step():
            pass

    def _take(self) -> RegistryJob | None:
        """Return the oldest job that no living process has, now ours."""
        with self._at.database.read() as session:
            now = self._at.locks.now(session, self._at.clock)
            free = [
                job
                for job in jobs.open_jobs(session)
                if self._only in (None, job.id)
                and (
                    job.worker is None or job.held_until is None or job.held_until <= now or self._has_ended(job.worker)
                )
            ]
        for job in free:
            if job.attempts >= _MOST_ATTEMPTS:
                self._fail(job, "crashed_repeatedly", "The program ended over this list again and again.")
                continue

            def take(session: Session, job: RegistryJob = job) -> RegistryJob | None:
                now = self._at.locks.now(session, self._at.clock)
                is_ours = jobs.take(session, job, self.name, now + _HELD_FOR, now)
                return jobs.find_job(session, job.id) if is_ours else None

            taken = self._at.write(take)
            if taken is not None:
                return taken
        return None

    def _has_ended(self, worker: str) -> bool:
        """Say whether the worker was ourselves, or a process of this machine that is no more."""
        host, process, _ = worker.rsplit(":", 2)
        if host != socket.gethostname():
            return False
        if int(process) == os.getpid():  # also an earlier process of our number: there is one worker to a process
            return True
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _begin(self, job: RegistryJob) -> Work:
        with self._at.database.read() as session:
            content = jobs.input_of(session, job.id)
        if content is None:
            raise LostJobError
        work = MAKERS[job.kind](self._parts, job, Actor(**job.asker), content)
        if job.done:
            with self._at.database.read() as session:
                work.resume(session, jobs.parts_of(session, job.id))
        return work

    def _keep(self, session: Session, piece: Piece) -> None:
        job, work = self._job, self._work
        assert job is not None, "a piece is of a job"
        assert work is not None, "a piece comes of work"
        now = self._at.locks.now(session, self._at.clock)
        start, done = self._done, self._done + piece.count
        if not jobs.move_on(session, job.id, self.name, start, done, now + _HELD_FOR):
            raise LostJobError
        session.add(
            RegistryJobPart(job_id=job.id, start=start, rows=",".join(piece.rows), rest=piece.rest, lines=piece.csv)
        )
        row = jobs.find_job(session, job.id)
        assert row is not None, "it was moved on just now"
        row.import_id = piece.import_id or row.import_id
        if start == 0:
            row.head = work.head
        if piece.is_last:
            row.status, row.finished_at, row.total = "done", now, done
            row.worker = row.held_until = None
        session.flush()

    def _go_on(self, job: RegistryJob) -> None:
        """Read how far it is by now; what was kept was committed."""
        with self._at.database.read() as session:
            row = jobs.find_job(session, job.id)
        if row is None or row.status != "running" or row.worker != self.name:
            self._drop()
        else:
            self._done = row.done

    def _begin_again(self, job: RegistryJob) -> None:
        def work(session: Session) -> None:
            row = jobs.find_job(session, job.id)
            if row is not None and row.worker == self.name and row.status == "running":
                jobs.forget_answers(session, job.id)
                row.done, row.head, row.started_at, row.attempts = 0, {}, None, 0
                row.worker = row.held_until = None

        self._at.write(work)
        self._drop()

    def _fail(self, job: RegistryJob, code: str, message: str) -> None:
        def work(session: Session) -> None:
            row = jobs.find_job(session, job.id)
            if row is None or row.status not in jobs.OPEN or row.worker not in (job.worker, self.name):
                return
            end_failed(session, row, code, message)
            row.finished_at = self._at.locks.now(session, self._at.clock)

        self._at.write(work)
        self._drop()

    def _drop(self) -> None:
        self._job = self._work = None
