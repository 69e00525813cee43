"""All cells of this process in memory: interviews come and go, a `Corpus` is what a question looks at.

`IndexKeeper` fills it from the database. Interviews are gathered in few blocks of growing size, so that adding one
costs about the same however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from search.cell_block import NO_ID, CellBlock, Ids, Ints, Times, join_blocks, joined, only_interviews
from search.words import Keys

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Postings = tuple[Ids, Numbers]  # (p,) cells, rising, and (p,) how often a term stands in each

# Cells of a block that is no longer joined with others: joining, and taking one interview out, cost no more than this
# however many there are.
MOST_CELLS = 65_536
_KEPT_SPEAKERS = 4  # names, or sets of names: 16 bytes for every cell in which they speak
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
        self._speaking: dict[tuple[str, ...], tuple[Postings, Ids]] = {}  # of the last few who were asked for

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

    def bounds_of(self, cells: Ids) -> Ids:
        """Return (m + 1,) where among these rising cells each interview's begin, and how many there are."""
        if len(cells) > len(self.interviews):
            return np.searchsorted(cells, self.starts).astype(np.int64)
        held = np.bincount(self.interview_of[cells], minlength=len(self.interviews))
        return np.concatenate([[0], np.cumsum(held)])

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
    def buckets(self) -> tuple[Ints, Ids]:
        """(n,) each cell's bucket, which are eight cells of one interview, and (b,) each bucket's interview."""
        counts = -(-self.sizes // BUCKET_CELLS)
        first = np.concatenate([[0], np.cumsum(counts)])[:-1]
        # counted as if the last bucket of each interview were full
        moved = np.repeat((first * BUCKET_CELLS - self.starts[:-1]).astype(np.int32), self.sizes)
        moved += np.arange(self.size, dtype=np.int32)
        return moved // np.int32(BUCKET_CELLS), np.repeat(np.arange(len(counts)), counts)

    @cached_property
    def interview_terms(self) -> Numbers:
        """(m,) how many terms each interview has."""
        said = [sums_between(b.term_count.astype(np.float64), b.starts.astype(np.int64)) for b in self.blocks]
        return np.concatenate([np.zeros(0), *said])

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

    def postings(self, keys: Keys, *, pairs: bool = False) -> Postings | None:
        """Return where any of these terms stands and how often in all; None when none of them stands anywhere."""
        return self.postings_of([keys], pairs=pairs)[0]

    def postings_of(self, terms: Sequence[Keys], *, pairs: bool = False) -> list[Postings | None]:
        """Return what `postings` returns for each of several words, each of which has one key or more."""
        if not terms:
            return []
        keys = np.concatenate(terms)
        parts: list[list[tuple[Ints, Times, int]]] = [[] for _ in keys]
        for block, offset in self._placed():
            entries = block.pairs if pairs else block.terms
            for of_key, here in zip(parts, entries.places(keys), strict=True):
                if here.start < here.stop:
                    of_key.append((entries.cells[here], entries.times[here], offset))
        of_term = iter(parts)
        return [_joined_postings([part for _ in term for part in next(of_term)], len(term) == 1) for term in terms]

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

    def speaker_words(self, names: Sequence[str]) -> Numbers:
        """Return (n,) how many words these speakers say in each cell."""
        return self.spread(self.speaker_postings(names))

    def speaker_postings(self, names: Sequence[str]) -> Postings:
        """Return where these speakers speak, and how many words; kept for the last few who were asked for."""
        return self._speaking_of(tuple(names))[0]

    def speaker_bounds(self, names: Sequence[str]) -> Ids:
        """Return (m + 1,) where among these postings each interview's begin, and how many there are."""
        return self._speaking_of(tuple(names))[1]

    def _speaking_of(self, names: tuple[str, ...]) -> tuple[Postings, Ids]:
        kept = self._speaking  # replaced, never changed: several threads look at it
        found = kept.get(names)
        if found is None:
            postings = self._speaker_postings(names)
            found = postings, self.bounds_of(postings[0])
        others = [(asked, known) for asked, known in kept.items() if asked != names]
        self._speaking = dict([*others[1 - _KEPT_SPEAKERS :], (names, found)])
        return found

    def _speaker_postings(self, names: tuple[str, ...]) -> Postings:
        cells: list[Ids] = [np.zeros(0, dtype=np.int64)]
        words: list[Ints] = [np.zeros(0, dtype=np.int32)]
        for block, offset in self._placed():
            named = [number for number, name in enumerate(block.speakers) if name in names]
            if named:
                # compared rather than looked up: one name, as a rule, among all that is said
                is_theirs = block.speaker_of == named[0]
                for number in named[1:]:
                    is_theirs |= block.speaker_of == number
                said = np.flatnonzero(is_theirs)
                cells.append(block.speaker_cells[said] + np.int64(offset))
                words.append(block.speaker_words[said])
        every, said_there = np.concatenate(cells), np.concatenate(words).astype(np.float64)
        if len(names) == 1 or not len(every):
            return every, said_there
        first = first_of_runs(every)  # several of them may speak in one cell
        return every[first], np.add.reduceat(said_there, first)

    def placed(self) -> list[tuple[int, CellBlock]]:
        """Return the blocks, each with the number of its first cell."""
        return [(first, block) for block, first in self._placed()]

    def _placed(self) -> list[tuple[CellBlock, int]]:
        return [(block, int(offset)) for block, offset in zip(self.blocks, self._offsets[:-1], strict=True)]

    def _column(self, of: Callable[[CellBlock], Ints]) -> Ints:
        """(n,) what blocks hold of every cell."""
        return joined(of(block) for block in self.blocks)


def _joined_postings(parts: Sequence[tuple[Ints, Times, int]], are_rising: bool) -> Postings | None:
    """Return what blocks hold of one word, with the number of each block's first cell added."""
    if not parts:
        return None
    ends = np.cumsum([len(cells) for cells, _, _ in parts]).tolist()
    every, times = np.empty(ends[-1], dtype=np.int64), np.empty(ends[-1])
    for (cells, often, offset), begin, end in zip(parts, [0, *ends], ends, strict=False):
        np.add(cells, offset, out=every[begin:end])
        times[begin:end] = often
    if are_rising:
        return every, times
    distinct, place = np.unique(every, return_inverse=True)
    return distinct, np.bincount(place, times).astype(np.float64)


def sums_between(values: Numbers, bounds: Ids) -> Numbers:
    """Return (m,) the sums of the values between each bound and the next; (m + 1,) bounds, rising."""
    sums = np.zeros(len(bounds) - 1)
    filled = bounds[:-1] < bounds[1:]
    if filled.any():
        sums[filled] = np.add.reduceat(values[: bounds[-1]], bounds[:-1][filled])
    return sums


def first_of_runs(values: Ids | Ints) -> Ids:
    """Return the places at which another value begins."""
    is_first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def with_window_ids(block: CellBlock, ids: Ids) -> CellBlock:
    """Return the block of one interview with the ids of its windows, in order."""
    return replace(block, window_ids=ids)
