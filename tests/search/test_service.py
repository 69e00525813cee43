import time
from datetime import UTC, datetime

import pytest

from core.errors import InvalidInput
from search.values import MAX_RESULT_WORDS, Mode, SearchAnswer, SearchFilters, SearchRequest
from tests.search.factories import Workshop

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")


def ask(workshop: Workshop, query: str, mode: Mode = "hybrid", limit: int = 10, **filters: object) -> SearchAnswer:
    chosen = SearchFilters(**filters)  # type: ignore[arg-type]
    return workshop.service.search(SearchRequest(query, mode, limit, chosen))


def texts(answer: SearchAnswer) -> list[str]:
    return [result.text for result in answer.results]


@pytest.mark.parametrize("mode", MODES)
def test_the_moment_that_says_it_comes_first(workshop: Workshop, mode: Mode) -> None:
    workshop.add("we went sailing", "the invoice was wrong", "lunch is at noon")
    result = ask(workshop, "wrong invoice", mode).results[0]
    assert result.text == "the invoice was wrong"
    assert (result.first_segment, result.last_segment, result.start_ms, result.end_ms) == (1, 1, 1000, 1900)
    assert result.speakers == ("Ann",)
    assert [result.text[a:b] for a, b in result.highlights] == ["invoice", "wrong"]


def test_an_answer_names_the_interview_and_its_scores_fall(workshop: Workshop) -> None:
    workshop.put_project("billing")
    recorded_at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    interview_id = workshop.add(
        "invoice one",
        "invoice two",
        "boat",
        title="Ada",
        external_id="crm-7",
        project_id="billing",
        recorded_at=recorded_at,
    )
    answer = ask(workshop, " invoice ")
    assert (answer.query, answer.mode) == ("invoice", "hybrid")
    assert answer.took_ms > 0
    interview = answer.results[0].interview
    assert (interview.id, interview.external_id, interview.title) == (interview_id, "crm-7", "Ada")
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
    for _ in range(30):
        workshop.add(*["invoice invoice invoice"] * 10, language="en", recorded_at=day)
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
        {"speaker": "Zoë"},
        {"from_at": datetime(2026, 2, 1, tzinfo=UTC)},
        {"from_at": datetime(2026, 1, 1, tzinfo=UTC), "to_at": datetime(2026, 2, 1, tzinfo=UTC)},
    ):
        answer = ask(workshop, "invoice", mode, 5, **filters)
        assert [result.interview.id for result in answer.results] == [wanted], filters
    assert ask(workshop, "invoice", mode, to_at=datetime(2024, 1, 1, tzinfo=UTC)).results == ()
    assert len(ask(workshop, "invoice", mode, 50, kind="transcript").results) == 50


def test_a_speaker_is_who_speaks_in_the_moment(workshop: Workshop) -> None:
    workshop.add("my invoice was wrong", "your invoice is being looked at", speakers=["Ann", "Bob"])
    assert texts(ask(workshop, "invoice", speaker="bob")) == ["your invoice is being looked at"]
    assert ask(workshop, "invoice", speaker="Carl").results == ()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", ["received", "needs_model", "transcribing", "indexing", "failed", "cancelled"])
def test_an_interview_that_was_never_ready_is_not_found(workshop: Workshop, mode: Mode, status: str) -> None:
    interview_id = workshop.add("the invoice", status=status, findable=False)
    workshop.service.embed(interview_id, lambda share: None)
    assert ask(workshop, "invoice", mode).results == ()


@pytest.mark.parametrize("mode", MODES)
def test_an_interview_stays_findable_while_a_change_is_worked_on(workshop: Workshop, mode: Mode) -> None:
    interview_id = workshop.add("the old invoice")
    workshop.set_status(interview_id, "indexing")
    assert texts(ask(workshop, "invoice", mode)) == ["the old invoice"]
    workshop.replace_texts(interview_id, "the new invoice")
    assert "the old invoice" not in texts(ask(workshop, "invoice", mode))
    assert texts(ask(workshop, "invoice", "keyword")) == ["the new invoice"]
    workshop.make_findable(interview_id)
    workshop.set_status(interview_id, "ready")
    assert texts(ask(workshop, "invoice", mode)) == ["the new invoice"]


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_or_cancelled_interview_is_not_found(workshop: Workshop, mode: Mode) -> None:
    interview_id = workshop.add("the invoice")
    workshop.set_status(interview_id, "failed")
    assert ask(workshop, "invoice", mode).results == ()


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_interview_is_gone_at_once(workshop: Workshop, mode: Mode) -> None:
    gone = workshop.add("the invoice number one")
    workshop.add("the invoice number two")
    assert len(ask(workshop, "invoice", mode).results) == 2
    workshop.delete(gone)
    assert texts(ask(workshop, "invoice", mode)) == ["the invoice number two"]
    assert workshop.keeper.count == 1 or mode == "keyword"


