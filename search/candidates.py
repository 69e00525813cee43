"""Chooses, in a large corpus, the interviews that are scored cell by cell.

In: where the question's words stand, the windows near to it in meaning, which interviews may be shown. Out: an
excerpt, and for how many interviews each of it stands. The likeliest interviews stand for themselves; a few of all the
others, spread evenly from the likelier to the unlikely, stand for the rest, so that what is usual is still known.
Scoring an excerpt gives nearly what scoring everything would (`bench.search_scale` measures how nearly).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import BUCKET_CELLS, Corpus, Mask, Numbers, first_of_runs
from search.excerpt import Excerpt
from search.scoring import (
    INTERVIEW_WORDS_WEIGHT,
    PRESENT_WEIGHT,
    SATURATION,
    SPEAKER_FULL_WORDS,
    SPEAKER_WEIGHT,
    Shares,
    mean_and_deviation,
)
from search.term_columns import TermColumns

# So many cells, and a share of all: the more there are, the more of them answer about equally well.
CANDIDATE_CELLS, CANDIDATE_SHARE = 10_000, 0.02
SAMPLE_CELLS, SAMPLE_SHARE = 5_000, 0.005
MEANT_SAMPLE_CELLS = 12_000  # by meaning alone, where no words steady what is usual
# Of all windows that may be shown, those that are asked of the vector index; by meaning alone nothing else tells.
NEAR_SHARE, MEANT_NEAR_SHARE = 0.15, 0.3

_AROUND = (0.1, 0.24, 0.32, 0.24, 0.1)  # of windows side by side: spread to cells and smoothed
_REACH = len(_AROUND) // 2
# How much they weigh together where so many windows come before, and so many after; never across two interviews.
_WEIGHT_OF = np.array(
    [
        [sum(_AROUND[_REACH - before : _REACH + 1 + after]) for after in range(_REACH + 1)]
        for before in range(_REACH + 1)
    ]
)

_FEW = 16  # cells that are fewer than this part of all buckets are counted one by one


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

    words: Numbers
    whole: Numbers
    trust: float


def choose_excerpt(
    corpus: Corpus,
    heard: Heard | None,
    near: NearWindows | None,
    counted: Mask,
    allowed: Mask,
    speakers: tuple[str, ...] = (),
) -> tuple[Excerpt, Shares]:
    """Return what to score. `counted` and `allowed` are (m,).

    `heard` is None in semantic mode, `near` in keyword mode.
    """
    guess = _guess(corpus, heard, near, speakers)
    order = np.argsort(-guess.promise, kind="stable")
    sizes = corpus.sizes
    chosen = _first(order[allowed[order]], sizes, candidate_cells(corpus))
    is_chosen = np.zeros(len(sizes), dtype=bool)
    is_chosen[chosen] = True
    others = order[counted[order] & ~is_chosen[order]]
    sample_cells = (MEANT_SAMPLE_CELLS if heard is None else SAMPLE_CELLS) + SAMPLE_SHARE * corpus.size
    sampled = _spread_evenly(others, sizes, sample_cells)
    stands_for = np.zeros(len(sizes))
    stands_for[chosen] = 1.0
    stands_for[sampled] = len(others) / max(len(sampled), 1)
    numbers = np.sort(np.concatenate([chosen, sampled]))
    wider = guess.wider(counted, stands_for)
    return Excerpt(corpus, numbers), Shares(counted[numbers], stands_for[numbers], *wider)


def candidate_cells(corpus: Corpus) -> int:
    """Return how many cells are scored of those that may be shown."""
    return CANDIDATE_CELLS + int(CANDIDATE_SHARE * corpus.size)


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
    """What `score_cells` would say, roughly: in buckets of cells (b,), and of whole interviews (m,)."""

    words: Numbers  # (b,)
    interview_of: Ids  # (b,)
    promise: Numbers  # (m,) how well the best of each interview may answer

    def wider(self, counted: Mask, stands_for: Numbers) -> tuple[float, float]:
        """Return how much wider words, and interviews' best cells, vary in all than in the chosen interviews."""
        some, every = stands_for * counted, counted.astype(np.float64)
        words = _deviation(self.words, every[self.interview_of]) / _deviation(self.words, some[self.interview_of])
        there = np.isfinite(self.promise)
        best = _deviation(self.promise[there], every[there]) / _deviation(self.promise[there], some[there])
        return words, best


