from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from core.errors import Unavailable, UnsupportedMedia
from core.tables import Interview
from ingest import work_repository
from ingest.fakes import FakeDiarizer, FakePassageIndex, FakeTranscriber
from ingest.pipeline import Interrupted, PipelineParts, process
from ingest.ports import OnDownload, OnPosition
from ingest.schemas import InterviewOut, RecordingIn
from ingest.values import HeardWindow, ListeningOptions, SoundWindow, SpeakerTurn
from ingest.work import Work
from tests.ingest.conftest import Workspace, speech


class WaitingTranscriber(FakeTranscriber):
    """Has no weights until somebody brings them."""

    has_weights = False

    def prepare(self, on_download: OnDownload | None = None) -> None:
        if not self.has_weights:
            raise Unavailable("needs_model", "Bring the model.")


class BreakingTranscriber(FakeTranscriber):
    """Breaks at every window but the first, with the given error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error
        self.options: list[ListeningOptions] = []

    def transcribe_window(
        self, window: SoundWindow, options: ListeningOptions, on_position: OnPosition | None = None
    ) -> HeardWindow:
        self.options.append(options)
        heard = super().transcribe_window(window, options, on_position)
        if window.start_ms > 0 and self.error is not None:
            raise self.error
        return heard


class CountingDiarizer(FakeDiarizer):
    calls = 0

    def find_turns(
        self, windows: Iterable[SoundWindow], on_position: OnPosition | None = None
    ) -> tuple[SpeakerTurn, ...]:
        self.calls += 1
        return super().find_turns(windows, on_position)


class BreakingPassages(FakePassageIndex):
    error: Exception | None = RuntimeError("said: Ann Lee")

    def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
        if self.error is not None:
            raise self.error
        super().embed(interview_id, on_progress)


@pytest.fixture
def idle(build_workspace: Callable[..., Workspace]) -> Workspace:
    return build_workspace(inline=False)


def received(workspace: Workspace, **fields: object) -> InterviewOut:
    data = workspace.recording(speech((0.5, 1), (2.5, 3), (4.5, 5)))
    return workspace.add(data, sent=RecordingIn.model_validate(fields))[0]


def run(workspace: Workspace, interview: InterviewOut, **parts: object) -> InterviewOut:
    """Process the present attempt with some parts replaced, in windows of two seconds."""
    with workspace.database.read() as session:
        job = work_repository.find_job(session, interview.id)
    assert job is not None
    changed: PipelineParts = replace(workspace.parts, window_s=2.0, **parts)  # type: ignore[arg-type]
    process(changed, interview.id, job.attempt)
    return workspace.service.get(interview.id)


def test_without_a_model_the_recording_is_kept_and_the_interview_says_what_to_do(idle: Workspace) -> None:
    transcriber = WaitingTranscriber()
    interview = run(idle, received(idle), transcriber_for=lambda _: transcriber)
    assert (interview.status, interview.step) == ("needs_model", None)
    assert interview.error is not None
    assert (interview.error.code, interview.error.message) == ("needs_model", "Bring the model.")
    assert idle.service.recording(interview.id)[0].exists()

    transcriber.has_weights = True
    interview = run(idle, idle.service.retry(interview.id, "me"), transcriber_for=lambda _: transcriber)
    assert (interview.status, interview.segment_count, interview.error) == ("ready", 3, None)


def test_silence_needs_no_model(idle: Workspace) -> None:
    interview, _ = idle.add(idle.recording(speech()))
    assert run(idle, interview, transcriber_for=lambda _: WaitingTranscriber()).status == "ready"


def test_a_missing_embedding_model_is_waited_for_too(idle: Workspace) -> None:
    passages = BreakingPassages()
    passages.error = Unavailable("embedding_model_missing", "Bring the model.")
    assert run(idle, received(idle), passages=passages).status == "needs_model"


def test_a_failure_keeps_its_code_its_sentence_and_for_the_operator_its_trace(idle: Workspace) -> None:
    breaking = BreakingTranscriber(UnsupportedMedia("unsupported_codec", "Convert it."))
    interview = run(idle, received(idle), transcriber_for=lambda _: breaking)
    assert interview.status == "failed"
    assert interview.error is not None
    assert (interview.error.code, interview.error.message) == ("unsupported_codec", "Convert it.")
    with idle.database.read() as session:
        row = session.get(Interview, interview.id)
    assert row is not None
    assert "UnsupportedMedia" in str(row.error_trace)


def test_an_unexpected_error_is_told_without_its_words(idle: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    interview = run(idle, received(idle), passages=BreakingPassages())
    assert interview.error is not None
    assert interview.error.code == "processing_failed"
    assert "Ann" not in interview.error.message + caplog.text


def test_a_retry_after_a_failure_hears_only_what_is_missing(idle: Workspace) -> None:
    breaking = BreakingTranscriber(MemoryError())
    interview = run(idle, received(idle), transcriber_for=lambda _: breaking)
    assert interview.status == "failed"
    first_heard = list(breaking.windows_heard)
    breaking.error = None
    interview = run(idle, idle.service.retry(interview.id, "me"), transcriber_for=lambda _: breaking)
    assert interview.status == "ready"
    assert breaking.windows_heard.count(0) == 1
    assert breaking.windows_heard[: len(first_heard)] == first_heard
    assert len(idle.service.segments(interview.id)) == 3


def test_a_retry_after_embedding_failed_neither_hears_nor_diarizes_again(idle: Workspace) -> None:
    diarizer, passages = CountingDiarizer(), BreakingPassages()
    interview = run(idle, received(idle), diarizer=diarizer, passages=passages)
    assert (interview.status, interview.segment_count, interview.passage_count) == ("failed", 3, 1)
    heard = list(idle.transcriber.windows_heard)
    passages.error = None
    retried = idle.service.retry(interview.id, "me")
    assert retried.status == "indexing"
    assert run(idle, retried, diarizer=diarizer, passages=passages).status == "ready"
    assert (idle.transcriber.windows_heard, diarizer.calls) == (heard, 1)


def test_windows_heard_by_another_model_are_heard_again(idle: Workspace) -> None:
    breaking = BreakingTranscriber(MemoryError())
    interview = run(idle, received(idle), transcriber_for=lambda _: breaking)

    class Better(FakeTranscriber):
        @property
        def model_name(self) -> str:
            return "better"

    better = Better()
    interview = run(idle, idle.service.retry(interview.id, "me"), transcriber_for=lambda _: better)
    assert (interview.transcribed_by, interview.segment_count) == ("better", 3)
    assert better.windows_heard[0] == 0


def test_the_senders_language_and_all_vocabulary_reach_the_transcriber(idle: Workspace) -> None:
    transcriber = BreakingTranscriber(MemoryError())
    transcriber.error = None
    interview = received(idle, language="nb-NO", vocabulary=["Earshot", "FAISS"])
    run(idle, interview, transcriber_for=lambda _: transcriber, vocabulary=("FAISS", "Whisper"))
    assert transcriber.options[0] == ListeningOptions("no", ("Earshot", "FAISS", "Whisper"))


def test_the_samples_have_a_transcriber_of_their_own(idle: Workspace) -> None:
    asked: list[str] = []

    def transcriber_for(source: str) -> FakeTranscriber:
        asked.append(source)
        return idle.transcriber

    run(idle, received(idle), transcriber_for=transcriber_for)
    assert set(asked) == {"cli"}


def test_without_a_diarizer_nobody_is_named(idle: Workspace) -> None:
    interview = run(idle, received(idle), diarizer=None)
    assert {segment.speaker for segment in idle.service.segments(interview.id)} == {None}


def test_an_older_attempt_writes_nothing(idle: Workspace) -> None:
    interview = received(idle)
    idle.service.cancel(interview.id, "me")
    idle.service.retry(interview.id, "me")
    process(idle.parts, interview.id, attempt=1)
    assert idle.service.get(interview.id).status == "received"
    assert not idle.transcriber.windows_heard


def test_a_deleted_interview_ends_its_work_quietly(idle: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    interview = received(idle)

    class Deleting(FakePassageIndex):
        def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
            idle.service.delete(interview_id, "me")

    with idle.database.read() as session:
        assert work_repository.find_job(session, interview.id) is not None
    process(replace(idle.parts, passages=Deleting()), interview.id, attempt=1)
    assert idle.service.list_interviews().items == []
    assert caplog.text == ""


def test_stopping_the_process_is_no_failure(idle: Workspace) -> None:
    interview = received(idle)
    with pytest.raises(Interrupted):
        process(idle.parts, interview.id, 1, is_stopping=lambda: True)
    assert idle.service.get(interview.id).status == "transcribing"


def test_progress_never_goes_back_within_a_step(idle: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.work.REPORT_EVERY_S", 0.0)
    interview = received(idle)
    report = Work(idle.parts, interview.id, 1, lambda: False).reporter("embed", 0.5, 0.9)
    seen = []
    for done in (0.0, 0.5, 0.25, 1.0, 7.0):
        report(done)
        seen.append(idle.service.get(interview.id).progress)
    assert seen == [0.5, 0.7, 0.7, 0.9, 0.9]


def test_every_step_may_be_done_again(idle: Workspace) -> None:
    def twice(_name: str, step: Callable[[], bool]) -> bool:
        return step() and step()

    def stops_at_finish(name: str, step: Callable[[], bool]) -> bool:
        return name != "finish" and twice(name, step)

    interview = received(idle)
    process(replace(idle.parts, window_s=2.0), interview.id, 1, stops_at_finish)
    heard = list(idle.transcriber.windows_heard)
    process(replace(idle.parts, window_s=2.0), interview.id, 1)
    interview = idle.service.get(interview.id)
    assert (interview.status, interview.segment_count, interview.passage_count) == ("ready", 3, 1)
    assert idle.transcriber.windows_heard == heard
