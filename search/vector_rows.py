"""Vectors in memory with 12 bits a number: for exact-enough inner products with whichever of them are asked for.

Rows lie in segments that are full or growing at the end, so that a file is written for what changed only, and a large
index can be mapped from its files. `faiss_codes` keeps them beside its codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from search.values import Ids, Scores, Vectors

_SEGMENT_BITS = 16
_SEGMENT_ROWS = 1 << _SEGMENT_BITS
_NOWHERE = -1

_FINE_BITS = 4  # of the 12; two numbers share a byte of them
_FINE = (1 << _FINE_BITS) - 1
_STEPS = 2047  # on either side of 0
_NEAREST = 1_000  # vectors
_AT_ONCE = 256  # rows that are looked at, which stay in the processor's caches meanwhile

Codes = npt.NDArray[np.int8]
Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Segment:
    """`ids` (r,), -1 for a row that was removed, and their vectors (r, dim): whole numbers times `scales` (r,).

    `codes` (r, dim) are the upper 8 bits of each number; `fine` (r, dim / 2, rounded up) are the lower 4, of a number
    of the first half of a row in the lower half of a byte, of the second half in the upper. There may be room behind
    the `used` rows.
    """

    ids: Ids
    scales: Scores
    codes: Codes
    fine: Bytes
    used: int
    file: str | None = None  # that holds exactly this; None after a change

    def pack(self) -> bytes:
        """Return the segment as bytes, the same on every machine."""
        head = np.array([self.used, self.codes.shape[1]], dtype="<i8")
        rows = slice(0, self.used)
        parts = (
            head,
            self.ids[rows].astype("<i8"),
            self.scales[rows].astype("<f4"),
            self.codes[rows],
            self.fine[rows],
        )
        return b"".join(part.tobytes() for part in parts)

    @staticmethod
    def unpack(packed: bytes | memoryview, file: str) -> Segment:
        """Return the segment that `pack` wrote, a view of its bytes. Raises: ValueError for other bytes."""
        rows, dim = (int(number) for number in np.frombuffer(packed, "<i8", 2))
        half = -(-dim // 2)
        begin = 16 + 12 * rows
        ids = np.frombuffer(packed, "<i8", rows, 16).astype(np.int64)
        scales = np.frombuffer(packed, "<f4", rows, 16 + 8 * rows).astype(np.float32)
        codes = np.frombuffer(packed, np.int8, rows * dim, begin).reshape(rows, dim)
        fine = np.frombuffer(packed, np.uint8, rows * half, begin + rows * dim).reshape(rows, half)
        return Segment(ids, scales, codes, fine, rows, file)

    @staticmethod
    def with_rows(count: int, dim: int) -> Segment:
        """Return a segment with room for so many rows, none of them used."""
        return Segment(
            np.full(count, _NOWHERE, dtype=np.int64),
            np.zeros(count, dtype=np.float32),
            np.zeros((count, dim), dtype=np.int8),
            np.zeros((count, -(-dim // 2)), dtype=np.uint8),
            used=0,
        )

    def with_room(self, room: int) -> Segment:
        """Return the segment with space for so many more rows, and such that it may be changed."""
        if self.used + room <= len(self.ids) and self.codes.flags.writeable:
            self.file = None
            return self
        size = min(max(self.used + room, 2 * self.used), _SEGMENT_ROWS)
        wider = Segment.with_rows(size, self.codes.shape[1])
        wider.used = self.used
        kept = slice(0, self.used)
        wider.ids[kept], wider.scales[kept] = self.ids[kept], self.scales[kept]
        wider.codes[kept], wider.fine[kept] = self.codes[kept], self.fine[kept]
        return wider

    def forget(self, places: Ids) -> None:
        """Leave nothing of these rows."""
        for part in (self.codes, self.fine, self.scales):
            part[places] = 0
        self.ids[places] = _NOWHERE

    def numbers(self, places: Ids) -> npt.NDArray[np.int16]:
        """Return (n, dim) what these rows are, divided by their scales."""
        numbers = self.codes[places].astype(np.int16)
        numbers <<= _FINE_BITS
        fine = self.fine[places]
        half, dim = fine.shape[1], numbers.shape[1]
        numbers[:, :half] |= fine & np.uint8(_FINE)
        numbers[:, half:] |= (fine >> np.uint8(_FINE_BITS))[:, : dim - half]
        return numbers


class VectorRows:
    """Rows of `dim` numbers under ids. Its caller sees to it that one thread works at a time."""

    def __init__(self, dim: int, segments: Sequence[Segment] = ()) -> None:
        self._dim = dim
        self.segments = list(segments)
        self._row_of = np.full(1, _NOWHERE, dtype=np.int32)  # by id
        self._count = 0
        for number, segment in enumerate(self.segments):
            self._place(segment.ids[: segment.used], number << _SEGMENT_BITS)

    def __len__(self) -> int:
        return self._count

    def ids(self) -> Ids:
        """Return all ids, in the order of their rows."""
        ids: Ids = np.concatenate([np.zeros(0, dtype=np.int64), *(s.ids[: s.used] for s in self.segments)])
        held: Ids = ids[ids != _NOWHERE]
        return held

    def known(self, ids: Ids) -> Ids:
        """Return those of the ids that are there."""
        there: Ids = ids[self._rows(ids) != _NOWHERE]
        return there

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors of length 1 under new ids."""
        scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12).astype(np.float32) / np.float32(_STEPS)
        numbers = np.rint(vectors / scales[:, None]).astype(np.int16)
        codes, fine = (numbers >> _FINE_BITS).astype(np.int8), _paired(numbers)
        done = 0
        while done < len(ids):
            if not self.segments or self.segments[-1].used == _SEGMENT_ROWS:
                self.segments.append(Segment.with_rows(0, self._dim))
            begin = self.segments[-1].used
            few = slice(done, done + _SEGMENT_ROWS - begin)
            count = len(ids[few])
            last = self.segments[-1].with_room(count)
            here = slice(begin, begin + count)
            last.ids[here], last.scales[here] = ids[few], scales[few]
            last.codes[here], last.fine[here] = codes[few], fine[few]
            last.used += count
            self.segments[-1] = last
            self._place(ids[few], ((len(self.segments) - 1) << _SEGMENT_BITS) + begin)
            done += count

    def remove(self, ids: Ids) -> None:
        """Forget ids; unknown ones are no error. Nothing of a removed vector is left."""
        for number, places, _ in self._by_segment(ids):
            segment = self.segments[number].with_room(0)
            segment.forget(places)
            self.segments[number] = segment
        known = self.known(ids)
        self._row_of[known] = _NOWHERE
        self._count -= len(known)

    def products(self, vector: Vectors, ids: Ids) -> Scores:
        """Return (n,) the inner product with each of these; NaN for an unknown id.

        Those of the nearest are exact to 12 bits, of the others to 8: only which are the nearest depends on more.
        """
        if len(ids) <= _NEAREST:
            return self._exact_products(vector, ids)
        found = np.full(len(ids), np.nan, dtype=np.float32)
        middle = np.float32(_FINE / 2 * vector.sum())  # of what the lower bits may be
        codes, upper = (np.empty((_AT_ONCE, self._dim), dtype=kind) for kind in (np.int8, np.float32))
        for number, places, asked in self._by_segment(ids):
            segment, count = self.segments[number], len(places)
            upper[:count] = np.take(segment.codes, places, axis=0, out=codes[:count], mode="clip")
            # summed without BLAS, whose threads wait for each other longer than this takes
            products = np.vecdot(upper[:count], vector)
            found[asked] = (products * (_FINE + 1) + middle) * segment.scales[places]
        nearest = np.argpartition(-found, _NEAREST)[:_NEAREST]
        found[nearest] = self._exact_products(vector, ids[nearest])
        return found

    def _exact_products(self, vector: Vectors, ids: Ids) -> Scores:
        found = np.full(len(ids), np.nan, dtype=np.float32)
        for number, places, asked in self._by_segment(ids):
            segment = self.segments[number]
            products = np.vecdot(segment.numbers(places).astype(np.float32), vector)
            found[asked] = products * segment.scales[places]
        return found

    def vectors(self, ids: Ids) -> Vectors:
        """Return the (n, dim) vectors of known ids."""
        found = np.zeros((len(ids), self._dim), dtype=np.float32)
        for number, places, asked in self._by_segment(ids):
            segment = self.segments[number]
            found[asked] = segment.numbers(places) * segment.scales[places, None]
        return found

    def _place(self, ids: Ids, first_row: int) -> None:
        here = ids != _NOWHERE
        highest = int(ids.max(initial=0))
        if highest >= len(self._row_of):
            grown = np.full(max(highest + 1, 2 * len(self._row_of)), _NOWHERE, dtype=np.int32)
            grown[: len(self._row_of)] = self._row_of
            self._row_of = grown
        self._row_of[ids[here]] = np.flatnonzero(here) + first_row
        self._count += int(here.sum())

    def _rows(self, ids: Ids) -> npt.NDArray[np.int32]:
        known = ids < len(self._row_of)
        return np.where(known, self._row_of[np.where(known, ids, 0)], _NOWHERE).astype(np.int32)

    def _by_segment(self, ids: Ids) -> Iterator[tuple[int, Ids, Ids]]:
        """Yield a segment's number, a few rows in it, and which of `ids` these are; unknown ids are left out."""
        rows = self._rows(ids)
        asked = np.flatnonzero(rows != _NOWHERE)
        segments = rows[asked] >> _SEGMENT_BITS
        if (segments[1:] < segments[:-1]).any():
            order = np.argsort(segments, kind="stable")
            asked, segments = asked[order], segments[order]
        places = (rows[asked] & (_SEGMENT_ROWS - 1)).astype(np.int64)
        bounds = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), len(asked)]
        for first, last in pairwise(bounds):
            for begin in range(first, last, _AT_ONCE):
                few = slice(begin, min(begin + _AT_ONCE, last))
                yield int(segments[first]), places[few], asked[few]


def _paired(numbers: npt.NDArray[np.int16]) -> Bytes:
    """Return (n, dim / 2, rounded up) the lower bits of (n, dim) numbers, as `Segment.fine` has them."""
    fine = (numbers & _FINE).astype(np.uint8)
    half = -(-fine.shape[1] // 2)
    paired: Bytes = fine[:, :half].copy()
    paired[:, : fine.shape[1] - half] |= fine[:, half:] << np.uint8(_FINE_BITS)
    return paired
