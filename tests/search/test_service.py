from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import InvalidInput
from search.values import MAX_RESULT_WORDS, Mode, SearchAnswer, SearchFilters, SearchRequest
from tests.search.factories import Workshop

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
FILLER = "we talked for a while of this and that and then somebody went to fetch some water from the kitchen "


def ask(workshop: Workshop, query: str, mode: Mode = "hybrid", limit: int = 10, **filters: object) -> SearchAnswer:
    chosen = SearchFilters(**filters)  # type: ignore[arg-type]
    return workshop.service.search(SearchRequest(query, mode, limit, chosen))


def texts(answer: SearchAnswer) -> list[str]:
    return [result.text for result in answer.results]


def moment(words: str) -> str:
    """Return a text long enough to be a moment of its own."""
    return f"{words}. {FILLER * 20}"


@pytest.mark.parametrize("mode", MODES)
def test_the_moment_that_says_it_comes_first(workshop: Workshop, mode: Mode) -> None:
    workshop.add_each("we went sailing", "the invoice was wrong", "lunch is at noon")
    result = ask(workshop, "wrong invoice", mode).results[0]
    assert result.text == "Ann: the invoice was wrong"
    assert (result.first_segment, result.last_segment, result.start_ms, result.end_ms) == (0, 0, 0, 900)
    assert result.speakers == ("Ann",)
    assert [result.text[a:b] for a, b in result.highlights] == ["invoice", "wrong"]


@pytest.mark.parametrize("mode", MODES)
def test_the_place_in_a_long_interview_is_found(workshop: Workshop, mode: Mode) -> None:
    workshop.add(*[FILLER] * 30, "the invoice was wrong", *[FILLER] * 30)
    result = ask(workshop, "wrong invoice", mode).results[0]
    assert result.first_segment <= 30 <= result.last_segment
    assert "the invoice was wrong" in result.text
    assert result.last_segment - result.first_segment < 25
    assert (result.start_ms, result.end_ms) == (result.first_segment * 1000, result.last_segment * 1000 + 900)


