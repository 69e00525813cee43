"""What a participant agreed to is shown, noted and enforced on the pages; a withdrawal ends with a receipt."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.access.tables import User
from core.visibility import ALL_SEEING
from ingest.schemas import Consent, RecordingIn
from tests.media_factory import beeps, write_recording
from tests.pages.world import PageText, World, example_interview, token_on


def reader(world: World, *, has_privacy: bool = False) -> TestClient:
    """Return a browser in which a member is signed in."""
    with world.services.database.write() as session:
        user = User(
            id="usr_reader", name="Rea", role="member", has_privacy=has_privacy, created_at=world.services.clock.now()
        )
        session.add(user)
    client = world.visitor()
    form = {
        "token": world.services.access.sessions.create_link("usr_reader"),
        "csrf_token": token_on(client, "/sign-in"),
    }
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def interview_with(world: World, **consent: object) -> str:
    people = [{"name": "Jana", "consent": consent}]
    sent = example_interview("Asked about e-mail", participants=people)
    return world.services.ingest.add_interview(sent, "crm", "test", ALL_SEEING).id


def recording_with(world: World, folder: Path, **consent: object) -> str:
    path = write_recording(folder / "call.wav", beeps((1.0, 4.0), 6.0))
    sent = RecordingIn.model_validate({"participants": [{"name": "Jana", "consent": consent}]})
    return world.services.ingest.add_recording([path.read_bytes()], path.name, sent, "crm", "test", ALL_SEEING)[0].id


def test_who_may_not_quote_sees_that_there_is_something_and_not_what(world: World) -> None:
    path = f"/interviews/{interview_with(world, quote_internally=False)}"
    page = PageText((member := reader(world)).get(path).text)
    assert "Asked about e-mail" in page.text
    assert "Not to be quoted" in page.text
    assert "does not want to be quoted" in page.text
    assert "Four mails" not in page.text
    assert member.get(f"{path}/transcript").status_code == 403
    assert "Four mails" in reader_page(world, path)


def reader_page(world: World, path: str) -> str:
    """Return the page as the administrator sees it."""
    return PageText(world.member().get(path).text).text


def test_the_recording_of_somebody_not_to_be_quoted_has_no_player(world: World, tmp_path: Path) -> None:
    path = f"/interviews/{recording_with(world, tmp_path, quote_internally=False)}"
    member = reader(world)
    assert "<audio" not in member.get(path).text
    assert member.get(f"{path}/media").status_code == 403


def test_what_stays_inside_is_read_and_played_and_offered_for_no_download(world: World, tmp_path: Path) -> None:
    path = f"/interviews/{recording_with(world, tmp_path, share_outside=False)}"
    browser = world.member()  # an administrator: it is the participant's word, not a question of rank
    html = browser.get(path).text
    assert "Inside only" in html
    assert "<audio" in html
    assert "transcript?format" not in html
    assert "media?download" not in html
    assert browser.get(f"{path}/media").status_code == 200
    assert browser.get(f"{path}/media?download=1").status_code == 403
    assert browser.get(f"{path}/transcript?format=md").status_code == 403


def test_the_day_is_said_beforehand_and_afterwards(world: World, tmp_path: Path) -> None:
    day = world.services.clock.now().date() + timedelta(days=20)
    interview = recording_with(world, tmp_path, keep_until=day)
    words = f"{day.day} {day:%b %Y}"
    browser = world.member()
    assert f"is kept until {words}" in PageText(browser.get(f"/interviews/{interview}").text).text
    assert words in browser.get("/retention").text
    world.services.clock.set(world.services.clock.now() + timedelta(days=22))  # type: ignore[attr-defined]
    world.services.ingest.retention.remove_due()
    browser = world.member()
    page = PageText(browser.get(f"/interviews/{interview}").text)
    assert "The recording was removed" in page.text
    assert "Nothing is about to be removed" in browser.get("/retention").text
    assert browser.get(f"/interviews/{interview}/media").status_code == 410


def test_consent_is_noted_on_the_page(world: World) -> None:
    interview = interview_with(world)
    path = f"/interviews/{interview}"
    browser = world.member()
    form = {"csrf_token": token_on(browser, path), "quote": "yes", "share": "no", "keep_until": "2027-05-03"}
    assert browser.post(f"{path}/participants/0/consent", data=form).status_code == 303
    noted = world.services.ingest.get(interview).participants[0].consent
    assert noted == Consent(quote_internally=True, share_outside=False, keep_until=date(2027, 5, 3))
    assert browser.post(f"{path}/participants/0/consent", data={**form, "share": "perhaps"}).status_code == 422


def test_a_member_cannot_allow_what_was_refused(world: World) -> None:
    interview = interview_with(world, quote_internally=False)
    member = reader(world)
    form = {"csrf_token": token_on(member, f"/interviews/{interview}"), "quote": "yes"}
    assert member.post(f"/interviews/{interview}/participants/0/consent", data=form).status_code == 403
    assert not world.services.ingest.get(interview).is_quotable


@pytest.mark.parametrize(("people", "names"), [("Ann\nBo", ["Ann", "Bo"]), ("", ["Unnamed participant"])])
def test_one_line_of_the_upload_form_is_everybodys_consent(world: World, people: str, names: list[str]) -> None:
    browser = world.member()
    form = {"csrf_token": token_on(browser, "/upload"), "participants": people, "share": "no"}
    files = {"files": ("talk.txt", b"Ann: It was fine.\n", "text/plain")}
    answer = browser.post("/upload", data=form, files=files)
    interview = world.services.ingest.get(answer.headers["location"].removeprefix("/interviews/"))
    assert [person.name for person in interview.participants] == names
    assert {person.consent.share_outside for person in interview.participants} == {False}
    assert not interview.is_shareable


def test_a_withdrawal_is_asked_about_and_ends_with_a_receipt(world: World) -> None:
    interview = interview_with(world)
    path = f"/interviews/{interview}"
    browser = reader(world, has_privacy=True)
    form = {"csrf_token": token_on(browser, f"{path}/withdraw"), "reason": "no_consent"}
    assert browser.post(f"{path}/withdraw", data={**form, "reason": "why not"}).status_code == 422
    done = browser.post(f"{path}/withdraw", data=form)
    receipt = PageText(browser.get(done.headers["location"]).text)
    for shown in (interview, "There was no consent", "Rea", "Segments of text 4"):
        assert shown in receipt.text
    page = PageText(browser.get(path).text)
    assert "This interview was withdrawn" in page.text
    assert "Download" not in page.text
    assert "Jana" not in page.text
    assert any(attrs.get("href") == done.headers["location"] for _, attrs in page.elements)


def test_whoever_has_no_privacy_permission_withdraws_nothing(world: World) -> None:
    interview = interview_with(world)
    member = reader(world)
    form = {"csrf_token": token_on(member, f"/interviews/{interview}")}
    assert member.post(f"/interviews/{interview}/withdraw", data=form).status_code == 403
    assert "withdraws" not in member.get(f"/interviews/{interview}").text
    assert member.get("/retention").status_code == 403
