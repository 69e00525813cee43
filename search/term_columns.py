"""Where the words of a question stand in a corpus, and how much each of them tells.

In: a corpus and a topic. Out: for each word, pair of words and pair said in one breath, the cells that hold it. Only
these cells cost anything, however many there are. `candidates` and `score_cells` count them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search.cell_index import Corpus, Mask, Postings
from search.values import Ids
from search.words import Keys

_LOOKED_UP = 16  # times as long as the other, at least: an array in which places are looked up one by one
NEAR_WEIGHT = 0.2  # of two words of the question, one after the other there, said in one cell in whatever order


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


@dataclass(frozen=True, slots=True)
class Column:
    """One term: what it counts for in the question, where it stands, and how rare it is.

    Rarity counts cells, not windows: a word in the middle of a long interview stands in more windows than one at the
    edge and is not less telling for it.
    """

    weight: float
    postings: Postings
    bounds: Ids  # (m + 1,) of each interview's postings
    rarity: float  # among cells
    interview_rarity: float


@dataclass(frozen=True, slots=True)
class TermColumns:
    columns: tuple[Column, ...]
    trust: float  # 0 … 1: how much of the question's words, by rarity, the corpus knows


def find_terms(corpus: Corpus, topic: Topic, counted: Mask) -> TermColumns:
    """Return where the topic's terms stand; how rare they are is taken from the `counted` interviews (m,) alone."""
    counting = _Counting.of(corpus, counted)
    words = list(zip(topic.term_weights, corpus.postings_of(topic.terms), strict=True))
    neighbours = corpus.postings_of([topic.pairs[place : place + 1] for place in range(len(topic.pairs))], pairs=True)
    pairs = zip(topic.pair_weights, neighbours, strict=True)
    of_words = [counting.column(weight, postings) for weight, postings in words]
    others = [counting.column(weight, postings) for weight, postings in (*pairs, *_near(words))]
    columns = tuple(column for column in (*of_words, *others) if column is not None)
    return TermColumns(columns, _trust(of_words, counting))


@dataclass(frozen=True, slots=True)
class _Counting:
    corpus: Corpus
    counted: Mask
    cells: int
    interviews: int

    @staticmethod
    def of(corpus: Corpus, counted: Mask) -> _Counting:
        return _Counting(corpus, counted, int(corpus.sizes[counted].sum()), int(counted.sum()))

    def column(self, weight: float, postings: Postings | None) -> Column | None:
        """Return what is known of a term; None of one that stands nowhere."""
        if postings is None:
            return None
        bounds = self.corpus.bounds_of(postings[0])
        held = np.diff(bounds)[self.counted]
        rarity = _rarity(int(held.sum()), self.cells)
        return Column(weight, postings, bounds, rarity, _rarity(int(np.count_nonzero(held)), self.interviews))


def _near(words: list[tuple[float, Postings | None]]) -> list[tuple[float, Postings | None]]:
    """Return how often both of two neighbours in the question stand in each cell, with what that counts for.

    Of two moments with the same words, the one is meant that has them together. Source: Metzler and Croft, "A Markov
    random field model for term dependencies", SIGIR 2005 (its unordered window).
    """
    near: list[tuple[float, Postings | None]] = []
    for (weight, one), (next_weight, other) in pairwise(words):
        if one is not None and other is not None:
            cells, here, there = _shared(one[0], other[0])
            if len(cells):
                times = np.minimum(one[1][here], other[1][there])
                near.append((NEAR_WEIGHT * min(weight, next_weight), (cells, times)))
    return near


def _shared(one: Ids, other: Ids) -> tuple[Ids, Ids, Ids]:
    """Return what two rising arrays share, and its places in either."""
    if len(one) > len(other):
        cells, there, here = _shared(other, one)
        return cells, here, there
    if len(one) * _LOOKED_UP < len(other):
        places = np.minimum(np.searchsorted(other, one), len(other) - 1)
        here = np.flatnonzero(other[places] == one)
        return one[here], here, places[here]
    is_there = np.zeros(int(max(one[-1], other[-1])) + 1, dtype=bool)
    is_there[one] = True
    there = np.flatnonzero(is_there[other])
    cells = other[there]
    is_there[one] = False
    is_there[cells] = True
    return cells, np.flatnonzero(is_there[one]), there


def _trust(words: Sequence[Column | None], counting: _Counting) -> float:
    """Return 0 … 1: the square of the share that known words have in what all words of the question weigh.

    "Annoyed by repeated emails" is no question about the one word of it that somebody happened to say. Squared, it
    leaves questions alone whose words are all known, as nearly all are in a large corpus.
    """
    # known is what stands anywhere, counted or not: a word of a restricted project is a word for who may read it
    known = sum(column.rarity for column in words if column is not None)
    unheard = _rarity(0, counting.cells) * sum(column is None for column in words)
    return float((known / max(known + unheard, 1e-12)) ** 2)


def _rarity(holding: int, units: int) -> float:
    """Return BM25's weight of a term that `holding` of all units hold."""
    return float(np.log1p((units - holding + 0.5) / (holding + 0.5)))