def test_an_answer_names_the_interview_and_its_scores_fall(workshop: Workshop) -> None:
    workshop.put_project("billing")
    recorded_at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    fields: dict[str, Any] = {"external_id": "crm-7", "project_id": "billing", "recorded_at": recorded_at}
    interview_id = workshop.add("the invoice again", title="Ada", **fields)
    workshop.add_each("a boat", "an invoice for a boat")
    answer = ask(workshop, " invoice ")
    assert (answer.query, answer.mode) == ("invoice", "hybrid")
    assert answer.took_ms > 0
    interview = next(result.interview for result in answer.results if result.interview.id == interview_id)
    assert (interview.external_id, interview.title) == ("crm-7", "Ada")
    assert (interview.recorded_at, interview.project) == (recorded_at, "billing")
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("query", "mode", "limit", "code"),
    [
        ("  ", "hybrid", 10, "empty_query"),
        ("x" * 1001, "hybrid", 10, "query_too_long"),
        ("x", "psychic", 10, "unknown_mode"),
        ("x", "hybrid", 0, "bad_limit"),
        ("x", "hybrid", 51, "bad_limit"),
    ],
)
def test_a_bad_question_is_refused_with_a_code(
    workshop: Workshop, query: str, mode: Mode, limit: int, code: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        ask(workshop, query, mode, limit)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("filters", "code"),
    [(SearchFilters(project="nowhere"), "unknown_project"), (SearchFilters(team="nowhere"), "unknown_team")],
)
def test_a_filter_naming_nothing_is_refused(workshop: Workshop, filters: SearchFilters, code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        workshop.service.search(SearchRequest("x", filters=filters))
    assert raised.value.code == code


@pytest.mark.parametrize("mode", MODES)
def test_filters_keep_what_meets_them_and_never_starve(workshop: Workshop, mode: Mode) -> None:
    """The single matching interview is far down the ranking, and still comes back."""
    workshop.put_project("pilot")
    day = datetime(2025, 6, 1, tzinfo=UTC)
    workshop.add_each(*["invoice invoice invoice"] * 60, language="en", recorded_at=day)
    wanted = workshop.add(
        "a long text in which the word invoice comes up once among many others",
        project_id="pilot",
        tags=["churn"],
        language="de",
        recorded_at=datetime(2026, 2, 1, tzinfo=UTC),
        recording_sha256="ab",
        speakers=["Zoë"],
    )
    for filters in (
        {"project": "pilot"},
        {"tag": "churn"},
        {"language": "de"},
        {"kind": "recording"},
        {"speaker": "zoe"},
        {"from_at": datetime(2026, 2, 1, tzinfo=UTC)},
        {"from_at": datetime(2026, 1, 1, tzinfo=UTC), "to_at": datetime(2026, 2, 1, tzinfo=UTC)},
        {"project": "pilot", "tag": "churn", "speaker": "Zoë", "language": "de"},
    ):
        answer = ask(workshop, "invoice", mode, 5, **filters)
        assert [result.interview.id for result in answer.results] == [wanted], filters
    assert ask(workshop, "invoice", mode, to_at=datetime(2024, 1, 1, tzinfo=UTC)).results == ()
    assert ask(workshop, "invoice", mode, project="pilot", language="en").results == ()
    assert len(ask(workshop, "invoice", mode, 50, kind="transcript").results) == 50


@pytest.mark.parametrize("mode", MODES)
def test_a_speaker_is_who_speaks_in_the_moment(workshop: Workshop, mode: Mode) -> None:
    workshop.add(
        moment("my invoice was wrong"), moment("your invoice is being looked at"), speakers=["Ann Lee", "Bob Moss"]
    )
    results = ask(workshop, "invoice", mode, speaker="bob moss").results
    assert {result.speakers for result in results} == {("Bob Moss",)}
    assert "your invoice" in results[0].text
    assert ask(workshop, "invoice", mode, speaker="Carl").results == ()


def test_a_speaker_named_in_the_question_is_preferred(workshop: Workshop) -> None:
    for speaker in ("Ann Lee", "Bob Moss", "Cid Ray"):
        workshop.add(moment("the invoice was wrong"), speakers=[speaker])
    assert ask(workshop, "What did Bob say about the invoice?").results[0].speakers == ("Bob Moss",)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", ["received", "needs_model", "transcribing", "indexing", "failed", "cancelled"])
def test_an_interview_that_was_never_indexed_is_not_found(workshop: Workshop, mode: Mode, status: str) -> None:
    interview_id = workshop.add("the invoice", status=status, findable=False)
    workshop.service.embed(interview_id, lambda share: None)
    assert ask(workshop, "invoice", mode).results == ()


@pytest.mark.parametrize("mode", MODES)
def test_the_former_text_is_found_whole_until_the_new_one_is_indexed(workshop: Workshop, mode: Mode) -> None:
    interview_id = workshop.add("the old invoice")
    workshop.set_status(interview_id, "indexing")
    workshop.replace_texts(interview_id, "hello", "the new invoice")
    assert texts(ask(workshop, "invoice", mode)) == ["Ann: the old invoice"]
    workshop.service.embed(interview_id, lambda share: None)
    assert texts(ask(workshop, "invoice", mode)) == ["Ann: the old invoice"]
    workshop.service.index(interview_id)
    workshop.set_status(interview_id, "ready")
    assert texts(ask(workshop, "invoice", mode)) == ["Ann: hello the new invoice"]
    assert workshop.service.status().vectors == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", ["failed", "cancelled", "needs_model"])
def test_an_interview_that_failed_or_waits_is_not_found(workshop: Workshop, mode: Mode, status: str) -> None:
    workshop.set_status(workshop.add("the invoice"), status)
    other = workshop.add("another invoice")
    assert {result.interview.id for result in ask(workshop, "invoice", mode).results} == {other}


def test_what_is_hidden_does_not_count_in_the_scores_of_what_is_shown(workshop: Workshop) -> None:
    workshop.add_each("the invoice was wrong", "we went sailing", "an invoice", "lunch at noon")
    before = [(result.text, result.score) for result in ask(workshop, "wrong invoice").results]
    for interview_id in workshop.add_each("wrong wrong wrong", "the invoice the invoice"):
        workshop.set_status(interview_id, "failed")
    assert [(result.text, result.score) for result in ask(workshop, "wrong invoice").results] == before


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_interview_is_gone_at_once(workshop: Workshop, mode: Mode) -> None:
    gone, _ = workshop.add_each("the invoice number one", "the invoice number two")
    assert len(ask(workshop, "invoice", mode).results) == 2
    workshop.delete(gone)
    assert texts(ask(workshop, "invoice", mode)) == ["Ann: the invoice number two"]
    assert workshop.keeper.count == 1


@pytest.mark.parametrize("mode", MODES)
def test_one_moment_is_shown_once(workshop: Workshop, mode: Mode) -> None:
    workshop.add(*[f"{FILLER} invoice number {n}" for n in range(120)])
    results = ask(workshop, "invoice number", mode, 50).results
    covered = [ordinal for r in results for ordinal in range(r.first_segment, r.last_segment + 1)]
    assert len(covered) == len(set(covered)) > 30


@pytest.mark.parametrize("mode", MODES)
def test_a_result_has_at_most_400_words(workshop: Workshop, mode: Mode) -> None:
    workshop.add("invoice " * 3000, "invoice", *["an invoice of some words"] * 300)
    results = ask(workshop, "invoice", mode, 50).results
    assert max(len(result.text.split()) for result in results) <= MAX_RESULT_WORDS
    assert {result.first_segment for result in results} > {0}


def test_results_stop_at_the_limit(workshop: Workshop) -> None:
    workshop.add_each(*[f"invoice number {n}" for n in range(20)])
    assert len(ask(workshop, "invoice", limit=7).results) == 7


def test_words_nobody_said_find_nothing_by_keyword(workshop: Workshop) -> None:
    workshop.add_each("the invoice was wrong", "we went sailing")
    assert ask(workshop, "zeppelin", "keyword").results == ()
    assert texts(ask(workshop, "zeppelin sailing", "keyword")) == ["Ann: we went sailing"]


@pytest.mark.parametrize("mode", MODES)
def test_a_quoted_phrase_must_be_there_as_it_is(workshop: Workshop, mode: Mode) -> None:
    workshop.add_each("single sign on is missing", "sign the single paper on page one", "a sign")
    assert texts(ask(workshop, '"single sign on"', mode)) == ["Ann: single sign on is missing"]
    assert texts(ask(workshop, '"single sign on" billing', mode)) == ["Ann: single sign on is missing"]
    assert ask(workshop, '"sign single on"', mode).results == ()


@pytest.mark.parametrize("query", ["AB-1234", "ab 1234", "error AB-1234"])
def test_a_code_is_found_where_it_stands(workshop: Workshop, query: str) -> None:
    workshop.add(*[FILLER] * 40, "it said AB-1234 on the screen", *[FILLER] * 40)
    workshop.add_each(*[moment(words) for words in ("1234 people", "an error of AB in 1999", "error", "lunch")])
    workshop.add_each(*[moment(f"other things {n}") for n in range(20)])
    assert "AB-1234" in ask(workshop, query, "keyword").results[0].text


def test_equal_texts_are_embedded_once(workshop: Workshop) -> None:
    workshop.add_each("the same words", "the same words", "others")
    assert workshop.embedder("fake-words").asked == 2
    assert workshop.service.status().vectors == 3


def test_embedding_again_does_nothing_and_reports_progress(workshop: Workshop) -> None:
    interview_id = workshop.add(*[f"{n} {FILLER * 2}" for n in range(400)], findable=False)
    shares: list[float] = []
    workshop.service.embed(interview_id, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 3
    asked = workshop.embedder("fake-words").asked
    workshop.service.embed(interview_id, shares.append)
    assert workshop.embedder("fake-words").asked == asked > 150


def test_embedding_goes_on_where_it_was_interrupted(workshop: Workshop) -> None:
    class KilledError(Exception): ...

    def stop_at_first(share: float) -> None:
        raise KilledError

    interview_id = workshop.add(*[f"{n} {FILLER * 2}" for n in range(400)], findable=False)
    with pytest.raises(KilledError):
        workshop.service.embed(interview_id, stop_at_first)
    again = workshop.restart()
    again.make_findable(interview_id)
    assert again.embedder("fake-words").asked + workshop.embedder("fake-words").asked == again.service.status().windows
    again.database.close()


def test_an_interview_without_text_is_no_trouble(workshop: Workshop) -> None:
    workshop.make_findable(workshop.add(findable=False))
    assert ask(workshop, "invoice").results == ()
    workshop.add("the invoice")
    workshop.make_findable(workshop.add(findable=False))
    assert texts(ask(workshop, "invoice")) == ["Ann: the invoice"]
    assert workshop.service.status().is_complete


def test_an_interview_that_is_gone_is_no_trouble(workshop: Workshop) -> None:
    workshop.make_findable("int_gone")
    assert workshop.service.status().interviews == 0


def test_a_new_model_takes_over_only_when_it_has_embedded_everything(workshop: Workshop) -> None:
    workshop.add_each("the invoice was wrong", "we went sailing")
    changed = workshop.restart(model="other-words")
    waiting = changed.service.status()
    assert (waiting.model, waiting.waiting_model, waiting.is_complete) == ("fake-words", "other-words", False)
    assert texts(ask(changed, "invoice", "semantic"))[0] == "Ann: the invoice was wrong"
    meanwhile = changed.add("an invoice from in between")
    assert ask(changed, "invoice between", "semantic").results[0].interview.id == meanwhile

    shares: list[float] = []
    changed.service.reembed(shares.append)

    done = changed.service.status()
    assert (done.model, done.waiting_model, done.is_complete) == ("other-words", None, True)
    assert (done.interviews, done.windows, done.vectors, done.indexed) == (3, 3, 3, 3)
    assert shares[-1] == 1.0
    assert texts(ask(changed, "sailing", "semantic"))[0] == "Ann: we went sailing"
    # the process that runs the old model follows without being told
    assert texts(ask(workshop, "sailing", "semantic"))[0] == "Ann: we went sailing"
    changed.database.close()


def test_rebuilding_finds_what_was_never_indexed_and_changes_no_answer(workshop: Workshop) -> None:
    workshop.add_each("the invoice was wrong", "we went sailing")
    before = texts(ask(workshop, "wrong invoice"))
    workshop.service.rebuild(lambda share: None)
    assert texts(ask(workshop, "wrong invoice")) == before
    lost = workshop.add("an invoice that was never embedded", findable=False)
    shares: list[float] = []
    workshop.service.rebuild(shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert workshop.service.status().indexed == 3
    assert lost in {result.interview.id for result in ask(workshop, "invoice", "semantic").results}
