"""A large index: clusters that say where the nearest vectors lie, and rows that say how near any vector is.

FAISS looks at the clusters nearest to a question (IVF with 8 bits a number); rows, in the order interviews came, answer
for the windows of one interview without looking for them cluster by cluster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from search.byte_rows import ByteRows, Segment
from search.index_file import IndexFolder
from search.values import Ids, Near, Scores, Vectors

_LISTS_PER_ROOT = 4  # clusters: so many times the root of the number of vectors
_TRAINED_PER_LIST = 24  # vectors
_LOOKED_AT = 700  # clusters for a question about everything; more where less is selected
_ONE_THREAD = 200_000  # vectors: fewer are looked at by one

Bits = npt.NDArray[np.uint8]


class ClusteredIndex:
    """Its caller sees to it that one thread works at a time."""

    def __init__(self, clusters: Any, rows: ByteRows, made_for: int) -> None:
        self._clusters = clusters
        self._rows = rows
        self.made_for = made_for  # vectors

    @staticmethod
    def trained(vectors: Vectors, size: int) -> ClusteredIndex:
        """Return an empty index with clusters for about `size` vectors, of which these (n, dim) are some."""
        faiss = import_faiss()
        dim = vectors.shape[1]
        lists = max(1, min(int(_LISTS_PER_ROOT * size**0.5), len(vectors) // 4))
        kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        coarse = faiss.IndexFlatIP(dim)
        clusters = faiss.IndexIVFScalarQuantizer(coarse, dim, lists, kind, metric, False)
        clusters.own_fields = True
        coarse.this.disown()  # the clusters free it
        clusters.cp.niter, clusters.cp.spherical = 5, True
        clusters.cp.max_points_per_centroid, clusters.cp.min_points_per_centroid = _TRAINED_PER_LIST, 1
        clusters.train(np.ascontiguousarray(vectors, dtype=np.float32))
        return ClusteredIndex(clusters, ByteRows(dim), size)

    @staticmethod
    def sample_size(size: int) -> int:
        """Return how many vectors the clusters of an index of `size` are made from."""
        return min(size, int(_LISTS_PER_ROOT * size**0.5) * _TRAINED_PER_LIST)

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> Ids:
        return self._rows.ids()

    def vectors(self, ids: Ids) -> Vectors:
        return self._rows.vectors(ids)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids):
            self.remove(ids)
            self._clusters.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids))
            self._rows.add(ids, vectors)

    def remove(self, ids: Ids) -> None:
        known = self._rows.known(ids)
        if len(known):
            # every id is looked at: some milliseconds in a million, and no table of places, 50 bytes a window
            self._clusters.remove_ids(import_faiss().IDSelectorBatch(np.ascontiguousarray(known)))
            self._rows.remove(known)

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        return self._rows.products(vector, ids)

    def near(self, vector: Vectors, above: float, among: Ids | None) -> Near:
        faiss = import_faiss()
        share = 1.0 if among is None else len(among) / max(len(self), 1)
        looked_at = min(self._clusters.nlist, int(_LOOKED_AT / max(share, 1e-9)) + 1)
        parameters = faiss.IVFSearchParameters(nprobe=looked_at)
        if among is not None:
            selector = faiss.IDSelectorBitmap(_bits(among))
            parameters = faiss.IVFSearchParameters(nprobe=looked_at, sel=selector)
        # The clusters of one question are shared among threads where that takes longer than waking these.
        self._clusters.parallel_mode = int(len(self) > _ONE_THREAD)
        question = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        # by a limit rather than by number: keeping the best of many in order takes longer than looking at them
        _, scores, ids = self._clusters.range_search(question, above, params=parameters)
        return Near(ids, scores)

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        for segment in self._rows.segments:
            if segment.file is None or not folder.has(segment.file):
                segment.file = folder.put(segment.pack())
        clusters = save_part(folder, self._clusters)
        return (clusters, *(segment.file for segment in self._rows.segments if segment.file is not None))

    @staticmethod
    def load(folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> ClusteredIndex:
        """Return what `save` stored. Raises: ValueError when it is missing, damaged or something else."""
        faiss = import_faiss()
        clusters = load_part(folder, names[0], faiss.IndexIVFScalarQuantizer)
        clusters.set_direct_map_type(faiss.DirectMap.NoMap)  # an earlier version kept one
        segments = [Segment.unpack(folder.get(name, is_mapped=is_mapped), name) for name in names[1:]]
        made_for = int((clusters.nlist / _LISTS_PER_ROOT) ** 2)
        return ClusteredIndex(clusters, ByteRows(clusters.d, segments), made_for)


def _bits(ids: Ids) -> Bits:
    """Return a bit for each id up to the highest: set for these."""
    flags = np.zeros(int(ids.max(initial=0)) + 1, dtype=bool)
    flags[ids] = True
    return np.packbits(flags, bitorder="little")


def save_part(folder: IndexFolder, index: Any) -> str:
    """Store a FAISS index as a part and return its name. Raises: OSError."""
    return folder.put(import_faiss().serialize_index(index).tobytes())


def load_part(folder: IndexFolder, name: str, kind: type) -> Any:
    """Return a stored FAISS index. Raises: ValueError when it is missing, damaged or not of this kind."""
    try:
        index = import_faiss().deserialize_index(np.frombuffer(folder.get(name), dtype=np.uint8))
    except RuntimeError as error:
        raise ValueError("these bytes are no FAISS index") from error
    if not isinstance(index, kind):
        raise ValueError("this FAISS index is of another kind")
    return index


def import_faiss() -> Any:
    """Import FAISS as what it is at run time; its type hints know only part of it."""
    import faiss

    return faiss
