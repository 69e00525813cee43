"""One ranking from several: reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Sequence

from search.values import Hit

RANK_CONSTANT = 60


def fuse(rankings: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return every passage of `rankings`, best first, scored by the sum of 1 / (60 + rank), rank from 1.

    Scores of different indexes are never compared, only places. Ties go to the lower id.
    Source: Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking, 1):
            scores[hit.passage_id] = scores.get(hit.passage_id, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted((Hit(found, score) for found, score in scores.items()), key=lambda h: (-h.score, h.passage_id))
