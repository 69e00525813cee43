"""Some interviews of a corpus, numbered anew: what is scored cell by cell where the whole would take too long.

`candidates` chooses them. An excerpt looks like any corpus, except that a word counts as known that the whole knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from search.cell_block import CellBlock, Ids, Ints, joined
from search.cell_index import BUCKET_CELLS, Corpus, Numbers
from search.standing import Postings
from search.words import Keys


class Excerpt(Corpus):
    """The interviews `numbers` (k,), rising, of `whole`."""

    def __init__(self, whole: Corpus, numbers: Ids) -> None:
        self._whole = whole
        self.blocks = whole.blocks
        self.interviews = tuple(whole.interviews[number] for number in numbers.tolist())
        self._numbers = numbers
        self._first = whole.starts[numbers]
        self._starts = np.concatenate([[0], np.cumsum(whole.starts[numbers + 1] - self._first)])
        self.size = int(self._starts[-1])

    @property
    def whole(self) -> Corpus:
        return self._whole

    @property
    def starts(self) -> Ids:
        """(m + 1,) first cell of each interview, and the number of cells."""
        return self._starts

    @cached_property
    def cells(self) -> Ids:
        """(n,) the number of each cell in the whole."""
        return ranges(self._first, self.sizes)

    @cached_property
    def laid_out_cells(self) -> Ids:
        """(n,) the places of all cells in the whole, where each interview begins with a bucket."""
        return ranges(self.whole.bucket_starts[self._numbers] * BUCKET_CELLS, self.sizes)

    def _column(self, of: Callable[[CellBlock], Ints]) -> Ints:
        return joined(of(block)[places] for block, places in self._pieces)

    @cached_property
    def _pieces(self) -> list[tuple[CellBlock, Ids]]:
        """Where the cells lie: the whole is not laid out for the few that are looked at."""
        return self.whole.pieces_of(self.cells)

    @cached_property
    def windows(self) -> tuple[Ids, Ids]:
        """(w,) first cell, rising, and (w,) end of the windows that have a vector."""
        begin, end = self.whole.windows
        here, shift = self._windows
        return begin[here] + shift, end[here] + shift

    @cached_property
    def window_ids(self) -> Ids:
        """(w,) ids of those windows."""
        return self.whole.window_ids[self._windows[0]]

    @cached_property
    def _windows(self) -> tuple[Ids, Ids]:
        """(w,) the number of each window in the whole, and what its cells' numbers are less there than here."""
        bounds = self.whole.window_starts
        count = bounds[self._numbers + 1] - bounds[self._numbers]
        return ranges(bounds[self._numbers], count), np.repeat(self._starts[:-1] - self._first, count)

    def postings(self, keys: Keys) -> Postings | None:
        """Return where any of these terms stands and how often in all; None when none stands anywhere in the whole."""
        found = self.whole.postings(keys)
        return None if found is None else self.locate(found, self.whole.bounds_of(found[0]))

    def holds(self, keys: Keys) -> bool:
        """Return whether any of these terms stands anywhere in the whole."""
        return self.whole.holds(keys)

    def locate(self, postings: Postings, bounds: Ids) -> Postings:
        """Return the part of postings of the whole corpus that is in this one, by its own numbers."""
        cells, times = postings
        begin = bounds[self._numbers]
        count = bounds[self._numbers + 1] - begin
        here = ranges(begin, count)
        shift = np.repeat((self._starts[:-1] - self._first).astype(np.int32), count)
        return cells[here] + shift, times[here]

    def of_interviews(self, values: Numbers) -> Numbers:
        """Return of values (m of the whole corpus,) those of the interviews that are in this one."""
        return values[self._numbers]

    @property
    def languages(self) -> frozenset[str]:
        """The languages of the whole, by which its words are asked for."""
        return self.whole.languages

    @property
    def speakers(self) -> tuple[str, ...]:
        """Every name of a speaker in the whole, once."""
        return self.whole.speakers


def ranges(begin: Ids, count: Ids) -> Ids:
    """Return begin, begin + 1, … of each range of `count` numbers, one range after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Ids = np.arange(total) + np.repeat(begin - (ends - count), count)
    return numbers
