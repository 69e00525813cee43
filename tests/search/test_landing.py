"""Where a moment opens, over a real database with a fake model that knows shared words only."""

import random

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.tables import Segment
from search.values import Mode, SearchRequest, SearchResult
from tests.search.factories import Workshop

TURN = "we talked for a while of this and that and then somebody went for water."  # three of them are a cell


def first_of(workshop: Workshop, query: str, mode: Mode = "keyword") -> SearchResult:
    return workshop.service.search(SearchRequest(query, mode, 10, with_sentences=True)).results[0]


@pytest.mark.parametrize("place", range(12))
def test_it_opens_at_the_turn_that_says_it(workshop: Workshop, place: int) -> None:
    turns = [f"{TURN} Number {number}." for number in range(12)]
    turns[place] = "The invoice was wrong again."
    workshop.add(*turns, speakers=["Ann", "Ann", "Bo"] * 4)
    result = first_of(workshop, "wrong invoice")
    assert result.first_segment == 0
    assert (result.found.segment, result.found.start_ms) == (place, place * 1000)
    assert turns[place] in result.text[result.found.offset :][:40]


def test_words_that_stand_together_are_what_was_meant(workshop: Workshop) -> None:
    turns = ["The invoice came.", TURN, "It was wrong.", TURN, TURN, "A wrong number on the invoice.", TURN, "Invoice?"]
    workshop.add(*turns)
    assert first_of(workshop, "wrong invoice").found.segment == 5
    assert first_of(workshop, "invoice").found.segment == 0


def test_the_closest_stand_together(workshop: Workshop) -> None:
    turns = ["Invoices come at noon.", "We had lunch. Then came the mail.", "The invoice was wrong.", TURN]
    workshop.add(*turns)
    assert first_of(workshop, "wrong invoice").found.segment == 2


def test_by_meaning_it_opens_at_the_nearest_sentence(workshop: Workshop) -> None:
    turns = [TURN, TURN, "The invoices were all wrong.", TURN]
    workshop.add(*turns)
    result = first_of(workshop, "zeppelin were all the", "semantic")
    assert result.highlights == ()
    assert (result.found.segment, result.found.start_ms) == (2, 2000)


def test_without_anything_marked_it_opens_where_it_begins(workshop: Workshop) -> None:
    workshop.add(TURN, TURN, "The invoices were all wrong.")
    answer = workshop.service.search(SearchRequest("zeppelin were all the", "semantic"))
    (result,) = answer.results
    assert (result.found.segment, result.found.start_ms, result.found.offset) == (0, 0, 0)


def test_a_long_speech_opens_at_the_part_that_says_it(workshop: Workshop) -> None:
    before = "We talked for a while about this and that. " * 40
    interview = workshop.add(TURN, f"{before}The invoice was wrong. {before}")
    with workshop.database.write() as session:
        session.execute(update(Segment).where(col(Segment.ordinal) == 1).values(start_ms=1_000, end_ms=201_000))
    workshop.make_findable(interview)
    result = first_of(workshop, "wrong invoice")
    assert result.found.segment == 1
    assert result.found.start_ms is not None
    assert 81_000 < result.found.start_ms <= 101_000  # the words are in the middle, a part is about twenty seconds
    assert "invoice was wrong" in result.text[result.found.offset :][:400]


def test_a_transcript_without_times_opens_at_its_segment(workshop: Workshop) -> None:
    interview = workshop.add(TURN, TURN, "The invoice was wrong.")
    with workshop.database.write() as session:
        session.execute(update(Segment).values(start_ms=None, end_ms=None))
    workshop.make_findable(interview)
    result = first_of(workshop, "wrong invoice")
    assert (result.found.segment, result.found.start_ms) == (2, None)


def test_while_a_newer_text_is_worked_on_the_old_one_keeps_to_its_own_times(workshop: Workshop) -> None:
    interview = workshop.add(TURN, "The invoice was wrong.", TURN)
    workshop.replace_texts(interview, "Good morning.", "Who is there?", "The invoice was wrong.")
    with workshop.database.write() as session:
        session.execute(update(Segment).values(start_ms=col(Segment.start_ms) + 500_000))
    result = first_of(workshop, "wrong invoice")
    assert (result.found.segment, result.found.start_ms) == (1, 0)  # of its cell
    workshop.make_findable(interview)
    result = first_of(workshop, "wrong invoice")
    assert (result.found.segment, result.found.start_ms) == (2, 502_000)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_found_the_text_and_the_time_are_those_of_one_segment(workshop: Workshop, seed: int) -> None:
    chance = random.Random(seed)
    words = ["invoice", "wrong", "boat", "lunch", "water", "and", "the", "then", "a", "of"]
    for _ in range(3):
        turns = [" ".join(chance.choices(words, k=chance.randint(1, 40))) for _ in range(chance.randint(1, 25))]
        workshop.add(*turns, speakers=chance.choices(["Ann", "Bo", "Cy"], k=len(turns)))
    mode: Mode = chance.choice(["keyword", "hybrid"])
    results = workshop.service.search(SearchRequest("wrong invoice", mode, 10, is_grouped=seed % 2 == 0)).results
    assert results
    with workshop.database.read() as session:
        for result in results:
            place = (Segment.interview_id == result.interview.id, Segment.ordinal == result.found.segment)
            segment = session.exec(select(Segment).where(*place)).one()
            assert result.found.start_ms == segment.start_ms
            after = result.text[result.found.offset :]
            assert after.removeprefix(f"{segment.speaker}: ").startswith(segment.text[:100])
            assert {"invoice", "wrong"} & set(segment.text.split())
