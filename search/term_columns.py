"""Where the words of a question stand in a corpus, and how much each of them tells.

In: a corpus and a topic. Out: for each word, pair of words and pair said in one breath, the cells that hold it, and
where the speakers speak whom the topic names. `candidates` and `score_cells` count them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search.cell_index import Corpus, Mask
from search.speaker_places import places_of_speakers
from search.word_places import Places, places_of_words
from search.words import Keys

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
    rarity: float  # among cells
    interview_rarity: float
    places: Places


@dataclass(frozen=True, slots=True)
class TermColumns:
    columns: tuple[Column, ...]
    trust: float  # 0 … 1: how much of the question's words, by rarity, the corpus knows
    speakers: tuple[Places, ...] = ()  # where those speak whom the question names


def find_terms(corpus: Corpus, topic: Topic, counted: Mask) -> TermColumns:
    """Return where the topic's terms stand; how rare they are is taken from the `counted` interviews (m,) alone."""
    counting = _Counting.of(corpus, counted)
    words = counting.columns(topic.terms, topic.term_weights)
    pairs = counting.columns([topic.pairs[n : n + 1] for n in range(len(topic.pairs))], topic.pair_weights, pairs=True)
    columns = [column for column in (*words, *pairs) if column is not None]
    return TermColumns((*columns, *counting.near(words)), _trust(words, counting), named_speakers(corpus, topic))


def named_speakers(corpus: Corpus, topic: Topic) -> tuple[Places, ...]:
    """Return where the speakers speak whom the topic names."""
    return tuple(places_of_speakers(corpus, topic.speakers))


@dataclass(frozen=True, slots=True)
class _Counting:
    corpus: Corpus
    counted: Mask
    cells: int
    interviews: int

    @staticmethod
    def of(corpus: Corpus, counted: Mask) -> _Counting:
        return _Counting(corpus, counted, int(corpus.sizes[counted].sum()), int(counted.sum()))

    def columns(self, terms: Sequence[Keys], weights: Sequence[float], *, pairs: bool = False) -> list[Column | None]:
        """Return what is known of each word; None of one that stands nowhere."""
        found = places_of_words(self.corpus, terms, pairs=pairs)
        return [
            None if places is None else self._column(weight, places)
            for weight, places in zip(weights, found, strict=True)
        ]

    def near(self, words: Sequence[Column | None]) -> list[Column]:
        """Return where both of two neighbours in the question stand in one cell, in whatever order.

        Of two moments with the same words, the one is meant that has them together. Source: Metzler and Croft, "A
        Markov random field model for term dependencies", SIGIR 2005 (its unordered window).
        """
        return [
            self._column(NEAR_WEIGHT * min(one.weight, other.weight), one.places.shared(other.places))
            for one, other in pairwise(words)
            if one is not None and other is not None
        ]

    def _column(self, weight: float, places: Places) -> Column:
        held = places.held[self.counted]
        rarity = _rarity(int(held.sum()), self.cells)
        return Column(weight, rarity, _rarity(int(np.count_nonzero(held)), self.interviews), places)


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