def _guess(corpus: Corpus, heard: Heard | None, near: NearWindows | None, speakers: tuple[str, ...]) -> _Guess:
    bucket_of, interview_of = corpus.buckets
    words = np.zeros(len(interview_of)) if heard is None else heard.words
    mixed = np.zeros(len(words)) if heard is None else heard.trust * _standard(words)
    if near is not None:
        mixed += _meaning_in_buckets(corpus, near, len(mixed))
    mixed /= max(float(mixed.std()), 1e-9)
    present = np.zeros(len(corpus.interviews), dtype=bool)
    if speakers:
        spoken, said = corpus.speaker_postings(speakers)
        present = np.diff(corpus.speaker_bounds(speakers)) > 0
        filled_by = np.minimum(said / SPEAKER_FULL_WORDS, 1.0)
        here = np.bincount(bucket_of[spoken], filled_by, len(mixed)) / BUCKET_CELLS
        mixed += SPEAKER_WEIGHT * _with_neighbours(here, 0.5) / 2
    filled = np.flatnonzero(corpus.sizes)
    promise = np.full(len(present), -np.inf)
    promise[filled] = np.maximum.reduceat(mixed, bucket_of[corpus.starts[filled]])
    if heard is not None:
        promise += heard.trust * INTERVIEW_WORDS_WEIGHT * heard.whole
    promise += PRESENT_WEIGHT * present
    return _Guess(words, interview_of, promise)


def _meaning_in_buckets(corpus: Corpus, near: NearWindows, buckets: int) -> Numbers:
    """Return (b,) how close the closest place of each bucket is: a window, with those around it as cells see them."""
    first_cell = corpus.windows[0][near.numbers]
    interview = corpus.interview_of[first_cell]
    # laid out with room on both sides of each interview; in 32 bits, as it is looked up all over
    here = near.numbers + _REACH * (interview + 1)
    close = np.zeros(int(corpus.window_starts[-1]) + _REACH * (len(corpus.interviews) + 1), dtype=np.float32)
    close[here] = (near.closeness - near.mean) / max(near.deviation, 1e-9)  # what is not near is as close as usual
    smoothed = np.zeros(len(here), dtype=np.float32)
    for step, weight in enumerate(_AROUND):
        smoothed += np.float32(weight) * close[here + (step - _REACH)]
    before = np.minimum(near.numbers - corpus.window_starts[interview], _REACH)
    after = np.minimum(corpus.window_starts[interview + 1] - 1 - near.numbers, _REACH)
    smoothed /= _WEIGHT_OF[before, after]
    meaning = np.zeros(buckets, dtype=np.float32)
    np.maximum.at(meaning, corpus.buckets[0][first_cell], smoothed)
    return meaning.astype(np.float64)


def guess_words(corpus: Corpus, terms: TermColumns) -> Numbers:
    """Return (b,) how well each bucket of cells answers by their words, roughly."""
    bucket_of, interview_of = corpus.buckets
    total = np.zeros(len(interview_of))
    for column in terms.columns:
        cells, times = column.postings
        buckets = bucket_of[cells]
        if len(cells) > len(total) // _FEW:
            counted = np.bincount(buckets, times, len(total)).astype(np.float64, copy=False)
            counted /= counted + SATURATION
            counted *= column.weight * column.rarity
            total += counted
        else:
            first = first_of_runs(buckets)
            counted = np.add.reduceat(times, first)
            total[buckets[first]] += column.weight * column.rarity * counted / (counted + SATURATION)
    return _with_neighbours(total, 0.5)


def _with_neighbours(values: Numbers, share: float) -> Numbers:
    around = values.copy()
    around[1:] += share * values[:-1]
    around[:-1] += share * values[1:]
    return around


def _standard(values: Numbers) -> Numbers:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))


def _deviation(values: Numbers, weights: Numbers) -> float:
    return max(mean_and_deviation(values, weights)[1], 1e-9)
