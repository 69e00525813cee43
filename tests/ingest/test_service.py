import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.audit import AuditEvent
from core.errors import AppError, Conflict, InvalidInput, NotFound, TooLarge
from core.tables import Interview, InterviewTag, Participant, Passage, Segment
from ingest.schemas import InterviewIn, InterviewOut, InterviewStatus, RecordingIn
from ingest.tables import HeardPart, IngestJob
from tests.ingest.conftest import Workspace, speech
from tests.media_factory import silence, write_recording

SEGMENTS = [{"speaker": "Ann", "start_ms": 0, "end_ms": 900, "text": "The export broke."}, {"text": "Again?"}]


def sent(**fields: Any) -> InterviewIn:
    return InterviewIn.model_validate({"title": "Call", "segments": SEGMENTS, **fields})


def add(workspace: Workspace, **fields: Any) -> InterviewOut:
    return workspace.service.add_interview(sent(**fields), "crm", "key_1")


def nothing_is_left(workspace: Workspace) -> bool:
    with workspace.database.read() as session:
        tables = (Interview, Segment, Passage, Participant, InterviewTag, IngestJob, HeardPart)
        rows = [row for table in tables for row in session.exec(select(table))]
    return not rows and not workspace.blob_files()


# --- interviews that come with their text ----------------------------------------------------------------------------


def test_an_interview_with_text_is_stored_split_and_indexed(workspace: Workspace) -> None:
    interview = add(
        workspace,
        project="onboarding",
        recorded_at="2025-01-02T03:04:05Z",
        language="en",
        tags=["export"],
        participants=[{"name": "Ann Lee", "email": "ann@example.com", "speaker": "Ann"}, "Bo"],
    )
    assert (interview.status, interview.progress, interview.step, interview.error) == ("ready", 1.0, None, None)
    assert (interview.segment_count, interview.passage_count, interview.revision) == (2, 1, 1)
    assert (interview.project, interview.tags, interview.source) == ("onboarding", ["export"], "crm")
    assert [person.name for person in interview.participants] == ["Ann Lee", "Bo"]
    assert (interview.has_recording, interview.transcribed_by) == (False, None)
    assert [segment.text for segment in workspace.service.segments(interview.id)] == ["The export broke.", "Again?"]
    assert workspace.passages.indexed == [interview.id]


def test_an_interview_waits_as_indexing_until_its_job_is_done(build_workspace: Callable[..., Workspace]) -> None:
    workspace = build_workspace(inline=False)
    interview = add(workspace)
    assert (interview.status, interview.progress, interview.segment_count) == ("indexing", 0.0, 2)


def test_the_same_external_id_updates_and_never_duplicates(workspace: Workspace) -> None:
    first = add(workspace, external_id="x1", tags=["a"], participants=["Ann"])
    second = add(workspace, external_id="x1", title="New", segments=[{"text": "Other."}], tags=["b"])
    assert (second.id, second.revision, second.title, second.tags) == (first.id, 2, "New", ["b"])
    assert second.participants == []
    assert [segment.text for segment in workspace.service.segments(first.id)] == ["Other."]
    assert len(workspace.service.list_interviews().items) == 1
    assert workspace.passages.indexed == [first.id, first.id]


def test_the_same_external_id_of_another_source_is_another_interview(workspace: Workspace) -> None:
    first = add(workspace, external_id="x1")
    other = workspace.service.add_interview(sent(external_id="x1"), "helpdesk", "key_2")
    assert other.id != first.id


def test_identical_content_again_starts_no_work(workspace: Workspace) -> None:
    first = add(workspace, external_id="x1")
    second = add(workspace, external_id="x1", title="Better title")
    assert (second.id, second.revision, second.title, second.status) == (first.id, 1, "Better title", "ready")
    assert workspace.passages.indexed == [first.id]


def test_interviews_without_an_external_id_are_never_merged(workspace: Workspace) -> None:
    assert add(workspace).id != add(workspace).id


