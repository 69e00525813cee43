from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.app.conftest import api_of
from tests.media_factory import tone, write_recording
from tests.pages.world import MAX_UPLOAD_BYTES, World

SEGMENTS = [
    {"speaker": "Ann", "start_ms": 0, "end_ms": 2000, "text": "Why did you leave?"},
    {"speaker": "Bo", "start_ms": 2500, "end_ms": 9000, "text": "The invoices arrived late every single month."},
]
INTERVIEW = {"title": "Leaving", "external_id": "x-1", "segments": SEGMENTS}


def test_an_interview_is_sent_found_and_read(api: TestClient) -> None:
    sent = api.post("/api/v1/interviews", json=INTERVIEW)
    assert sent.status_code == 201
    interview = api.get(f"/api/v1/interviews/{sent.json()['id']}").json()
    assert (interview["status"], interview["progress"], interview["segment_count"]) == ("ready", 1.0, 2)
    answer = api.get("/api/v1/search", params={"q": "invoices late"}).json()
    first = answer["results"][0]
    assert (first["interview"]["external_id"], first["first_segment"], first["last_segment"]) == ("x-1", 0, 1)
    start, end = first["highlights"][0]
    assert first["text"][start:end] == "invoices"
    assert first["found"] == {"segment": 1, "start_ms": 2500, "offset": first["text"].index("Bo: The")}
    transcript = api.get(f"/api/v1/interviews/{interview['id']}/transcript", params={"format": "vtt"})
    assert transcript.text.startswith("WEBVTT")
    assert "<v Bo>" in transcript.text


def test_the_same_external_id_from_the_same_source_updates(api: TestClient) -> None:
    first = api.post("/api/v1/interviews", json=INTERVIEW).json()
    changed = {**INTERVIEW, "segments": [{"text": "Only the colour was wrong."}]}
    second = api.post("/api/v1/interviews", json=changed).json()
    assert second["id"] == first["id"]
    assert api.get("/api/v1/search", params={"q": "invoices", "mode": "keyword"}).json()["results"] == []
    assert len(api.get("/api/v1/search", params={"q": "colour", "mode": "keyword"}).json()["results"]) == 1


def test_an_interview_whose_language_is_put_right_is_found_by_that_languages_stems(api: TestClient) -> None:
    german = {"title": "Ende", "external_id": "x-2", "segments": [{"text": "Die Rechnungen kommen zu spät."}]}

    def found() -> list[str]:
        answer = api.get("/api/v1/search", params={"q": "Rechnung", "mode": "keyword"}).json()
        return [result["interview"]["external_id"] for result in answer["results"] if not answer["corrections"]]

    api.post("/api/v1/interviews", json={**german, "language": "en"})
    assert found() == []
    api.post("/api/v1/interviews", json={**german, "language": "de"})
    assert found() == ["x-2"]


def test_another_source_with_the_same_external_id_is_another_interview(world: World) -> None:
    first = api_of(world, "crm").post("/api/v1/interviews", json=INTERVIEW).json()
    second = api_of(world, "dialler").post("/api/v1/interviews", json=INTERVIEW).json()
    replaced_key = api_of(world, "crm").post("/api/v1/interviews", json=INTERVIEW).json()
    assert first["id"] != second["id"]
    assert replaced_key["id"] == first["id"]


