"""What is shown of an interview's cells, as it is stored beside their numbers.

`Indexing` packs it; `answers` reads the few cells of a moment, and only these are unpacked: cells lie in chunks.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise

from search.cells import Cell

_CHUNK_CELLS = 8
_CHUNKED = b"\x02"  # what older Earshots wrote begins otherwise: one stream of all cells


class CellTexts:
    """The cells of one interview, unpacked as they are asked for."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        if packed.startswith(_CHUNKED):
            (count,) = struct.unpack_from("<I", packed, 1)
            sizes = struct.unpack_from(f"<{count}I", packed, 5)
            self._bounds = list(pairwise(accumulate(sizes, initial=5 + 4 * count)))
            self._step = _CHUNK_CELLS
        else:
            self._bounds, self._step = [(0, len(packed))], 1 << 31

    def cells(self, begin: int, end: int) -> list[Cell]:
        """Return cells `begin` to `end` (exclusive), as far as they are there."""
        first = begin // self._step
        bounds = self._bounds[first : -(-end // self._step)]
        cells = [cell for start, stop in bounds for cell in _unpack(self._packed[start:stop])]
        return cells[begin - first * self._step : end - first * self._step]

    def every(self) -> list[Cell]:
        """Return all cells."""
        return self.cells(0, self._step * len(self._bounds))


def pack_texts(cells: Sequence[Cell]) -> bytes:
    """Return the cells as bytes, which `CellTexts` reads."""
    chunks = [_pack(cells[start : start + _CHUNK_CELLS]) for start in range(0, len(cells), _CHUNK_CELLS)]
    return b"".join([_CHUNKED, struct.pack(f"<{len(chunks) + 1}I", len(chunks), *map(len, chunks)), *chunks])


def _pack(cells: Sequence[Cell]) -> bytes:
    rows = [[c.first_segment, c.last_segment, c.start_ms, c.end_ms, c.turns] for c in cells]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def _unpack(packed: bytes) -> list[Cell]:
    return [
        Cell(first, last, start_ms, end_ms, tuple((speaker, said) for speaker, said in turns))
        for first, last, start_ms, end_ms, turns in json.loads(zlib.decompress(packed))
    ]
