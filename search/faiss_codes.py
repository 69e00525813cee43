"""A large index: codes that say roughly how near every vector is, and rows that say how near any vector is.

FAISS looks at the codes of all vectors (product quantisation of 4 bits for two numbers, summed in the processor's
registers); rows, in the order interviews came, answer for the windows of one interview.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from search.index_file import IndexFolder
from search.values import Ids, Near, Scores, Vectors
from search.vector_rows import Segment, VectorRows

# Vectors are coded as what is left of the middle of their cluster. All clusters are looked at: so many times the root
# of the number of vectors are enough.
_LISTS_PER_ROOT = 0.125
_TRAINED_PER_LIST = 300  # vectors
_CODE_BITS = 4
_VALUES = 1 << _CODE_BITS

Bits = npt.NDArray[np.uint8]


class CodedIndex:
    """Its caller sees to it that one thread works at a time."""

    def __init__(self, codes: Any, rows: VectorRows, made_for: int) -> None:
        self._codes = codes
        self._rows = rows
        self.made_for = made_for  # vectors

    @staticmethod
    def trained(vectors: Vectors, size: int) -> CodedIndex:
        """Return an empty index with codes for about `size` vectors, of which these (n, dim) are some."""
        faiss = import_faiss()
        dim = vectors.shape[1]
        lists = max(1, min(_lists(size), len(vectors) // _VALUES))
        middles = faiss.IndexFlatIP(dim)
        parts = dim // 2 if dim % 2 == 0 else dim
        codes = faiss.IndexIVFPQFastScan(middles, dim, lists, parts, _CODE_BITS, faiss.METRIC_INNER_PRODUCT)
        codes.own_fields = True
        middles.this.disown()  # the codes free it
        codes.by_residual = True
        for making in (codes.cp, codes.pq.cp):
            making.niter, making.min_points_per_centroid = 5, 1
        codes.cp.spherical = True
        codes.train(np.resize(vectors, (max(len(vectors), _VALUES), dim)).astype(np.float32))
        return CodedIndex(codes, VectorRows(dim), size)

    @staticmethod
    def sample_size(size: int) -> int:
        """Return how many vectors the codes of an index of `size` are made from."""
        return min(size, _lists(size) * _TRAINED_PER_LIST)

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> Ids:
        return self._rows.ids()

    def vectors(self, ids: Ids) -> Vectors:
        return self._rows.vectors(ids)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids):
            self.remove(ids)
            self._codes.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids))
            self._rows.add(ids, vectors)

    def remove(self, ids: Ids) -> None:
        known = self._rows.known(ids)
        if len(known):
            # every id is looked at: less than a millisecond in a million, and no table of places, 50 bytes a window
            self._codes.remove_ids(import_faiss().IDSelectorBatch(np.ascontiguousarray(known)))
            self._rows.remove(known)

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        return self._rows.products(vector, ids)

    def near(self, vector: Vectors, above: float, among: Ids | None) -> Near:
        faiss = import_faiss()
        selector = None if among is None else faiss.IDSelectorBitmap(_bits(among))
        parameters = faiss.IVFSearchParameters(nprobe=self._codes.nlist, sel=selector)
        question = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        # by a limit rather than by number: keeping the best of many in order takes longer than looking at them
        _, scores, ids = self._codes.range_search(question, above, params=parameters)
        if len(ids):
            return Near(ids, scores)
        # also what FAISS says of a limit below all that codes can say
        some = self.ids() if among is None else self._rows.known(among)
        exact = self._rows.products(vector, some)
        return Near(some[exact > above], exact[exact > above])

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        for segment in self._rows.segments:
            if segment.file is None or not folder.has(segment.file):
                segment.file = folder.put(segment.pack())
        self._overwrite_removed()
        codes = save_part(folder, self._codes)
        return (codes, *(segment.file for segment in self._rows.segments if segment.file is not None))

    def _overwrite_removed(self) -> None:
        """Leave nothing of removed vectors: codes lie in blocks, and FAISS keeps what was in the last one of a list."""
        faiss = import_faiss()
        lists = faiss.downcast_InvertedLists(self._codes.invlists)
        nothing = np.zeros(self._codes.code_size, dtype=np.uint8)
        for number in range(lists.nlist):
            used = lists.list_size(number)
            blocks = -(-used // lists.n_per_block)
            if used < blocks * lists.n_per_block:
                codes = faiss.rev_swig_ptr(lists.get_codes(number), blocks * lists.block_size)
                for place in range(used, blocks * lists.n_per_block):
                    lists.packer.pack_1(nothing, place, codes.reshape(blocks, -1))

    @staticmethod
    def load(folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> CodedIndex:
        """Return what `save` stored. Raises: ValueError when it is missing, damaged or something else."""
        faiss = import_faiss()
        codes = load_part(folder, names[0], faiss.IndexIVFPQFastScan)
        segments = [Segment.unpack(folder.get(name, is_mapped=is_mapped), name) for name in names[1:]]
        made_for = int((codes.nlist / _LISTS_PER_ROOT) ** 2)
        return CodedIndex(codes, VectorRows(codes.d, segments), made_for)


def _lists(size: int) -> int:
    return max(1, int(_LISTS_PER_ROOT * size**0.5))


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
