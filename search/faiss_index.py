"""Vectors in FAISS: an exact scan over a flat index under our own ids.

`IndexKeeper` makes, fills and saves it; nothing else knows of FAISS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from search.values import Ids, Nearest, Vectors


class FaissIndex:
    """Inner product over normalised vectors, that is, the cosine. Every search looks at every selected
    vector.
    """

    def __init__(self, index: Any) -> None:
        self._index = index

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids) == 0:
            return
        self.remove(ids)
        self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> None:
        if len(ids) and self._index.ntotal:
            self._index.remove_ids(np.ascontiguousarray(ids))

    def search(self, vector: Vectors, limit: int, among: Ids | None = None) -> Nearest:
        count = min(limit, self._index.ntotal if among is None else len(among))
        if count < 1:
            return Nearest(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        question = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        scores, ids = self._index.search(question, count, params=None if among is None else _selector(among))
        found = ids[0] >= 0  # -1 fills the places for which no chosen vector was left
        return Nearest(ids[0][found], scores[0][found])

    def to_bytes(self) -> bytes:
        import faiss

        return bytes(faiss.serialize_index(self._index).tobytes())


class FaissIndexes:
    kind = "faiss-flat-ip"

    def empty(self, dim: int) -> FaissIndex:
        import faiss

        return FaissIndex(faiss.IndexIDMap2(faiss.IndexFlatIP(dim)))

    def from_bytes(self, data: bytes) -> FaissIndex:
        import faiss

        try:
            index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError as error:
            raise ValueError("these bytes are no FAISS index") from error
        if not isinstance(index, faiss.IndexIDMap2):
            raise ValueError("this FAISS index is of another kind")
        return FaissIndex(index)


def _selector(among: Ids) -> Any:
    import faiss

    parameters: Any = faiss.SearchParameters
    return parameters(sel=faiss.IDSelectorBatch(np.ascontiguousarray(among)))
