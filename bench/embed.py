"""How fast texts become vectors: `python -m bench.embed [DIR]`.

Our embedder against sentence-transformers' default (torch, float32, batches of 32), the same model and texts, in turns
in the same run: passages as they are indexed (windows of four cells, about 200 words), texts of 20 to 200 words, one
question, and a question together with its subject, as a search asks. Questions are asked alone, after a rest, as in a
server that has little to do, and `in_a_row`, one after the other. DIR holds real interviews as for
`bench.retrieval`; without it the text is made up. The last line is one JSON object; ratios above 1 mean ours is faster.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.retrieval import read_jsonl
from search.cells import SpokenSegment, cut_cells, window_bounds, write_turns
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedders, default_folder

_TEXT = """
we the invoice was wrong again and customers asked why export takes so long when they open report on phone team said it
would look at pricing page next week but nobody wrote down who does what with onboarding mail new users
"""
_REST_S = 0.02
_SPEAKERS = ("Ann", "Project Manager", "Customer 2")


def make_texts(count: int) -> list[str]:
    """Return texts of 20 to 200 words, the same every time."""
    chooser, words = random.Random(7), _TEXT.split()
    return [" ".join(chooser.choices(words, k=chooser.randint(20, 200))) for _ in range(count)]


def made_up_interview(turns: int) -> list[SpokenSegment]:
    """Return turns of 3 to 60 words, the same every time."""
    chooser, words = random.Random(11), _TEXT.split()
    said = [" ".join(chooser.choices(words, k=chooser.choice((3, 8, 15, 25, 60)))) + "." for _ in range(turns)]
    return [SpokenSegment(place, text, chooser.choice(_SPEAKERS)) for place, text in enumerate(said)]


def windows_of(segments: Sequence[SpokenSegment]) -> list[str]:
    """Return what is embedded of an interview."""
    cells = cut_cells(segments)
    bounds = window_bounds(len(cells))
    return [write_turns(turn for cell in cells[begin:end] for turn in cell.turns) for begin, end in bounds]


def read_passages(folder: Path | None, count: int) -> list[str]:
    """Return `count` windows out of the interviews of `folder`, or made-up ones."""
    if folder is None:
        return windows_of(made_up_interview(count * 6))[:count]
    interviews: list[dict[str, Any]] = read_jsonl(folder / "interviews.jsonl")
    windows = [
        window
        for interview in interviews
        for window in windows_of(
            [SpokenSegment(place, turn["text"], turn["speaker"]) for place, turn in enumerate(interview["turns"])]
        )
    ]
    return random.Random(3).sample(windows, count)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Race:
    """Two who do the same work in turns."""

    def __init__(self) -> None:
        self._ours: list[float] = []
        self._peers: list[float] = []

    def run(self, ours: Callable[[], object], peers: Callable[[], object]) -> None:
        """Let one work, then the other, each when the other's threads have come to rest: some wait by spinning."""
        time.sleep(_REST_S)
        self._ours.append(seconds(ours))
        time.sleep(_REST_S)
        self._peers.append(seconds(peers))

    def run_in_a_row(self, ours: Callable[[str], object], peers: Callable[[str], object], texts: Sequence[str]) -> None:
        """Let one read all texts, one by one without a rest, then the other; each text is timed."""
        time.sleep(_REST_S)
        self._ours += [seconds(partial(ours, text)) for text in texts]
        time.sleep(_REST_S)
        self._peers += [seconds(partial(peers, text)) for text in texts]

    @property
    def ratio(self) -> float:
        return round(statistics.median(self._peers) / statistics.median(self._ours), 2)

    @property
    def ours_s(self) -> float:
        return statistics.median(self._ours)

    @property
    def peers_s(self) -> float:
        return statistics.median(self._peers)


def main() -> None:
    """Measure everything and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path, nargs="?", metavar="DIR")
    arguments.add_argument("--passages", type=int, default=128)
    arguments.add_argument("--runs", type=int, default=5)
    given = arguments.parse_args()

    from sentence_transformers import SentenceTransformer

    passages = read_passages(given.data, given.passages)
    texts = make_texts(given.passages)
    questions = [" ".join(text.split()[:9]) for text in texts[:40]]
    windows, mixed, alone, pairs, in_a_row = Race(), Race(), Race(), Race(), Race()
    peer = SentenceTransformer(str(default_folder()), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        ours = SentenceEmbedders(Path(folder))(DEFAULT_MODEL)
        ours.embed_passages(passages[:32])
        peer.encode(passages[:32])
        for _ in range(given.runs):
            windows.run(lambda: ours.embed_passages(passages), lambda: peer.encode(passages))
            mixed.run(lambda: ours.embed_passages(texts), lambda: peer.encode(texts))
            for question in questions:
                alone.run(lambda q=question: ours.embed_queries([q]), lambda q=question: peer.encode(q))  # type: ignore[misc]
                both = [question, " ".join(question.split()[2:6])]
                pairs.run(lambda b=both: ours.embed_queries(b), lambda b=both: peer.encode(b))  # type: ignore[misc]
            in_a_row.run_in_a_row(lambda q: ours.embed_queries([q]), peer.encode, questions)
        cosines = (ours.embed_passages(passages) * peer.encode(passages, normalize_embeddings=True)).sum(axis=1)
    figures = {
        "bench": "embed",
        "passages": given.passages,
        "passages_ratio": windows.ratio,
        "texts_ratio": mixed.ratio,
        "query_ratio": alone.ratio,
        "query_pair_ratio": pairs.ratio,
        "query_in_a_row_ratio": in_a_row.ratio,
        "passages_per_s": round(given.passages / windows.ours_s, 1),
        "peer_passages_per_s": round(given.passages / windows.peers_s, 1),
        "query_ms": round(alone.ours_s * 1000, 2),
        "peer_query_ms": round(alone.peers_s * 1000, 2),
        "query_pair_ms": round(pairs.ours_s * 1000, 2),
        "query_in_a_row_ms": round(in_a_row.ours_s * 1000, 2),
        "peer_query_in_a_row_ms": round(in_a_row.peers_s * 1000, 2),
        "least_cosine": round(float(np.min(cosines)), 5),
        "mean_cosine": round(float(np.mean(cosines)), 5),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
