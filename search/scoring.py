"""Scores every cell for a question: words and meaning over windows, the neighbourhood, the whole interview.

In: a corpus, the question's terms, and how close each embedded window is. Out: one number for each cell. `service`
calls `score_cells`; `spans` turns the numbers into moments. The order of the steps and their weights were chosen on
meetings of three kinds (product, academic, committee) and checked on others; none is fitted to questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.cell_index import Corpus, Mask, Numbers
from search.values import Mode
from search.words import Keys

WORD_WINDOWS = (8, 16)  # cells
PAIR_WEIGHT = 0.3
SMOOTHING_CELLS = 2.0
INTERVIEW_WORDS_WEIGHT = 0.5
INTERVIEW_BEST_WEIGHT = 1.2
INTERVIEW_BEST_CELLS = 4
SPEAKER_WEIGHT = 1.0
PRESENT_WEIGHT = 0.5
SPEAKER_SMOOTHING_CELLS = 4.0
SPEAKER_FULL_WORDS = 25  # somebody who says this much in a cell fills it

# BM25's usual constants: saturation of repeated words, and correction for length.
_K1 = 1.2
_B = 0.75


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question asks for: keys of its words and of its pairs of words, and speakers it names."""

    terms: Keys
    pairs: Keys
    speakers: tuple[str, ...] = ()


def score_cells(corpus: Corpus, topic: Topic, closeness: Numbers | None, mode: Mode, seen: Mask) -> Numbers:
    """Return (n,) how well each cell answers, in deviations from the mean; comparable within one question only.

    `closeness` is (w,) in the order of `corpus.window_ids`, None in keyword mode. Statistics come from the cells of
    the interviews that are `seen` (m,) alone, as if the others did not exist; the others' scores mean nothing.
    """
    cells = seen[corpus.interview_of]
    columns = _Columns.of(corpus, topic)
    words = _words(corpus, columns, seen)
    if closeness is None:
        mixed = _standard(words, cells)
    else:
        begin, end = corpus.windows
        meaning = _standard(_spread(corpus.size, begin, end, closeness), cells)
        mixed = meaning if mode == "semantic" else _standard(0.5 * meaning + 0.5 * _standard(words, cells), cells)
    score = _standard(smooth(corpus, mixed, SMOOTHING_CELLS), cells)
    if mode != "semantic":
        whole = _bm25(corpus, columns, corpus.starts[:-1], corpus.starts[1:], seen)
        score = score + INTERVIEW_WORDS_WEIGHT * _standard(whole, seen)[corpus.interview_of]
    if topic.speakers:
        score = score + _speaker_score(corpus, topic.speakers)
    best = _best_cells(corpus, score)
    return score + INTERVIEW_BEST_WEIGHT * _standard(best, seen)[corpus.interview_of]


def smooth(corpus: Corpus, values: Numbers, deviation: float) -> Numbers:
    """Return `values` (n,) averaged along each interview with Gaussian weights, never across two interviews."""
    reach = int(4 * deviation + 0.5)
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / deviation) ** 2)
    # interviews laid out with gaps wider than the kernel
    places = np.arange(corpus.size) + corpus.interview_of * reach + reach
    room = (int(places[-1]) if corpus.size else 0) + reach + 1
    laid, weight = np.zeros(room), np.zeros(room)
    laid[places], weight[places] = values, 1.0
    spread = np.convolve(laid, kernel, "same")[places]
    return np.asarray(spread / np.maximum(np.convolve(weight, kernel, "same")[places], 1e-12))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Running sums (n + 1,) of each term's times, with the term's weight; and of all words."""

    terms: list[tuple[float, Numbers]]
    length: Numbers

    @staticmethod
    def of(corpus: Corpus, topic: Topic) -> _Columns:
        found = [(1.0, corpus.term_times(key)) for key in topic.terms]
        found += [(PAIR_WEIGHT, corpus.term_times(key, pairs=True)) for key in topic.pairs]
        sums = [(weight, _running(times)) for weight, times in found if times is not None]
        return _Columns(sums, _running(corpus.term_count.astype(np.float64)))


def _words(corpus: Corpus, columns: _Columns, seen: Mask) -> Numbers:
    """Return (n,) the sum of the standardised word windows."""
    total = np.zeros(corpus.size)
    cells = seen[corpus.interview_of]
    for size in WORD_WINDOWS:
        begin, end = _sliding(corpus, size)
        scores = _bm25(corpus, columns, begin, end, seen)
        total += _standard(_spread(corpus.size, begin, end, scores), cells)
    return total


def _sliding(corpus: Corpus, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return [from, to) of all windows of `size` cells; an interview that is shorter is one window."""
    starts, ends = corpus.starts[:-1], corpus.starts[1:]
    last_start = np.maximum(ends - size, starts)[corpus.interview_of]
    begin = np.arange(corpus.size)
    begin = begin[begin <= last_start]
    return begin, np.minimum(begin + size, ends[corpus.interview_of[begin]])


