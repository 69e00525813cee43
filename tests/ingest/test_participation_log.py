"""When ingest tells who took part: before an interview is ready, when a ready one is sent again, around a deletion."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import NotFound
from ingest import work_repository
from ingest.fakes import RememberedJobs
from ingest.pipeline import process
from ingest.schemas import InterviewIn, InterviewStatus
from ingest.service import IngestService
from tests.ingest.conftest import Workspace


class StatusLog:
    """Notes every call with the interview's status at that moment; may break."""

    def __init__(self, workspace: Workspace) -> None:
        self.calls: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self._workspace = workspace

    def settle(self, interview_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(("settle", self._status(interview_id)))

    def forget(self, interview_id: str) -> None:
        self.calls.append(("forget", self._status(interview_id)))

    def _status(self, interview_id: str) -> str:
        try:
            return self._workspace.service.get(interview_id).status.value
        except NotFound:
            return "gone"


@pytest.fixture
def workspace(build_workspace: Callable[..., Workspace]) -> Workspace:
    return build_workspace(inline=False)


@pytest.fixture
def log(workspace: Workspace) -> StatusLog:
    return StatusLog(workspace)


@pytest.fixture
def service(workspace: Workspace, log: StatusLog) -> IngestService:
    return IngestService(
        workspace.database, workspace.clock, workspace.blobs, RememberedJobs(), workspace.settings, log
    )


def talk(text: str = "Hello.") -> InterviewIn:
    return InterviewIn.model_validate({"title": "Talk", "external_id": "talk-1", "segments": [{"text": text}]})


def work(workspace: Workspace, log: StatusLog, interview_id: str) -> None:
    with workspace.database.read() as session:
        job = work_repository.find_job(session, interview_id)
    assert job is not None
    process(replace(workspace.parts, participation=log), interview_id, job.attempt)


def test_who_took_part_is_told_just_before_the_interview_is_ready(
    workspace: Workspace, log: StatusLog, service: IngestService
) -> None:
    interview = service.add_interview(talk(), "crm", "crm")
    service.add_interview(talk(), "crm", "crm")
    assert log.calls == []
    work(workspace, log, interview.id)
    assert log.calls == [("settle", "indexing")]
    assert service.get(interview.id).status == InterviewStatus.READY


def test_a_ready_interview_that_is_sent_again_is_told_again(
    workspace: Workspace, log: StatusLog, service: IngestService
) -> None:
    interview = service.add_interview(talk(), "crm", "crm")
    work(workspace, log, interview.id)
    service.add_interview(talk(), "crm", "crm")
    assert log.calls == [("settle", "indexing"), ("settle", "ready")]


def test_a_deletion_is_told_before_and_after(workspace: Workspace, log: StatusLog, service: IngestService) -> None:
    interview = service.add_interview(talk(), "crm", "crm")
    service.delete(interview.id, "crm")
    assert log.calls == [("forget", "indexing"), ("settle", "gone")]
    with pytest.raises(NotFound):
        service.delete(interview.id, "crm")
    assert len(log.calls) == 2


def test_what_was_cancelled_is_not_told(workspace: Workspace, log: StatusLog, service: IngestService) -> None:
    interview = service.add_interview(talk(), "crm", "crm")
    service.cancel(interview.id, "crm")
    work(workspace, log, interview.id)
    assert log.calls == []


def test_an_interview_that_could_not_be_told_is_not_ready_and_can_be_retried(
    workspace: Workspace, log: StatusLog, service: IngestService
) -> None:
    interview = service.add_interview(talk(), "crm", "crm")
    log.error = RuntimeError("locked")
    work(workspace, log, interview.id)
    assert service.get(interview.id).status == InterviewStatus.FAILED
    log.error = None
    service.retry(interview.id, "crm")
    work(workspace, log, interview.id)
    assert service.get(interview.id).status == InterviewStatus.READY
    assert len(log.calls) == 1
