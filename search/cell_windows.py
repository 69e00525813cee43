"""Sums over windows of cells that lie side by side, for all places at once.

`scoring` and `word_windows` count with it. What begins at a cell is added to what begins so many cells later: 1, 2, 4 …
cells, until a window is full. That takes a tenth of running sums, and counts stay exact in 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.cell_block import Ids
from search.cell_index import Mask
from search.standing import Floats


@dataclass(frozen=True, slots=True)
class CellWindows:
    """Windows of `size` cells, a power of two, at most one of which begins at each of n cells.

    Those that have fewer cells have them for themselves alone.
    """

    size: int
    begins: Mask  # (n,) where any window begins
    short_begin: Ids  # (k,) of those that have fewer cells
    short_end: Ids

    @staticmethod
    def of(size: int, cells: int, begin: Ids, end: Ids) -> CellWindows:
        """Return the windows [begin, end) of so many cells."""
        begins = np.zeros(cells, dtype=bool)
        begins[begin] = True
        is_short = end - begin < size
        return CellWindows(size, begins, begin[is_short], end[is_short])

    @staticmethod
    def every(size: int, starts: Ids) -> CellWindows:
        """Return all windows of interviews that start there (m + 1,); an interview that is shorter is one window."""
        sizes = np.diff(starts)
        begins = np.ones(int(starts[-1]), dtype=bool)
        for before in range(1, size):
            begins[(starts[1:] - before)[sizes >= before]] = False
        is_short = (sizes < size) & (sizes > 0)
        short = starts[:-1][is_short]
        begins[short] = True
        return CellWindows(size, begins, short, starts[1:][is_short])

    def sums(self, ahead: Floats, laid: Floats) -> Floats:
        """Return (n,) the sums of the windows that begin at each cell; `ahead` and `laid` are those of `sums_ahead`.

        Where no window begins the sum says nothing.
        """
        if len(self.short_begin):
            bounds = np.stack([self.short_begin, self.short_end], axis=1).ravel()
            ahead = ahead.copy()  # what longer windows are summed from
            ahead[self.short_begin] = np.add.reduceat(laid, bounds)[::2]
        return ahead

    def spread(self, scores: Floats) -> Floats:
        """Return (n,) for each cell the mean score of the windows that hold it; 0 where none does.

        `scores` (n,) are those of the windows that begin at each cell, anything where none begins.
        """
        full = self.begins.astype(np.float32)
        full[self.short_begin] = 0.0
        total = self._sums_behind(np.where(full > 0, scores, np.float32(0)))
        spread = np.asarray(total / np.maximum(self._sums_behind(full), 1), dtype=np.float32)
        for begin, end in zip(self.short_begin.tolist(), self.short_end.tolist(), strict=True):
            spread[begin:end] = scores[begin]
        return spread

    def _sums_behind(self, values: Floats) -> Floats:
        """Return (n,) the sums of as many values up to each cell."""
        laid = np.zeros(len(values) + self.size, dtype=np.float32)
        laid[self.size - 1 : -1] = values
        return next(sums_ahead(laid, (self.size,)))


def sums_ahead(laid: Floats, sizes: Sequence[int]) -> Iterator[Floats]:
    """Yield for each size, powers of two that rise, (n,) the sum of as many values from each place on.

    After the n values of `laid` follow as many zeros as the last size.
    """
    count = len(laid) - sizes[-1]
    sums, width = laid, 1
    for size in sizes:
        while width < size:
            sums = sums[:-width] + sums[width:]
            width *= 2
        yield sums[:count]
