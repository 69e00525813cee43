"""Large corpora: what may answer is scored cell by cell, and the rest is known from a few."""

from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from search import candidates, ranking
from search.cell_index import CellIndex, Corpus
from search.excerpt import Excerpt, ranges
from search.faiss_index import FaissIndexes
from search.fakes import FakeVectorIndexes
from search.index_keeper import IndexKeeper
from search.ports import VectorIndexes
from search.speaker_places import places_of_speakers, said_by
from search.stems import stem
from search.values import Mode, Near, SearchFilters, SearchRequest, SimilarRequest
from search.words import keys_of
from tests.search.factories import Workshop
from tests.search.test_cell_index import WORDS, block_of
from tests.search.test_permissions import check_worlds

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
CHATTER = ("the weather is fine today", "we drove to the lake", "lunch was late again", "the train left at nine")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few cells count as many."""
    monkeypatch.setattr(ranking, "EXACT_CELLS", 0)
    monkeypatch.setattr(candidates, "CANDIDATE_CELLS", 12)
    monkeypatch.setattr(candidates, "CANDIDATE_SHARE", 0.0)
    monkeypatch.setattr(candidates, "SAMPLE_CELLS", 10)
    monkeypatch.setattr(candidates, "MEANT_SAMPLE_CELLS", 10)
    monkeypatch.setattr(candidates, "SAMPLE_SHARE", 0.0)
    monkeypatch.setattr(candidates, "MEANT_SAMPLE_SHARE", 0.0)


def corpus_of(names: str) -> Corpus:
    index = CellIndex()
    for number, name in enumerate(names):
        index.put(block_of(name, [WORDS[(number + place) % 4] for place in range(number % 5)], 100 * number))
    return index.corpus()


@pytest.mark.parametrize("chosen", ["", "a", "h", "bdf", "abcdefgh"])
def test_an_excerpt_says_what_a_corpus_of_its_interviews_says(chosen: str) -> None:
    whole = corpus_of("abcdefgh")
    excerpt = Excerpt(whole, np.array([whole.number_of[name] for name in chosen], dtype=np.int64))
    index = CellIndex()
    for name in chosen:
        number = "abcdefgh".index(name)
        index.put(block_of(name, [WORDS[(number + place) % 4] for place in range(number % 5)], 100 * number))
    alone = index.corpus()
    assert excerpt.interviews == alone.interviews
    assert excerpt.size == alone.size
    for name in ("starts", "interview_of", "first_segment", "last_segment", "word_count", "said_count", "term_count"):
        assert getattr(excerpt, name).tolist() == getattr(alone, name).tolist(), name
    assert excerpt.window_ids.tolist() == alone.window_ids.tolist()
    assert [bounds.tolist() for bounds in excerpt.windows] == [bounds.tolist() for bounds in alone.windows]
    for key in keys_of([stem(word) for word in WORDS]):
        times = excerpt.term_times(key)
        expected = alone.term_times(key)
        assert times is not None, "the whole corpus knows the word"
        assert times.tolist() == (np.zeros(alone.size) if expected is None else expected).tolist()
    speaks, speaks_alone = (said_by(part, places_of_speakers(part, ["A"])) for part in (excerpt, alone))
    assert speaks.tolist() == speaks_alone.tolist()
    assert excerpt.term_times(keys_of(["zebra"])[0]) is None


class FarAndNear:
    """In place of a keeper: windows of ids below `border` are close to every question, the others are not."""

    def __init__(self, border: int) -> None:
        self._border = border

    def closeness(self, ids: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.where(ids < self._border, 0.8, 0.1) + ids % 97 / 1000

    def near(self, vector: np.ndarray, above: float, among: np.ndarray) -> Near:
        scores = self.closeness(among, vector)
        return Near(among[scores > above], scores[scores > above].astype(np.float32))

    def holds_only(self, _: Corpus) -> bool:
        return False


def test_where_a_filter_keeps_what_is_far_from_the_question_some_of_it_is_near_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranking, "candidate_cells", lambda _: 10)
    corpus = corpus_of("".join(map(chr, range(256, 456))))
    kept = np.arange(len(corpus.interviews)) >= 100
    keeper = cast(IndexKeeper, FarAndNear(border=100 * 100))
    near = ranking._near_windows(keeper, corpus, np.zeros(4, dtype=np.float32), kept, 0.15)
    there = corpus.window_ids[near.numbers]
    assert 0 < len(there) < len(corpus.window_ids_of(kept)) / 2
    assert (there >= 100 * 100).all()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("kept", [3, 100, 487])
def test_what_a_filter_leaves_of_the_room_tells_what_is_usual(kept: int) -> None:
    # a prime number of interviews: even distances do not fall on equal sizes
    corpus = corpus_of("".join(map(chr, range(256, 743))))
    every, allowed = np.ones(487, dtype=bool), np.arange(487) < kept
    buckets = int(corpus.bucket_starts[-1])
    heard = candidates.Heard(np.zeros(buckets, dtype=np.float32), np.zeros(487), 1.0)
    part, shares = candidates.choose_excerpt(corpus, heard, None, every, allowed)
    assert part.size == pytest.approx(12 + 10, abs=4)  # an interview has up to four cells
    assert shares.stands_for.sum() == pytest.approx(487)


def test_an_excerpt_knows_who_speaks() -> None:
    whole = corpus_of("abcdefgh")
    excerpt = Excerpt(whole, np.array([3, 4]))
    here, everywhere = (said_by(part, places_of_speakers(part, ["A"])) for part in (excerpt, whole))
    assert here.any()
    assert everywhere[excerpt.cells].tolist() == here.tolist()


def test_ranges_are_laid_end_to_end() -> None:
    assert ranges(np.array([3, 9, 20]), np.array([2, 0, 3])).tolist() == [3, 4, 20, 21, 22]
    assert ranges(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def talk_a_lot(workshop: Workshop, count: int = 40) -> None:
    for number in range(count):
        workshop.add(*(CHATTER[(number + place) % 4] + " um" * 40 for place in range(6)), tags=["chat"])


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("indexes", [FakeVectorIndexes(), FaissIndexes(flat_windows=20)], ids=["fake", "coded"])
@pytest.mark.parametrize("mode", MODES)
def test_the_one_interview_that_answers_is_found_among_many(
    tmp_path: Path, indexes: VectorIndexes, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(tmp_path, indexes)
    talk_a_lot(workshop)
    answering = workshop.add("The invoice was wrong and the invoice came late." + " um" * 40)
    request = SearchRequest("wrong invoice", mode, 5)
    results = workshop.service.search(request).results
    assert results[0].interview.id == answering
    workshop.keeper.wait()
    monkeypatch.setattr(ranking, "EXACT_CELLS", 10**6)
    exact = workshop.restart().service.search(request).results
    assert exact[0].interview.id == answering
    assert results[0].score == pytest.approx(exact[0].score, rel=0.25)
    workshop.database.close()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("mode", MODES)
def test_a_filter_starves_nothing_however_little_it_keeps(workshop: Workshop, mode: Mode) -> None:
    for _ in range(30):
        workshop.add("The invoice was wrong again." + " um" * 40)
    kept = workshop.add("Something about an invoice, perhaps." + " um" * 40, tags=["rare"], speakers=["Zoë Xu"])
    for filters in (SearchFilters(tag="rare"), SearchFilters(speaker="zoe xu")):
        results = workshop.service.search(SearchRequest("wrong invoice", mode, 5, filters)).results
        assert [result.interview.id for result in results] == [kept]


@pytest.mark.usefixtures("large")
def test_a_quoted_phrase_is_found_wherever_it_stands(workshop: Workshop) -> None:
    for _ in range(30):
        workshop.add("Sign in once, single invoice, sign on." + " um" * 40)
    kept = workshop.add("They want single sign on." + " um" * 40)
    results = workshop.service.search(SearchRequest('"single sign on" invoice', limit=5)).results
    assert [result.interview.id for result in results] == [kept]


@pytest.mark.usefixtures("large")
def test_moments_like_another_are_found_among_many(workshop: Workshop) -> None:
    talk_a_lot(workshop)
    one = workshop.add("The invoice was wrong and late." + " um" * 40)
    other = workshop.add("The invoice was wrong and late again." + " um" * 40)
    assert workshop.service.similar(SimilarRequest(one, 0, 0, 1))[0].interview.id == other


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("indexes", [FakeVectorIndexes(), FaissIndexes()], ids=["fake", "faiss"])
def test_an_answer_from_an_excerpt_is_that_of_the_corpus_without_the_secrets(
    tmp_path: Path, indexes: VectorIndexes
) -> None:
    assert check_worlds(tmp_path, indexes, range(300, 306), viewers=3, questions=4) > 20


def test_blocks_stop_being_joined_when_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.cell_index.MOST_CELLS", 30)
    index = CellIndex()
    for number in range(60):
        index.put(block_of(str(number), ["apple", "boat"], number * 10))
    sizes = [block.size for block in index.corpus().blocks]
    assert max(sizes) <= 30
    assert all(larger + smaller > 15 for larger, smaller in pairwise(sizes))
