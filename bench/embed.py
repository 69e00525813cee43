"""Passages embedded per second: `python -m bench.embed`.

Our embedder against sentence-transformers' default (torch, float32, batches of 32), the same model and passages, in
turns in the same run; and one query at a time. The last line is one JSON object; ratios above 1 mean ours is faster.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedders, default_folder

_TEXT = """
we the invoice was wrong again and customers asked why export takes so long when they open report on phone team said it
would look at pricing page next week but nobody wrote down who does what with onboarding mail new users
"""


def make_passages(count: int) -> list[str]:
    """Return texts of 20 to 200 words, the same every time."""
    chooser, words = random.Random(7), _TEXT.split()
    return [" ".join(chooser.choices(words, k=chooser.randint(20, 200))) for _ in range(count)]


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure both and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--passages", type=int, default=256)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()

    from sentence_transformers import SentenceTransformer

    passages = make_passages(given.passages)
    queries = [passage[:60] for passage in passages[:40]]
    peer = SentenceTransformer(str(default_folder()), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        ours = SentenceEmbedders(Path(folder))(DEFAULT_MODEL)
        ours.embed_passages(passages[:32])
        peer.encode(passages[:32])
        ours_s, peer_s, our_query_s, peer_query_s = [], [], [], []
        for _ in range(given.runs):
            ours_s.append(seconds(lambda: ours.embed_passages(passages)))
            peer_s.append(seconds(lambda: peer.encode(passages)))
            our_query_s += [seconds(lambda q=query: ours.embed_queries([q])) for query in queries]  # type: ignore[misc]
            peer_query_s += [seconds(lambda q=query: peer.encode(q)) for query in queries]  # type: ignore[misc]
        cosines = (ours.embed_passages(passages) * peer.encode(passages, normalize_embeddings=True)).sum(axis=1)
    figures = {
        "bench": "embed",
        "passages": given.passages,
        "passages_ratio": round(statistics.median(peer_s) / statistics.median(ours_s), 2),
        "query_ratio": round(statistics.median(peer_query_s) / statistics.median(our_query_s), 2),
        "passages_per_s": round(given.passages / statistics.median(ours_s), 1),
        "query_ms": round(statistics.median(our_query_s) * 1000, 2),
        "least_cosine": round(float(np.min(cosines)), 5),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
