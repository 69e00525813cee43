"""Vectors in FAISS: an exact scan over a flat index under our own ids.

`IndexKeeper` makes, fills and saves it; nothing else knows of FAISS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from search.values import Hit, Ids, IdSelection, Vectors


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

    def search(self, vector: Vectors, limit: int, selection: IdSelection | None = None) -> list[Hit]:
        if self._index.ntotal == 0 or limit < 1:
            return []
        parameters = None if selection is None else _selector(selection)
        question = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        scores, ids = self._index.search(question, min(limit, self._index.ntotal), params=parameters)
        # -1 fills the places for which no selected vector was left
        return [Hit(int(found), float(score)) for found, score in zip(ids[0], scores[0], strict=True) if found >= 0]

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


def _selector(selection: IdSelection) -> Any:
    import faiss

    named = faiss.IDSelectorBatch(np.ascontiguousarray(selection.ids))
    chosen = faiss.IDSelectorNot(named) if selection.is_exclusion else named
    parameters: Any = faiss.SearchParameters
    return parameters(sel=chosen)
