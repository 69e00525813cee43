"""The page that counts who says what, and the place on the search page where it appears."""

from fastapi.testclient import TestClient

from tests.pages.world import PageText, World, example_interview

QUESTION = "How many mails in one week?"


def test_a_question_is_answered_with_people_counted_and_links_to_the_moments(
    member: TestClient, shared_world: World
) -> None:
    page = PageText(member.get("/answers", params={"q": QUESTION}).text)
    assert "1 person says this" in page.text
    assert "Four mails in one week, I nearly cancelled." in page.text
    links = [attrs.get("href") for tag, attrs in page.elements if tag == "a"]
    assert f"/interviews/{shared_world.interview.id}?t=4200#segment-1" in links


def test_without_evidence_the_page_says_so_and_why(member: TestClient) -> None:
    page = PageText(member.get("/answers", params={"q": "penguin exhibit opening hours"}).text)
    assert "Not enough evidence" in page.text
    assert "is needed" in page.text


def test_without_a_question_the_page_asks_for_one(member: TestClient) -> None:
    assert "Ask something" in PageText(member.get("/answers").text).text


def test_a_question_that_cannot_be_read_or_answered_says_so(member: TestClient) -> None:
    for asked in ({"q": "mail " * 400}, {"q": "mail", "from": "never"}, {"q": "mail", "project": "nowhere"}):
        answer = member.get("/answers", params=asked)
        assert answer.status_code == 422
        assert "could not be answered" in PageText(answer.text).text


def test_the_search_page_offers_the_count_to_a_question_and_works_without_script(member: TestClient) -> None:
    html = member.get("/", params={"q": QUESTION, "tag": "e-mail"}).text
    link = next(
        str(attrs["href"])
        for tag, attrs in PageText(html).elements
        if tag == "a" and str(attrs.get("href")).startswith("/answers")
    )
    assert "1 person says this" in PageText(member.get(link).text).text
    assert "tag=e-mail" in link
    assert "/answers?" not in member.get("/", params={"q": "four mails"}).text


def test_markup_that_somebody_said_stays_text(world: World) -> None:
    evil = "<script>alert('mails')</script> mails in one week <b>always</b>."
    sent = example_interview(evil, segments=[{"speaker": evil, "text": evil}])
    world.services.ingest.add_interview(sent, "page", "x")
    page = PageText(world.member().get("/answers", params={"q": QUESTION}).text)
    assert not any(tag == "b" for tag, _ in page.elements)
    assert "<b>always</b>" in page.text
