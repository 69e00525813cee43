"""Scores every cell for a question: words and meaning over windows, the neighbourhood, the whole interview.

In: a corpus, the question's terms, and how close each embedded window is. Out: one number for each cell. `service`
calls `score_cells`; `spans` turns the numbers into moments. The order of the steps and their weights were chosen on
meetings of three kinds (product, academic, committee) and checked on others; none is fitted to questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from search.cell_index import Corpus, Mask, Numbers
from search.cell_windows import CellWindows
from search.cells import WINDOW_CELLS
from search.speaker_places import said_by
from search.standing import Floats
from search.term_columns import TermColumns
from search.values import Mode
from search.word_places import Places
from search.word_windows import score_interviews, score_windows

# A moment begins when its words are said; what follows answers, with other words. So a cell is heard together with
# what was said before it rather than with what comes after. Meaning alone knows no such order: an answer is as close to
# the question as what announced it.
HEARD_BEFORE_CELLS = 2.5
HEARD_AFTER_CELLS = 1.5
MEANT_AROUND_CELLS = 2.0
INTERVIEW_WORDS_WEIGHT = 0.5
INTERVIEW_BEST_WEIGHT = 1.2
INTERVIEW_BEST_CELLS = 4
SPEAKER_WEIGHT = 1.0
PRESENT_WEIGHT = 0.5
SPEAKER_SMOOTHING_CELLS = 4.0


@dataclass(frozen=True, slots=True)
class Shares:
    """Whose statistics count (what a usual score is, how long an interview usually), and for how many each stands.

    Of an excerpt, `wider_words` and `wider_best` say how much more a signal varies in all than in the excerpt as it is
    weighed.
    """

    counted: Mask  # (m,)
    stands_for: Numbers  # (m,) interviews; 1 where every interview is scored
    wider_words: float = 1.0
    wider_best: float = 1.0

    @staticmethod
    def alone(counted: Mask) -> Shares:
        """Each interview stands for itself."""
        return Shares(counted, np.ones(len(counted)))


def score_cells(
    corpus: Corpus,
    terms: TermColumns,
    whole: Numbers,
    closeness: Callable[[], Numbers] | None,
    mode: Mode,
    shares: Shares,
    dropped: Mask | None = None,
) -> Numbers:
    """Return (n,) how well each cell answers, in deviations from the mean; comparable within one question only.

    `terms` are found in the whole corpus of which `corpus` may be an excerpt, and `whole` (m,) is what
    `interview_words` says there of the interviews here (not looked at in semantic mode). `closeness` returns (w,) in
    the order of `corpus.window_ids`, and is asked when the words are counted; None in keyword mode. Cells that are
    `dropped` (n,) do not speak for those around them: nobody asks for what is next to the excluded.
    """
    usual = _Usual.of(corpus, shares)
    words = np.zeros(0)
    if mode != "semantic":
        windows = score_windows(corpus, terms, usual.cells.counted, dropped)
        by_length = [usual.cells.standard(scores) for scores in windows]
        words = usual.cells.standard(sum(by_length, np.zeros(corpus.size))) / shares.wider_words
    if closeness is None:
        mixed = usual.cells.standard(words)
    else:
        meaning = usual.cells.standard(_meant(corpus, closeness()))
        mixed = 0.5 * meaning
        if mode != "semantic":
            mixed = mixed + 0.5 * terms.trust * words
        mixed = usual.cells.standard(mixed)
    if dropped is not None and dropped.any():
        mixed = np.where(dropped, mixed.min(), mixed)
    around = (MEANT_AROUND_CELLS,) * 2 if mode == "semantic" else (HEARD_BEFORE_CELLS, HEARD_AFTER_CELLS)
    score = usual.cells.standard(smooth(corpus, mixed, *around))
    if mode != "semantic":
        score = score + terms.trust * INTERVIEW_WORDS_WEIGHT * whole[corpus.interview_of]
    if terms.speakers:
        score = score + _speaker_score(corpus, terms.speakers)
    best = usual.interviews.standard(_best_cells(corpus, score)) / shares.wider_best
    return score + INTERVIEW_BEST_WEIGHT * best[corpus.interview_of]


def interview_words(corpus: Corpus, terms: TermColumns, counted: Mask, dropped: Mask | None = None) -> Numbers:
    """Return (m,) BM25 of each whole interview, standardised; statistics come from the `counted` ones (m,).

    Cells that are `dropped` (n,) do not count.
    """
    weights = _Weights(counted.astype(np.float64), np.ones(len(counted)))
    return weights.standard(score_interviews(corpus, terms, counted, dropped))


@dataclass(frozen=True, slots=True)
class _Weights:
    """For how many each unit stands: the counted ones, and all."""

    counted: Numbers
    every: Numbers

    def standard(self, values: Numbers | Floats) -> Numbers:
        """Return `values` less their mean, in deviations, both of the counted ones; zeros when all are alike.

        Where the counted ones alone are alike, as with a word that only a restricted project knows, all are counted.
        """
        for weights in (self.counted, self.every):
            mean, deviation = mean_and_deviation(values, weights)
            if deviation >= 1e-9:
                return np.asarray((values - mean) / deviation)
        return np.zeros(len(values))


def mean_and_deviation(values: Numbers | Floats, weights: Numbers) -> tuple[float, float]:
    """Return the weighted mean and deviation; zeros where nothing weighs anything.

    Summed without BLAS: its threads wait for each other longer than such a sum takes.
    """
    total = max(float(weights.sum()), 1e-12)
    mean = float((weights * values).sum()) / total
    apart = values - mean
    return mean, float(np.sqrt((weights * apart * apart).sum() / total))


@dataclass(frozen=True, slots=True)
class _Usual:
    cells: _Weights
    interviews: _Weights

    @staticmethod
    def of(corpus: Corpus, shares: Shares) -> _Usual:
        interviews = _Weights(shares.stands_for * shares.counted, shares.stands_for)
        cells = _Weights(np.repeat(interviews.counted, corpus.sizes), np.repeat(interviews.every, corpus.sizes))
        return _Usual(cells, interviews)


def smooth(corpus: Corpus, values: Numbers | Floats, before: float, after: float) -> Numbers:
    """Return `values` (n,) averaged along each interview with Gaussian weights, never across two interviews.

    `before` and `after` are the weights' deviations, in cells, over what comes before a cell and what comes after it.
    """
    reach = int(4 * max(before, after) + 0.5)
    steps = np.arange(-reach, reach + 1)  # a cell of negative step comes before
    kernel = np.exp(-0.5 * (steps / np.where(steps < 0, before, after)) ** 2)
    # interviews laid out with gaps as wide as the kernel reaches
    cells, starts = np.arange(corpus.size), np.repeat(corpus.starts[:-1], corpus.sizes)
    places = cells + corpus.interview_of * reach
    laid = np.zeros(corpus.size + (len(corpus.interviews) + 2) * reach, dtype=np.float32)
    laid[places + reach] = values
    spread = np.zeros(len(laid) - 2 * reach, dtype=np.float32)
    part = np.empty_like(spread)
    for place, weight in enumerate(kernel.astype(np.float32)):
        np.multiply(laid[place : place + len(spread)], weight, out=part)
        spread += part
    held = np.concatenate([[0.0], np.cumsum(kernel)])
    first = reach - np.minimum(cells - starts, reach)
    last = reach + np.minimum(np.repeat(corpus.starts[1:], corpus.sizes) - cells, reach + 1)
    return np.asarray(spread[places] / (held[last] - held[first]))


def _meant(corpus: Corpus, closeness: Numbers) -> Floats:
    """Return (n,) for each cell how close the windows are that hold it, on average."""
    begin, end = corpus.windows
    scores = np.zeros(corpus.size, dtype=np.float32)
    scores[begin] = closeness
    return CellWindows.of(WINDOW_CELLS, corpus.size, begin, end).spread(scores)


def _speaker_score(corpus: Corpus, speakers: Sequence[Places]) -> Numbers:
    filled = said_by(corpus, speakers)
    near = SPEAKER_SMOOTHING_CELLS
    here = smooth(corpus, filled, near, near)
    present = np.bincount(corpus.interview_of, filled > 0, len(corpus.interviews)) > 0
    return np.asarray(SPEAKER_WEIGHT * here + PRESENT_WEIGHT * present[corpus.interview_of])


def _best_cells(corpus: Corpus, score: Numbers) -> Numbers:
    """Return (m,) the mean of each interview's best cells; 0 for an interview without cells."""
    sizes = corpus.sizes
    filled = np.flatnonzero(sizes)
    best = np.zeros(len(sizes))
    left = score.copy()
    for turn in range(INTERVIEW_BEST_CELLS if len(filled) else 0):
        top = np.maximum.reduceat(left, corpus.starts[filled])
        best[filled] += np.where(sizes[filled] > turn, top, 0.0)
        tops = np.repeat(top, sizes[filled])
        places = np.flatnonzero(left == tops)
        first = np.unique(corpus.interview_of[places], return_index=True)[1]
        left[places[first]] = -np.inf
    return best / np.maximum(np.minimum(sizes, INTERVIEW_BEST_CELLS), 1)
