"""recall@10 and nDCG@10, counted in words read, and the rank of the first result that holds any of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.quality import Quality, mean_of, score
from search.values import PassagePlace

WORDS = {"a": [100] * 30, "b": [50, 50, 50]}


def place(interview_id: str, first: int, last: int) -> PassagePlace:
    return PassagePlace(interview_id, first, last)


def test_what_was_expected_alone_and_first_is_worth_everything() -> None:
    assert score([place("a", 2, 3)], [place("a", 2, 3)], WORDS) == Quality(1.0, 1.0, 1.0)


def test_what_comes_later_is_worth_less_and_recalled_all_the_same() -> None:
    late = score([place("a", 0, 1), place("a", 2, 3)], [place("a", 2, 3)], WORDS)
    assert late.recall == 1.0
    ideal = sum(1 / math.log2(2 + p / 200) for p in range(200))
    assert late.ndcg == pytest.approx(sum(1 / math.log2(2 + p / 200) for p in range(200, 400)) / ideal)


def test_half_of_it_is_half_recalled() -> None:
    assert score([place("a", 2, 2)], [place("a", 2, 3)], WORDS).recall == 0.5


def test_a_word_met_again_costs_its_reading_and_earns_nothing() -> None:
    expected = [place("a", 2, 3)]
    once = score([place("a", 2, 2), place("a", 3, 3)], expected, WORDS)
    again = score([place("a", 2, 2), place("a", 2, 2), place("a", 3, 3)], expected, WORDS)
    assert again.recall == once.recall
    assert again.ndcg < once.ndcg


def test_nothing_is_read_after_ten_results_or_two_thousand_words() -> None:
    expected = [place("b", 0, 2)]
    assert score([place("a", 0, 19), place("b", 0, 2)], expected, WORDS).recall == 0.0
    assert score([*[place("a", 0, 0)] * 10, place("b", 0, 2)], expected, WORDS).recall == 0.0


def test_segments_that_no_interview_has_count_for_nothing() -> None:
    assert score([place("b", 0, 9)], [place("b", 2, 9)], WORDS).recall == 1.0
    assert score([place("gone", 0, 1)], [place("gone", 0, 1)], WORDS) == Quality(0.0, 0.0, 0.0)


def test_the_mean_is_over_questions() -> None:
    assert mean_of([Quality(1.0, 0.5), Quality(0.0, 0.0)]) == Quality(0.5, 0.25)
    assert mean_of([Quality(1.0, 0.5, 0.5), Quality(0.0, 0.0, 0.0)]) == Quality(0.5, 0.25, 0.25)
    assert mean_of([Quality(1.0, 0.5, 0.5), Quality(0.0, 0.0)]).mrr is None
    assert mean_of([]) == Quality(0.0, 0.0, 0.0)


def test_the_rank_is_that_of_the_first_result_with_an_expected_word() -> None:
    expected = [place("a", 2, 3)]
    results = [place("b", 0, 0), place("a", 9, 9), place("a", 3, 4), place("a", 2, 2)]
    assert score(results, expected, WORDS).mrr == pytest.approx(1 / 3)
    assert score(results[:2], expected, WORDS).mrr == 0.0
    assert score([*[place("a", 0, 0)] * 10, *results], expected, WORDS).mrr == 0.0


PLACES = st.builds(
    lambda name, first, length: place(name, first, first + length),
    st.sampled_from("ab"),
    st.integers(0, 5),
    st.integers(0, 5),
)


@given(st.lists(PLACES, max_size=12), st.lists(PLACES, max_size=4))
def test_both_lie_between_nothing_and_everything(results: list[PassagePlace], expected: list[PassagePlace]) -> None:
    quality = score(results, expected, WORDS)
    assert 0.0 <= quality.recall <= 1.0
    assert 0.0 <= quality.ndcg <= 1.0 + 1e-9
    assert quality.mrr is not None
    assert (quality.mrr > 0) == (quality.recall > 0)
    assert 0.0 <= quality.mrr <= 1.0
