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


def links_on(html: str) -> list[str]:
    return [attrs.get("href") or "" for tag, attrs in PageText(html).elements if tag == "a"]


def test_an_answer_can_be_narrowed_by_links_that_say_how_much_is_left(world: World) -> None:
    services = world.services
    services.ingest.add_interview(example_interview("Another", project=None, tags=["pilot"]), "page", "x")
    client = world.member()
    html = client.get("/?q=mails").text
    assert "/?q=mails&tag=pilot" in links_on(html)
    assert "pilot 1" in PageText(html).text
    chosen = client.get("/?q=mails&tag=pilot").text
    assert 'aria-current="true">pilot' in chosen
    assert "/?q=mails" in links_on(chosen)


def test_an_answer_can_be_grouped_by_interview_and_back(member: TestClient) -> None:
    html = member.get("/?q=mails").text
    assert "/?q=mails&group=interview" in links_on(html)
    grouped = member.get("/?q=mails&group=interview").text
    assert "1 interview found." in grouped
    assert "/?q=mails" in links_on(grouped)


def test_a_moment_leads_to_moments_like_it(world: World) -> None:
    world.services.ingest.add_interview(example_interview("Another bakery"), "page", "x")
    client = world.member()
    like = next(link for link in links_on(client.get("/?q=mails").text) if link.startswith("/similar"))
    page = client.get(like)
    assert page.status_code == 200
    assert "More like this" in PageText(page.text).text
    assert "Another bakery" in PageText(page.text).text
    assert "What the bakery thinks of e-mail" in PageText(page.text).text
    assert "<mark>" in page.text
    assert client.get("/similar?interview=int_none&first=0&last=0").status_code == 404


def test_a_slip_of_the_pen_is_mended_and_said(member: TestClient) -> None:
    page = PageText(member.get("/?q=cancellled&mode=keyword").text)
    assert "Nobody said “cancellled”; this looked for “cancelled”." in page.text


def test_what_is_typed_is_completed_and_where_nothing_is_found_something_is_offered(member: TestClient) -> None:
    options = member.get("/suggestions?q=cancel").text
    assert '<option value="cancelled">cancelled</option>' in options
    nothing = member.get("/?q=quar*&mode=keyword&tag=nowhere").text
    assert "Nobody said that here" in PageText(nothing).text
    assert "Said here: quarter" in PageText(member.get("/?q=quart&mode=keyword&tag=nowhere").text).text
