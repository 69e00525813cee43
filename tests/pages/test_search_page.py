"""A question in the address, moments on the page."""

from fastapi.testclient import TestClient

from tests.pages.world import PageText, World, example_interview

EVIL = "<script>alert('mail')</script><img src=x onerror=alert(1)>"


def test_before_a_question_the_page_shows_examples_and_recent_interviews(member: TestClient) -> None:
    page = PageText(member.get("/").text)
    assert "Try a question" in page.text
    assert "What the bakery thinks of e-mail" in page.text


def test_a_moment_has_its_words_its_speaker_its_time_and_a_link_to_hear_it(
    member: TestClient, shared_world: World
) -> None:
    page = PageText(member.get("/?q=four+mails&mode=keyword").text)
    links = [attrs.get("href") for tag, attrs in page.elements if tag == "a"]
    assert any(link and link.startswith(f"/interviews/{shared_world.interview.id}?t=") for link in links)
    assert "Jana" in page.text
    assert "E-mail study" in page.text
    assert any(tag == "mark" for tag, _ in page.elements)


def test_the_number_of_moments_is_announced_politely(member: TestClient) -> None:
    html = member.get("/?q=four+mails").text
    assert 'id="result-status" role="status" aria-live="polite">1 moment found.' in html


def test_nothing_found_says_so_and_offers_a_way_on(member: TestClient) -> None:
    page = PageText(member.get("/?q=zebra&mode=keyword&tag=nowhere").text)
    assert "Nobody said that here" in page.text
    links = [attrs.get("href") for tag, attrs in page.elements if tag == "a"]
    assert "/?q=zebra&mode=keyword" in links
    assert "/?q=zebra&mode=semantic&tag=nowhere" in links


def test_a_filter_in_use_is_a_link_that_takes_it_away(member: TestClient) -> None:
    page = PageText(member.get("/?q=mails&project=mail&from=2020-01-01&language=en").text)
    chips = [attrs.get("href") for tag, attrs in page.elements if tag == "a" and attrs.get("class") == "chip"]
    assert "/?q=mails&from=2020-01-01&language=en" in chips
    assert len(chips) == 3


def test_a_question_that_cannot_be_answered_says_why_on_the_page(member: TestClient) -> None:
    answer = member.get("/", params={"q": "mail " * 400})
    page = PageText(answer.text)
    assert answer.status_code == 422
    assert "could not be answered" in page.text


def test_markup_in_a_question_or_a_transcript_stays_text(world: World) -> None:
    world.services.ingest.add_interview(
        example_interview(EVIL, segments=[{"speaker": EVIL, "text": f"mail {EVIL}"}], tags=[EVIL[:60]]), "page", "x"
    )
    client = world.member()
    for path in ("/", "/?q=mail", f"/?q={EVIL}", "/?q=mail&mode=keyword", "/interviews"):
        elements = PageText(client.get(path).text).elements
        assert not [attrs for tag, attrs in elements if tag == "script" and "src" not in attrs]
        assert not [tag for tag, attrs in elements if tag == "img" or "onerror" in attrs]
