"""What others do to find a moment, over the same interviews: the baselines of `bench.retrieval`.

Each peer is made from interviews ({id, turns: [{speaker, text}]}) and then returns, for a question, the best chunks
as the scorer reads them. They cut whole turns into chunks beforehand, embed with the model that Earshot embeds with,
and use nothing else of Earshot.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from search.sentence_embedder import default_folder

CHUNK_WORDS = 200
LONG_CHUNK_WORDS = 400
FUSED = 100  # chunks of each ranking that are fused
FUSION_CONSTANT = 60  # Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009

Ranking = list[tuple[int, float]]  # places of chunks with their scores, best first
Ask = Callable[[str, int], Ranking]
Results = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Turns `first_turn` to `last_turn` (inclusive) of an interview."""

    interview_id: str
    first_turn: int
    last_turn: int
    text: str


def cut_chunks(interviews: Sequence[dict[str, Any]], most_words: int) -> list[Chunk]:
    """Return chunks of whole turns, one at least, up to `most_words` each; none overlaps another."""
    chunks = []
    for interview in interviews:
        held: list[tuple[int, str]] = []
        words = 0
        for number, turn in enumerate(interview["turns"]):
            said = len(turn["text"].split())
            if held and words + said > most_words:
                chunks.append(_chunk(interview["id"], held))
                held, words = [], 0
            held.append((number, f"{turn['speaker']}: {turn['text']}"))
            words += said
        if held:
            chunks.append(_chunk(interview["id"], held))
    return chunks


def make_bm25(chunks: Sequence[Chunk]) -> Ask:
    """Return BM25 of SQLite's FTS5 with Porter stems, any word of the question."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE chunk USING fts5(text, tokenize = 'porter unicode61')")
    database.executemany("INSERT INTO chunk(rowid, text) VALUES (?, ?)", enumerate(c.text for c in chunks))

    def ask(query: str, limit: int) -> Ranking:
        words = " OR ".join(f'"{word}"' for word in dict.fromkeys(re.findall(r"\w+", query.lower())))
        found = database.execute(
            "SELECT rowid, -bm25(chunk) FROM chunk WHERE chunk MATCH ? ORDER BY bm25(chunk), rowid LIMIT ?",
            (words or '""', limit),
        )
        return [(int(place), float(score)) for place, score in found]

    return ask


def make_dense(chunks: Sequence[Chunk]) -> Ask:
    """Return the inner product of sentence-transformers' vectors, every chunk compared."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(default_folder()), device="cpu")
    vectors = np.asarray(model.encode([c.text for c in chunks], normalize_embeddings=True), dtype=np.float32)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def ask(query: str, limit: int) -> Ranking:
        vector = np.asarray(model.encode([query], normalize_embeddings=True), dtype=np.float32)
        scores, places = index.search(vector, min(limit, len(chunks)))
        return [(int(place), float(score)) for place, score in zip(places[0], scores[0], strict=True)]

    return ask


def fuse(asks: Sequence[Ask]) -> Ask:
    """Return the reciprocal rank fusion of several rankings of the same chunks."""

    def ask(query: str, limit: int) -> Ranking:
        worth: dict[int, float] = {}
        for one in asks:
            for rank, (place, _) in enumerate(one(query, FUSED), 1):
                worth[place] = worth.get(place, 0.0) + 1 / (FUSION_CONSTANT + rank)
        return sorted(worth.items(), key=lambda found: -found[1])[:limit]

    return ask


def make_txtai(chunks: Sequence[Chunk]) -> Ask:
    """Return txtai's own hybrid search. Raises: ImportError where txtai is not installed."""
    from txtai import Embeddings

    embeddings = Embeddings(path=str(default_folder()), hybrid=True, content=False, gpu=False)
    embeddings.index((place, chunk.text, None) for place, chunk in enumerate(chunks))

    def ask(query: str, limit: int) -> Ranking:
        return [(int(place), float(score)) for place, score in embeddings.search(query, limit)]

    return ask


def make_peers(interviews: Sequence[dict[str, Any]]) -> dict[str, Callable[[str], Results]]:
    """Return the peers by name, ready to be asked; txtai only where it is (`pip install 'earshot[bench]'`)."""
    chunks = cut_chunks(interviews, CHUNK_WORDS)
    bm25, dense = make_bm25(chunks), make_dense(chunks)
    peers = {
        "bm25": _answering(bm25, chunks),
        "dense": _answering(dense, chunks),
        "rrf": _answering(fuse([bm25, dense]), chunks),
    }
    long_chunks = cut_chunks(interviews, LONG_CHUNK_WORDS)
    with suppress(ImportError):
        peers["txtai"] = _answering(make_txtai(long_chunks), long_chunks)
    return peers


def _chunk(interview_id: str, turns: list[tuple[int, str]]) -> Chunk:
    return Chunk(interview_id, turns[0][0], turns[-1][0], "\n".join(text for _, text in turns))


def _answering(ask: Ask, chunks: Sequence[Chunk]) -> Callable[[str], Results]:
    def answer(query: str) -> Results:
        return [
            {
                "interview_id": chunks[place].interview_id,
                "first_turn": chunks[place].first_turn,
                "last_turn": chunks[place].last_turn,
                "score": score,
            }
            for place, score in ask(query, 10)
        ]

    return answer
