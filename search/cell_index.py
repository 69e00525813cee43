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
        while len(self._blocks) > 1 and self._blocks[-2].size < 2 * self._blocks[-1].size:
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

    def joined(self) -> CellBlock:
        """Return everything as one block, for the file."""
        return join_blocks(self._blocks)

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
    def interview_of(self) -> Ids:
        """(n,) number of each cell's interview."""
        return np.repeat(np.arange(len(self.interviews)), np.diff(self.starts))

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
        """(w,) first cell and (w,) end of the windows that have a vector, in the order of `window_ids`."""
        begin = np.concatenate([np.zeros(0, np.int64), *(b.window_from + offset for b, offset in self._placed())])
        end = np.concatenate([np.zeros(0, np.int64), *(b.window_to + offset for b, offset in self._placed())])
        return begin[self._by_id], end[self._by_id]

    @cached_property
    def window_ids(self) -> Ids:
        """(w,) ids of those windows, rising."""
        return self._all_ids[self._by_id]

    @cached_property
    def _all_ids(self) -> Ids:
        return np.concatenate([np.zeros(0, dtype=np.int64), *(block.window_ids for block in self.blocks)])

    @cached_property
    def _by_id(self) -> Ids:
        order = np.argsort(self._all_ids, kind="stable")
        return order[np.searchsorted(self._all_ids[order], 0) :]  # those without a vector have a negative id

    def term_times(self, key: np.uint64, *, pairs: bool = False) -> Numbers | None:
        """Return (n,) how often a term stands in each cell; None when it stands nowhere."""
        times = np.zeros(self.size)
        found = False
        for block, offset in self._placed():
            cells, counts = (block.pairs if pairs else block.terms).of(key)
            times[cells + offset] = counts
            found = found or len(cells) > 0
        return times if found else None

    def form_times(self, keys: Keys) -> Numbers | None:
        """Return (n,) how often any of these terms stands in each cell; None when none of them stands anywhere."""
        known = [times for key in keys if (times := self.term_times(key)) is not None]
        return np.sum(known, axis=0) if known else None

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Every name of a speaker, once."""
        return tuple(dict.fromkeys(name for block in self.blocks for name in block.speakers))

    def speaker_words(self, names: Sequence[str]) -> Numbers:
        """Return (n,) how many words these speakers say in each cell."""
        words = np.zeros(self.size)
        for block, offset in self._placed():
            numbers = [number for number, name in enumerate(block.speakers) if name in names]
            if numbers:
                said = np.isin(block.speaker_of, numbers)
                np.add.at(words, block.speaker_cells[said] + offset, block.speaker_words[said])
        return words

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
