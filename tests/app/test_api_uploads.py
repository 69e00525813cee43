from base64 import b64encode
from pathlib import Path

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.app.conftest import api_of
from tests.media_factory import tone, write_recording
from tests.pages.world import World

TUS = {"Tus-Resumable": "1.0.0"}


def _metadata(**pairs: str) -> str:
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in pairs.items())


def _create(api: TestClient, length: int, **pairs: str) -> Response:
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": _metadata(**pairs)}
    return api.post("/api/v1/uploads", headers=headers)


def _append(api: TestClient, location: str, offset: int, data: bytes) -> Response:
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return api.patch(location, content=data, headers=headers)


def test_an_upload_goes_on_after_a_break_and_becomes_an_interview(api: TestClient, tmp_path: Path) -> None:
    sound = write_recording(tmp_path / "call.flac", tone(2.0)).read_bytes()
    created = _create(api, len(sound), filename="call.flac", title="Übertragung", tags="a,b")
    assert created.status_code == 201
    location = created.headers["location"]
    half = len(sound) // 2
    assert _append(api, location, 0, sound[:half]).headers["upload-offset"] == str(half)
    assert api.head(location, headers=TUS).headers["upload-offset"] == str(half)
    finished = _append(api, location, half, sound[half:])
    assert finished.status_code == 204
    interview = api.get(f"/api/v1/interviews/{finished.headers['earshot-interview']}").json()
    assert (interview["title"], interview["status"], interview["tags"]) == ("Übertragung", "ready", ["a", "b"])


def test_bytes_at_another_place_than_expected_are_refused(api: TestClient) -> None:
    location = _create(api, 10, filename="a.wav").headers["location"]
    answer = _append(api, location, 5, b"12345")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_offset")


def test_a_file_over_the_limit_is_refused_before_a_byte_is_sent(idle_world: World) -> None:
    answer = _create(api_of(idle_world), 5 * 1024**3, filename="a.wav")
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


def test_a_file_that_is_no_recording_is_refused_with_its_last_byte(api: TestClient) -> None:
    location = _create(api, 4, filename="a.wav").headers["location"]
    answer = _append(api, location, 0, b"text")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_media")
    assert api.head(location, headers=TUS).status_code == 404


def test_an_upload_is_unknown_to_others(world: World) -> None:
    location = _create(api_of(world, "a"), 4, filename="a.wav").headers["location"]
    assert api_of(world, "b").head(location, headers=TUS).status_code == 404


def test_an_upload_can_be_thrown_away(api: TestClient) -> None:
    location = _create(api, 4, filename="a.wav").headers["location"]
    assert api.delete(location, headers=TUS).status_code == 204
    assert api.head(location, headers=TUS).status_code == 404


def test_another_version_of_the_protocol_is_named(api: TestClient) -> None:
    answer = api.post("/api/v1/uploads", headers={"Upload-Length": "4", "Tus-Resumable": "0.2.2"})
    assert (answer.status_code, answer.json()["code"]) == (412, "tus_version")


def test_a_repeated_key_announces_one_upload(api: TestClient) -> None:
    headers = {**TUS, "Upload-Length": "4", "Idempotency-Key": "k"}
    first, second = (api.post("/api/v1/uploads", headers=headers) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
