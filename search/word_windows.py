"""How well the words of a question are answered: BM25 over windows of cells, and over whole interviews.

In: where the words stand (`term_columns`). Out: numbers that `scoring` mixes with meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from search.cell_index import Corpus, Mask, Numbers, sums_between
from search.cell_windows import CellWindows, sums_ahead
from search.standing import Floats
from search.term_columns import TermColumns

WORD_WINDOWS = (8, 16)  # cells

# BM25's usual constants: saturation of repeated words, and correction for length.
SATURATION = 1.2
_B = 0.75
_LEAST_LENGTH = 0.5  # of the mean: an interview of three words is not the best answer because it is short

_Amounts = npt.NDArray[Any]  # of float32 or float64


def score_windows(corpus: Corpus, terms: TermColumns, counted: Numbers, dropped: Mask | None) -> Iterator[Floats]:
    """Yield for each length of window (n,) the mean BM25 of those that hold a cell.

    How long a window usually is, cells tell as much as they are `counted` (n,). Cells that are `dropped` (n,) do not
    count.
    """
    dropped = _any(dropped)
    windows = [CellWindows.every(size, corpus.starts) for size in WORD_WINDOWS]
    laid = np.zeros(corpus.size + WORD_WINDOWS[-1], dtype=np.float32)

    def sums() -> Iterator[tuple[CellWindows, Floats]]:
        for one, ahead in zip(windows, sums_ahead(laid, WORD_WINDOWS), strict=True):
            yield one, one.sums(ahead, laid)

    laid[: corpus.size] = corpus.term_count
    scores = [_BM25(length, counted * one.begins) for one, length in sums()]
    for column in terms.columns:
        if not column.places.lay(corpus, laid):
            continue
        if dropped is not None:
            laid[: corpus.size][dropped] = 0.0
        for score, (_, often) in zip(scores, sums(), strict=True):
            score.add(column.weight * column.rarity, often)
    for one, score in zip(windows, scores, strict=True):
        yield one.spread(score.total)


def score_interviews(corpus: Corpus, terms: TermColumns, counted: Mask, dropped: Mask | None) -> Numbers:
    """Return (m,) BM25 of each whole interview; how long one usually is, the `counted` ones (m,) tell."""
    dropped = _any(dropped)
    score = _BM25(corpus.interview_terms, counted.astype(np.float64))
    laid = np.zeros(corpus.size, dtype=np.float32)
    for column in terms.columns:
        times = column.places.said
        if dropped is not None:
            column.places.lay(corpus, laid)
            laid[dropped] = 0.0
            times = sums_between(laid, corpus.starts)
        score.add(column.weight * column.interview_rarity, times)
    return score.total


def _any(dropped: Mask | None) -> Mask | None:
    return dropped if dropped is not None and dropped.any() else None


class _BM25:
    """BM25 of units of so many terms, summed word by word; `counted` units tell how many terms are usual.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """

    def __init__(self, length: _Amounts, counted: Numbers) -> None:
        counting = float(counted.sum())
        usual = max(float((counted * length).sum()) / counting, 1e-12) if counting > 0 else 1.0
        shorter = np.maximum(length / usual, _LEAST_LENGTH)
        self._saturation = (SATURATION * (1 - _B + _B * shorter)).astype(length.dtype)
        self.total = np.zeros_like(length)
        self._gained, self._saturated = np.empty_like(length), np.empty_like(length)

    def add(self, weight: float, times: _Amounts) -> None:
        """Count a word of this weight that stands so often in each unit."""
        np.multiply(times, weight * (SATURATION + 1), out=self._gained)
        np.add(times, self._saturation, out=self._saturated)
        self._gained /= self._saturated
        self.total += self._gained
