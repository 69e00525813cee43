"""Chooses moments when the question is asked: runs of whole cells whose scores are best.

In: scores of cells and which cells may be shown. Out: spans, best first, that never overlap. `service` calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import Corpus, Mask, Numbers

# What a span is found by, in words said, and how far it may then grow into neighbours that answer as well, in words
# shown, which are a speaker's name more for each turn.
CORE_WORDS = 240
MOST_WORDS = 400
GROW_WITHIN = 0.1  # deviations below the core's mean
_SORTED = 300  # cores that are looked at first


@dataclass(frozen=True, slots=True)
class Span:
    """Cells `begin` to `end` (exclusive) of one interview."""

    begin: int
    end: int
    score: float


def choose_spans(
    corpus: Corpus, scores: Numbers, allowed: Mask, wanted: Mask | None, most: int, most_of_one: int | None = None
) -> list[Span]:
    """Return up to `most` spans, greedily by the mean score of a core of at most 240 words (one cell at least),
    which may grow to 400.

    With `most_of_one`, `most` counts interviews, and of each there are up to so many spans.
    Every cell of a span is `allowed` (n,), at least one of its core is `wanted` (n,). Ties go to the earlier core.
    """
    if corpus.size == 0 or not allowed.any():
        return []
    begin = np.arange(corpus.size)
    end = _core_ends(corpus, allowed)
    words = np.concatenate([[0], np.cumsum(corpus.word_count)])
    running = np.concatenate([[0.0], np.cumsum(scores)])
    mean = (running[end] - running[:-1]) / (end - begin)
    possible = allowed
    if wanted is not None:
        held = np.concatenate([[0], np.cumsum(wanted)])
        possible = allowed & (held[end] > held[:-1])
    candidates = np.flatnonzero(possible)
    free = allowed.copy()
    chosen: list[Span] = []
    of_one: Counter[int] = Counter()
    for start in _best_first(candidates, mean[candidates]):
        number = int(corpus.interview_of[start])
        if most_of_one is not None and (
            of_one[number] == most_of_one or (len(of_one) == most and number not in of_one)
        ):
            continue
        if free[start : end[start]].all():
            first, last = _grow(corpus, scores, words, free, start, int(end[start]), float(mean[start]))
            free[first:last] = False
            chosen.append(Span(first, last, float(mean[start])))
            of_one[number] += 1
            if len(chosen) == most * (most_of_one or 1):
                break
    return chosen


def _best_first(places: Ids, values: Numbers) -> Iterator[int]:
    """Yield the places by falling value, equal ones in order. Few are taken as a rule, so only the best are sorted."""
    rest = np.ones(len(places), dtype=bool)
    if len(places) > _SORTED:
        best = values >= np.partition(values, -_SORTED)[-_SORTED]
        yield from places[best][np.argsort(-values[best], kind="stable")].tolist()
        rest = ~best
    yield from places[rest][np.argsort(-values[rest], kind="stable")].tolist()


def _grow(
    corpus: Corpus, scores: Numbers, words: Ids, free: Mask, begin: int, end: int, mean: float
) -> tuple[int, int]:
    """Take in the better neighbour, again and again, while it answers about as well as the core and there is room."""
    number = int(corpus.interview_of[begin])
    lowest, highest = int(corpus.starts[number]), int(corpus.starts[number + 1])
    least = mean - GROW_WITHIN
    while True:
        before = begin > lowest and free[begin - 1] and words[end] - words[begin - 1] <= MOST_WORDS
        after = end < highest and free[end] and words[end + 1] - words[begin] <= MOST_WORDS
        best_before = scores[begin - 1] if before else -np.inf
        best_after = scores[end] if after else -np.inf
        if max(best_before, best_after) < least:
            return begin, end
        if best_before > best_after:
            begin -= 1
        else:
            end += 1


def _core_ends(corpus: Corpus, allowed: Mask) -> Ids:
    """Return (n,) where a core beginning at each cell ends: at its words, its interview, or a cell not allowed."""
    begin = np.arange(corpus.size)
    words = np.concatenate([[0], np.cumsum(corpus.said_count)])
    by_words = np.searchsorted(words, words[:-1] + CORE_WORDS, side="right") - 1
    by_interview = corpus.starts[1:][corpus.interview_of]
    end = np.minimum(np.maximum(by_words, begin + 1), by_interview)
    if not allowed.all():
        forbidden = np.append(np.flatnonzero(~allowed), corpus.size)
        end = np.minimum(end, forbidden[np.searchsorted(forbidden, begin)])
    return np.asarray(np.maximum(end, begin + 1))
