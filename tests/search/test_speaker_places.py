"""However often somebody speaks, it is known where, as if his words were counted cell by cell."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import word_places
from search.cell_block import count_cells
from search.cell_index import BUCKET_CELLS, CellIndex, Corpus
from search.cells import SpokenSegment, cut_cells
from search.excerpt import Excerpt
from search.speaker_places import FULL_WORDS, interviews_with, places_of_any, places_of_speakers, said_by
from search.word_places import places_of_words
from search.words import keys_of

NAMES = ("Ann", "Bo", "Cy")
# interviews of what is said: by whom, in how many words
worlds = st.lists(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 70)), max_size=12), min_size=1, max_size=5)
ALWAYS_LAID_OUT, NEVER_LAID_OUT = 1_000_000, 0


def world_of(interviews: list[list[tuple[str, int]]]) -> tuple[Corpus, list[dict[str, int]]]:
    """Return the corpus and, of each of its cells, how many words everybody says."""
    index, said = CellIndex(), {}
    for number, turns in enumerate(interviews):
        cells = cut_cells([SpokenSegment(place, "um " * words, name) for place, (name, words) in enumerate(turns)])
        index.put(count_cells(str(number), cells))
        said[str(number)] = [
            {name: sum(len(text.split()) for who, text in cell.turns if who == name) for name in NAMES}
            for cell in cells
        ]
    corpus = index.corpus()
    return corpus, [cell for interview in corpus.interviews for cell in said[interview]]


@settings(deadline=None)
@given(worlds, st.lists(st.sampled_from((*NAMES, "Nobody")), max_size=3), st.booleans())
def test_who_speaks_is_known_of_cells_interviews_and_buckets(
    interviews: list[list[tuple[str, int]]], names: list[str], laid_out: bool
) -> None:
    corpus, said = world_of(interviews)
    filled = [min(1.0, sum(min(cell.get(name, 0), FULL_WORDS) for name in set(names)) / FULL_WORDS) for cell in said]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_places, "_USUAL_SHARE", ALWAYS_LAID_OUT if laid_out else NEVER_LAID_OUT)
        speakers = places_of_speakers(corpus, names)
        assert said_by(corpus, speakers).tolist() == pytest.approx(filled)
        together = places_of_any(corpus, names)
        assert (said_by(corpus, together) > 0).tolist() == [share > 0 for share in filled]
        spoken = [max(filled[begin:end], default=0) > 0 for begin, end in pairwise(corpus.starts)]
        assert interviews_with(corpus, speakers).tolist() == interviews_with(corpus, together).tolist() == spoken
        some = np.arange(0, len(corpus.interviews), 2)
        part = Excerpt(corpus, some)
        assert said_by(part, places_of_speakers(part, names)).tolist() == pytest.approx(np.array(filled)[part.cells])
        # asked once more, the last answer may be kept
        assert said_by(corpus, places_of_speakers(corpus, names)).tolist() == pytest.approx(filled)
        known = [name for name in dict.fromkeys(names) if any(cell.get(name) for cell in said)]
        for name, places in zip(known, speakers, strict=True):
            found = np.zeros(int(corpus.bucket_starts[-1]))
            buckets, words = places.in_buckets()
            found[buckets] = words
            expected = np.zeros(len(found))
            places_laid = corpus.laid_out(np.arange(corpus.size), corpus.starts) // BUCKET_CELLS
            np.add.at(expected, places_laid, [min(cell[name], FULL_WORDS) for cell in said])
            assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("share", [ALWAYS_LAID_OUT, NEVER_LAID_OUT])
def test_who_was_asked_for_before_changes_nothing_of_who_speaks(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_places, "_USUAL_SHARE", share)
    interviews = [[("Ann", 30), ("Bo", 30)], [("Bo", 20), ("Ann", 20), ("Bo", 50)], [("Bo", 50)]]
    corpus, _ = world_of(interviews)
    asked = [("Ann",), ("Bo",), ("Ann", "Bo"), ("Cy",), (), ("Bo", "Ann"), ("Ann",)]
    for names in asked:
        fresh, _ = world_of(interviews)
        for find in (places_of_speakers, places_of_any):
            here, there = find(corpus, names), find(fresh, names)
            assert said_by(corpus, here).tolist() == said_by(fresh, there).tolist()
            assert [places.held.tolist() for places in here] == [places.held.tolist() for places in there]
    both, bo = (said_by(corpus, places_of_speakers(corpus, names)) for names in (("Ann", "Bo"), ("Bo",)))
    assert np.count_nonzero(both) > np.count_nonzero(bo) > 0


def test_a_name_is_not_taken_for_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_places, "_USUAL_SHARE", ALWAYS_LAID_OUT)
    corpus, _ = world_of([[("um", 60), ("Bo", 60)]])
    (word,) = places_of_words(corpus, [keys_of(["um"])])
    (name,) = places_of_speakers(corpus, ["um"])
    assert word is not None
    # everybody says "um", and one of them is called so
    assert word.held.tolist() == [corpus.size]
    assert 0 < name.held.tolist()[0] < corpus.size
