"""All cells of this process in memory: interviews come and go, a `Corpus` is what a question looks at.

`IndexKeeper` fills it from the database. Interviews are gathered in few blocks of growing size, so that adding one
costs about the same however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from search.cell_block import NO_ID, CellBlock, Ids, Ints, Times, join_blocks, joined, only_interviews
from search.last_asked import LastAsked
from search.standing import Floats, Postings, Standing, find_standings
from search.window_layout import WindowLayout
from search.words import Keys

if TYPE_CHECKING:
    from search.word_places import ManyPlaces

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Cells of a block that is no longer joined with others: joining, and taking one interview out, cost no more than this
# however many there are.
MOST_CELLS = 65_536
_KEPT_WORDS = 32  # and names of speakers: a byte for every cell
BUCKET_CELLS = 8  # looked at together before any of them is scored; about a word window


class CellIndex:
    """Its caller sees to it that one thread works at a time; a corpus it gave out stays as it is."""

    def __init__(self, blocks: Sequence[CellBlock] = ()) -> None:
        self._blocks = [block for block in blocks if block.interviews]
        self._block_of = {interview: block for block in self._blocks for interview in block.interviews}
        self._corpus: Corpus | None = None

    def put(self, block: CellBlock) -> None:
        """Add the interviews of `block`, in place of what was there of them."""
        for interview in block.interviews:
            self.remove(interview)
        self._add(block)
        while len(self._blocks) > 1 and self._are_joined(*self._blocks[-2:]):
            larger, smaller = self._blocks[-2:]
            del self._blocks[-2:]
            self._add(join_blocks([larger, smaller]))
        self._corpus = None

    def remove(self, interview_id: str) -> Ids:
        """Forget an interview at once and return the ids of its windows."""
        block = self._block_of.pop(interview_id, None)
        if block is None:
            return np.zeros(0, dtype=np.int64)
        number = block.interviews.index(interview_id)
        begin, end = block.starts[number], block.starts[number + 1]
        ids: Ids = block.window_ids[(block.window_from >= begin) & (block.window_from < end)]
        place = next(n for n, candidate in enumerate(self._blocks) if candidate is block)
        del self._blocks[place]
        rest = only_interviews(block, np.arange(len(block.interviews)) != number)
        if rest.interviews:
            self._blocks.insert(place, rest)
            self._block_of.update(dict.fromkeys(rest.interviews, rest))
        self._corpus = None
        with_vector: Ids = ids[ids != NO_ID]
        return with_vector

    def corpus(self) -> Corpus:
        """Return everything as it is now."""
        if self._corpus is None:
            self._corpus = Corpus(tuple(self._blocks))
        return self._corpus

    @property
    def blocks(self) -> tuple[CellBlock, ...]:
        """Everything, for the file."""
        return tuple(self._blocks)

    @staticmethod
    def _are_joined(larger: CellBlock, smaller: CellBlock) -> bool:
        return larger.size < 2 * smaller.size and larger.size + smaller.size <= MOST_CELLS

    def _add(self, block: CellBlock) -> None:
        self._blocks.append(block)
        self._block_of.update(dict.fromkeys(block.interviews, block))


class Corpus:
    """Blocks laid end to end: cell and interview numbers count over all of them. Never changes."""

    def __init__(self, blocks: tuple[CellBlock, ...]) -> None:
        self.blocks = blocks
        self._offsets = np.cumsum([0, *(block.size for block in blocks)])
        self.size = int(self._offsets[-1])
        self.interviews = tuple(interview for block in blocks for interview in block.interviews)
        self.usual_words: LastAsked[bytes, ManyPlaces] = LastAsked(_KEPT_WORDS)

    @property
    def whole(self) -> Corpus:
        """What this is an excerpt of, if it is one."""
        return self

    @cached_property
    def number_of(self) -> dict[str, int]:
        """The number of each interview."""
        return {interview: number for number, interview in enumerate(self.interviews)}

    def mask_of(self, interview_ids: Iterable[str]) -> Mask:
        """Return (m,) which interviews are among these; ids of others are no error."""
        mask = np.zeros(len(self.interviews), dtype=bool)
        mask[[self.number_of[found] for found in interview_ids if found in self.number_of]] = True
        return mask

    @cached_property
    def starts(self) -> Ids:
        """(m + 1,) first cell of each interview, and the number of cells."""
        parts = [block.starts[:-1] + offset for block, offset in self._placed()]
        return np.concatenate([*parts, [self.size]]).astype(np.int64)

    @cached_property
    def sizes(self) -> Ids:
        """(m,) number of cells of each interview."""
        return np.diff(self.starts)

    @cached_property
    def interview_of(self) -> Ids:
        """(n,) number of each cell's interview."""
        return np.repeat(np.arange(len(self.interviews), dtype=np.int64), self.sizes)

    def bounds_of(self, cells: Ids | Ints) -> Ids:
        """Return (m + 1,) where among these rising cells each interview's begin, and how many there are."""
        if len(cells) > len(self.interviews):
            return np.searchsorted(cells, self.starts.astype(cells.dtype)).astype(np.int64)
        numbers = np.searchsorted(self.starts, cells.astype(np.int64), side="right") - 1
        return np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(self.interviews)))])

    @cached_property
    def first_segment(self) -> Ints:
        return self._column(lambda block: block.first_segment)

    @cached_property
    def last_segment(self) -> Ints:
        return self._column(lambda block: block.last_segment)

    @cached_property
    def word_count(self) -> Ints:
        return self._column(lambda block: block.word_count)

    @cached_property
    def said_count(self) -> Ints:
        return self._column(lambda block: block.said_count)

    @cached_property
    def term_count(self) -> Ints:
        return self._column(lambda block: block.term_count)

    @cached_property
    def windows(self) -> tuple[Ids, Ids]:
        """(w,) first cell, rising, and (w,) end of the windows that have a vector."""
        begin = np.concatenate([np.zeros(0, np.int64), *(b.window_from + offset for b, offset in self._placed())])
        end = np.concatenate([np.zeros(0, np.int64), *(b.window_to + offset for b, offset in self._placed())])
        is_embedded = self._embedded[1]
        return begin[is_embedded], end[is_embedded]

    @cached_property
    def window_starts(self) -> Ids:
        """(m + 1,) first window of each interview, and the number of windows."""
        return np.searchsorted(self.windows[0], self.starts).astype(np.int64)

    @cached_property
    def window_ids(self) -> Ids:
        """(w,) ids of those windows."""
        return self._embedded[0]

    @cached_property
    def bucket_starts(self) -> Ids:
        """(m + 1,) first bucket of each interview, and the number of buckets: eight cells of one interview each."""
        return np.concatenate([[0], np.cumsum(-(-self.sizes // BUCKET_CELLS))])

    @cached_property
    def room(self) -> Ints:
        """(m,) what is to be added to the cells of each interview so that it begins where a bucket does."""
        return (self.bucket_starts * BUCKET_CELLS - self.starts)[:-1].astype(np.int32)

    def laid_out(self, cells: Ids | Ints, bounds: Ids) -> Ints:
        """Return the places of rising cells where each interview begins with a bucket; `bounds_of` gives the bounds."""
        places: Ints = np.repeat(self.room, np.diff(bounds))
        places += cells
        return places

    @property
    def laid_out_cells(self) -> Ids | Ints:
        """(n,) the places of all cells, in the whole corpus if this is an excerpt."""
        return self.laid_out(np.arange(self.size), self.starts)

    @cached_property
    def window_layout(self) -> WindowLayout:
        """Where the windows that have a vector lie, side by side."""
        places = self.laid_out(self.windows[0], self.window_starts)
        return WindowLayout.of(self.window_starts, places // np.int32(BUCKET_CELLS))

    @cached_property
    def interview_terms(self) -> Numbers:
        """(m,) how many terms each interview has."""
        return np.concatenate([np.zeros(0), *(block.interview_terms for block in self.blocks)])

    def of_interviews(self, values: Numbers) -> Numbers:
        """Return of values (m of the whole corpus,) those of the interviews that are in this one."""
        return values

    def window_ids_of(self, interviews: Mask) -> Ids:
        """Return the ids of the windows of these interviews (m,)."""
        ids: Ids = self.window_ids[np.repeat(interviews, np.diff(self.window_starts))]
        return ids

    def windows_by_id(self, ids: Ids) -> tuple[Ids, Mask]:
        """Return the number of each window that is there, and (len(ids),) which are."""
        known = ids < len(self._number_of_window)
        numbers = np.where(known, self._number_of_window[np.where(known, ids, 0)], NO_ID)
        is_there = numbers != NO_ID
        return numbers[is_there].astype(np.int64), is_there

    @cached_property
    def _number_of_window(self) -> Ints:
        """By id; looked up at once, while a search among so many takes longer than finding them."""
        numbers = np.full(int(self.window_ids.max(initial=0)) + 1, NO_ID, dtype=np.int32)
        numbers[self.window_ids] = np.arange(len(self.window_ids), dtype=np.int32)
        return numbers

    @cached_property
    def _embedded(self) -> tuple[Ids, Mask | slice]:
        """(w,) ids of the windows that have a vector, and which of all windows have one: as a rule all."""
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *(block.window_ids for block in self.blocks)])
        is_embedded = np.asarray(ids != NO_ID)
        return (ids, slice(None)) if is_embedded.all() else (ids[is_embedded], is_embedded)

    def pieces_of(self, cells: Ids) -> list[tuple[CellBlock, Ids]]:
        """Return the blocks that hold these rising cells, with their places there."""
        cuts = np.searchsorted(cells, self._offsets).tolist()
        placed = zip(self._placed(), cuts, cuts[1:], strict=False)
        return [(block, cells[begin:end] - first) for (block, first), begin, end in placed if begin < end]

    def postings(self, keys: Keys) -> Postings | None:
        """Return where any of these terms stands and how often in all; None when none of them stands anywhere."""
        (standing,) = find_standings(self.blocks, [keys], pairs=False)
        return None if standing is None else self.postings_of(standing)

    def standings(self, terms: Sequence[Keys], *, pairs: bool = False) -> list[Standing | None]:
        """Return where each of several words stands, which have one key or more; None of a word that stands nowhere."""
        return find_standings(self.blocks, terms, pairs=pairs)

    def postings_of(self, standing: Standing) -> Postings:
        """Return all places of a word."""
        cells, times = self.said_in(standing)
        return cells, times.astype(np.float32)

    def said_in(self, standing: Standing) -> tuple[Ints, Times]:
        """Return all cells in which a word stands, and how often; 255 means as often or more."""
        return standing.said_in(self._offsets.tolist())

    def holds(self, keys: Keys) -> bool:
        """Return whether any of these terms stands anywhere."""
        return any(here.start < here.stop for block in self.blocks for here in block.terms.places(keys))

    def locate(self, postings: Postings, bounds: Ids) -> Postings:
        """Return the part of postings of the whole corpus that is in this one, by its own numbers.

        `bounds` are those of the whole corpus, as `bounds_of` returns them.
        """
        return postings

    def form_times(self, keys: Keys) -> Numbers | None:
        """Return (n,) how often any of these terms stands in each cell; None when none of them stands anywhere."""
        found = self.postings(keys)
        return None if found is None else self.spread(found)

    def term_times(self, key: np.uint64) -> Numbers | None:
        """Return (n,) how often a term stands in each cell; None when it stands nowhere."""
        return self.form_times(np.array([key], dtype=np.uint64))

    def spread(self, postings: Postings) -> Numbers:
        """Return (n,) how often, for every cell."""
        times = np.zeros(self.size)
        times[postings[0]] = postings[1]
        return times

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages by which the words are stemmed."""
        return frozenset().union(*(block.languages for block in self.blocks))

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Every name of a speaker, once."""
        return tuple(dict.fromkeys(name for block in self.blocks for name in block.speakers))

    def speakers_named(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the speakers in whose names any of these words is, each once."""
        asked = sorted(words)
        found = (name for block in self.blocks for word in asked for name in block.speakers_by_word.get(word, ()))
        return tuple(dict.fromkeys(found))

    def placed(self) -> list[tuple[int, CellBlock]]:
        """Return the blocks, each with the number of its first cell."""
        return [(first, block) for block, first in self._placed()]

    def _placed(self) -> list[tuple[CellBlock, int]]:
        return [(block, int(offset)) for block, offset in zip(self.blocks, self._offsets[:-1], strict=True)]

    def _column(self, of: Callable[[CellBlock], Ints]) -> Ints:
        """(n,) what blocks hold of every cell."""
        return joined(of(block) for block in self.blocks)


def sums_between(values: Numbers | Floats | Times, bounds: Ids) -> Numbers:
    """Return (m,) the sums of the values between each bound and the next; (m + 1,) bounds, rising."""
    sums = np.zeros(len(bounds) - 1)
    filled = bounds[:-1] < bounds[1:]
    if filled.any():
        exact = np.int32 if values.dtype.kind == "u" else np.float64
        sums[filled] = np.add.reduceat(values[: bounds[-1]], bounds[:-1][filled], dtype=exact)
    return sums


def first_of_runs(values: Ids | Ints) -> Ids:
    """Return the places at which another value begins."""
    is_first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def with_window_ids(block: CellBlock, ids: Ids) -> CellBlock:
    """Return the block of one interview with the ids of its windows, in order."""
    return replace(block, window_ids=ids)
