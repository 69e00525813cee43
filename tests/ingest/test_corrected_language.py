"""An interview whose language is corrected is counted anew, and not heard anew."""

from typing import Any

import pytest

from ingest.schemas import RecordingIn
from tests.ingest.conftest import Workspace, speech
from tests.ingest.test_service import add
from tests.media_factory import silence


def test_the_same_text_in_another_language_is_indexed_anew(workspace: Workspace) -> None:
    first = add(workspace, external_id="x1", language="en")
    second = add(workspace, external_id="x1", language="de")
    assert (second.id, second.revision, second.language, second.status) == (first.id, 1, "de", "ready")
    assert workspace.passages.indexed == [first.id, first.id]
    add(workspace, external_id="x1", language="de")
    assert add(workspace, external_id="x1").language == "de"
    assert workspace.passages.indexed == [first.id, first.id]


def test_a_recording_in_another_language_is_indexed_anew_and_not_heard_again(workspace: Workspace) -> None:
    data = workspace.recording(speech((1, 2)))
    first, _ = workspace.add(data, sent=RecordingIn(external_id="x1", language="en"))
    second, is_new = workspace.add(data, sent=RecordingIn(external_id="x1", language="de"))
    assert (second.id, is_new, second.language, second.status) == (first.id, False, "de", "ready")
    assert workspace.passages.indexed == [first.id, first.id]
    assert workspace.transcriber.windows_heard == [0]


def test_a_language_that_is_corrected_while_the_recording_is_heard_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workspace.recording(speech((1, 2)))
    listen, corrected = workspace.transcriber.transcribe_window, RecordingIn(external_id="call", language="de")

    def correct_and_listen(*arguments: Any) -> Any:
        monkeypatch.setattr(workspace.transcriber, "transcribe_window", listen)
        workspace.add(data, sent=corrected)
        return listen(*arguments)

    monkeypatch.setattr(workspace.transcriber, "transcribe_window", correct_and_listen)
    interview, _ = workspace.add(data, sent=RecordingIn(external_id="call", language="en"))
    assert workspace.service.get(interview.id).language == "de"


def test_a_recording_without_speech_is_not_heard_again_for_another_language(workspace: Workspace) -> None:
    for language in ("en", "de"):
        workspace.add(workspace.recording(silence(3.0)), sent=RecordingIn(external_id="x1", language=language))
    assert len(workspace.passages.indexed) == 1
