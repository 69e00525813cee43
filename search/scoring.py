"""Scores every cell for a question: words and meaning over windows, the neighbourhood, the whole interview.

In: a corpus, the question's terms, and how close each embedded window is. Out: one number for each cell. `service`
calls `score_cells`; `spans` turns the numbers into moments. The order of the steps and their weights were chosen on
meetings of three kinds (product, academic, committee) and checked on others; none is fitted to questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search.cell_block import Ids
from search.cell_index import Corpus, Mask, Numbers
from search.values import Mode
from search.words import Keys

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
NEAR_WEIGHT = 0.2  # of two words of the question, one after the other there, said in one cell in whatever order
SPEAKER_SMOOTHING_CELLS = 4.0
SPEAKER_FULL_WORDS = 25  # somebody who says this much in a cell fills it

# BM25's usual constants: saturation of repeated words, and correction for length.
_K1 = 1.2
_B = 0.75
_LEAST_LENGTH = 0.5  # of the mean: an interview of three words is not the best answer because it is short


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question asks for: its words, its pairs of words, and speakers it names.

    A word is the keys of all forms that count as this one word; most have one.
    """

    terms: tuple[Keys, ...]
    pairs: Keys
    term_weights: tuple[float, ...] = ()
    pair_weights: tuple[float, ...] = ()  # of each pair of neighbours
    speakers: tuple[str, ...] = ()


def score_cells(
    corpus: Corpus,
    topic: Topic,
    closeness: Numbers | None,
    mode: Mode,
    counted: Mask,
    dropped: Mask | None = None,
) -> Numbers:
    """Return (n,) how well each cell answers, in deviations from the mean; comparable within one question only.

    `closeness` is (w,) in the order of `corpus.window_ids`, None in keyword mode. Statistics (how rare a word is, how
    long an interview usually, what a usual score) come from the interviews that are `counted` (m,) alone.
    Cells that are `dropped` (n,) do not speak for those around them: nobody asks for what is next to the excluded.
    """
    cells = counted[corpus.interview_of]
    columns = _Columns.of(corpus, topic, cells, dropped)
    words = _words(corpus, columns, cells)
    if closeness is None:
        mixed = _standard(words, cells)
    else:
        begin, end = corpus.windows
        meaning = _standard(_spread(corpus.size, begin, end, closeness), cells)
        trust = 0.0 if mode == "semantic" else columns.trust
        mixed = _standard(0.5 * meaning + 0.5 * trust * _standard(words, cells), cells)
    if dropped is not None and dropped.any():
        mixed = np.where(dropped, mixed.min(), mixed)
    around = (MEANT_AROUND_CELLS,) * 2 if mode == "semantic" else (HEARD_BEFORE_CELLS, HEARD_AFTER_CELLS)
    score = _standard(smooth(corpus, mixed, *around), cells)
    if mode != "semantic":
        begin, end = corpus.starts[:-1], corpus.starts[1:]
        rarities = [_rarity((times[end] - times[begin])[counted]) for _, times in columns.terms]
        whole = _bm25(columns, begin, end, counted, rarities)
        trust = 1.0 if closeness is None else columns.trust
        score = score + trust * INTERVIEW_WORDS_WEIGHT * _standard(whole, counted)[corpus.interview_of]
    if topic.speakers:
        score = score + _speaker_score(corpus, topic.speakers)
    best = _best_cells(corpus, score)
    return score + INTERVIEW_BEST_WEIGHT * _standard(best, counted)[corpus.interview_of]


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


@dataclass(frozen=True, slots=True)
class _Columns:
    """Running sums (n + 1,) of each term's times, with the term's weight and rarity; and of all words.

    Rarity counts cells, not windows: a word in the middle of a long interview stands in more windows than one at the
    edge and is not less telling for it.
    """

    terms: list[tuple[float, Numbers]]
    rarities: list[float]
    length: Numbers
    trust: float  # 0 … 1: how much of the question's words, by rarity, the corpus knows

    @staticmethod
    def of(corpus: Corpus, topic: Topic, cells: Mask, dropped: Mask | None) -> _Columns:
        forms = zip(topic.term_weights, topic.terms, strict=True)
        found = [(weight, corpus.form_times(keys)) for weight, keys in forms]
        weighted = zip(topic.pair_weights, topic.pairs, strict=True)
        found += [(weight, corpus.term_times(key, pairs=True)) for weight, key in weighted]
        words = [times for _, times in found[: len(topic.terms)]]
        found += _near(found[: len(topic.terms)])
        known = [(weight, times) for weight, times in found if times is not None]
        speaking = np.ones(corpus.size) if dropped is None else ~dropped
        return _Columns(
            terms=[(weight, _running(times * speaking)) for weight, times in known],
            rarities=[_rarity(times[cells]) for _, times in known],
            length=_running(corpus.term_count.astype(np.float64)),
            trust=_trust(words, cells),
        )