def _bm25(corpus: Corpus, columns: _Columns, begin: np.ndarray, end: np.ndarray, seen: Mask) -> Numbers:
    """Return BM25 of windows given as [begin, end). An interview without cells gets 0.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    scores = np.zeros(len(begin))
    if corpus.size == 0:
        return scores
    known = seen[corpus.interview_of[np.minimum(begin, corpus.size - 1)]]
    length = columns.length[end] - columns.length[begin]
    count = int(known.sum())
    usual = length[known].mean() if count else 0.0
    saturation = _K1 * (1 - _B + _B * length / max(usual, 1e-12))
    for weight, running in columns.terms:
        times = running[end] - running[begin]
        holding = int((times[known] > 0).sum())
        rarity = np.log1p((count - holding + 0.5) / (holding + 0.5))
        scores += weight * rarity * times * (_K1 + 1) / np.maximum(times + saturation, 1e-12)
    return scores


def _spread(size: int, begin: np.ndarray, end: np.ndarray, scores: Numbers) -> Numbers:
    """Return (size,) for each cell the mean score of the windows that hold it; 0 where none does."""
    total = np.bincount(begin, scores, size + 1) - np.bincount(end, scores, size + 1)
    held = np.bincount(begin, minlength=size + 1) - np.bincount(end, minlength=size + 1)
    return np.asarray(np.cumsum(total)[:size] / np.maximum(np.cumsum(held)[:size], 1))


def _speaker_score(corpus: Corpus, names: tuple[str, ...]) -> Numbers:
    words = corpus.speaker_words(names)
    here = smooth(corpus, np.minimum(words / SPEAKER_FULL_WORDS, 1.0), SPEAKER_SMOOTHING_CELLS)
    present = np.bincount(corpus.interview_of, words > 0, len(corpus.interviews)) > 0
    return np.asarray(SPEAKER_WEIGHT * here + PRESENT_WEIGHT * present[corpus.interview_of])


def _best_cells(corpus: Corpus, score: Numbers) -> Numbers:
    """Return (m,) the mean of each interview's best cells; 0 for an interview without cells."""
    ranked = score[np.lexsort((score, corpus.interview_of))]  # rising within each interview
    running = _running(ranked)
    starts, ends = corpus.starts[:-1], corpus.starts[1:]
    begin = np.maximum(ends - INTERVIEW_BEST_CELLS, starts)
    return np.asarray((running[ends] - running[begin]) / np.maximum(ends - begin, 1))


def _standard(values: Numbers, counted: Mask) -> Numbers:
    """Return `values` less their mean, in deviations, both of the counted ones; zeros when all are alike."""
    some = values[counted]
    deviation = float(some.std()) if len(some) else 0.0
    if deviation < 1e-9:
        return np.zeros(len(values))
    return np.asarray((values - some.mean()) / deviation)


def _running(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])
