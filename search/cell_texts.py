"""What is shown of an interview's cells, as it is stored beside their numbers.

`service` packs it while indexing; `answers` unpacks it for the few interviews of an answer.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from search.cells import Cell


def pack_texts(cells: Sequence[Cell]) -> bytes:
    """Return the cells as bytes."""
    rows = [[c.first_segment, c.last_segment, c.start_ms, c.end_ms, c.turns] for c in cells]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpack_texts(packed: bytes) -> list[Cell]:
    """Return the cells that `pack_texts` wrote."""
    return [
        Cell(first, last, start_ms, end_ms, tuple((speaker, said) for speaker, said in turns))
        for first, last, start_ms, end_ms, turns in json.loads(zlib.decompress(packed))
    ]
