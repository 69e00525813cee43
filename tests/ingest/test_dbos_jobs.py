import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Unavailable
from ingest import dbos_jobs
from ingest.dbos_jobs import DbosJobs, DbosRuntime
from ingest.fakes import FakePassageIndex
from ingest.schemas import InterviewIn, InterviewOut
from ingest.service import IngestService
from ingest.worker_lock import WorkerLock
from tests.ingest.conftest import Workspace

CALL = InterviewIn.model_validate({"title": "Call", "segments": [{"text": "The export broke."}]})


class HeldPassages(FakePassageIndex):
    """Waits in `embed` while it is held; without a model it cannot embed at all."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.is_held = False
        self.has_model = True

    def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
        self.begun.set()
        while self.is_held:
            on_progress(0.5)
            time.sleep(0.01)
        if not self.has_model:
            raise Unavailable("embedding_model_missing", "Bring the model.")
        super().embed(interview_id, on_progress)


class Office:
    """A workspace whose work DBOS does, in this process."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.passages = HeldPassages()
        self.jobs = DbosJobs()
        parts = replace(workspace.parts, passages=self.passages)
        self.runtime = DbosRuntime(
            workspace.settings,
            self.jobs,
            lambda: parts,
            lambda: self.passages.has_model,
            look_every_s=0.05,
            wake_every_s=0.1,
        )
        self.service = IngestService(
            workspace.database, workspace.clock, workspace.blobs, self.jobs, workspace.settings
        )

    def add(self) -> InterviewOut:
        return self.service.add_interview(CALL, "cli", "cli")

    def wait_until(self, interview: InterviewOut, status: str) -> InterviewOut:
        deadline = time.monotonic() + 15
        while self.service.get(interview.id).status != status:
            assert time.monotonic() < deadline, self.service.get(interview.id)
            time.sleep(0.02)
        return self.service.get(interview.id)

    def tell_dbos(self, status: str) -> None:
        with sqlite3.connect(self.workspace.settings.data_dir / "jobs.db") as jobs:
            jobs.execute("UPDATE workflow_status SET status = ?", (status,))
        jobs.close()

    def workflows(self) -> list[tuple[str, str]]:
        jobs = sqlite3.connect(self.workspace.settings.data_dir / "jobs.db")
        rows = jobs.execute("SELECT workflow_uuid, status FROM workflow_status ORDER BY created_at").fetchall()
        jobs.close()
        return [(name.split(".")[-1], status) for name, status in rows]

    def stop_in_the_middle(self) -> None:
        self.passages.is_held = True
        self.passages.begun.clear()
        assert self.passages.begun.wait(10)
        self.runtime.stop()
        self.passages.is_held = False


@pytest.fixture
def office(build_workspace: Callable[..., Workspace]) -> Iterator[Office]:
    office = Office(build_workspace(inline=False))
    yield office
    office.passages.is_held = False
    office.runtime.stop()


def test_interviews_added_before_and_after_the_start_are_processed_once(office: Office) -> None:
    before = office.add()
    office.runtime.start()
    office.runtime.start()  # does nothing
    office.wait_until(before, "ready")
    after = office.wait_until(office.add(), "ready")
    office.runtime.stop()
    assert office.passages.embedded == [before.id, after.id]
    assert office.workflows() == [("1", "SUCCESS"), ("1", "SUCCESS")]


def test_an_interview_that_waits_for_a_model_goes_on_when_it_is_there(office: Office) -> None:
    office.passages.has_model = False
    office.runtime.start()
    interview = office.wait_until(office.add(), "needs_model")
    time.sleep(0.5)
    assert office.service.get(interview.id).status == "needs_model"
    office.passages.has_model = True
    office.wait_until(interview, "ready")


def test_work_begun_under_another_version_starts_a_new_attempt(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbos_jobs, "APPLICATION_VERSION", "0")
    interview = office.add()
    office.passages.is_held = True
    office.runtime.start()
    office.stop_in_the_middle()
    monkeypatch.undo()
    office.runtime.start()
    office.wait_until(interview, "ready")
    office.runtime.stop()
    assert office.workflows()[-1] == ("2", "SUCCESS")
    assert office.passages.embedded == [interview.id]


def test_a_workflow_that_ended_without_its_interviews_knowledge_is_begun_anew(office: Office) -> None:
    interview = office.add()
    office.passages.is_held = True
    office.runtime.start()
    office.stop_in_the_middle()
    office.tell_dbos("ERROR")
    office.runtime.start()
    office.wait_until(interview, "ready")
    office.runtime.stop()
    assert office.workflows() == [("1", "ERROR"), ("2", "SUCCESS")]


def test_an_interview_that_ends_the_process_again_and_again_is_given_up_until_somebody_retries(
    office: Office,
) -> None:
    interview = office.add()
    office.passages.is_held = True
    office.runtime.start()
    office.stop_in_the_middle()
    office.tell_dbos("MAX_RECOVERY_ATTEMPTS_EXCEEDED")
    office.runtime.start()
    failed = office.wait_until(interview, "failed")
    assert failed.error is not None
    assert failed.error.code == "crashed_repeatedly"
    office.service.retry(interview.id, "me")
    office.wait_until(interview, "ready")


def test_each_process_gets_a_slot_of_its_own(tmp_path: Path) -> None:
    first, second, third = (WorkerLock(tmp_path, slots=2) for _ in range(3))
    assert (first.take(), first.take(), first.slot) == (True, True, 0)
    assert (second.take(), second.slot) == (True, 1)
    assert (third.take(), third.slot) == (False, None)
    first.release()
    assert (third.take(), third.slot) == (True, 0)
    second.release()
    third.release()
