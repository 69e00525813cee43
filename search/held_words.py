"""Which cells hold the words that were typed, so that `spans` may choose moments that say them.

Scores tell a neighbourhood: the best cells often lie beside the sentence that somebody remembers. In: the terms of a
search. Out: for each, what a moment gains that holds it. A question in a whole sentence is answered in other words as
a rule, and gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from search.cell_index import Corpus, Mask
from search.term_columns import TermColumns

HELD_WEIGHT = 1.0  # deviations of a score, of a moment that holds all words and pairs of words


@dataclass(frozen=True, slots=True)
class HeldWord:
    gain: float
    cells: Mask  # (n,) that hold it


def held_words(corpus: Corpus, terms: TermColumns) -> Iterator[HeldWord]:
    """Yield of each term that stands in `corpus` its share, by rarity, of what all terms bring."""
    together = sum(column.weight * column.rarity for column in terms.columns)
    laid = np.zeros(corpus.size, dtype=np.float32)
    for column in terms.columns:
        gain = HELD_WEIGHT * terms.trust * column.weight * column.rarity / max(together, 1e-12)
        if gain > 0 and column.places.lay(corpus, laid):
            yield HeldWord(gain, laid > 0)
