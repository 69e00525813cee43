"""All cells of this process in memory: interviews come and go, a `Corpus` is what a question looks at.

`IndexKeeper` fills it from the database. Interviews are gathered in few blocks of growing size, so that adding one
costs about the same however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from search.cell_block import NO_ID, CellBlock, Ids, Ints, join_blocks, only_interviews
from search.words import Keys

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Postings = tuple[Ids, Numbers]  # (p,) cells, rising, and (p,) how often a term stands in each

# Cells of a block that is no longer joined with others: joining, and taking one interview out, cost no more than this
# however many there are.
MOST_CELLS = 65_536
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
        self._last_speakers: tuple[tuple[str, ...], Postings] | None = None

    @cached_property
    def number_of(self) -> dict[str, int]:
        """The number of each interview."""
        return {interview: number for number, interview in enumerate(self.interviews)}

    def mask_of(self, interview_ids: Iterable[str]) -> Mask:
        """Return (m,) which interviews are among these; ids of others are no error."""
        mask = np.zeros(len(self.interviews), dtype=bool)
        mask[[self.number_of[found] for found in interview_ids if found in self.number_of]] = True
        return mask

    def interviews_of(self, cells: Ids) -> Mask:
        """Return (m,) the interviews that have any of these cells."""
        mask = np.zeros(len(self.interviews), dtype=bool)
        mask[self.interview_of[cells]] = True
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

    @cached_property
    def first_segment(self) -> Ints:
        return self._joined([block.first_segment for block in self.blocks])

    @cached_property
    def last_segment(self) -> Ints:
        return self._joined([block.last_segment for block in self.blocks])

    @cached_property
    def word_count(self) -> Ints:
        return self._joined([block.word_count for block in self.blocks])

    @cached_property
    def said_count(self) -> Ints:
        return self._joined([block.said_count for block in self.blocks])

    @cached_property
    def term_count(self) -> Ints:
        return self._joined([block.term_count for block in self.blocks])

    @cached_property
    def windows(self) -> tuple[Ids, Ids]:
        """(w,) first cell, rising, and (w,) end of the windows that have a vector."""
        begin = np.concatenate([np.zeros(0, np.int64), *(b.window_from + offset for b, offset in self._placed())])
        end = np.concatenate([np.zeros(0, np.int64), *(b.window_to + offset for b, offset in self._placed())])
        return begin[self._embedded], end[self._embedded]

    @cached_property
    def window_starts(self) -> Ids:
        """(m + 1,) first window of each interview, and the number of windows."""
        return np.searchsorted(self.windows[0], self.starts).astype(np.int64)

    @cached_property
    def window_ids(self) -> Ids:
        """(w,) ids of those windows."""
        return self._all_ids[self._embedded]

    @cached_property
    def buckets(self) -> tuple[Ints, Ids]:
        """(n,) each cell's bucket, which are eight cells of one interview, and (b,) each bucket's interview."""
        counts = -(-self.sizes // BUCKET_CELLS)
        first = np.concatenate([[0], np.cumsum(counts)])[:-1]
        inside = (np.arange(self.size) - self.starts[self.interview_of]) // BUCKET_CELLS
        return (first[self.interview_of] + inside).astype(np.int32), np.repeat(np.arange(len(counts)), counts)

    @cached_property
    def interview_terms(self) -> Numbers:
        """(m,) how many terms each interview has."""
        running = np.concatenate([[0.0], np.cumsum(self.term_count, dtype=np.float64)])
        return np.diff(running[self.starts])

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
    def _all_ids(self) -> Ids:
        return np.concatenate([np.zeros(0, dtype=np.int64), *(block.window_ids for block in self.blocks)])

    @cached_property
    def _embedded(self) -> Mask:
        return np.asarray(self._all_ids != NO_ID)

    def postings(self, keys: Keys, *, pairs: bool = False) -> Postings | None:
        """Return where any of these terms stands and how often in all; None when none of them stands anywhere."""
        parts = [
            (cells + offset, times)
            for block, offset in self._placed()
            for cells, times in map((block.pairs if pairs else block.terms).of, keys)
            if len(cells)
        ]
        if not parts:
            return None
        cells = np.concatenate([cells for cells, _ in parts], dtype=np.int64)
        times = np.concatenate([times for _, times in parts], dtype=np.float64)
        if len(keys) == 1:
            return cells, times
        cells, place = np.unique(cells, return_inverse=True)
        return cells, np.bincount(place, times).astype(np.float64)

    def holds(self, key: np.uint64) -> bool:
        """Return whether this term stands anywhere."""
        return any(len(block.terms.of(key)[0]) for block in self.blocks)

    def locate(self, postings: Postings) -> Postings:
        """Return the part of postings of the whole corpus that is in this one, by its own numbers."""
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

    def speaker_words(self, names: Sequence[str]) -> Numbers:
        """Return (n,) how many words these speakers say in each cell."""
        return self.spread(self.speaker_postings(names))

    def speaker_postings(self, names: Sequence[str]) -> Postings:
        """Return where these speakers speak, and how many words; kept until others are asked for."""
        asked, last = tuple(names), self._last_speakers
        if last is None or last[0] != asked:
            last = self._last_speakers = asked, self._speaker_postings(asked)
        return last[1]

    def _speaker_postings(self, names: tuple[str, ...]) -> Postings:
        cells: list[Ids] = [np.zeros(0, dtype=np.int64)]
        words: list[Numbers] = [np.zeros(0)]
        for block, offset in self._placed():
            numbers = [number for number, name in enumerate(block.speakers) if name in names]
            if numbers:
                is_named = np.zeros(len(block.speakers), dtype=bool)
                is_named[numbers] = True
                said = is_named[block.speaker_of]
                cells.append(block.speaker_cells[said].astype(np.int64) + offset)
                words.append(block.speaker_words[said].astype(np.float64))
        in_each: Numbers = np.asarray(np.bincount(np.concatenate(cells), np.concatenate(words), self.size), np.float64)
        spoken = np.flatnonzero(in_each)
        return spoken, in_each[spoken]

    def placed(self) -> list[tuple[int, CellBlock]]:
        """Return the blocks, each with the number of its first cell."""
        return [(first, block) for block, first in self._placed()]

    def _placed(self) -> list[tuple[CellBlock, int]]:
        return [(block, int(offset)) for block, offset in zip(self.blocks, self._offsets[:-1], strict=True)]

    @staticmethod
    def _joined(parts: list[Ints]) -> Ints:
        return np.concatenate([np.zeros(0, dtype=np.int32), *parts])


def with_window_ids(block: CellBlock, ids: Ids) -> CellBlock:
    """Return the block of one interview with the ids of its windows, in order."""
    return replace(block, window_ids=ids)