def test_one_moment_is_shown_once(workshop: Workshop) -> None:
    from core.tables import Passage

    interview_id = workshop.add("the invoice was wrong", "and late")
    with workshop.database.write() as session:
        session.add(
            Passage(
                interview_id=interview_id, ordinal=9, first_segment=0, last_segment=1, speakers=["Ann"],
                text="the invoice was wrong and late", content_hash="h",
            )
        )  # fmt: skip
    workshop.make_findable(interview_id)
    results = ask(workshop, "invoice wrong").results
    covered = [ordinal for r in results for ordinal in range(r.first_segment, r.last_segment + 1)]
    assert len(covered) == len(set(covered))


def test_a_result_has_at_most_400_words(workshop: Workshop) -> None:
    workshop.add("invoice " * 900)
    (result,) = ask(workshop, "invoice").results
    assert len(result.text.split()) == MAX_RESULT_WORDS


def test_results_stop_at_the_limit(workshop: Workshop) -> None:
    workshop.add(*[f"invoice number {n}" for n in range(20)])
    assert len(ask(workshop, "invoice", limit=7).results) == 7


def test_equal_texts_are_embedded_once(workshop: Workshop) -> None:
    workshop.add("the same words", "the same words", "others")
    embedder = workshop.embedder("fake-words")
    assert embedder.asked == 2
    workshop.add("the same words")
    assert embedder.asked == 2
    assert workshop.service.status().vectors == 4


def test_embedding_again_does_nothing_and_reports_progress(workshop: Workshop) -> None:
    interview_id = workshop.add(*[f"text {n}" for n in range(150)], findable=False)
    shares: list[float] = []
    workshop.service.embed(interview_id, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 3
    asked = workshop.embedder("fake-words").asked
    workshop.service.embed(interview_id, shares.append)
    assert workshop.embedder("fake-words").asked == asked == 150


def test_embedding_goes_on_where_it_was_interrupted(workshop: Workshop) -> None:
    class KilledError(Exception): ...

    def stop_at_first(share: float) -> None:
        raise KilledError

    interview_id = workshop.add(*[f"text {n}" for n in range(150)], findable=False)
    with pytest.raises(KilledError):
        workshop.service.embed(interview_id, stop_at_first)
    again = workshop.restart()
    again.service.embed(interview_id, lambda share: None)
    assert again.embedder("fake-words").asked == 150 - workshop.embedder("fake-words").asked
    again.database.close()


def test_an_interview_without_passages_is_no_trouble(workshop: Workshop) -> None:
    workshop.make_findable(workshop.add(findable=False))
    assert ask(workshop, "invoice").results == ()
    assert workshop.service.status().is_complete


def test_a_new_model_takes_over_only_when_it_has_embedded_everything(workshop: Workshop) -> None:
    workshop.add("the invoice was wrong", "we went sailing")
    changed = workshop.restart(model="other-words")
    waiting = changed.service.status()
    assert (waiting.model, waiting.waiting_model, waiting.is_complete) == ("fake-words", "other-words", False)
    assert texts(ask(changed, "invoice", "semantic"))[0] == "the invoice was wrong"
    meanwhile = changed.add("an invoice from in between")
    assert ask(changed, "invoice between", "semantic").results[0].interview.id == meanwhile

    shares: list[float] = []
    changed.service.reembed(shares.append)

    done = changed.service.status()
    assert (done.model, done.waiting_model, done.is_complete) == ("other-words", None, True)
    assert (done.passages, done.vectors, done.indexed) == (3, 3, 3)
    assert shares[-1] == 1.0
    assert texts(ask(changed, "sailing", "semantic"))[0] == "we went sailing"
    # the process that runs the old model follows without being told
    assert texts(ask(workshop, "sailing", "semantic"))[0] == "we went sailing"
    changed.database.close()


def test_rebuilding_embeds_what_is_missing_and_changes_no_answer(workshop: Workshop) -> None:
    workshop.add("the invoice was wrong", "we went sailing")
    before = ask(workshop, "wrong invoice").results
    lost = workshop.add("an invoice that was never embedded", findable=False)
    shares: list[float] = []
    workshop.service.rebuild(shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert workshop.service.status().indexed == 3
    assert lost in {result.interview.id for result in ask(workshop, "invoice", "semantic").results}
    assert {r.text for r in before} <= set(texts(ask(workshop, "wrong invoice")))


def test_a_search_in_five_thousand_passages_is_quick(workshop: Workshop) -> None:
    """A search takes less than a tenth of embedding what it searches: it does not walk over the passages."""
    started = time.perf_counter()
    for _ in range(5):
        workshop.add(*[f"invoice number {n} of customer {n % 7}" for n in range(1000)])
    building_s = time.perf_counter() - started
    ask(workshop, "invoice customer")
    started = time.perf_counter()
    ask(workshop, "invoice customer")
    assert time.perf_counter() - started < building_s / 10
