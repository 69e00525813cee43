"""Chooses moments when the question is asked: runs of whole cells whose scores are best.

In: scores of cells and which cells may be shown. Out: spans, best first, that never overlap. `service` calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import Corpus, Mask, Numbers
from search.held_words import HeldWord

# What a span is found by, in words said, and how far it may then grow into neighbours that answer as well, in words
# shown, which are a speaker's name more for each turn. An interview's last words are no better than they are together
# with what was said before them.
CORE_WORDS = 240
LEAST_CORE_WORDS = 120
MOST_WORDS = 400
GROW_WITHIN = 0.1  # deviations below the core's mean
_SORTED = 300  # cores that are looked at first
_LOOKED_AT = 4  # interviews for each moment, at first
_ROUNDING = 1e-9  # of a mean


@dataclass(frozen=True, slots=True)
class Span:
    """Cells `begin` to `end` (exclusive) of one interview."""

    begin: int
    end: int
    score: float


def choose_spans(
    corpus: Corpus,
    scores: Numbers,
    allowed: Mask,
    wanted: Mask | None,
    most: int,
    most_of_one: int | None = None,
    held: Sequence[HeldWord] = (),
) -> list[Span]:
    """Return up to `most` spans, greedily by the mean score of a core of at most 240 words (one cell at least),
    which may grow to 400, and by what it gains by the words it holds.

    With `most_of_one`, `most` counts interviews, and of each there are up to so many spans.
    Every cell of a span is `allowed` (n,), at least one of its core is `wanted` (n,). Ties go to the earlier core.
    """
    if corpus.size == 0 or not allowed.any():
        return []
    filled = corpus.sizes > 0
    # no core is better than the best cell of its interview: the best interviews tell enough as a rule
    best = np.full(len(filled), -np.inf)
    first = corpus.starts[:-1][filled]
    best[filled] = np.maximum.reduceat(np.where(allowed, scores, -np.inf), first)
    for word in held:
        best[filled] += word.gain * np.logical_or.reduceat(word.cells, first)
    few = _LOOKED_AT * most
    if most_of_one is None and len(best) > few:
        is_among_best = best >= np.partition(best, -few)[-few]
        spans = _choose(corpus, scores, allowed, wanted, is_among_best, most, None, held)
        if len(spans) == most and spans[-1].score > best[~is_among_best].max(initial=-np.inf) + _ROUNDING:
            return spans
    return _choose(corpus, scores, allowed, wanted, filled, most, most_of_one, held)


def _choose(
    corpus: Corpus,
    scores: Numbers,
    allowed: Mask,
    wanted: Mask | None,
    among: Mask,
    most: int,
    most_of_one: int | None,
    held: Sequence[HeldWord],
) -> list[Span]:
    """Return the spans of the interviews `among` which (m,) one chooses."""
    begin = np.flatnonzero(allowed & among[corpus.interview_of])
    end, judged = _cores(corpus, allowed, begin)
    if wanted is not None:
        is_wanted = _hold_any(wanted, begin, end)
        begin, end, judged = begin[is_wanted], end[is_wanted], judged[is_wanted]
    words = np.concatenate([[0], np.cumsum(corpus.word_count)])
    running = np.concatenate([[0.0], np.cumsum(scores)])
    mean = (running[end] - running[judged]) / (end - judged)
    value = mean.copy()
    for word in held:
        value[_hold_any(word.cells, begin, end)] += word.gain
    free = allowed.copy()
    chosen: list[Span] = []
    of_one: Counter[int] = Counter()
    for place in _best_first(value):
        start, stop = int(begin[place]), int(end[place])
        number = int(corpus.interview_of[start])
        if most_of_one is not None and (
            of_one[number] == most_of_one or (len(of_one) == most and number not in of_one)
        ):
            continue
        if free[start:stop].all():
            first, last = _grow(corpus, scores, words, free, start, stop, float(mean[place]))
            free[first:last] = False
            chosen.append(Span(first, last, float(value[place])))
            of_one[number] += 1
            if len(chosen) == most * (most_of_one or 1):
                break
    return chosen


def _hold_any(cells: Mask, begin: Ids, end: Ids) -> Mask:
    """Return (k,) which ranges [begin, end) hold any of the `cells` (n,)."""
    counted = np.concatenate([[0], np.cumsum(cells)])
    return np.asarray(counted[end] > counted[begin])


def _best_first(values: Numbers) -> Iterator[int]:
    """Yield places by falling value, equal ones in order. Few are taken as a rule, so only the best are sorted."""
    is_best = np.ones(len(values), dtype=bool)
    if len(values) > _SORTED:
        is_best = values >= np.partition(values, -_SORTED)[-_SORTED]
    for some in (is_best, ~is_best):
        places = np.flatnonzero(some)
        yield from places[np.argsort(-values[places], kind="stable")].tolist()


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


def _cores(corpus: Corpus, allowed: Mask, begin: Ids) -> tuple[Ids, Ids]:
    """Return (k,) where a core from each of these cells on ends, at its words, its interview, a cell not allowed; and
    (k,) from where on it is judged: earlier than it begins if its interview's end leaves it few words.
    """
    words = np.concatenate([[0], np.cumsum(corpus.said_count)])
    number = corpus.interview_of[begin]
    lowest, highest = corpus.starts[:-1][number], corpus.starts[1:][number]
    by_words = np.searchsorted(words, words[begin] + CORE_WORDS, side="right") - 1
    end = np.minimum(np.maximum(by_words, begin + 1), highest)
    if not allowed.all():
        forbidden = np.concatenate([[-1], np.flatnonzero(~allowed), [corpus.size]])
        following = np.searchsorted(forbidden, begin)
        end = np.minimum(end, forbidden[following])
        lowest = np.maximum(lowest, forbidden[following - 1] + 1)
    full = np.searchsorted(words, words[end] - LEAST_CORE_WORDS, side="right") - 1
    judged = np.where(end == highest, np.minimum(begin, np.maximum(full, lowest)), begin)
    return end, judged
