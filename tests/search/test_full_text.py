from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.query_words import read_query
from search.sqlite_full_text import SqliteFullText, highlight
from search.values import SearchFilters
from tests.search.factories import Workshop

NO_FILTERS = SearchFilters()


def texts_found(workshop: Workshop, query: str, limit: int = 10) -> list[str]:
    from core.tables import Passage

    with workshop.database.read() as session:
        hits = SqliteFullText().search(session, query, limit, NO_FILTERS)
        return [session.get_one(Passage, hit.passage_id).text for hit in hits]


def test_words_match_by_stem_and_without_case_or_accents(workshop: Workshop) -> None:
    workshop.add("We keep meeting at the Café", "Nothing here")
    assert texts_found(workshop, "MEETINGS cafe") == ["We keep meeting at the Café"]


def test_passages_with_all_the_words_come_before_those_with_some(workshop: Workshop) -> None:
    workshop.add("invoice invoice invoice invoice", "the invoice got an export", "export export export")
    assert texts_found(workshop, "invoice export")[0] == "the invoice got an export"
    assert len(texts_found(workshop, "invoice export")) == 3


def test_a_quoted_phrase_must_be_there_as_it_is(workshop: Workshop) -> None:
    workshop.add("single sign on is missing", "sign the single paper on page one", "a sign")
    assert texts_found(workshop, '"single sign on"') == ["single sign on is missing"]
    assert texts_found(workshop, '"single sign on" billing') == ["single sign on is missing"]


def test_a_code_with_punctuation_is_found_as_one_thing(workshop: Workshop) -> None:
    workshop.add("error AB-1234 came up", "1234 people in group AB")
    assert texts_found(workshop, "AB-1234") == ["error AB-1234 came up"]


def test_operators_typed_by_people_are_only_words(workshop: Workshop) -> None:
    workshop.add("near exit and not elsewhere")
    for query in ("NEAR(exit, 2)", "exit AND", "NOT exit", "exit*", "near:exit", "(exit", '"exit', "exit^", "-exit"):
        assert texts_found(workshop, query), query


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_no_text_makes_it_raise(workshop: Workshop, query: str) -> None:
    texts_found(workshop, query)
    highlight(["some text", query], query)


def test_common_words_are_asked_for_only_when_there_is_nothing_else() -> None:
    assert read_query("What did they say about the invoices?").words == ("say", "invoices?")
    assert read_query("who are you").words == ("who", "are", "you")
    assert read_query('"to be or not" is').words == ()


def test_the_words_follow_the_passages_in_the_same_transaction(workshop: Workshop) -> None:
    class StopError(Exception): ...

    interview_id = workshop.add("alpha words")
    try:
        with workshop.database.write() as session:
            from core.tables import Passage

            passage = session.exec(__import__("sqlmodel").select(Passage)).one()
            passage.text = "omega words"
            session.flush()
            assert SqliteFullText().search(session, "omega", 5, NO_FILTERS)
            raise StopError
    except StopError:
        pass
    assert texts_found(workshop, "omega") == []
    assert texts_found(workshop, "alpha") == ["alpha words"]
    workshop.delete(interview_id)
    assert texts_found(workshop, "alpha") == []


def test_rebuilding_gives_the_same_answers(workshop: Workshop) -> None:
    workshop.add("alpha words", "beta words")
    with workshop.database.write() as session:
        SqliteFullText().rebuild(session)
    assert texts_found(workshop, "alpha") == ["alpha words"]


def test_highlights_mark_the_words_asked_for_by_stem() -> None:
    text = "They were meeting; the Meetings ran long. We meet."
    (spans,) = highlight([text], "what about meetings")
    assert [text[start:end] for start, end in spans] == ["meeting", "Meetings", "meet"]


def test_highlights_count_characters_not_bytes() -> None:
    text = "Ünïcödé — the Größe of it 🎈 größe"
    (spans,) = highlight([text], "größe")
    assert [text[start:end] for start, end in spans] == ["Größe", "größe"]


def test_a_text_without_the_words_has_no_highlights() -> None:
    assert highlight(["nothing", "a word"], "word") == [(), ((2, 6),)]
    assert highlight(["nothing"], "?!") == [()]
