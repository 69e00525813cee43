"""Chooses, in a large corpus, the interviews that are scored cell by cell.

In: where the question's words stand, the windows near to it in meaning, which interviews may be shown. Out: an
excerpt, and for how many interviews each of it stands. The likeliest interviews stand for themselves; a few of all the
others, spread evenly from the likelier to the unlikely, stand for the rest, so that what is usual is still known.
Scoring an excerpt gives nearly what scoring everything would (`bench.search_scale` measures how nearly).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import BUCKET_CELLS, Corpus, Mask, Numbers, sums_between
from search.excerpt import Excerpt
from search.scoring import (
    INTERVIEW_WORDS_WEIGHT,
    PRESENT_WEIGHT,
    SPEAKER_WEIGHT,
    Shares,
    mean_and_deviation,
)
from search.speaker_places import FULL_WORDS, interviews_with
from search.standing import Floats
from search.term_columns import TermColumns
from search.word_places import Places
from search.word_windows import SATURATION

# So many cells, and a share of all: the more there are, the more of them answer about equally well.
CANDIDATE_CELLS, CANDIDATE_SHARE = 10_000, 0.02
SAMPLE_CELLS, SAMPLE_SHARE = 5_000, 0.005
MEANT_SAMPLE_CELLS, MEANT_SAMPLE_SHARE = 12_000, 0.02  # by meaning alone, where no words steady what is usual
# Of all windows that may be shown, those that are asked of the vector index; by meaning alone nothing else tells.
NEAR_SHARE, MEANT_NEAR_SHARE = 0.07, 0.3


@dataclass(frozen=True, slots=True)
class NearWindows:
    """Windows of the corpus near to the question, and how close a usual window is: mean and deviation."""

    numbers: Ids  # (k,) in the order of `corpus.window_ids`
    closeness: Numbers  # (k,)
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Words of a question in a corpus: `guess_words` (b,), `interview_words` (m,), and how much they count."""

    words: Floats
    whole: Numbers
    trust: float


def choose_excerpt(
    corpus: Corpus,
    heard: Heard | None,
    near: Callable[[], NearWindows] | None,
    counted: Mask,
    allowed: Mask,
    speakers: Sequence[Places] = (),
) -> tuple[Excerpt, Shares]:
    """Return what to score. `counted` and `allowed` are (m,).

    `heard` is None in semantic mode, `near` in keyword mode; it is waited for when the words are counted.
    """
    guess = _guess(corpus, heard, near, speakers)
    order = np.argsort(-guess.promise, kind="stable")
    sizes = corpus.sizes
    chosen = _first(order[allowed[order]], sizes, candidate_cells(corpus))
    is_chosen = np.zeros(len(sizes), dtype=bool)
    is_chosen[chosen] = True
    others = order[counted[order] & ~is_chosen[order]]
    # what the candidates leave, as under a filter that allows few, tells better what is usual
    left = max(0, candidate_cells(corpus) - int(sizes[chosen].sum()))
    sampled = _spread_evenly(others, sizes, _sample_cells(corpus, heard is None) + left)
    stands_for = np.zeros(len(sizes))
    stands_for[chosen] = 1.0
    stands_for[sampled] = len(others) / max(len(sampled), 1)
    numbers = np.sort(np.concatenate([chosen, sampled]))
    wider = guess.wider(counted, stands_for)
    return Excerpt(corpus, numbers), Shares(counted[numbers], stands_for[numbers], *wider)


def candidate_cells(corpus: Corpus) -> int:
    """Return how many cells are scored of those that may be shown."""
    return CANDIDATE_CELLS + int(CANDIDATE_SHARE * corpus.size)


def _sample_cells(corpus: Corpus, by_meaning: bool) -> float:
    """Return how many cells of other interviews are scored to know what is usual."""
    if by_meaning:
        return MEANT_SAMPLE_CELLS + MEANT_SAMPLE_SHARE * corpus.size
    return SAMPLE_CELLS + SAMPLE_SHARE * corpus.size


def _first(ranked: Ids, sizes: Ids, cells: int) -> Ids:
    """Return the first interviews that together have so many cells, one at least."""
    return ranked[: max(1, int(np.searchsorted(np.cumsum(sizes[ranked]), cells, side="right")))]


def _spread_evenly(ranked: Ids, sizes: Ids, cells: float) -> Ids:
    """Return interviews at even distances that together have about so many cells."""
    if not len(ranked):
        return ranked
    count = min(len(ranked), max(1, round(cells / max(float(sizes[ranked].mean()), 1.0))))
    return ranked[((np.arange(count) + 0.5) * len(ranked) / count).astype(np.int64)]


