"""Facets, groups, shares, similar moments, sentences and suggestions."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInput, NotFound
from core.tables import Project
from core.visibility import ALL_SEEING, EVERYBODY
from search.fakes import FakeVectorIndexes
from search.values import (
    Mode,
    SearchAnswer,
    SearchFilters,
    SearchRequest,
    SimilarRequest,
    SpeakerShare,
    SuggestionRequest,
)
from tests.search.factories import Workshop
from tests.search.secret_worlds import MODES, SecretWorld, answer
from tests.search.test_service import FILLER, moment


def ask(workshop: Workshop, query: str, mode: Mode = "hybrid", **fields: Any) -> SearchAnswer:
    return workshop.service.search(SearchRequest(query, mode, **fields))


def narrowed(request: SearchRequest, kind: str, value: str) -> SearchRequest:
    """Return the request with `value` in place of what it asks of that kind."""
    if kind == "year":
        first, last = datetime(int(value), 1, 1, tzinfo=UTC), datetime(int(value), 12, 31, 23, 59, 59, tzinfo=UTC)
        return replace(request, filters=replace(request.filters, from_at=first, to_at=last))
    return replace(request, filters=replace(request.filters, **{kind: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("query", ["invoices", "invocie", "invo*", '"was wrong" invoice', "wrong -talk speaker:ann"])
def test_a_text_is_marked_as_in_the_moments_of_a_search(workshop: Workshop, query: str) -> None:
    workshop.add("The invoice was wrong, and invoices are paid late.", "Die Rechnung.", speakers=["Ann", None])
    workshop.add(*FILLER)
    [first, *_] = ask(workshop, query).results
    assert first.highlights
    assert workshop.service.mark(query, [first.text, "nothing"], None, EVERYBODY) == [first.highlights, ()]


@pytest.mark.parametrize("query", ["", "??", "speaker:ann", "-invoice"])
def test_what_asks_for_no_word_marks_none(workshop: Workshop, query: str) -> None:
    workshop.add("The invoice was wrong.")
    assert workshop.service.mark(query, ["The invoice was wrong."], None, EVERYBODY) == [()]


def test_a_facet_counts_exactly_the_interviews_that_its_value_finds(tmp_path: Path) -> None:
    checked = 0
    for seed in range(5):
        world = SecretWorld(tmp_path / str(seed), seed, FakeVectorIndexes())
        for _ in range(4):
            viewer = world.viewer()
            request = replace(world.request(viewer), with_facets=True, is_grouped=True, limit=50)
            found = answer(world.workshop, request)
            if isinstance(found, str) or '"' in request.query:  # a phrase that goes on in the next passage
                continue
            assert found.facets is not None
            for kind, values in found.facets.items():
                for value in values[:3]:
                    again = answer(world.workshop, narrowed(request, kind, value.value))
                    assert len(again.groups) == value.count, (seed, request, kind, value)
                    checked += 1
        world.close()
    assert checked > 50


def test_facets_count_interviews_under_the_other_filters(workshop: Workshop) -> None:
    for project in ("billing", "mobile"):
        workshop.put_project(project)
    workshop.add("the invoice", project_id="billing", tags=["churn"], language="en", speakers=["Ann Lee"])
    workshop.add("an invoice", project_id="billing", tags=["churn", "pilot"], language="de", speakers=["ann lee"])
    workshop.add("this invoice", project_id="mobile", tags=["pilot"], language="de", speakers=["Bob"])
    workshop.add("a boat", project_id="mobile", tags=["boats"], language="en", speakers=["Bob"])
    found = ask(workshop, "invoice", "keyword", filters=SearchFilters(project="billing"), with_facets=True)
    counts = {kind: {one.value: one.count for one in values} for kind, values in (found.facets or {}).items()}
    assert counts == {
        "project": {"billing": 2, "mobile": 1},
        "speaker": {"Ann Lee": 2},
        "tag": {"churn": 2, "pilot": 1},
        "team": {},
        "language": {"de": 1, "en": 1},
        "kind": {"transcript": 2},
        "year": {},
    }


def test_facets_are_counted_only_when_they_are_asked_for(workshop: Workshop) -> None:
    workshop.add("the invoice")
    assert ask(workshop, "invoice").facets is None
    assert ask(workshop, "invoice").groups is None


@pytest.mark.parametrize("mode", MODES)
def test_grouped_each_interview_comes_once_with_up_to_three_moments(workshop: Workshop, mode: Mode) -> None:
    long = workshop.add(*[f"{FILLER} invoice number {n}" for n in range(120)])
    short = workshop.add_each("an invoice", "one more invoice")
    found = ask(workshop, "invoice number", mode, limit=2, is_grouped=True)
    assert found.groups is not None
    assert len(found.groups) == 2
    assert [result.interview.id for result in found.results] == [group.interview.id for group in found.groups]
    assert {group.interview.id for group in found.groups} < {long, *short}
    sizes = {group.interview.id: len(group.results) for group in found.groups}
    assert sizes.get(long, 3) == 3
    everything = ask(workshop, "invoice number", mode, limit=50, is_grouped=True)
    assert {group.interview.id for group in everything.groups or ()} == {long, *short}


def test_a_moment_says_how_much_of_it_each_speaker_says(workshop: Workshop) -> None:
    workshop.add("the invoice was wrong again today", "was it", speakers=["Ann Lee", "Bob"])
    (result,) = ask(workshop, "invoice").results
    assert result.speakers == ("Ann Lee", "Bob")
    assert result.speaker_shares == (SpeakerShare("Ann Lee", 0.75), SpeakerShare("Bob", 0.25))


def test_voices_are_who_speaks_in_the_moment_in_that_interview(workshop: Workshop) -> None:
    texts = moment("my invoice was wrong"), moment("your invoice is being looked at")
    first, second = (workshop.add(*texts, speakers=["Ann", "Bob"]) for _ in range(2))
    for mode in MODES:
        filters = SearchFilters(voices=frozenset({(first, "Bob"), (second, "Carl")}))
        results = ask(workshop, "invoice", mode, filters=filters).results
        assert {result.interview.id for result in results} == {first}
        assert {result.speakers for result in results} == {("Bob",)}
        assert ask(workshop, "invoice", mode, filters=SearchFilters(voices=frozenset())).results == ()


def test_a_mended_word_is_said_and_marked(workshop: Workshop) -> None:
    workshop.add_each("the Zimmermann report is late", "we went sailing")
    found = ask(workshop, "Zimmerman", "keyword")
    assert [(one.typed, one.used) for one in found.corrections] == [("zimmerman", ("zimmermann",))]
    (result,) = found.results
    assert [result.text[start:end] for start, end in result.highlights] == ["Zimmermann"]
    assert ask(workshop, "report", "keyword").corrections == ()


def test_by_meaning_alone_the_nearest_sentence_is_marked(workshop: Workshop) -> None:
    workshop.add("We went sailing on the lake. The invoices were all wrong. Lunch was at noon as usual.")
    workshop.add_each("a boat", "dinner")
    # nothing of it stands there but words that are too common to be marked
    found = ask(workshop, "zeppelin were all the", "semantic", is_grouped=True, with_sentences=True)
    first = next(result for result in found.results if "invoices" in result.text)
    assert first.highlights == ()
    assert first.sentence is not None
    assert first.text[slice(*first.sentence)] == "The invoices were all wrong."
    assert first in [result for group in found.groups or () for result in group.results]
    assert {result.sentence for result in ask(workshop, "zeppelin were all the", "semantic").results} == {None}
    marked = ask(workshop, "sailing", "semantic", with_sentences=True).results
    assert all(result.sentence is None for result in marked if result.highlights)


def test_similar_moments_are_others_that_mean_the_same(workshop: Workshop) -> None:
    first = workshop.add(moment("the invoice was wrong"), moment("we went sailing"))
    second = workshop.add("the invoice was wrong and wrong again")
    workshop.add_each("lunch at noon", "a boat")
    results = workshop.service.similar(SimilarRequest(second, 0, 0, 3))
    assert results
    assert second not in {result.interview.id for result in results}
    assert results[0].interview.id == first or "invoice" in results[0].text
    here = workshop.service.similar(SimilarRequest(first, 0, 0, 10))
    assert all((result.interview.id, result.first_segment) != (first, 0) for result in here)


def test_similar_moments_open_at_the_sentence_that_means_the_same(workshop: Workshop) -> None:
    asked = workshop.add("The invoice was wrong.")
    other = workshop.add("We went sailing.", "Then lunch. My invoice was wrong again.", "And home.")
    request = SimilarRequest(asked, 0, 0, 1, with_sentences=True)
    [result] = workshop.service.similar(request)
    assert result.interview.id == other
    assert result.sentence is not None
    assert result.text[slice(*result.sentence)] == "My invoice was wrong again."
    assert result.found.segment == 1
    [plain] = workshop.service.similar(replace(request, with_sentences=False))
    assert (plain.sentence, plain.found.segment) == (None, plain.first_segment)


def test_similar_moments_of_what_may_not_be_seen_do_not_exist(workshop: Workshop) -> None:
    workshop.put_project("secret")
    with workshop.database.write() as session:
        session.get_one(Project, "secret").is_restricted = True
    secret = workshop.add("the invoice was wrong", project_id="secret")
    open_one = workshop.add("the invoice was wrong")
    for interview_id in (secret, "int_none"):
        with pytest.raises(NotFound) as raised:
            workshop.service.similar(SimilarRequest(interview_id, 0, 0, viewer=EVERYBODY))
        assert raised.value.code == "unknown_interview"
        assert interview_id not in raised.value.message
    assert workshop.service.similar(SimilarRequest(open_one, 0, 0, viewer=EVERYBODY)) == []
    assert len(workshop.service.similar(SimilarRequest(open_one, 0, 0, viewer=ALL_SEEING))) == 1


def suggested(workshop: Workshop, typed: str, limit: int = 10) -> list[tuple[str, str]]:
    found = workshop.service.suggest(SuggestionRequest(typed, limit))
    return [(one.kind, one.query) for one in found]


def test_suggestions_complete_words_sayings_names_and_tags(workshop: Workshop) -> None:
    workshop.put_project("invoicing")
    workshop.add(
        "the wrong invoice and the wrong invoice", "an invitation", speakers=["Inga Moss", "Bob"], tags=["inbox"]
    )
    workshop.add("the invoice")
    assert suggested(workshop, "in") == [
        ("speaker", 'speaker:"Inga Moss"'),
        ("project", "project:invoicing"),
        ("tag", 'tag:"inbox"'),
        ("word", "invoice"),
        ("word", "inga"),
        ("word", "invitation"),
    ]
    assert suggested(workshop, "wrong in")[:2] == [("phrase", "wrong invoice"), ("word", "wrong inga")]
    assert suggested(workshop, "wro") == [("phrase", "wrong invoice"), ("word", "wrong")]
    assert suggested(workshop, "lee MOSS mo") == [("word", "lee MOSS moss")]
    assert suggested(workshop, "i") == suggested(workshop, "  ") == suggested(workshop, "zz") == []
    assert len(suggested(workshop, "in", 2)) == 2


def test_a_bad_limit_is_refused(workshop: Workshop) -> None:
    for ask_too_much in (
        lambda: workshop.service.suggest(SuggestionRequest("in", 51)),
        lambda: workshop.service.similar(SimilarRequest("int_none", 0, 0, 0)),
    ):
        with pytest.raises(InvalidInput) as raised:
            ask_too_much()
        assert raised.value.code == "bad_limit"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("speaker:ann", "empty_query"),
        ("-invoice", "empty_query"),
        ("?!", "empty_query"),
        ("\N{SMILING FACE WITH SMILING EYES}", "empty_query"),
        ("speaker:ann -- …", "empty_query"),
        ("before:soon invoice", "unknown_date"),
        ("project:nowhere invoice", "unknown_project"),
        ("team:nowhere invoice", "unknown_team"),
    ],
)
def test_a_slip_in_what_narrows_is_refused(workshop: Workshop, query: str, code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        ask(workshop, query)
    assert raised.value.code == code


def test_what_is_typed_narrows_as_the_parameters_do(workshop: Workshop) -> None:
    workshop.put_project("billing")
    workshop.put_team("sales")
    old = workshop.add("the invoice", recorded_at=datetime(2026, 4, 30, 23, 59, tzinfo=UTC), project_id="billing")
    new = workshop.add("the invoice", recorded_at=datetime(2026, 5, 1, tzinfo=UTC), tags=["churn"], team_id="sales")

    def found(query: str, **filters: Any) -> set[str]:
        results = ask(workshop, query, "keyword", filters=SearchFilters(**filters)).results
        return {result.interview.id for result in results}

    assert found("invoice before:2026-05-01") == found("invoice project:billing") == {old}
    assert found("invoice after:2026-05") == found("invoice tag:churn") == found("invoice team:sales") == {new}
    assert found("invoice after:2026-05-02") == found("invoice project:billing", tag="churn") == set()
    assert found("invoice", team="sales") == {new}


def test_random_slips_never_change_what_a_known_word_finds(workshop: Workshop) -> None:
    """A word that stands somewhere is taken as it is, however near another one is."""
    words = ["price", "prize", "prise", "pride", "print", "prince"]
    for word in words:
        workshop.add(f"this is about the {word}")
    for word in random.Random(1).sample(words, 6):
        found = ask(workshop, word, "keyword")
        assert [result.text for result in found.results] == [f"Ann: this is about the {word}"]
        assert found.corrections == ()