def _near(words: list[tuple[float, Numbers | None]]) -> list[tuple[float, Numbers | None]]:
    """Return how often both of two neighbours in the question stand in each cell, with what that counts for.

    Of two moments with the same words, the one is meant that has them together. Source: Metzler and Croft, "A Markov
    random field model for term dependencies", SIGIR 2005 (its unordered window).
    """
    return [
        (NEAR_WEIGHT * min(weight, next_weight), np.minimum(times, next_times))
        for (weight, times), (next_weight, next_times) in pairwise(words)
        if times is not None and next_times is not None and np.minimum(times, next_times).any()
    ]


def _trust(words: list[Numbers | None], cells: Mask) -> float:
    """Return 0 … 1: the square of the share that known words have in what all words of the question weigh.

    "Annoyed by repeated emails" is no question about the one word of it that somebody happened to say. Squared, it
    leaves questions alone whose words are all known, as nearly all are in a large corpus.
    """
    unheard = _rarity(np.zeros(int(cells.sum())))
    weights = [unheard if times is None else _rarity(times[cells]) for times in words]
    # known is what stands anywhere, counted or not: a word of a restricted project is a word for who may read it
    known = sum(weight for weight, times in zip(weights, words, strict=True) if times is not None)
    return float((known / max(sum(weights), 1e-12)) ** 2)


def _words(corpus: Corpus, columns: _Columns, cells: Mask) -> Numbers:
    """Return (n,) the sum of the standardised word windows."""
    total = np.zeros(corpus.size)
    for size in WORD_WINDOWS:
        begin, end = _sliding(corpus, size)
        scores = _bm25(columns, begin, end, cells[begin], columns.rarities)
        total += _standard(_spread(corpus.size, begin, end, scores), cells)
    return total


def _sliding(corpus: Corpus, size: int) -> tuple[Ids, Ids]:
    """Return [from, to) of all windows of `size` cells; an interview that is shorter is one window."""
    starts, ends = corpus.starts[:-1], corpus.starts[1:]
    last_start = np.maximum(ends - size, starts)[corpus.interview_of]
    begin = np.arange(corpus.size)
    begin = begin[begin <= last_start]
    return begin, np.minimum(begin + size, ends[corpus.interview_of[begin]])


def _bm25(columns: _Columns, begin: Ids, end: Ids, known: Mask, rarities: list[float]) -> Numbers:
    """Return BM25 of windows given as [begin, end); lengths are compared with the mean of the `known` ones.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    length = columns.length[end] - columns.length[begin]
    usual = max(float(length[known].mean()), 1e-12) if known.any() else 1.0
    saturation = _K1 * (1 - _B + _B * np.maximum(length / usual, _LEAST_LENGTH))
    scores = np.zeros(len(begin))
    for (weight, running), rarity in zip(columns.terms, rarities, strict=True):
        times = running[end] - running[begin]
        scores += weight * rarity * times * (_K1 + 1) / (times + saturation)
    return scores


def _rarity(times: Numbers) -> float:
    """Return BM25's weight of a term that stands `times` in each unit."""
    holding = int((times > 0).sum())
    return float(np.log1p((len(times) - holding + 0.5) / (holding + 0.5)))


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
    ranked = score[np.lexsort((score, corpus.interview_of))]  # rising within each interview
    running = _running(ranked)
    starts, ends = corpus.starts[:-1], corpus.starts[1:]
    begin = np.maximum(ends - INTERVIEW_BEST_CELLS, starts)
    return np.asarray((running[ends] - running[begin]) / np.maximum(ends - begin, 1))


def _standard(values: Numbers, counted: Mask) -> Numbers:
    """Return `values` less their mean, in deviations, both of the counted ones; zeros when all are alike.

    Where the counted ones alone are alike, as with a word that only a restricted project knows, all are counted.
    """
    for some in (values[counted], values):
        deviation = float(some.std()) if len(some) else 0.0
        if deviation >= 1e-9:
            return np.asarray((values - some.mean()) / deviation)
    return np.zeros(len(values))


def _running(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])
