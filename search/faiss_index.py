"""Vectors in FAISS: while they are few an exact scan of a flat index, later codes and rows.

`IndexKeeper` makes, fills and saves it; nothing else knows of FAISS.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.faiss_codes import CodedIndex, import_faiss, load_part, save_part
from search.index_file import IndexFolder
from search.values import Ids, Near, Scores, Vectors

FLAT_WINDOWS = 20_000  # up to here every vector is looked at
GROWTH = 4  # times the vectors the codes were made for: then they are made anew
_MOVED = 10_000  # vectors at a time
_COPIED = 256  # vectors at a time, which stay in the processor's caches


class FaissIndex:
    """Inner product over normalised vectors, that is, the cosine."""

    def __init__(self, index: FlatIndex | CodedIndex, flat_windows: int) -> None:
        self._index = index
        self._flat_windows = flat_windows

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids):
            self._index.add(ids, vectors)

    def remove(self, ids: Ids) -> None:
        if len(ids):
            self._index.remove(ids)

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        scores = self._index.closeness(vector, ids)
        unknown = np.isnan(scores)
        if unknown.any():
            scores[unknown] = 0.0 if unknown.all() else scores[~unknown].min()
        return scores

    def near(self, vector: Vectors, above: float, among: Ids | None = None) -> Near:
        if not len(self._index) or (among is not None and not len(among)):
            return Near(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        return self._index.near(vector, above, among)

    @property
    def has_outgrown(self) -> bool:
        made_for = self._flat_windows if isinstance(self._index, FlatIndex) else GROWTH * self._index.made_for
        return len(self._index) > made_for

    def grow(self, typical: Ids, lock: AbstractContextManager[object]) -> None:
        with lock:  # only for moments
            ids = self._index.ids()
            known = typical[np.isin(typical, ids)]
            sample = self._index.vectors(known[:: max(1, len(known) // CodedIndex.sample_size(len(ids)))])
        made = CodedIndex.trained(sample, len(ids))
        for begin in range(0, len(ids), _MOVED):
            some = ids[begin : begin + _MOVED]
            with lock:
                some = some[np.isin(some, self._index.ids())]
                vectors = self._index.vectors(some)
            made.add(some, vectors)
        with lock:
            now = self._index.ids()
            made.remove(ids[~np.isin(ids, now)])
            missing = now[~np.isin(now, made.ids())]
            made.add(missing, self._index.vectors(missing))
            self._index = made

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        return self._index.save(folder)


class FaissIndexes:
    def __init__(self, flat_windows: int = FLAT_WINDOWS) -> None:
        self._flat_windows = flat_windows
        self.kind = "faiss-ip-3"

    def empty(self, dim: int) -> FaissIndex:
        faiss = import_faiss()
        return FaissIndex(FlatIndex(faiss.IndexIDMap2(faiss.IndexFlatIP(dim))), self._flat_windows)

    def load(self, folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> FaissIndex:
        index = (
            FlatIndex.load(folder, names) if len(names) == 1 else CodedIndex.load(folder, names, is_mapped=is_mapped)
        )
        return FaissIndex(index, self._flat_windows)


class FlatIndex:
    """Every vector as it is."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._places: _Places | None = None
        self._last: tuple[Ids, Ids] | None = None  # ids that were asked for, and their places

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def ids(self) -> Ids:
        faiss = import_faiss()
        ids: Ids = faiss.vector_to_array(self._index.id_map)
        return ids

    def vectors(self, ids: Ids) -> Vectors:
        return self._rows()[self._placed(ids)]

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.remove(ids)
        self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids))
        self._places = None

    def remove(self, ids: Ids) -> None:
        if self._index.ntotal:
            self._index.remove_ids(np.ascontiguousarray(ids))
            self._places = None

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        places = self._placed(ids)
        known = places >= 0
        scores = np.full(len(ids), np.nan, dtype=np.float32)
        scores[known] = self._products(vector, places[known])
        return scores

    def _products(self, vector: Vectors, places: Ids) -> Scores:
        """Return (n,) the inner product of each; what lies at other places costs no time."""
        rows = self._rows()
        products = np.empty(len(places), dtype=np.float32)
        some = np.empty((_COPIED, rows.shape[1]), dtype=np.float32)
        for begin in range(0, len(places), _COPIED):
            few = places[begin : begin + _COPIED]
            copied = np.take(rows, few, axis=0, out=some[: len(few)], mode="clip")
            # summed without BLAS, whose threads wait for each other longer than this takes
            np.vecdot(copied, vector, out=products[begin : begin + len(few)])
        return products

    def near(self, vector: Vectors, above: float, among: Ids | None) -> Near:
        if among is None:  # every row as it lies: nothing has to be looked up or copied
            ids, scores = self.ids(), np.vecdot(self._rows(), vector)
        else:
            ids, scores = among, self.closeness(vector, among)
        is_near = scores > above  # what is not there has no score
        return Near(ids[is_near], scores[is_near])

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        return (save_part(folder, self._index),)

    @staticmethod
    def load(folder: IndexFolder, names: tuple[str, ...]) -> FlatIndex:
        """Return what `save` stored. Raises: ValueError when it is missing, damaged or something else."""
        return FlatIndex(load_part(folder, names[0], import_faiss().IndexIDMap2))

    @property
    def _flat(self) -> Any:
        faiss = import_faiss()
        return faiss.downcast_index(self._index.index)

    def _rows(self) -> Vectors:
        """Return the (n, dim) vectors by place, as FAISS holds them."""
        faiss = import_faiss()
        rows: Vectors = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self._index.d).reshape(-1, self._index.d)
        return rows

    def _placed(self, ids: Ids) -> Ids:
        if self._places is None:
            self._places = _Places.of(self.ids())
            self._last = None
        if self._last is None or self._last[0] is not ids:
            self._last = ids, self._places.of_ids(ids)
        return self._last[1]


@dataclass(frozen=True, slots=True)
class _Places:
    """Which vector lies where in an index: ids rising, and the place of each."""

    rising: Ids
    places: Ids

    @staticmethod
    def of(ids: Ids) -> _Places:
        places = np.argsort(ids, kind="stable")
        return _Places(ids[places], places)

    def of_ids(self, wanted: Ids) -> Ids:
        """Return the places of the wanted ids, -1 for those that are not there."""
        if not len(self.rising):
            return np.full(len(wanted), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.rising, wanted), len(self.rising) - 1)
        return np.where(self.rising[found] == wanted, self.places[found], -1)
