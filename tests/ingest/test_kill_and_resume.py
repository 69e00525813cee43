import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess

import pytest

from ingest.schemas import InterviewOut, InterviewStatus
from tests.ingest import slow_worker
from tests.ingest.conftest import Workspace, speech

LOUD = ((0.4, 1.0), (2.4, 3.0), (4.4, 5.0), (5.4, 5.9))

# A server that has imported everything forks the workers: the tests need a dozen of them.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["dbos", "tests.ingest.slow_worker"])


class Worker:
    """A worker process on the workspace's folder."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.folder = workspace.folder
        self.process: ForkServerProcess | None = None

    def start(self) -> int | None:
        self.process = FORKS.Process(target=slow_worker.main, args=(self.folder,))
        self.process.start()
        return self.process.pid

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.process = None

    def stop(self) -> None:
        assert self.process is not None
        (self.folder / "stop").touch()
        self.process.join(20)
        assert self.process.exitcode == 0, (self.folder / "stderr.log").read_text()
        (self.folder / "stop").unlink()

    def hold(self, step: str) -> None:
        (self.folder / f"hold-{step}").touch()

    def go_on(self, step: str) -> None:
        (self.folder / f"hold-{step}").unlink()

    def wait_until_held(self, step: str) -> None:
        self.wait(lambda: (self.folder / f"held-{step}").exists())

    def wait_until(self, interview_id: str, status: InterviewStatus) -> InterviewOut:
        self.wait(lambda: self.workspace.service.get(interview_id).status == status)
        return self.workspace.service.get(interview_id)

    def wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < deadline, (self.folder / "stderr.log").read_text()
            time.sleep(0.03)

    def done(self) -> list[str]:
        return (self.folder / "done.log").read_text().splitlines()


@pytest.fixture
def worker(build_workspace: Callable[..., Workspace]) -> Iterator[Worker]:
    worker = Worker(build_workspace(inline=False))
    yield worker
    worker.kill()


def add_recording(worker: Worker) -> InterviewOut:
    workspace = worker.workspace
    return workspace.add(workspace.recording(speech(*LOUD)))[0]


def assert_whole(worker: Worker, interview: InterviewOut) -> None:
    segments = worker.workspace.service.segments(interview.id)
    # the fakes hear in frames of 20 ms
    assert [round((segment.start_ms or 0) / 100) for segment in segments] == [4, 24, 44, 54]
    assert {segment.speaker for segment in segments} == {"Speaker 1"}
    assert (interview.passage_count, interview.progress, interview.error) == (1, 1.0, None)


def test_a_worker_killed_while_it_transcribes_embeds_and_indexes_loses_nothing_and_doubles_nothing(
    worker: Worker,
) -> None:
    interview = add_recording(worker)
    for step in ("transcribe", "embed", "index"):
        worker.hold(step)
    for step in ("transcribe", "embed", "index"):
        worker.start()
        worker.wait_until_held(step)
        worker.kill()
        assert worker.workspace.service.get(interview.id).status in ("transcribing", "indexing")
        worker.go_on(step)

    worker.start()
    assert_whole(worker, worker.wait_until(interview.id, InterviewStatus.READY))
    # only what was interrupted was done again: one window, the embedding, the indexing
    windows = [line for line in worker.done() if line.startswith("transcribe")]
    assert windows[1] == windows[2]
    assert len(windows) == len(set(windows)) + 1
    assert [line for line in worker.done() if line in ("embed", "index")] == ["embed", "embed", "index", "index"]


def test_work_goes_on_after_a_polite_stop_and_without_the_job_database(worker: Worker) -> None:
    interview = add_recording(worker)
    worker.hold("transcribe")
    worker.start()
    worker.wait_until_held("transcribe")
    worker.stop()
    assert worker.workspace.service.get(interview.id).status == InterviewStatus.TRANSCRIBING
    assert (worker.folder / "stderr.log").read_text() == ""
    for path in worker.workspace.settings.data_dir.glob("jobs.db*"):
        path.unlink()

    worker.go_on("transcribe")
    worker.start()
    assert_whole(worker, worker.wait_until(interview.id, InterviewStatus.READY))


def test_work_on_a_cancelled_interview_ends_and_a_retry_keeps_what_was_heard(worker: Worker) -> None:
    interview = add_recording(worker)
    worker.hold("transcribe")
    worker.start()
    worker.wait_until_held("transcribe")
    worker.workspace.service.cancel(interview.id, "me")
    time.sleep(1.2)  # one report of progress
    worker.go_on("transcribe")
    assert worker.workspace.service.get(interview.id).status == InterviewStatus.CANCELLED

    worker.workspace.service.retry(interview.id, "me")
    assert_whole(worker, worker.wait_until(interview.id, InterviewStatus.READY))
    assert worker.done().count("transcribe 0") == 1


def test_only_one_of_two_processes_works_and_the_other_takes_over(worker: Worker) -> None:
    second = Worker(worker.workspace)
    worker.hold("transcribe")
    interview = add_recording(worker)
    worker.start()
    worker.wait_until_held("transcribe")
    second_id = second.start()
    worker.wait(lambda: f"started {second_id}" in worker.done())
    time.sleep(0.5)
    assert worker.done().count("transcribe 0") == 1
    worker.kill()
    worker.go_on("transcribe")
    try:
        assert_whole(worker, second.wait_until(interview.id, InterviewStatus.READY))
    finally:
        second.kill()