def test_the_same_external_id_sent_by_many_at_once_is_stored_once(build_workspace: Callable[..., Workspace]) -> None:
    workspace = build_workspace(inline=False)
    together = threading.Barrier(6)

    def send(number: int) -> str:
        together.wait()
        return add(workspace, external_id="x1", segments=[{"text": f"Version {number}."}]).id

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(send, range(6)))
    assert len(ids) == 1
    assert workspace.service.get(ids.pop()).revision == 6


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"project": "nowhere"}, "unknown_project"),
        ({"title": " \x00"}, "empty_title"),
        ({"segments": []}, "no_segments"),
        ({"segments": [{"text": "a", "start_ms": 5, "end_ms": 4}]}, "invalid_time"),
        ({"segments": [{"text": "word " * 40_000}]}, "segment_too_long"),
        ({"language": "klingon"}, "unknown_language"),
    ],
)
def test_a_refused_interview_leaves_nothing_behind(workspace: Workspace, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        add(workspace, **fields)
    assert caught.value.code == code
    assert nothing_is_left(workspace)


def test_a_tag_keeps_the_spelling_it_has_elsewhere(workspace: Workspace) -> None:
    add(workspace, tags=["Pricing"])
    assert add(workspace, tags=["pricing", "New"]).tags == ["New", "Pricing"]


# --- recordings ------------------------------------------------------------------------------------------------------


def test_a_recording_becomes_timed_text_with_speakers(workspace: Workspace) -> None:
    interview, is_new = workspace.add(workspace.recording(speech((1, 2), (3, 4.5))), "Call_with Ann.wav")
    assert is_new
    assert (interview.status, interview.title, interview.language) == ("ready", "Call with Ann", "en")
    assert (interview.has_recording, interview.media_type, interview.duration_ms) == (True, "audio/wav", 6000)
    assert (interview.transcribed_by, interview.file_name) == ("fake", "Call_with Ann.wav")
    segments = workspace.service.segments(interview.id)
    assert [(s.start_ms, s.end_ms, s.speaker) for s in segments] == [
        (1000, 2000, "Speaker 1"),
        (3000, 4500, "Speaker 1"),
    ]
    path, media_type = workspace.service.recording(interview.id)
    assert (path.stat().st_size, media_type) == (interview.size_bytes, "audio/wav")
    with workspace.database.read() as session:
        assert not session.exec(select(HeardPart)).all()


def test_the_same_content_in_the_same_project_is_processed_once(workspace: Workspace) -> None:
    data = workspace.recording(speech((1, 2)))
    first, _ = workspace.add(data, "a.wav")
    second, is_new = workspace.add(data, "b.wav", RecordingIn(title="Other"))
    assert (second.id, is_new, second.title) == (first.id, False, "a")
    assert workspace.transcriber.windows_heard == [0]
    in_project, is_new = workspace.add(data, "a.wav", RecordingIn(project="onboarding"))
    assert is_new
    assert in_project.id != first.id
    assert len(workspace.blob_files()) == 1


def test_a_recording_sent_again_under_its_external_id_replaces_the_old_one(workspace: Workspace) -> None:
    first, _ = workspace.add(workspace.recording(speech((1, 2))), sent=RecordingIn(external_id="x1"))
    second, is_new = workspace.add(workspace.recording(speech((3, 4))), sent=RecordingIn(external_id="x1"))
    assert (second.id, is_new, second.revision) == (first.id, False, 2)
    assert [s.start_ms for s in workspace.service.segments(first.id)] == [3000]
    assert len(workspace.blob_files()) == 1


def test_a_transcript_sent_for_a_recording_replaces_its_text_and_keeps_its_sound(workspace: Workspace) -> None:
    first, _ = workspace.service.add_recording(
        [workspace.recording(speech((1, 2)))], "a.wav", RecordingIn(external_id="x1"), "crm", "key_1"
    )
    second = add(workspace, external_id="x1")
    assert (second.id, second.status, second.has_recording, second.transcribed_by) == (first.id, "ready", True, None)
    assert [s.text for s in workspace.service.segments(first.id)] == ["The export broke.", "Again?"]


@pytest.mark.parametrize("length_s", [0.0, 3.0])
def test_a_recording_without_speech_is_ready_and_says_so(workspace: Workspace, length_s: float) -> None:
    interview, _ = workspace.add(workspace.recording(silence(length_s)))
    assert (interview.status, interview.segment_count) == ("ready", 0)
    assert interview.notice is not None
    assert ("0 seconds" if length_s == 0 else "No speech") in interview.notice
    assert workspace.service.transcript(interview.id, "txt")[0] == b"\n"


def bad_files(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    whole = write_recording(folder / "x.mp4", speech((1, 2)), video=True).read_bytes()
    yield "a.wav", b"", "empty_file"
    yield "a.wav", b"just some text", "not_media"
    yield "a.mp4", whole[: len(whole) // 2], "truncated_media"
    yield "a.bin", b"\x00" * 5000, "not_media"
    yield "a.vtt", b"", "empty_file"
    yield "a.vtt", b"WEBVTT\n\n00:05.000 --> 00:01.000\nHello", "invalid_time"
    yield "a.srt", b"nonsense", "invalid_srt"
    yield "a.txt", b"Ann: \xff\xfe\x00", "invalid_encoding"
    yield "a.json", b'{"segments": [{"text": "x"}], "language": "xx"}', "unknown_language"


def test_a_bad_file_is_refused_with_its_reason_and_leaves_nothing_behind(workspace: Workspace) -> None:
    for name, data, code in bad_files(workspace.folder):
        with pytest.raises(InvalidInput) as caught:
            workspace.add(data, name)
        assert caught.value.code == code
        assert nothing_is_left(workspace)


def test_an_upload_over_the_limit_is_refused_while_it_streams(workspace: Workspace) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1_000_000)

    with pytest.raises(TooLarge):
        workspace.service.add_recording(endless(), "a.wav", RecordingIn(), "cli", "cli")
    assert taken == 21
    assert nothing_is_left(workspace)


def test_a_recording_for_an_unknown_project_or_language_is_refused_before_it_is_read(workspace: Workspace) -> None:
    def fail() -> bytes:
        raise AssertionError("was read")

    for sent_with in (RecordingIn(project="nowhere"), RecordingIn(language="ga")):
        with pytest.raises(InvalidInput):
            workspace.service.add_recording(iter(fail, b""), "a.wav", sent_with, "cli", "cli")


def test_a_bad_file_never_takes_another_interviews_bytes_away(workspace: Workspace) -> None:
    data = workspace.recording(speech((1, 2)))
    interview, _ = workspace.add(data)
    with pytest.raises(AppError):
        workspace.add(data[:-200_000])
    assert workspace.service.recording(interview.id)[0].exists()


def test_a_transcript_file_is_read_instead_of_heard(workspace: Workspace) -> None:
    vtt = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hello</v>\n"
    first, is_new = workspace.add(vtt, "notes.vtt")
    assert (is_new, first.title, first.status, first.has_recording) == (True, "notes", "ready", False)
    again, is_new = workspace.add(vtt, "copy.vtt")
    assert (again.id, is_new, again.title) == (first.id, False, "notes")


def test_our_own_json_brings_its_metadata_and_the_sender_has_the_last_word(workspace: Workspace) -> None:
    whole = add(workspace, title="Original", tags=["a"], participants=["Ann"])
    data = workspace.service.transcript(whole.id, "json")[0]
    copy, is_new = workspace.service.add_recording([data], "x.json", RecordingIn(tags=["b"]), "other", "key_2")
    assert not is_new  # the same text in the same project
    copy, is_new = workspace.service.add_recording(
        [data], "x.json", RecordingIn(tags=["b"], project="onboarding"), "other", "key_2"
    )
    assert (is_new, copy.title, copy.tags) == (True, "Original", ["b"])
    assert [person.name for person in copy.participants] == ["Ann"]
    assert workspace.service.segments(copy.id) == workspace.service.segments(whole.id)


# --- looking ---------------------------------------------------------------------------------------------------------


def test_lists_are_newest_first_and_cursors_lead_through_all_of_them(workspace: Workspace) -> None:
    ids = []
    for number in range(7):
        ids.append(add(workspace, title=f"Call {number}").id)
        if number % 3 == 0:
            workspace.clock.advance(1)
    seen: list[str] = []
    cursor = None
    while True:
        page = workspace.service.list_interviews(limit=3, cursor=cursor)
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert seen == ids[::-1]


def test_lists_are_filtered(workspace: Workspace) -> None:
    one = add(workspace, title="Pricing 100%", project="onboarding", tags=["Money"])
    two = add(workspace, title="Other")

    def found(**filters: Any) -> list[str]:
        return [item.id for item in workspace.service.list_interviews(**filters).items]

    assert found(project="onboarding") == found(tag="money") == found(text="pric") == found(text="0%") == [one.id]
    assert found(status="ready") == [two.id, one.id]
    assert found(status="failed") == found(text="%o") == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"status": "done"}, "unknown_status"),
        ({"limit": 0}, "invalid_limit"),
        ({"limit": 201}, "invalid_limit"),
        ({"cursor": "zzz"}, "invalid_cursor"),
        ({"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA"}, "invalid_cursor"),
    ],
)
def test_a_bad_question_is_refused(workspace: Workspace, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        workspace.service.list_interviews(**arguments)
    assert caught.value.code == code


def test_what_is_not_there_is_not_found(workspace: Workspace) -> None:
    service = workspace.service
    for call in (service.get, service.segments, service.recording):
        with pytest.raises(NotFound):
            call("int_nothing")
    with pytest.raises(NotFound, match="no recording"):
        service.recording(add(workspace).id)


def test_there_is_no_transcript_before_there_is_text(build_workspace: Callable[..., Workspace]) -> None:
    workspace = build_workspace(inline=False)
    interview, _ = workspace.add(workspace.recording(speech((1, 2))))
    assert interview.status == "received"
    with pytest.raises(Conflict) as caught:
        workspace.service.transcript(interview.id, "txt")
    assert caught.value.code == "no_text_yet"


# --- steering --------------------------------------------------------------------------------------------------------


def test_deleting_removes_text_and_sound_and_notes_it_without_names(workspace: Workspace) -> None:
    interview, _ = workspace.add(workspace.recording(speech((1, 2))), sent=RecordingIn(tags=["a"]))
    workspace.service.delete(interview.id, "key_1")
    assert nothing_is_left(workspace)
    with workspace.database.read() as session:
        events = [(e.action, e.actor, e.subject_id, e.detail) for e in session.exec(select(AuditEvent))]
    assert ("interview.deleted", "key_1", interview.id, {}) in events


def test_deleting_one_of_two_interviews_keeps_the_recording_they_share(workspace: Workspace) -> None:
    data = workspace.recording(speech((1, 2)))
    first, _ = workspace.add(data)
    second, _ = workspace.add(data, sent=RecordingIn(project="onboarding"))
    workspace.service.delete(first.id, "key_1")
    assert workspace.service.recording(second.id)[0].exists()
    workspace.service.delete(second.id, "key_1")
    assert not workspace.blob_files()


def test_waiting_work_can_be_cancelled_and_retried(build_workspace: Callable[..., Workspace]) -> None:
    workspace = build_workspace(inline=False)
    data = workspace.recording(speech((1, 2)))
    interview, _ = workspace.add(data)
    assert workspace.service.cancel(interview.id, "me").status == InterviewStatus.CANCELLED
    assert workspace.service.cancel(interview.id, "me").status == InterviewStatus.CANCELLED
    assert workspace.service.retry(interview.id, "me").status == InterviewStatus.RECEIVED
    with pytest.raises(Conflict) as caught:
        workspace.service.retry(interview.id, "me")
    assert caught.value.code == "nothing_to_retry"
    workspace.service.cancel(interview.id, "me")
    again, is_new = workspace.add(data)
    assert (again.id, again.status, is_new) == (interview.id, "received", False)


def test_finished_work_cannot_be_cancelled(workspace: Workspace) -> None:
    with pytest.raises(Conflict) as caught:
        workspace.service.cancel(add(workspace).id, "me")
    assert caught.value.code == "nothing_to_cancel"
