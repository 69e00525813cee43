"""Twins of the ports for tests: no model, no library, the same answer on every machine."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence

import numpy as np

from search.values import Ids, Nearest, Vectors


class FakeEmbedder:
    """A hashed bag of words: texts are close when they share words. `asked` counts the passages embedded."""

    def __init__(self, name: str = "fake-words", dim: int = 64) -> None:
        self._name = name
        self._dim = dim
        self.asked = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        return self._dim

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        if not texts:
            return np.zeros((0, self._dim), dtype=np.float32)
        return np.stack([self._embed(text) for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> Vectors:
        vector = np.zeros(self._dim, dtype=np.float32)
        vector[0] = 1e-3  # a text without words still has a direction
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.sha256(f"{self._name} {word}".encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % self._dim] += 1.0 if digest[4] & 1 else -1.0
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class FakeVectorIndex:
    """Every vector in a dictionary, every search a full scan."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._vectors: dict[int, Vectors] = {}

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._vectors.update(zip(ids.tolist(), vectors, strict=True))

    def remove(self, ids: Ids) -> None:
        for window_id in ids.tolist():
            self._vectors.pop(window_id, None)

    def search(self, vector: Vectors, limit: int, among: Ids | None = None) -> Nearest:
        chosen = set(self._vectors) if among is None else set(self._vectors) & set(among.tolist())
        scored = sorted((-float(self._vectors[window_id] @ vector), window_id) for window_id in chosen)[:limit]
        ids = np.array([window_id for _, window_id in scored], dtype=np.int64)
        return Nearest(ids, np.array([-score for score, _ in scored], dtype=np.float32))

    def to_bytes(self) -> bytes:
        file = io.BytesIO()
        ids = np.array(list(self._vectors), dtype=np.int64)
        vectors = np.stack(list(self._vectors.values())) if self._vectors else np.zeros((0, self._dim))
        np.savez(file, ids=ids, vectors=vectors.astype(np.float32))
        return file.getvalue()


class FakeVectorIndexes:
    kind = "fake"

    def empty(self, dim: int) -> FakeVectorIndex:
        return FakeVectorIndex(dim)

    def from_bytes(self, data: bytes) -> FakeVectorIndex:
        try:
            with np.load(io.BytesIO(data)) as arrays:
                ids, vectors = arrays["ids"], arrays["vectors"]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ValueError("these bytes are no index") from error
        index = FakeVectorIndex(vectors.shape[1])
        index.add(ids, vectors)
        return index
