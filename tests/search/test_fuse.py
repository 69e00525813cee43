from hypothesis import given
from hypothesis import strategies as st

from search.fuse import fuse
from search.values import Hit

rankings = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20).map(lambda ids: [Hit(i, 0.0) for i in ids]))


def test_what_both_rankings_know_comes_before_what_one_puts_first() -> None:
    fused = fuse([[Hit(1, 9.0), Hit(2, 8.0)], [Hit(3, 0.2), Hit(2, 0.1)]])
    assert [hit.passage_id for hit in fused] == [2, 1, 3]
    assert fused[0].score == 2 / 62


@given(rankings)
def test_every_passage_comes_out_once_by_falling_score(lists: list[list[Hit]]) -> None:
    fused = fuse(lists)
    assert {hit.passage_id for hit in fused} == {hit.passage_id for ranking in lists for hit in ranking}
    assert len({hit.passage_id for hit in fused}) == len(fused)
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)
