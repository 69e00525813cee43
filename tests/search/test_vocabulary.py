"""Words that are like one that was typed: none is left out that may have been meant."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from search.vocabulary import count_words

letters = st.text("abcdeßéжמ", min_size=1, max_size=40)


@given(st.lists(letters, min_size=1, max_size=20), letters, st.integers(1, 2))
def test_no_word_that_is_so_many_slips_away_is_left_out(said: list[str], word: str, slips: int) -> None:
    known = count_words([" ".join(said)])
    near = {text for text in known.texts if OSA.distance(word, text) <= slips}
    assert near <= set(known.like(word, slips))


def test_words_of_other_letters_or_lengths_are_left_out() -> None:
    known = count_words(["invoice invoices voice weather inn"])
    assert known.like("invoyce", 2) == ["invoice", "invoices", "voice"]


def test_a_vocabulary_without_words_has_none_like_it() -> None:
    assert count_words([]).like("invoice", 2) == []