@dataclass(frozen=True, slots=True)
class _Guess:
    """What `score_cells` would say, roughly: in buckets of cells, and of whole interviews."""

    words: _Sums
    promise: Numbers  # (m,) how well the best of each interview may answer

    def wider(self, counted: Mask, stands_for: Numbers) -> tuple[float, float]:
        """Return how much wider words, and interviews' best cells, vary in all than in the chosen interviews."""
        some, every = stands_for * counted, counted.astype(np.float64)
        words = self.words.deviation(every) / self.words.deviation(some)
        there = np.isfinite(self.promise)
        best = _deviation(self.promise[there], every[there]) / _deviation(self.promise[there], some[there])
        return words, best


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of values in buckets, what their deviation is made of: of each interview (m,)."""

    count: Numbers
    total: Numbers
    squares: Numbers

    @staticmethod
    def of(values: Floats, bounds: Ids) -> _Sums:
        """Sum the buckets (b,) of interviews that begin there (m + 1,)."""
        exact = values.astype(np.float64)
        total, squares = sums_between(exact, bounds), sums_between(exact * exact, bounds)
        return _Sums(np.diff(bounds).astype(np.float64), total, squares)

    def deviation(self, weights: Numbers) -> float:
        count, total, squares = (float((weights * sums).sum()) for sums in (self.count, self.total, self.squares))
        mean = total / max(count, 1e-12)
        return math.sqrt(max(squares / max(count, 1e-12) - mean * mean, 1e-18))


def _guess(
    corpus: Corpus, heard: Heard | None, near: Callable[[], NearWindows] | None, speakers: Sequence[Places]
) -> _Guess:
    buckets = int(corpus.bucket_starts[-1])
    words = np.zeros(buckets, dtype=np.float32) if heard is None else heard.words
    mixed = np.zeros(buckets, dtype=np.float32) if heard is None else np.float32(heard.trust) * _standard(words)
    sums = _Sums.of(words, corpus.bucket_starts)
    if near is not None:
        mixed += _meaning_in_buckets(corpus, near(), buckets)
    mixed /= np.float32(max(float(mixed.std()), 1e-9))
    present = interviews_with(corpus, speakers)
    if speakers:
        mixed += np.float32(SPEAKER_WEIGHT / 2) * _with_neighbours(_filled_by(speakers, buckets), 0.5)
    filled = np.flatnonzero(corpus.sizes)
    promise = np.full(len(present), -np.inf)
    promise[filled] = np.maximum.reduceat(mixed, corpus.bucket_starts[filled])
    if heard is not None:
        promise += heard.trust * INTERVIEW_WORDS_WEIGHT * heard.whole
    promise += PRESENT_WEIGHT * present
    return _Guess(sums, promise)


def _meaning_in_buckets(corpus: Corpus, near: NearWindows, buckets: int) -> Floats:
    """Return (b,) how close the closest place of each bucket is: a window, with those around it as cells see them."""
    closeness = (near.closeness - near.mean) / max(near.deviation, 1e-9)  # what is not near is as close as usual
    layout = corpus.window_layout
    meaning = np.zeros(buckets, dtype=np.float32)
    np.maximum.at(meaning, layout.bucket[near.numbers], layout.smoothed(near.numbers, closeness.astype(np.float32)))
    return meaning


def _filled_by(speakers: Sequence[Places], buckets: int) -> Floats:
    """Return (b,) how much of each bucket these speakers fill, each by himself."""
    words = np.zeros(buckets, dtype=np.float32)
    for places in speakers:
        where, said = places.in_buckets()
        words[where] += said
    words *= np.float32(1 / (FULL_WORDS * BUCKET_CELLS))
    return words


def guess_words(corpus: Corpus, terms: TermColumns) -> Floats:
    """Return (b,) how well each bucket of cells answers by their words, roughly."""
    total = np.zeros(int(corpus.bucket_starts[-1]), dtype=np.float32)
    for column in terms.columns:
        gain = np.float32(column.weight * column.rarity)
        buckets, times = column.places.in_buckets()
        total[buckets] += gain * times / (times + np.float32(SATURATION))
    return _with_neighbours(total, 0.5)


def _with_neighbours(values: Floats, share: float) -> Floats:
    around = values.copy()
    around[1:] += np.float32(share) * values[:-1]
    around[:-1] += np.float32(share) * values[1:]
    return around


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / np.float32(max(float(values.std()), 1e-9)))


def _deviation(values: Numbers, weights: Numbers) -> float:
    return max(mean_and_deviation(values, weights)[1], 1e-9)
