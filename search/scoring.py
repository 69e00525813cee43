"""Scores every cell for a question: words and meaning over windows, the neighbourhood, the whole interview.

In: a corpus, the question's terms, and how close each embedded window is. Out: one number for each cell. `service`
calls `score_cells`; `spans` turns the numbers into moments. The order of the steps and their weights were chosen on
meetings of three kinds (product, academic, committee) and checked on others; none is fitted to questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import Corpus, Mask, Numbers, sums_between
from search.term_columns import TermColumns
from search.values import Mode

WORD_WINDOWS = (8, 16)  # cells
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
SPEAKER_FULL_WORDS = 25  # somebody who says this much in a cell fills it

# BM25's usual constants: saturation of repeated words, and correction for length.
SATURATION = 1.2
_B = 0.75
_LEAST_LENGTH = 0.5  # of the mean: an interview of three words is not the best answer because it is short


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
    speakers: tuple[str, ...] = (),
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
        words = usual.cells.standard(_words(corpus, terms, usual, dropped)) / shares.wider_words
    if closeness is None:
        mixed = usual.cells.standard(words)
    else:
        begin, end = corpus.windows
        meaning = usual.cells.standard(_spread(corpus.size, begin, end, closeness()))
        mixed = 0.5 * meaning
        if mode != "semantic":
            mixed = mixed + 0.5 * terms.trust * words
        mixed = usual.cells.standard(mixed)
    if dropped is not None and dropped.any():
        mixed = np.where(dropped, mixed.min(), mixed)
    around = (MEANT_AROUND_CELLS,) * 2 if mode == "semantic" else (HEARD_BEFORE_CELLS, HEARD_AFTER_CELLS)
    score = usual.cells.standard(smooth(corpus, mixed, *around))
    if mode != "semantic":
        trust = 1.0 if closeness is None else terms.trust
        score = score + trust * INTERVIEW_WORDS_WEIGHT * whole[corpus.interview_of]
    if speakers:
        score = score + _speaker_score(corpus, speakers)
    best = usual.interviews.standard(_best_cells(corpus, score)) / shares.wider_best
    return score + INTERVIEW_BEST_WEIGHT * best[corpus.interview_of]


def interview_words(corpus: Corpus, terms: TermColumns, counted: Mask, dropped: Mask | None = None) -> Numbers:
    """Return (m,) BM25 of each whole interview, standardised; statistics come from the `counted` ones (m,).

    Cells that are `dropped` (n,) do not count.
    """
    times = []
    for column in terms.columns:
        cells, often = column.postings
        if dropped is not None:
            often = often * ~dropped[cells]
        times.append(sums_between(often, column.bounds))
    weights = _Weights(counted.astype(np.float64), np.ones(len(counted)))
    found = zip(((column.weight * column.interview_rarity) for column in terms.columns), times, strict=True)
    length = corpus.interview_terms
    return weights.standard(_bm25(found, _saturation(length, _usual_length(length, weights.counted))))


@dataclass(frozen=True, slots=True)
class _Weights:
    """For how many each unit stands: the counted ones, and all."""

    counted: Numbers
    every: Numbers

    def standard(self, values: Numbers) -> Numbers:
        """Return `values` less their mean, in deviations, both of the counted ones; zeros when all are alike.

        Where the counted ones alone are alike, as with a word that only a restricted project knows, all are counted.
        """
        for weights in (self.counted, self.every):
            mean, deviation = mean_and_deviation(values, weights)
            if deviation >= 1e-9:
                return np.asarray((values - mean) / deviation)
        return np.zeros(len(values))


def mean_and_deviation(values: Numbers, weights: Numbers) -> tuple[float, float]:
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


def smooth(corpus: Corpus, values: Numbers, before: float, after: float) -> Numbers:
    """Return `values` (n,) averaged along each interview with Gaussian weights, never across two interviews.

    `before` and `after` are the weights' deviations, in cells, over what comes before a cell and what comes after it.
    """
    reach = int(4 * max(before, after) + 0.5)
    steps = np.arange(-reach, reach + 1)  # a cell of positive step comes before
    kernel = np.exp(-0.5 * (steps / np.where(steps > 0, before, after)) ** 2)
    # interviews laid out with gaps wider than the kernel
    places = np.arange(corpus.size) + corpus.interview_of * reach + reach
    room = (int(places[-1]) if corpus.size else 0) + reach + 1
    laid, weight = np.zeros(room), np.zeros(room)
    laid[places], weight[places] = values, 1.0
    spread = np.convolve(laid, kernel, "same")[places]
    return np.asarray(spread / np.maximum(np.convolve(weight, kernel, "same")[places], 1e-12))


def _words(corpus: Corpus, terms: TermColumns, usual: _Usual, dropped: Mask | None) -> Numbers:
    """Return (n,) the sum of the standardised word windows."""
    running = []
    for column in terms.columns:
        times = corpus.spread(corpus.locate(column.postings, column.bounds))
        running.append((column.weight * column.rarity, _running(times if dropped is None else times * ~dropped)))
    length = _running(corpus.term_count.astype(np.float64))
    total = np.zeros(corpus.size)
    for size in WORD_WINDOWS:
        windows = _Windows.of(corpus, size)
        lengths = windows.sums(length)
        usual_length = _usual_length(windows.pick(lengths), usual.cells.counted[windows.begin])
        found = ((weight, windows.sums(sums)) for weight, sums in running)
        scores = windows.pick(_bm25(found, _saturation(lengths, usual_length)))
        total += usual.cells.standard(_spread(corpus.size, windows.begin, windows.end, scores))
    return total


@dataclass(frozen=True, slots=True)
class _Windows:
    """[`begin`, `end`) of all windows of `size` cells (w,); an interview that is shorter is one window.

    Summing every run of `size` cells, those across two interviews too, and picking the windows at the end takes a
    fraction of looking up both ends of each window for every word: the runs lie side by side.
    """

    size: int
    begin: Ids
    end: Ids
    runs: int
    short: Ids  # which windows are shorter; their sums follow those of the runs
    place: Ids  # (w,) of each window among the sums

    @staticmethod
    def of(corpus: Corpus, size: int) -> _Windows:
        starts, ends = corpus.starts[:-1], corpus.starts[1:]
        last_start = np.maximum(ends - size, starts)[corpus.interview_of]
        begin = np.arange(corpus.size)
        begin = begin[begin <= last_start]
        end = np.minimum(begin + size, ends[corpus.interview_of[begin]])
        runs = max(corpus.size + 1 - size, 0)
        short = np.flatnonzero(end - begin < size)
        place = begin.copy()
        place[short] = runs + np.arange(len(short))
        return _Windows(size, begin, end, runs, short, place)

    def sums(self, running: Numbers) -> Numbers:
        """Return the sums of values whose running sums (n + 1,) these are."""
        sums = np.empty(self.runs + len(self.short))
        np.subtract(running[self.size :], running[: self.runs], out=sums[: self.runs])
        sums[self.runs :] = running[self.end[self.short]] - running[self.begin[self.short]]
        return sums

    def pick(self, sums: Numbers) -> Numbers:
        """Return (w,) those of the windows."""
        return sums[self.place]


def _usual_length(length: Numbers, weights: Numbers) -> float:
    total = weights.sum()
    return max(float((weights * length).sum() / total), 1e-12) if total > 0 else 1.0


def _saturation(length: Numbers, usual: float) -> Numbers:
    """Return what BM25 adds to the times of a word in a unit of `length` terms."""
    return np.asarray(SATURATION * (1 - _B + _B * np.maximum(length / usual, _LEAST_LENGTH)))


def _bm25(found: Iterable[tuple[float, Numbers]], saturation: Numbers) -> Numbers:
    """Return BM25 of units from (weight, times in each unit) of each word.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    scores = np.zeros(len(saturation))
    gained, saturated = np.empty(len(saturation)), np.empty(len(saturation))
    for weight, times in found:
        np.multiply(times, weight * (SATURATION + 1), out=gained)
        np.add(times, saturation, out=saturated)
        gained /= saturated
        scores += gained
    return scores


def _spread(size: int, begin: Ids, end: Ids, scores: Numbers) -> Numbers:
    """Return (size,) for each cell the mean score of the windows that hold it; 0 where none does."""
    total = np.bincount(begin, scores, size + 1) - np.bincount(end, scores, size + 1)
    held = np.bincount(begin, minlength=size + 1) - np.bincount(end, minlength=size + 1)
    return np.asarray(np.cumsum(total)[:size] / np.maximum(np.cumsum(held)[:size], 1))


def _speaker_score(corpus: Corpus, names: tuple[str, ...]) -> Numbers:
    words = corpus.speaker_words(names)
    near = SPEAKER_SMOOTHING_CELLS
    here = smooth(corpus, np.minimum(words / SPEAKER_FULL_WORDS, 1.0), near, near)
    present = np.bincount(corpus.interview_of, words > 0, len(corpus.interviews)) > 0
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


def _running(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])
