"""Where words stand in blocks of cells that lie end to end.

`Corpus` asks for it; what comes out are views of the blocks until the places of all of them are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.cell_block import CellBlock, Ints, Times
from search.words import Keys

Floats = npt.NDArray[np.float32]
Postings = tuple[Ints, Floats]  # (p,) cells, rising, and (p,) how often a term stands in each


@dataclass(frozen=True, slots=True)
class Part:
    """Where a word stands in one block: cells of the block, rising, and how often; 255 means as often or more."""

    block: int
    cells: Ints
    times: Times


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one word stands: a part for each block that holds it, in their order."""

    parts: tuple[Part, ...]

    @property
    def count(self) -> int:
        """The number of cells."""
        return sum(len(part.cells) for part in self.parts)

    def said_in(self, first_cells: Sequence[int]) -> tuple[Ints, Times]:
        """Return the cells, each block's counted from its first one, and how often; 255 means as often or more."""
        ends = np.cumsum([len(part.cells) for part in self.parts]).tolist()
        cells, times = np.empty(ends[-1], dtype=np.int32), np.empty(ends[-1], dtype=np.uint8)
        for part, begin, end in zip(self.parts, [0, *ends], ends, strict=False):
            np.add(part.cells, np.int32(first_cells[part.block]), out=cells[begin:end])
            times[begin:end] = part.times
        return cells, times


def find_standings(blocks: Sequence[CellBlock], terms: Sequence[Keys], *, pairs: bool) -> list[Standing | None]:
    """Return where each of several words stands, which have one key or more; None of a word that stands nowhere."""
    if not terms:
        return []
    keys = np.concatenate(terms)
    parts: list[list[Part]] = [[] for _ in terms]
    for number, block in enumerate(blocks):
        entries = block.pairs if pairs else block.terms
        places = iter(entries.places(keys))
        for word, found in zip(terms, parts, strict=True):
            here = [place for place in (next(places) for _ in word) if place.start < place.stop]
            if here:
                cells, times = [entries.cells[place] for place in here], [entries.times[place] for place in here]
                found.append(part_of(number, cells, times, block.size))
    return [Standing(tuple(found)) if found else None for found in parts]


def part_of(block: int, cells: Sequence[Ints], times: Sequence[Times], size: int) -> Part:
    """Return where several words, one at least, stand together in a block of so many cells."""
    if len(cells) == 1:
        return Part(block, cells[0], times[0])
    counted = np.bincount(np.concatenate(cells), np.concatenate(times), size)
    held = np.flatnonzero(counted)
    return Part(block, held.astype(np.int32), np.minimum(counted[held], 255).astype(np.uint8))
