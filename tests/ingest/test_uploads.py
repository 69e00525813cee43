import base64
import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadRequest, Conflict, InvalidInput, NotFound, TooLarge, UnsupportedMedia
from ingest.schemas import RecordingIn
from ingest.uploads import KEEP_UNFINISHED_S, UploadService, parse_metadata
from tests.ingest.conftest import Workspace, speech


@pytest.fixture
def uploads(workspace: Workspace) -> UploadService:
    return UploadService(workspace.settings, workspace.service)


def files(workspace: Workspace) -> list[str]:
    return sorted(path.suffix for path in workspace.settings.uploads_dir.glob("*"))


def test_a_file_sent_in_pieces_becomes_an_interview(workspace: Workspace, uploads: UploadService) -> None:
    data = workspace.recording(speech((1, 2)))
    upload = uploads.create(len(data), "Call.wav", RecordingIn(tags=["a"]), "page", "me")
    assert (upload.offset, upload.length) == (0, len(data))
    upload, interview = uploads.append(upload.id, 0, [data[:1000], data[1000:5000]], "me")
    assert (upload.offset, interview) == (5000, None)
    assert uploads.get(upload.id, "me").offset == 5000
    upload, interview = uploads.append(upload.id, 5000, [data[5000:]], "me")
    assert interview is not None
    assert upload.interview_id == interview.id
    assert (interview.title, interview.tags, interview.status, interview.source) == ("Call", ["a"], "ready", "page")
    assert uploads.get(upload.id, "me").offset == len(data)
    assert files(workspace) == [".json"]


def test_what_came_before_a_connection_broke_is_kept(workspace: Workspace, uploads: UploadService) -> None:
    data = workspace.recording(speech((1, 2)))

    def breaks_off() -> Iterator[bytes]:
        yield data[:3000]
        raise ConnectionError

    upload = uploads.create(len(data), "Call.wav", RecordingIn(), "page", "me")
    with pytest.raises(ConnectionError):
        uploads.append(upload.id, 0, breaks_off(), "me")
    assert uploads.get(upload.id, "me").offset == 3000
    assert uploads.append(upload.id, 3000, [data[3000:]], "me")[1] is not None


def test_bytes_at_the_wrong_place_are_refused_with_the_right_one(workspace: Workspace, uploads: UploadService) -> None:
    upload = uploads.create(10, "a.wav", RecordingIn(), "page", "me")
    uploads.append(upload.id, 0, [b"123"], "me")
    with pytest.raises(Conflict) as caught:
        uploads.append(upload.id, 0, [b"123"], "me")
    assert (caught.value.code, caught.value.extra["offset"]) == ("wrong_offset", 3)


def test_more_bytes_than_announced_are_refused(uploads: UploadService) -> None:
    upload = uploads.create(4, "a.wav", RecordingIn(), "page", "me")
    with pytest.raises(InvalidInput) as caught:
        uploads.append(upload.id, 0, [b"123", b"456"], "me")
    assert caught.value.code == "upload_too_long"
    assert uploads.get(upload.id, "me").offset == 3


def test_too_large_and_empty_files_are_refused_before_a_byte_is_sent(
    workspace: Workspace, uploads: UploadService
) -> None:
    with pytest.raises(TooLarge):
        uploads.create(workspace.settings.max_upload_bytes + 1, "a.wav", RecordingIn(), "page", "me")
    for length in (0, -1):
        with pytest.raises(InvalidInput):
            uploads.create(length, "a.wav", RecordingIn(), "page", "me")


def test_a_bad_recording_takes_its_upload_with_it(workspace: Workspace, uploads: UploadService) -> None:
    upload = uploads.create(9, "a.wav", RecordingIn(), "page", "me")
    with pytest.raises(UnsupportedMedia):
        uploads.append(upload.id, 0, [b"some text"], "me")
    assert files(workspace) == []
    assert not workspace.blob_files()


def test_an_upload_is_unknown_to_others_and_to_path_tricks(uploads: UploadService) -> None:
    upload = uploads.create(9, "a.wav", RecordingIn(), "page", "me")
    for upload_id, actor in ((upload.id, "you"), ("../earshot", "me"), ("upl_" + "0" * 26, "me"), ("", "me")):
        for call in (lambda i, a: uploads.get(i, a), lambda i, a: uploads.terminate(i, a)):
            with pytest.raises(NotFound):
                call(upload_id, actor)
        with pytest.raises(NotFound):
            uploads.append(upload_id, 0, [b"x"], actor)


def test_an_upload_can_be_thrown_away(workspace: Workspace, uploads: UploadService) -> None:
    upload = uploads.create(9, "a.wav", RecordingIn(), "page", "me")
    uploads.terminate(upload.id, "me")
    assert files(workspace) == []


def test_two_requests_never_write_one_upload_at_once(workspace: Workspace, uploads: UploadService) -> None:
    upload = uploads.create(9, "a.wav", RecordingIn(), "page", "me")

    def meanwhile() -> Iterator[bytes]:
        with pytest.raises(Conflict) as caught:
            uploads.append(upload.id, 0, [b"x"], "me")
        assert caught.value.code == "upload_busy"
        yield b"12"

    assert uploads.append(upload.id, 0, meanwhile(), "me")[0].offset == 2


def test_a_complete_upload_that_was_never_taken_in_is_taken_in_at_the_next_look(
    workspace: Workspace, uploads: UploadService
) -> None:
    data = workspace.recording(speech((1, 2)))
    upload = uploads.create(len(data), "Call.wav", RecordingIn(), "page", "me")
    # the process died between the last byte and the interview
    (workspace.settings.uploads_dir / f"{upload.id}.part").write_bytes(data)
    found = uploads.get(upload.id, "me")
    assert found.interview_id is not None
    assert workspace.service.get(found.interview_id).status == "ready"
    with pytest.raises(Conflict):
        uploads.append(upload.id, len(data), [b"x"], "me")


def test_uploads_that_nobody_continues_are_thrown_away(workspace: Workspace, uploads: UploadService) -> None:
    old = uploads.create(9, "a.wav", RecordingIn(), "page", "me")
    long_ago = time.time() - KEEP_UNFINISHED_S - 60
    for path in workspace.settings.uploads_dir.glob("*"):
        os.utime(path, (long_ago, long_ago))
    new = uploads.create(9, "a.wav", RecordingIn(), "page", "me")
    with pytest.raises(NotFound):
        uploads.get(old.id, "me")
    assert uploads.get(new.id, "me").offset == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 44_000), max_size=6).map(sorted))
def test_any_cutting_gives_the_same_recording(workspace: Workspace, uploads: UploadService, cuts: list[int]) -> None:
    data = workspace.recording(speech((0.2, 0.6), length_s=1.4))
    upload = uploads.create(len(data), "Call.wav", RecordingIn(), "page", "me")
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        upload, _ = uploads.append(upload.id, start, [data[start:end]], "me")
    assert upload.interview_id is not None
    assert workspace.service.recording(upload.interview_id)[0].read_bytes() == data


def test_metadata_of_the_protocol_is_read() -> None:
    title = base64.b64encode("Žofie".encode()).decode()
    assert parse_metadata(f"title {title},empty, filename YS53YXY=") == {
        "title": "Žofie",
        "empty": "",
        "filename": "a.wav",
    }
    assert parse_metadata("") == {}


@pytest.mark.parametrize("header", ["title %%%", "title /w==", "x" * 70_000])
def test_metadata_that_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        parse_metadata(header)
