"""Files through the plain form, and the metadata that resumable uploads ask for first."""

from pathlib import Path

from tests.media_factory import beeps, write_recording
from tests.pages.world import PageText, World, token_on

VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\n<v Ann>We write too often.\n"


def test_a_file_becomes_an_interview_with_what_is_known_about_it(world: World) -> None:
    client = world.member()
    form = {
        "csrf_token": token_on(client, "/upload"),
        "title": "A talk with Ann",
        "new_project": "Spring study",
        "recorded_at": "2026-03-02T10:00",
        "participants": "Ann <ann@x.example>, buyer",
        "tags": "mail, price",
        "language": "en",
    }
    answer = client.post("/upload", data=form, files={"files": ("talk.vtt", VTT, "text/vtt")})
    assert answer.status_code == 303
    interview = world.services.ingest.get(answer.headers["location"].removeprefix("/interviews/"))
    assert (interview.title, interview.project, interview.source) == ("A talk with Ann", "spring-study", "page")
    assert interview.recorded_at is not None
    assert interview.recorded_at.isoformat() == "2026-03-02T09:00:00+00:00"  # ten o'clock in Prague
    assert [(person.name, person.role) for person in interview.participants] == [("Ann", "buyer")]
    assert sorted(interview.tags) == ["mail", "price"]


def test_a_recording_is_taken_in(world: World, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "call.mp3", beeps((1.0,), 3.0))
    client = world.member()
    answer = client.post(
        "/upload", data={"csrf_token": token_on(client, "/upload")}, files={"files": (path.name, path.read_bytes())}
    )
    assert answer.status_code == 303
    assert "<audio" in client.get(answer.headers["location"]).text


def test_several_files_lead_to_the_list(world: World) -> None:
    client = world.member()
    files = [("files", ("one.vtt", VTT)), ("files", ("two.vtt", VTT.replace(b"often", b"seldom")))]
    answer = client.post("/upload", data={"csrf_token": token_on(client, "/upload")}, files=files)
    assert answer.headers["location"] == "/interviews"


def test_a_file_that_is_refused_says_why_and_the_others_are_kept(world: World) -> None:
    client = world.member()
    files = [("files", ("fake.wav", b"no sound at all")), ("files", ("one.vtt", VTT))]
    form = {"csrf_token": token_on(client, "/upload"), "tags": "kept"}
    answer = client.post("/upload", data=form, files=files)
    page = PageText(answer.text)
    assert answer.status_code == 422
    assert "fake.wav" in page.text
    assert "one.vtt is here." in page.text
    assert 'value="kept"' in answer.text


def test_no_file_at_all_is_said(world: World) -> None:
    client = world.member()
    answer = client.post("/upload", data={"csrf_token": token_on(client, "/upload")})
    assert answer.status_code == 422
    assert "Choose at least one file." in answer.text


def test_the_limit_is_stated_and_kept(world: World) -> None:
    client = world.member()
    assert "At most 9.5 MiB each" in client.get("/upload").text
    big = [("files", ("big.wav", b"0" * 10_000_001))]
    answer = client.post("/upload", data={"csrf_token": token_on(client, "/upload")}, files=big)
    assert answer.status_code in (413, 422)
    assert "larger than the limit" in answer.text


def test_metadata_is_checked_before_a_long_upload_begins(world: World) -> None:
    client = world.member()
    token = {"X-CSRF-Token": token_on(client, "/upload")}
    good = client.post("/upload/details", data={"new_project": "Autumn", "participants": "Ann"}, headers=token)
    assert good.json()["project"] == "autumn"
    assert good.json()["participants"][0]["name"] == "Ann"
    bad = client.post("/upload/details", data={"recorded_at": "soon"}, headers=token)
    assert bad.status_code == 422
    assert "recorded_at" in bad.json()["detail"]
