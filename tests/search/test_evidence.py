"""Which sentences bear on a question, over a real database with a fake model that knows shared words only."""

import numpy as np

from core.tables import Interview, Participant
from core.visibility import ALL_SEEING, EVERYBODY
from search.evidence import Evidence, Gathering, split_sentences
from search.fakes import FakeEmbedder
from search.tables import SearchState
from search.values import SearchAnswer, SearchFilters, SearchRequest, Vectors
from tests.search.factories import Workshop

QUESTION = "weekly mail useful"


def ask(workshop: Workshop, query: str = QUESTION, **asked: object) -> Evidence:
    return workshop.service.gather(SearchRequest(query, **{"viewer": EVERYBODY, **asked}))  # type: ignore[arg-type]


def texts(evidence: Evidence) -> list[str]:
    return [one.text for one in evidence.statements]


class Alike(FakeEmbedder):
    """Holds everything to mean the same, so that every sentence is evidence."""

    def _embed(self, text: str) -> Vectors:
        return np.ones(1, dtype=np.float32)


def read_for(workshop: Workshop, query: str) -> list[tuple[str, float]]:
    """Return what is read for a question, in order, and the share of the question's words in it."""
    state = SearchState(id=1, model="alike", generation="")
    gathering = Gathering(workshop.database, Alike, lambda: state, workshop.service.search)
    statements = gathering.gather(SearchRequest(query, viewer=EVERYBODY)).statements
    return sorted((one.text, one.shared_words) for one in statements)


def test_sentences_end_where_people_stop() -> None:
    text = "It costs 3.5 euros. Really? I said “no way.” Then we left"
    assert [text[start:end] for start, end in split_sentences(text)] == [
        "It costs 3.5 euros.",
        "I said “no way.”",
        "Then we left",
    ]


def test_a_statement_has_its_speaker_its_segment_and_its_time(workshop: Workshop) -> None:
    workshop.add("We talk about the weather.", "The weekly mail is useful.", speakers=["Ann", "Bob"])
    (one,) = ask(workshop).statements
    assert (one.speaker, one.segment, one.start_ms, one.end_ms, one.text) == (
        "Bob",
        1,
        1000,
        1900,
        "The weekly mail is useful.",
    )


def test_a_sentence_that_was_cut_into_segments_is_read_whole(workshop: Workshop) -> None:
    workshop.add("Hello there, my friend. The weekly", "mail is useful.")
    (one,) = ask(workshop).statements
    assert (one.text, one.segment, one.end_ms) == ("The weekly mail is useful.", 0, 1900)


def test_what_interviewers_say_and_questions_are_left_out(workshop: Workshop) -> None:
    interview_id = workshop.add(
        "The weekly mail is useful.",
        "The weekly mail is useful, yes.",
        "Is the weekly mail useful?",
        speakers=["Ina", "Moderator", "Bob"],
    )
    with workshop.database.write() as session:
        session.add(
            Participant(
                id="par_1", interview_id=interview_id, ordinal=0, name="Ina", role="UX Interviewer", speaker="Ina"
            )
        )
    evidence = ask(workshop)
    assert evidence.statements == ()
    assert (evidence.moments, evidence.sentences) == (1, 0)


def test_what_nobody_speaks_about_has_no_evidence(workshop: Workshop) -> None:
    workshop.add("We talk about the weather and the garden.")
    evidence = ask(workshop, "penguin exhibit opening hours")
    assert evidence.statements == ()
    assert evidence.sentences == 1


def test_only_the_speaker_who_is_asked_for_is_heard(workshop: Workshop) -> None:
    talk = workshop.add("The weekly mail is useful.", "The weekly mail is useful, too.", speakers=["Ann Lee", "Bob"])
    assert {one.speaker for one in ask(workshop).statements} == {"Ann Lee", "Bob"}
    assert [one.speaker for one in ask(workshop, filters=SearchFilters(speaker="ann")).statements] == ["Ann Lee"]
    assert [one.speaker for one in ask(workshop, f"{QUESTION} speaker:bob").statements] == ["Bob"]
    voices = frozenset({(talk, "Bob")})
    assert [one.speaker for one in ask(workshop, filters=SearchFilters(voices=voices)).statements] == ["Bob"]


def test_what_the_viewer_may_not_see_or_quote_is_no_evidence(workshop: Workshop) -> None:
    workshop.put_project("vault")
    hidden = workshop.add("The weekly mail is useful.", project_id="vault")
    with workshop.database.write() as session:
        session.connection().exec_driver_sql("UPDATE project SET is_restricted = 1")
    assert ask(workshop).statements == ()
    assert texts(ask(workshop, viewer=ALL_SEEING)) == ["The weekly mail is useful."]
    with workshop.database.write() as session:
        session.get_one(Interview, hidden).is_quotable = False
    assert ask(workshop, viewer=ALL_SEEING).statements == ()


def test_while_a_newer_text_is_worked_on_the_one_that_is_found_answers_with_its_moments_start(
    workshop: Workshop,
) -> None:
    talk = workshop.add("We talk about the weather.", "The weekly mail is useful.")
    workshop.replace_texts(talk, "Something else entirely is said here.", "And here.")
    (one,) = ask(workshop).statements
    assert (one.text, one.start_ms, one.end_ms) == ("The weekly mail is useful.", 0, None)


def test_a_sentences_words_are_counted_in_its_interviews_language(workshop: Workshop) -> None:
    german, other = "Die Rechnungen kommen immer zu spät an.", "Rechnungen waren das hier nie."
    workshop.add(german, language="de")
    workshop.add(other, language="en")
    assert read_for(workshop, "Was sagen die Kunden über die späte Rechnung?") == [(german, 1.0), (other, 0.0)]


def test_a_question_without_spaces_is_held_against_its_characters(workshop: Workshop) -> None:
    workshop.add("毎月の請求書が届きません。", language="ja")
    assert read_for(workshop, "請求書") == [("毎月の請求書が届きません。", 1.0)]


def test_the_words_of_english_sentences_are_what_they_were_beside_german_ones(workshop: Workshop) -> None:
    told = [("An invoice of many pages was printed.", 1.0), ("The invoices die in our inbox.", 0.5)]
    workshop.add_each(*[text for text, _ in told], language="en")
    asked = "What do customers say about printing an invoice?"
    assert read_for(workshop, asked) == told
    workshop.add("Die Seiten sind alle gedruckt.", language="de")
    assert read_for(workshop, asked) == sorted([*told, ("Die Seiten sind alle gedruckt.", 0.0)])


def test_what_is_restricted_between_the_search_and_the_reading_is_no_evidence(workshop: Workshop) -> None:
    talk = workshop.add("The weekly mail is useful.")

    def search(request: SearchRequest) -> SearchAnswer:
        answer = workshop.service.search(request)
        with workshop.database.write() as session:
            session.get_one(Interview, talk).is_quotable = False
        return answer

    state = SearchState(id=1, model="fake-words", generation="")
    gathering = Gathering(workshop.database, workshop.embedder, lambda: state, search)
    assert gathering.gather(SearchRequest(QUESTION, viewer=EVERYBODY)).statements == ()
