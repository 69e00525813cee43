"""A recording in every usual container, through the API, to a search hit at the right second; all parts are real.

The transcriber is the practice model, which is why the recording says what the samples say.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.main import create_app
from app.samples import PRACTICE_MODEL, SAMPLES
from app.services import Services
from app.wiring import build_parts, build_services
from core.settings import Settings
from ingest.decoding import decode_blocks
from ingest.fakes import InlineJobs
from ingest.whisper_transcriber import WhisperTranscriber
from tests.media_factory import silence, write_recording

CONTAINERS = ("wav", "mp3", "m4a", "webm", "ogg", "mov")
PAUSE_MS = 8_000


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = build_services(Settings(data_dir=tmp_path_factory.mktemp("six") / "data"))
    yield services
    services.search.close()
    services.database.close()


@pytest.fixture(scope="module")
def jobs(services: Services) -> InlineJobs:
    practice = WhisperTranscriber(str(PRACTICE_MODEL), services.settings.models_dir, "cpu", allow_practice=True)
    # voices have tests of their own, and take most of the time
    return InlineJobs(replace(build_parts(services), transcriber_for=lambda _: practice, diarizer=None))


@pytest.fixture(scope="module")
def api(services: Services) -> TestClient:
    _, secret = services.access.keys.create(NewKey("six"), actor="test")
    return TestClient(create_app(services), headers={"authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_was_said_is_found_at_its_second(
    api: TestClient, jobs: InlineJobs, tmp_path: Path, container: str
) -> None:
    script = json.loads((SAMPLES / "spoken" / "short.json").read_text())
    said = np.concatenate(list(decode_blocks(SAMPLES / "spoken" / "short.flac")))
    file = write_recording(tmp_path / f"call.{container}", np.concatenate([silence(PAUSE_MS / 1000), said]))
    sent = api.post(
        "/api/v1/recordings",
        files={"file": (file.name, file.read_bytes())},
        data={"title": f"As {container}", "tags": container},
    )
    assert sent.status_code == 202, sent.text
    jobs.enqueue(sent.json()["interview_id"])
    interview = api.get(f"/api/v1/interviews/{sent.json()['interview_id']}").json()
    assert (interview["status"], interview["error"]) == ("ready", None)
    hits = api.get("/api/v1/search", params={"q": script["segments"][0]["text"], "tag": container}).json()["results"]
    assert hits[0]["interview"]["id"] == interview["id"]
    assert abs(hits[0]["start_ms"] - (PAUSE_MS + script["segments"][0]["start_ms"])) <= 1000
