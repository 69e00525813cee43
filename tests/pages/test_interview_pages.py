"""The list, one interview, its recording, its work and its end."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ingest.schemas import InterviewStatus, RecordingIn
from tests.media_factory import beeps, write_recording
from tests.pages.world import PageText, World, example_interview, token_on

EVIL = "<script>alert(1)</script>"


def add_recording(world: World, folder: Path, suffix: str = "wav", *, video: bool = False) -> str:
    path = write_recording(folder / f"call.{suffix}", beeps((1.0, 4.0), 6.0), video=video)
    interview, _ = world.services.ingest.add_recording([path.read_bytes()], path.name, RecordingIn(), "page", "x")
    return interview.id


def test_the_list_filters_by_what_its_address_says(member: TestClient) -> None:
    assert "What the bakery thinks" in member.get("/interviews?title=bakery&tag=e-mail&project=mail").text
    assert "No interview matches" in member.get("/interviews?tag=other").text


def test_an_interview_shows_who_says_what_and_when(member: TestClient, shared_world: World) -> None:
    html = member.get(f"/interviews/{shared_world.interview.id}").text
    page = PageText(html)
    assert "Four mails in one week" in page.text
    assert 'id="segment-1"' in html
    assert 'data-start="4200"' in html
    assert f'href="/interviews/{shared_world.interview.id}?t=4200#segment-1"' in html
    assert "<audio" not in html


def test_the_linked_moment_is_marked_without_script(member: TestClient, shared_world: World) -> None:
    page = PageText(member.get(f"/interviews/{shared_world.interview.id}?t=5000").text)
    linked = [attrs["id"] for _, attrs in page.elements if "is-linked" in (attrs.get("class") or "")]
    assert linked == ["segment-1"]


def test_words_are_found_in_the_transcript_without_script(member: TestClient, shared_world: World) -> None:
    html = member.get(f"/interviews/{shared_world.interview.id}?find=FINE").text
    assert html.count("<mark>fine</mark>") == 2
    assert "2 hits" in html


def test_what_a_search_found_is_marked_as_the_search_marks_it(member: TestClient, shared_world: World) -> None:
    address = f"/interviews/{shared_world.interview.id}"
    html = member.get(f"{address}?t=4200&q=mail+canceled+speaker:Jana").text
    assert "Four <mark>mails</mark> in one week, I nearly <mark>cancelled</mark>." in html
    assert "2 hits" in html
    assert "<mark>mails</mark>" not in member.get(f"{address}?q=mail&find=fine").text
    for nothing in ("", "speaker:Jana", "??", "zebra", "-mail"):
        answer = member.get(address, params={"q": nothing})
        assert answer.status_code == 200
        assert "<mark>" not in answer.text
        assert " hit" not in PageText(answer.text).text


def test_words_are_marked_in_text_that_is_no_markup(world: World) -> None:
    segments = [{"speaker": "Ann", "text": f"An invoice of {EVIL} came."}]
    interview = world.services.ingest.add_interview(example_interview(segments=segments), "test", "system")
    html = world.member().get(f"/interviews/{interview.id}?q=invoices+script").text
    assert "An <mark>invoice</mark> of &lt;<mark>script</mark>&gt;alert(1)" in html


@pytest.mark.parametrize("format_name", ["vtt", "srt", "txt", "md", "docx", "json"])
def test_the_transcript_is_a_file_to_save(member: TestClient, shared_world: World, format_name: str) -> None:
    answer = member.get(f"/interviews/{shared_world.interview.id}/transcript?format={format_name}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.content) > 50


def test_a_format_nobody_knows_is_refused_in_words(member: TestClient, shared_world: World) -> None:
    answer = member.get(f"/interviews/{shared_world.interview.id}/transcript?format=exe")
    assert answer.status_code == 422
    assert "<h1>" in answer.text


def test_a_recording_plays_from_any_second(world: World, tmp_path: Path) -> None:
    interview_id = add_recording(world, tmp_path)
    client = world.member()
    assert f'src="/interviews/{interview_id}/media#t=4.2"' in client.get(f"/interviews/{interview_id}?t=4200").text
    whole = client.get(f"/interviews/{interview_id}/media")
    part = client.get(f"/interviews/{interview_id}/media", headers={"range": "bytes=100-199"})
    assert (part.status_code, len(part.content)) == (206, 100)
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert whole.headers["content-type"].startswith("audio/")
    assert whole.headers["x-content-type-options"] == "nosniff"


def test_a_recording_can_be_saved_under_its_name(world: World, tmp_path: Path) -> None:
    interview_id = add_recording(world, tmp_path)
    answer = world.member().get(f"/interviews/{interview_id}/media?download=1")
    assert answer.headers["content-disposition"] == 'attachment; filename="call.wav"'


def test_a_video_gets_a_picture(world: World, tmp_path: Path) -> None:
    interview_id = add_recording(world, tmp_path, "mp4", video=True)
    assert "<video" in world.member().get(f"/interviews/{interview_id}").text


def test_work_under_way_is_shown_and_asked_for_again(idle_world: World, tmp_path: Path) -> None:
    interview_id = add_recording(idle_world, tmp_path)
    client = idle_world.member()
    html = client.get(f"/interviews/{interview_id}").text
    assert f'hx-get="/interviews/{interview_id}/progress"' in html
    assert 'http-equiv="refresh"' in html
    news = client.get(f"/interviews/{interview_id}/progress")
    assert "Waiting for its turn." in news.text
    assert news.text.count("hx-swap-oob") == 2
    assert 'hx-trigger="every 3s"' in client.get("/interviews").text


def test_when_the_work_is_over_the_page_is_loaded_again(member: TestClient, shared_world: World) -> None:
    answer = member.get(f"/interviews/{shared_world.interview.id}/progress")
    assert (answer.status_code, answer.headers["hx-refresh"]) == (204, "true")


def test_work_is_cancelled_and_taken_up_again(idle_world: World, tmp_path: Path) -> None:
    interview_id = add_recording(idle_world, tmp_path)
    client = idle_world.member()
    path = f"/interviews/{interview_id}"
    form = {"csrf_token": token_on(client, path)}
    assert client.post(f"{path}/cancel", data=form).headers["location"] == path
    assert "Process it after all" in client.get(path).text
    client.post(f"{path}/retry", data=form)
    assert idle_world.services.ingest.get(interview_id).status is InterviewStatus.RECEIVED


def test_what_cannot_be_cancelled_says_so(world: World) -> None:
    client = world.member()
    path = f"/interviews/{world.interview.id}"
    answer = client.post(f"{path}/cancel", data={"csrf_token": token_on(client, path)})
    assert answer.status_code == 409
    assert "no work to stop" in PageText(answer.text).text


def test_an_interview_is_deleted_after_a_question(world: World) -> None:
    client = world.member()
    path = f"/interviews/{world.interview.id}"
    page = PageText(client.get(f"{path}/delete").text)
    assert "This cannot be undone" in page.text
    answer = client.post(f"{path}/delete", data={"csrf_token": token_on(client, f"{path}/delete")})
    assert answer.headers["location"] == "/interviews"
    assert client.get(path).status_code == 404


def test_markup_in_what_people_said_stays_text(world: World) -> None:
    sent = example_interview(
        EVIL,
        segments=[{"speaker": EVIL, "text": f"so {EVIL}", "start_ms": 0, "end_ms": 900}],
        participants=[{"name": EVIL, "role": EVIL}],
        tags=[EVIL],
    )
    interview = world.services.ingest.add_interview(sent, EVIL, "x")
    client = world.member()
    for path in ("", "?find=script", f"?find={EVIL}", "/delete"):
        page = PageText(client.get(f"/interviews/{interview.id}{path}").text)
        assert not [attrs for tag, attrs in page.elements if tag == "script" and "src" not in attrs]
        assert EVIL in page.title + page.text
