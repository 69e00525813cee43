"""Where one word stands in a corpus: cell by cell where it stands in few, laid out over all cells where it is usual.

`term_columns` asks for them. A word that half of all cells hold is not looked up place by place: a byte for each cell
says how often, eight of which are one bucket and are added up at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search.cell_block import Ids, Ints, Times
from search.cell_index import BUCKET_CELLS, Corpus, Numbers, first_of_runs, sums_between
from search.standing import Floats, Postings, Standing
from search.words import Keys

_USUAL_SHARE = 32  # a word is usual that stands in more than this part of all cells
_MOST_TIMES = np.uint8(31)  # in a cell of fifty words: eight of them fit a byte
# Multiplied by a one in each byte, the last byte of eight is their sum. Source: Warren, "Hacker's Delight", 2012, 5-1.
_ONES, _TO_LAST = np.uint64(0x0101010101010101), np.uint64(56)


@dataclass(frozen=True, slots=True)
class FewPlaces:
    """Cells, rising, of a corpus."""

    corpus: Corpus
    postings: Postings
    bounds: Ids  # (m + 1,) of each interview's cells, and how many there are

    @staticmethod
    def of(corpus: Corpus, postings: Postings) -> FewPlaces:
        return FewPlaces(corpus, postings, corpus.bounds_of(postings[0]))

    @property
    def held(self) -> Ids:
        """(m,) in how many cells of each interview."""
        return np.diff(self.bounds)

    @property
    def said(self) -> Numbers:
        """(m,) how often in each interview."""
        return sums_between(self.postings[1], self.bounds)

    def in_buckets(self) -> tuple[Ids | Ints, Floats]:
        """Return the buckets in which it stands, rising, and how often."""
        buckets = self._laid_out() // BUCKET_CELLS
        first = first_of_runs(buckets)
        return buckets[first], np.add.reduceat(self.postings[1], first)

    def lay(self, part: Corpus, laid: Floats) -> bool:
        """Write how often it stands in each cell of `part` (n,), the corpus or an excerpt of it, if it does at all."""
        cells, times = part.locate(self.postings, self.bounds)
        if len(cells):
            laid[:] = 0.0
            laid[cells] = times
        return len(cells) > 0

    def shared(self, other: FewPlaces | ManyPlaces) -> FewPlaces | ManyPlaces:
        """Return where both stand in one cell, as often as both do."""
        if isinstance(other, ManyPlaces):
            cells, times = self.postings
            both = np.minimum(times, other.times[self._laid_out()])
            return FewPlaces.of(self.corpus, (cells[both > 0], both[both > 0]))
        (cells, times), (others, other_times) = self.postings, other.postings
        places = np.minimum(np.searchsorted(others, cells), len(others) - 1)
        here = np.flatnonzero(others[places] == cells)
        return FewPlaces.of(self.corpus, (cells[here], np.minimum(times[here], other_times[places[here]])))

    def _laid_out(self) -> Ints:
        return self.corpus.laid_out(self.postings[0], self.bounds)


@dataclass(frozen=True)  # without slots, for what is kept of it when it is first asked
class ManyPlaces:
    """How often in each cell of a corpus, at most 31 times: (8 b,), each interview laid out from a bucket's begin."""

    bucket_starts: Ids  # (m + 1,) of each interview
    times: Times
    buckets: Times  # (b,) the sums
    held: Ids | Numbers  # (m,) in how many cells of each interview

    @staticmethod
    def of(corpus: Corpus, standing: Standing) -> ManyPlaces:
        cells, often = corpus.said_in(standing)
        bounds = corpus.bounds_of(cells)
        times = np.zeros(int(corpus.bucket_starts[-1]) * BUCKET_CELLS, dtype=np.uint8)
        times[corpus.laid_out(cells, bounds)] = np.minimum(often, _MOST_TIMES)
        return ManyPlaces(corpus.bucket_starts, times, _added(times), np.diff(bounds))

    @cached_property
    def said(self) -> Numbers:
        """(m,) how often in each interview."""
        return sums_between(self.buckets, self.bucket_starts)

    def in_buckets(self) -> tuple[slice, Floats]:
        """Return that it stands in all buckets, and how often (b,)."""
        return slice(None), self.buckets.astype(np.float32)

    def lay(self, part: Corpus, laid: Floats) -> bool:
        """Write how often it stands in each cell of `part` (n,), the corpus or an excerpt of it, if it does at all."""
        laid[: part.size] = self.times[part.laid_out_cells]
        return True

    def shared(self, other: FewPlaces | ManyPlaces) -> FewPlaces | ManyPlaces:
        """Return where both stand in one cell, as often as both do."""
        if isinstance(other, FewPlaces):
            return other.shared(self)
        times = np.minimum(self.times, other.times)
        held = sums_between(_added(np.not_equal(times, 0).view(np.uint8)), self.bucket_starts)
        return ManyPlaces(self.bucket_starts, times, _added(times), held)


Places = FewPlaces | ManyPlaces


def places_of_words(corpus: Corpus, words: Sequence[Keys], *, pairs: bool = False) -> list[Places | None]:
    """Return where each of these words, or pairs of words, stands in all of which `corpus` may be an excerpt."""
    whole, kind = corpus.whole, b"pair" if pairs else b"word"
    return [
        None if standing is None else places_of(whole, kind + keys.tobytes(), standing)
        for keys, standing in zip(words, whole.standings(words, pairs=pairs), strict=True)
    ]


def places_of(corpus: Corpus, word: bytes, standing: Standing) -> Places:
    """Return where a word of this name stands, in the form that its number of cells asks for.

    The last usual words that were asked for are kept: what is usual is usual in questions, too.
    """
    if standing.count * _USUAL_SHARE > corpus.size:
        return corpus.usual_words.get(word, lambda: ManyPlaces.of(corpus, standing))
    return FewPlaces.of(corpus, corpus.postings_of(standing))


def _added(times: Times) -> Times:
    """Return (b,) the sums of eight bytes each."""
    return ((times.view(np.uint64) * _ONES) >> _TO_LAST).astype(np.uint8)
