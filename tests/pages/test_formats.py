import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pages import formats, quotes
from app.pages.contacts import people_in
from app.pages.projects import slug_of
from app.pages.signing_in import local_path
from app.pages.upload import people_of
from core.errors import InvalidInput
from search.values import FoundInterview, Place, SearchResult, Spans


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(0, "0:00"), (83_200, "1:23"), (3_599_999, "59:59"), (3_723_000, "1:02:03")]
)
def test_a_place_in_a_recording_reads_as_a_player_shows_it(milliseconds: int, words: str) -> None:
    assert formats.clock_time(milliseconds) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(40_000, "40 s"), (89_000, "89 s"), (120_000, "2 min"), (3_720_000, "1 h 2 min")]
)
def test_a_length_is_said_in_the_unit_that_fits(milliseconds: int, words: str) -> None:
    assert formats.duration_words(milliseconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 byte"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (4 * 1024**3, "4 GiB")]
)
def test_a_size_is_said_in_the_unit_that_fits(size: int, words: str) -> None:
    assert formats.size_words(size) == words


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=19, hours=3), "in 20 days"),
        (timedelta(days=1), "in 24 hours"),
        (timedelta(hours=4, seconds=1), "in 5 hours"),
        (timedelta(minutes=2), "in 2 minutes"),
        (timedelta(seconds=20), "within a minute"),
    ],
)
def test_how_far_away_an_instant_is_gets_rounded_up(left: timedelta, words: str) -> None:
    now = datetime(2026, 5, 12, 12, tzinfo=UTC)
    assert formats.until_words(now + left, now) == words


def result_of(text: str, spans: Spans = (), speakers: tuple[str, ...] = (), opening: int = 0) -> SearchResult:
    interview = FoundInterview("int_1", None, "Talk", None, None)
    return SearchResult(interview, 0, 3, 0, 1000, speakers, text, spans, 1.0, Place(2, 700, opening))


def test_a_moment_is_opened_where_it_says_what_was_asked_for() -> None:
    result = result_of("four mails")
    assert formats.moment_link(result) == "/interviews/int_1?t=700#segment-2"
    silent = replace(result, found=replace(result.found, start_ms=None))
    assert formats.moment_link(silent) == "/interviews/int_1#segment-2"
    assert formats.moment_link(result, '"R&D" mails') == "/interviews/int_1?t=700&q=%22R%26D%22+mails#segment-2"


def test_marks_stand_round_the_found_words_and_the_rest_is_escaped() -> None:
    quote = quotes.quote_of(result_of("<b>four</b> mails & more", ((3, 7), (12, 17))))
    assert [turn.words for turn in quote.excerpt] == [
        "&lt;b&gt;<mark>four</mark>&lt;/b&gt; <mark>mails</mark> &amp; more"
    ]
    assert quote.whole == []


def test_a_passage_is_shown_turn_by_turn_with_who_speaks() -> None:
    quote = quotes.quote_of(result_of("Ann: We agree: no.\nBo: Why?\nand more", ((15, 17),), ("Ann", "Bo")))
    assert [(turn.speaker, turn.words) for turn in quote.excerpt] == [
        ("Ann", "We agree: <mark>no</mark>."),
        ("Bo", "Why?"),
        (None, "and more"),
    ]


def test_the_excerpt_of_a_long_passage_is_the_turns_round_the_place_where_it_opens() -> None:
    text = "\n".join(f"Ann: line {number} " + "word " * 30 for number in range(9))

    def excerpt_of(opening: int) -> list[str]:
        quote = quotes.quote_of(result_of(text, speakers=("Ann",), opening=opening))
        assert len(quote.whole) == 9
        return [str(turn.words)[:6] for turn in quote.excerpt]

    assert excerpt_of(0) == ["line 0", "line 1", "line 2"]
    for within in (0, 3, 8, 40):  # at the turn, in the name before it, in its words
        assert excerpt_of(text.index("Ann: line 6") + within) == ["line 5", "line 6", "line 7"]
    assert excerpt_of(text.index("Ann: line 8")) == ["line 7", "line 8"]


@given(st.text(max_size=300), st.lists(st.tuples(st.integers(-5, 310), st.integers(-5, 310)), max_size=6))
def test_no_text_and_no_offsets_bring_markup_of_their_own(text: str, spans: list[tuple[int, int]]) -> None:
    quote = quotes.quote_of(result_of(text, tuple(spans)))
    for turn in quote.whole or quote.excerpt:
        plain = turn.words.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in plain
        assert plain.unescape() in text


@given(st.text(max_size=60), st.text(min_size=1, max_size=4))
def test_found_words_are_marked_whatever_the_letter_case(text: str, needle: str) -> None:
    spans = quotes.occurrences(text, needle)
    assert all(text[start:end].lower() == needle.lower() for start, end in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_a_local_time_becomes_an_instant() -> None:
    zone = ZoneInfo("Europe/Prague")
    assert formats.local_instant("2026-05-12T14:00", zone) == datetime(2026, 5, 12, 12, tzinfo=UTC)
    assert formats.local_instant("2026-05-12", zone) == datetime(2026, 5, 11, 22, tzinfo=UTC)
    assert formats.local_instant("soon", zone) is None


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("a@x.example", ["a@x.example"]),
        ("a@x.example, b@x.example;c@x.example\nd@x.example", [f"{who}@x.example" for who in "abcd"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("Jana Malá <jana@x.example>\n a@x.example \n\n", ["jana@x.example", "a@x.example"]),
        ("a@x.example\na@x.example", ["a@x.example"]),
        ("Jana Malá", ["Jana Malá"]),
        (" , ;\n", []),
    ],
)
def test_a_pasted_list_is_read_person_by_person(text: str, people: list[str]) -> None:
    assert people_in(text) == people


def test_participants_are_read_line_by_line() -> None:
    people = people_of("Jana Malá <jana@x.example>, buyer\n\nTom Reed, researcher\nAnn\n<ann@x.example>")
    assert [(person.name, person.email, person.role) for person in people] == [
        ("Jana Malá", "jana@x.example", "buyer"),
        ("Tom Reed", None, "researcher"),
        ("Ann", None, None),
        ("ann@x.example", "ann@x.example", None),
    ]


@pytest.mark.parametrize("line", ["Jan <broken", "Jan > x", "Jan <a@x.example> or so"])
def test_a_participant_who_cannot_be_read_is_refused_with_the_line(line: str) -> None:
    with pytest.raises(InvalidInput, match="Line 2 of who took part"):
        people_of(f"Ann\n{line}")


@pytest.mark.parametrize(("name", "slug"), [("E-mail study", "e-mail-study"), ("Příprava 2026!", "priprava-2026")])
def test_an_id_is_made_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name, "project") == slug


def test_a_name_without_latin_letters_gets_an_id_too() -> None:
    assert slug_of("日本", "project").startswith("project-")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\\b", "/a\nb", "javascript:x"]
)
def test_a_sign_in_never_leads_elsewhere(path: str) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("path", ["/", "/interviews/int_1?t=83200", "/?q=two+words"])
def test_a_sign_in_leads_back_to_our_pages(path: str) -> None:
    assert local_path(path) == path
