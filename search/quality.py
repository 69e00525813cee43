"""How well a search answers a question whose moments are known: recall@10 and nDCG@10, counted in words read, and MRR.

A reader reads the results through, best first, and stops after 10 results or 2,000 words, so that neither one giant
moment nor a shower of snippets can win. `app/search_quality.py` asks the questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.values import PassagePlace

MOST_RESULTS = 10
MOST_WORDS = 2000
_WORDS_OF_A_RANK = 200


@dataclass(frozen=True, slots=True)
class Quality:
    """All 0 … 1. `recall`: expected words met, of all or of 2,000; `ndcg`: worth less the later they come.

    `mrr`: 1 / rank of the first result with an expected word, 0 without one; None of what was scored without it.
    """

    recall: float
    ndcg: float
    mrr: float | None = None


def score(
    results: Sequence[PassagePlace], expected: Iterable[PassagePlace], words: Mapping[str, Sequence[int]]
) -> Quality:
    """Return how well `results` (best first) hold `expected`; `words` counts them in each segment of each interview.

    A word met again costs its reading and earns nothing; what no interview has is left out. Source of the discount:
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; here 200 words are one rank.
    """
    wanted = {place for one in expected for place in _segments(one, words)}
    ideal = min(MOST_WORDS, sum(words[interview_id][segment] for interview_id, segment in wanted))
    if not ideal:
        return Quality(0.0, 0.0, 0.0)
    read = met = 0
    earned = reciprocal_rank = 0.0
    seen: set[tuple[str, int]] = set()
    for rank, result in enumerate(results[:MOST_RESULTS], 1):
        for place in _segments(result, words):
            count = max(0, min(words[place[0]][place[1]], MOST_WORDS - read))
            if place in wanted and place not in seen:
                met += count
                earned += _worth(read + count) - _worth(read)
            seen.add(place)
            read += count
        if met and not reciprocal_rank:
            reciprocal_rank = 1 / rank
    return Quality(min(1.0, met / ideal), earned / _worth(ideal), reciprocal_rank)


def mean_of(qualities: Sequence[Quality]) -> Quality:
    """Return the mean over questions; of none it is 0, and `mrr` is None unless it is known of all."""
    count = max(1, len(qualities))
    ranks = [one.mrr for one in qualities if one.mrr is not None]
    return Quality(
        sum(one.recall for one in qualities) / count,
        sum(one.ndcg for one in qualities) / count,
        sum(ranks) / count if len(ranks) == len(qualities) else None,
    )


def _segments(place: PassagePlace, words: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    last = min(place.last_segment, len(words.get(place.interview_id, ())) - 1)
    return [(place.interview_id, segment) for segment in range(place.first_segment, last + 1)]


@lru_cache(maxsize=MOST_WORDS + 1)
def _worth(words: int) -> float:
    """Return what so many expected words in a row from the beginning earn."""
    return sum(1 / math.log2(2 + place / _WORDS_OF_A_RANK) for place in range(words))
