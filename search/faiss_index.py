"""Vectors in FAISS: an exact scan over a flat index under our own ids.

`IndexKeeper` makes, fills and saves it; nothing else knows of FAISS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from search.values import Ids, Nearest, Vectors


class FaissIndex:
    """Inner product over normalised vectors, that is, the cosine. Every search looks at every selected
    vector, and at no other.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self._places: _Places | None = None

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids) == 0:
            return
        self.remove(ids)
        self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids))
        self._places = None

    def remove(self, ids: Ids) -> None:
        if len(ids) and self._index.ntotal:
            self._index.remove_ids(np.ascontiguousarray(ids))
            self._places = None

    def search(self, vector: Vectors, limit: int, among: Ids | None = None) -> Nearest:
        question = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        if among is None:
            count = min(limit, self._index.ntotal)
            return _nearest(*self._index.search(question, count)) if count > 0 else _nothing()
        if self._places is None:
            self._places = _Places.of(self._index)
        chosen = self._places.having(among)
        if not len(chosen) or limit < 1:
            return _nothing()
        # by place, in the index below the ids, FAISS touches the chosen vectors only: what is not chosen costs no
        # time. A selector of ids would be asked about every vector there is.
        import faiss

        parameters: Any = faiss.SearchParameters
        below = faiss.downcast_index(self._index.index)
        nearest = below.search(question, min(limit, len(chosen)), params=parameters(sel=faiss.IDSelectorArray(chosen)))
        found = _nearest(*nearest)
        return Nearest(self._places.ids[found.ids], found.scores)

    def to_bytes(self) -> bytes:
        import faiss

        return bytes(faiss.serialize_index(self._index).tobytes())


@dataclass(frozen=True, slots=True)
class _Places:
    """Which vector lies where in an index: `ids` by place, and both again by rising id."""

    ids: Ids
    rising: Ids
    places: Ids

    @staticmethod
    def of(index: Any) -> _Places:
        import faiss

        ids: Ids = faiss.vector_to_array(index.id_map)
        places = np.argsort(ids, kind="stable")
        return _Places(ids, ids[places], places)

    def having(self, wanted: Ids) -> Ids:
        """Return the places of the wanted ids that are there."""
        if not len(self.ids):
            return self.places
        found = np.minimum(np.searchsorted(self.rising, wanted), len(self.ids) - 1)
        return np.ascontiguousarray(self.places[found[self.rising[found] == wanted]])


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


def _nearest(scores: Any, ids: Any) -> Nearest:
    found = ids[0] >= 0  # -1 fills the places for which there was no vector
    return Nearest(ids[0][found], scores[0][found])


def _nothing() -> Nearest:
    return Nearest(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
