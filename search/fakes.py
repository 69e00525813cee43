"""Twins of the ports for tests: no model, no library, the same answer on every machine."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from search.index_file import IndexFolder
from search.values import Ids, Near, Scores, Vectors


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

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        scores = np.array([self._product(window_id, vector) for window_id in ids.tolist()], dtype=np.float32)
        unknown = np.isnan(scores)
        scores[unknown] = 0.0 if unknown.all() else scores[~unknown].min()
        return scores

    def near(self, vector: Vectors, above: float, among: Ids | None = None) -> Near:
        chosen = set(self._vectors) if among is None else set(self._vectors) & set(among.tolist())
        ids = np.array(sorted(chosen), dtype=np.int64)
        scores = np.array([self._product(window_id, vector) for window_id in ids.tolist()], dtype=np.float32)
        return Near(ids[scores > above], scores[scores > above])

    has_outgrown = False

    def grow(self, typical: Ids, lock: AbstractContextManager[object]) -> None:
        return

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        file = io.BytesIO()
        ids = np.array(list(self._vectors), dtype=np.int64)
        vectors = np.stack(list(self._vectors.values())) if self._vectors else np.zeros((0, self._dim))
        np.savez(file, ids=ids, vectors=vectors.astype(np.float32))
        return (folder.put(file.getvalue()),)

    def _product(self, window_id: int, vector: Vectors) -> float:
        known = self._vectors.get(window_id)
        return float("nan") if known is None else float(known @ vector)


class FakeVectorIndexes:
    kind = "fake"

    def empty(self, dim: int) -> FakeVectorIndex:
        return FakeVectorIndex(dim)

    def load(self, folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> FakeVectorIndex:
        stored = folder.get(names[0])
        try:
            with np.load(io.BytesIO(stored)) as arrays:
                ids, vectors = arrays["ids"], arrays["vectors"]
        except (OSError, KeyError, EOFError, ValueError) as error:
            raise ValueError("these bytes are no index") from error
        index = FakeVectorIndex(vectors.shape[1])
        index.add(ids, vectors)
        return index
