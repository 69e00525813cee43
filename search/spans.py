"""Chooses moments when the question is asked: runs of whole cells whose scores are best.

In: scores of cells and which cells may be shown. Out: spans, best first, that never overlap. `service` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.cell_index import Corpus, Mask, Numbers

SPAN_WORDS = 250


@dataclass(frozen=True, slots=True)
class Span:
    """Cells `begin` to `end` (exclusive) of one interview."""

    begin: int
    end: int
    score: float


def choose_spans(corpus: Corpus, scores: Numbers, allowed: Mask, wanted: Mask | None, most: int) -> list[Span]:
    """Return up to `most` spans of at most 250 words (one cell at least), greedily by their cells' mean score.

    Every cell of a span is `allowed` (n,), at least one is `wanted` (n,). Ties go to the earlier cell.
    """
    if corpus.size == 0 or not allowed.any():
        return []
    begin = np.arange(corpus.size)
    end = _ends(corpus, allowed)
    running = np.concatenate([[0.0], np.cumsum(scores)])
    mean = (running[end] - running[:-1]) / np.maximum(end - begin, 1)
    possible = allowed.copy()
    if wanted is not None:
        held = np.concatenate([[0], np.cumsum(wanted)])
        possible &= held[end] > held[:-1]
    candidates = np.flatnonzero(possible)
    chosen: list[Span] = []
    taken = np.zeros(corpus.size, dtype=bool)
    for start in candidates[np.argsort(-mean[candidates], kind="stable")]:
        if not taken[start : end[start]].any():
            taken[start : end[start]] = True
            chosen.append(Span(int(start), int(end[start]), float(mean[start])))
            if len(chosen) == most:
                break
    return chosen


def _ends(corpus: Corpus, allowed: Mask) -> np.ndarray:
    """Return (n,) where a span beginning at each cell ends: at its words, its interview, or a cell not allowed."""
    words = np.concatenate([[0], np.cumsum(corpus.word_count)])
    begin = np.arange(corpus.size)
    by_words = np.searchsorted(words, words[:-1] + SPAN_WORDS, side="right") - 1
    by_interview = corpus.starts[1:][corpus.interview_of]
    forbidden = np.append(np.flatnonzero(~allowed), corpus.size)
    by_permission = forbidden[np.searchsorted(forbidden, begin)]
    end = np.minimum(np.minimum(np.maximum(by_words, begin + 1), by_interview), by_permission)
    return np.asarray(np.maximum(end, begin + 1))