def test_a_repeated_key_gives_the_first_answer_and_does_nothing(api: TestClient) -> None:
    body = {"title": "Once", "segments": SEGMENTS}
    answers = [api.post("/api/v1/interviews", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (answers[0].status_code, answers[1].status_code) == (201, 201)
    assert answers[1].headers["idempotency-replayed"] == "true"
    other = api.post("/api/v1/interviews", json={**body, "title": "Two"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_frees_its_key(api: TestClient) -> None:
    bad = {"title": "", "segments": SEGMENTS}
    assert api.post("/api/v1/interviews", json=bad, headers={"Idempotency-Key": "k"}).status_code == 422
    good = {"title": "Mended", "segments": SEGMENTS}
    assert api.post("/api/v1/interviews", json=good, headers={"Idempotency-Key": "k"}).status_code == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "empty_title"),
        ({"project": "nowhere"}, "unknown_project"),
        ({"colour": "red"}, "invalid_input"),
        ({"segments": [{"text": "a", "start_ms": 5000, "end_ms": 1000}]}, None),
        ({"segments": [{"text": "a", "start_ms": -1, "end_ms": 1000}]}, None),
        ({"segments": [{"text": "a" * 200_000}]}, None),
        ({"segments": [{"text": "\x00\x01"}]}, None),
        ({"language": "klingon"}, None),
        ({"recorded_at": "yesterday"}, "invalid_input"),
    ],
)
def test_bad_input_is_a_problem_and_leaves_nothing(
    api: TestClient, change: dict[str, object], code: str | None
) -> None:
    before = len(api.get("/api/v1/interviews").json()["items"])
    answer = api.post("/api/v1/interviews", json={**INTERVIEW, **change})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    if code is not None:
        assert body["code"] == code
    assert len(api.get("/api/v1/interviews").json()["items"]) == before


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"title": "\xff"}', b"[1]", b""])
def test_a_body_that_is_no_json_object_is_a_problem(api: TestClient, body: bytes) -> None:
    answer = api.post("/api/v1/interviews", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_recording_is_sent_processed_and_heard_in_part(world: World, tmp_path: Path) -> None:
    api = api_of(world)
    sound = write_recording(tmp_path / "call.flac", tone(3.0)).read_bytes()
    form = {"title": "A call", "project": "mail", "tags": "one, two", "participants": '[{"name": "Bo"}]'}
    sent = api.post("/api/v1/recordings", files={"file": ("call.flac", sound)}, data=form)
    assert sent.status_code == 202, sent.text
    interview = api.get(f"/api/v1/interviews/{sent.json()['interview_id']}").json()
    assert (interview["status"], interview["tags"], interview["project"]) == ("ready", ["one", "two"], "mail")
    part = api.get(f"/api/v1/interviews/{interview['id']}/recording", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")
    again = api.post("/api/v1/recordings", files={"file": ("other-name.flac", sound)}, data=form)
    assert (again.json()["interview_id"], again.json()["is_new"]) == (interview["id"], False)


def test_a_recording_over_the_limit_is_refused_and_leaves_nothing(idle_world: World) -> None:
    answer = api_of(idle_world).post("/api/v1/recordings", files={"file": ("a.wav", b"x" * (MAX_UPLOAD_BYTES + 1))})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    settings = idle_world.services.settings
    assert not any(path.is_file() for path in settings.uploads_dir.rglob("*"))
    assert not any(path.is_file() for path in settings.recordings_dir.rglob("*"))


def test_an_announced_body_over_the_limit_is_refused_at_once(idle_world: World) -> None:
    answer = api_of(idle_world).post(
        "/api/v1/recordings", content=b"", headers={"content-length": str(5 * 1024**3), "content-type": "text/plain"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("a.wav", b"", "empty_file"), ("a.wav", b"just text, no sound at all", "not_media")],
)
def test_a_file_that_is_no_recording_leaves_nothing(idle_world: World, name: str, content: bytes, code: str) -> None:
    answer = api_of(idle_world).post("/api/v1/recordings", files={"file": (name, content)})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not any(path.is_file() for path in idle_world.services.settings.recordings_dir.rglob("*"))


def test_a_deleted_interview_is_found_no_more(api: TestClient) -> None:
    interview = api.post("/api/v1/interviews", json=INTERVIEW).json()
    assert api.delete(f"/api/v1/interviews/{interview['id']}").status_code == 204
    assert api.get(f"/api/v1/interviews/{interview['id']}").status_code == 404
    found = api.get("/api/v1/search", params={"q": "invoices late", "mode": "keyword"}).json()["results"]
    assert found == []


def test_a_deleted_interview_leaves_the_memory_before_anybody_searches(world: World) -> None:
    api, index = api_of(world), world.services.search._keeper
    api.get("/api/v1/search", params={"q": "invoices late"})
    before = index.count
    interview = api.post("/api/v1/interviews", json=INTERVIEW).json()
    api.get("/api/v1/search", params={"q": "invoices late"})
    assert index.count > before
    assert api.delete(f"/api/v1/interviews/{interview['id']}").status_code == 204
    assert index.count == before
