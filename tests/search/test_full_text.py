import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core.tables import Passage
from core.visibility import ALL_SEEING
from search.query_words import read_query
from search.sqlite_full_text import SqliteFullText
from tests.search.factories import Workshop


def places_of(workshop: Workshop, *phrases: str) -> list[int]:
    with workshop.database.read() as session:
        return [place.first_segment for place in SqliteFullText().find_phrases(session, phrases, ALL_SEEING)]


def test_a_phrase_matches_word_for_word_but_for_endings_case_and_accents(workshop: Workshop) -> None:
    workshop.add("We keep meeting at the Café", "at the keep meeting we")
    assert places_of(workshop, "KEEPS meetings at the cafe") == [0]


def test_all_phrases_must_be_there(workshop: Workshop) -> None:
    workshop.add("single sign on is missing here", "single sign on works", "it is missing")
    assert places_of(workshop, "single sign on", "is missing") == [0]


def test_a_code_with_punctuation_is_one_phrase(workshop: Workshop) -> None:
    workshop.add("error AB-1234 came up", "1234 people in group AB")
    assert places_of(workshop, "AB-1234") == [0]


@pytest.mark.parametrize("phrase", ["near(exit, 2)", "exit and", "not exit", "exit*", "text:exit", "(exit", "^exit"])
def test_operators_in_a_phrase_are_only_words(workshop: Workshop, phrase: str) -> None:
    workshop.add("near exit 2, text exit and not exit")
    assert places_of(workshop, phrase) == [0]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_no_text_makes_it_raise(workshop: Workshop, query: str) -> None:
    places_of(workshop, query)


def test_common_words_are_asked_for_only_when_there_is_nothing_else() -> None:
    assert read_query("What did they say about the invoices?").words == ("say", "invoices?")
    assert read_query("who are you").words == ("who", "are", "you")
    assert read_query('"to be or not" is').words == ()


def test_the_words_follow_the_passages_in_the_same_transaction(workshop: Workshop) -> None:
    class StopError(Exception): ...

    interview_id = workshop.add("alpha words")

    def change_and_fail() -> None:
        with workshop.database.write() as session:
            session.exec(select(Passage)).one().text = "omega words"
            session.flush()
            assert SqliteFullText().find_phrases(session, ["omega"], ALL_SEEING)
            raise StopError

    with pytest.raises(StopError):
        change_and_fail()
    assert places_of(workshop, "omega") == []
    assert places_of(workshop, "alpha") == [0]
    workshop.delete(interview_id)
    assert places_of(workshop, "alpha") == []


def test_rebuilding_gives_the_same_answers(workshop: Workshop) -> None:
    workshop.add("alpha words", "beta words")
    with workshop.database.write() as session:
        SqliteFullText().rebuild(session)
    assert places_of(workshop, "beta words") == [1]


def test_a_phrase_without_spaces_stands_in_the_middle_of_a_sentence(workshop: Workshop) -> None:
    workshop.add("毎月の請求書が届きました", "API の請求が多い", "請求の書類")
    assert places_of(workshop, "請求書") == [0]
    assert places_of(workshop, "api の請求") == [1]
    assert places_of(workshop, "請求", "多い") == [1]
