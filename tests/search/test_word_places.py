"""However a word is kept, place by place or laid out, it stands where it was said, as often as it was said."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from search import word_places
from search.cell_index import BUCKET_CELLS, CellIndex, Corpus
from search.excerpt import Excerpt
from search.standing import Part, Standing
from search.stems import stem
from search.word_places import FewPlaces, ManyPlaces, Places, places_of
from search.words import keys_of
from tests.search.test_cell_index import block_of

FORMS = (FewPlaces, ManyPlaces)
# interviews of cells; of each cell how often it says "apple" and "boat"
worlds = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20), min_size=1, max_size=6)


def corpus_of(world: list[list[tuple[int, int]]]) -> Corpus:
    index = CellIndex()
    for number, cells in enumerate(world):
        index.put(block_of(str(number), ["apple " * apples + "boat " * boats + "cat" for apples, boats in cells]))
    return index.corpus()


def in_form(corpus: Corpus, word: str, form: type) -> Places | None:
    (standing,) = corpus.standings([keys_of([stem(word)])])
    if standing is None:
        return None
    return ManyPlaces.of(corpus, standing) if form is ManyPlaces else FewPlaces.of(corpus, corpus.postings_of(standing))


def check(corpus: Corpus, places: Places, expected: list[list[int]]) -> None:
    assert places.held.tolist() == [sum(times > 0 for times in cells) for cells in expected]
    assert places.said.tolist() == [sum(cells) for cells in expected]
    found = np.zeros(int(corpus.bucket_starts[-1]))
    buckets, times = places.in_buckets()
    found[buckets] = times
    in_eights = [
        cells[place : place + BUCKET_CELLS] for cells in expected for place in range(0, len(cells), BUCKET_CELLS)
    ]
    assert found.tolist() == [sum(eight) for eight in in_eights]
    everything = Excerpt(corpus, np.arange(len(expected)))
    odd = Excerpt(corpus, np.arange(1, len(expected), 2))
    for part, said in ((corpus, expected), (everything, expected), (odd, expected[1::2])):
        laid = np.zeros(part.size + 4, dtype=np.float32)
        places.lay(part, laid)
        assert laid[: part.size].tolist() == [times for cells in said for times in cells]


@settings(deadline=None)
@given(worlds)
def test_words_and_what_they_share_are_where_they_were_said(world: list[list[tuple[int, int]]]) -> None:
    corpus = corpus_of(world)
    # the order of a corpus is that of its blocks
    said = [world[int(name)] for name in corpus.interviews]
    for form, other_form in product(FORMS, FORMS):
        apple, boat = in_form(corpus, "apple", form), in_form(corpus, "boat", other_form)
        assert (apple is None) == (not any(times for cells in said for times, _ in cells))
        if apple is not None:
            check(corpus, apple, [[cell[0] for cell in cells] for cells in said])
        if apple is not None and boat is not None:
            both = [[min(cell) for cell in cells] for cells in said]
            check(corpus, apple.shared(boat), both)


def test_a_word_that_half_of_all_cells_hold_is_laid_out_and_a_rare_one_is_not() -> None:
    corpus = corpus_of([[(1, int(place == 0)) for place in range(100)]])
    words = [keys_of([stem(word)]) for word in ("apple", "boat")]
    standings = zip(words, corpus.standings(words), strict=True)
    found = [places_of(corpus, keys.tobytes(), standing) for keys, standing in standings if standing]
    assert [*map(type, found)] == [ManyPlaces, FewPlaces]


def test_what_is_said_more_often_than_anybody_says_it_does_not_run_over() -> None:
    corpus = corpus_of([[(1, 0)] * 8])
    often = Part(0, np.arange(8, dtype=np.int32), np.full(8, 255, dtype=np.uint8))
    places = ManyPlaces.of(corpus, Standing((often,)))
    assert places.in_buckets()[1].tolist() == [8 * int(word_places._MOST_TIMES)]
