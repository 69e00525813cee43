"""What the ranking knows of cells, as plain arrays: one interview's, or many interviews' joined into one block.

`service` counts an interview's cells once, while indexing, and stores the block of one; `CellIndex` joins blocks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
import numpy.typing as npt

from search.cells import Cell, weigh, window_bounds
from search.stems import ENGLISH, language_of
from search.vocabulary import Vocabulary, count_sayings, count_words, join_vocabularies
from search.words import (
    OTHER_LETTERS,
    Keys,
    has_other_letters,
    keys_of,
    lower_words,
    pairs_of,
    read_words,
    terms_of,
)

Ints = npt.NDArray[np.int32]
Ids = npt.NDArray[np.int64]
Times = npt.NDArray[np.uint8]

NO_ID = -1  # a window whose vector is missing


@dataclass(frozen=True, slots=True)
class Entries:
    """Where k terms stand: `cells` rising within a term; `times` 255 means as often or more."""

    keys: Keys  # (k,) rising
    begins: Ints  # (k + 1,) first entry of each term, and the number of entries
    cells: Ints
    times: Times

    def places(self, keys: Keys) -> list[slice]:
        """Return where each of these terms' entries lie; an empty slice for a term that is not there."""
        if not len(self.keys):
            return [slice(0, 0)] * len(keys)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        ends = np.where(self.keys[places] == keys, self.begins[places + 1], self.begins[places])
        return [slice(begin, end) for begin, end in zip(self.begins[places].tolist(), ends.tolist(), strict=True)]

    @property
    def key_of(self) -> Keys:
        """The term of each entry."""
        return np.repeat(self.keys, np.diff(self.begins))


@dataclass(frozen=True)  # without slots, for what is kept of it when it is first asked
class CellBlock:
    """n cells of m interviews, interview after interview. All places count from the block's first cell."""

    interviews: tuple[str, ...]
    languages: tuple[str, ...]  # (m,) by which each interview's words are stemmed
    starts: Ints  # (m + 1,) first cell of each interview, and n
    first_segment: Ints  # (n,)
    last_segment: Ints  # (n,)
    word_count: Ints  # (n,) words that are shown, speakers' names too
    said_count: Ints  # (n,) words that are said
    term_count: Ints  # (n,) words that are counted: speakers' names too
    pair_count: Ints  # (n,)
    terms: Entries
    pairs: Entries
    window_from: Ints  # (w,)
    window_to: Ints  # (w,) exclusive
    window_ids: Ids  # (w,) in the vector index
    speakers: tuple[str, ...]
    speaker_of: Ints  # (s,) index into `speakers`, rising
    speaker_cells: Ints  # (s,) rising for each speaker
    speaker_words: Ints  # (s,) words this speaker says in that cell
    words: Vocabulary  # as they are written, speakers' names too
    sayings: Vocabulary

    @property
    def size(self) -> int:
        return len(self.first_segment)

    @cached_property
    def interview_terms(self) -> npt.NDArray[np.int64]:
        """(m,) how many terms each interview has."""
        ends = np.concatenate([[0], np.cumsum(self.term_count, dtype=np.int64)])[self.starts]
        return np.diff(ends)

    @cached_property
    def speaker_number(self) -> dict[str, int]:
        """The place of each name in `speakers`."""
        return {name: number for number, name in enumerate(self.speakers)}

    @cached_property
    def speakers_by_word(self) -> dict[str, list[str]]:
        """The speakers in whose names each word is."""
        named: dict[str, list[str]] = {}
        for speaker in self.speakers:
            for word in dict.fromkeys(read_words(speaker)):
                named.setdefault(word, []).append(speaker)
        return named


def count_cells(interview_id: str, cells: Sequence[Cell], language: str | None = None) -> CellBlock:
    """Return the block of one interview; its windows have no ids yet. `language` None: counted as English."""
    language = language_of(language)
    terms: list[tuple[int, list[str]]] = []
    term_count: list[int] = []
    pairs: list[tuple[int, list[str]]] = []
    speakers: dict[str, int] = {}
    said: list[tuple[int, int, int]] = []
    for place, cell in enumerate(cells):
        spoken = lower_words(cell.text)
        marks = [OTHER_LETTERS] if language == ENGLISH and has_other_letters(cell.text) else []
        terms.append((place, [*terms_of(spoken, language), *marks]))
        term_count.append(len(spoken))
        pairs.append((place, pairs_of((word for _, text in cell.turns for word in lower_words(text)), language)))
        words: Counter[int] = Counter()
        for speaker, text in cell.turns:
            if speaker:
                words[speakers.setdefault(speaker, len(speakers))] += max(1, len(text.split()))
        said += [(number, place, count) for number, count in words.items()]
    columns = np.array(sorted(said), dtype=np.int32).reshape(-1, 3)
    bounds = np.array(window_bounds(len(cells)), dtype=np.int32).reshape(-1, 2)
    return CellBlock(
        interviews=(interview_id,),
        languages=(language,),
        starts=_ints((0, len(cells))),
        first_segment=_ints(cell.first_segment for cell in cells),
        last_segment=_ints(cell.last_segment for cell in cells),
        word_count=_ints(weigh(cell.text) for cell in cells),
        said_count=_ints(sum(weigh(said) for _, said in cell.turns) for cell in cells),
        term_count=_ints(term_count),
        pair_count=_ints(len(found) for _, found in pairs),
        terms=_entries(terms),
        pairs=_entries(pairs),
        window_from=bounds[:, 0].copy(),
        window_to=bounds[:, 1].copy(),
        window_ids=np.full(len(bounds), NO_ID, dtype=np.int64),
        speakers=tuple(speakers),
        speaker_of=columns[:, 0].copy(),
        speaker_cells=columns[:, 1].copy(),
        speaker_words=columns[:, 2].copy(),
        words=count_words([cell.text for cell in cells]),
        sayings=count_sayings([said for cell in cells for _, said in cell.turns]),
    )


def join_blocks(blocks: Sequence[CellBlock]) -> CellBlock:
    """Return one block with the interviews of all, in order."""
    offsets = np.cumsum([0, *(block.size for block in blocks)]).astype(np.int32)
    speakers: dict[str, int] = {}
    renamed = [
        np.array([speakers.setdefault(name, len(speakers)) for name in block.speakers], dtype=np.int32)
        for block in blocks
    ]
    shifted = list(zip(blocks, offsets[:-1], strict=True))
    sizes = [len(block.interviews) for block in blocks]
    speaker_of = joined(names[b.speaker_of] for names, b in zip(renamed, blocks, strict=True) if len(names))
    by_speaker = np.argsort(speaker_of, kind="stable")  # cells come in rising order and stay so for each
    return CellBlock(
        interviews=tuple(interview for block in blocks for interview in block.interviews),
        languages=tuple(language for block in blocks for language in block.languages),
        starts=np.concatenate([*(b.starts[:-1] + offset for b, offset in shifted), offsets[-1:]]).astype(np.int32),
        first_segment=joined(block.first_segment for block in blocks),
        last_segment=joined(block.last_segment for block in blocks),
        word_count=joined(block.word_count for block in blocks),
        said_count=joined(block.said_count for block in blocks),
        term_count=joined(block.term_count for block in blocks),
        pair_count=joined(block.pair_count for block in blocks),
        terms=_join_entries([block.terms for block in blocks], offsets),
        pairs=_join_entries([block.pairs for block in blocks], offsets),
        window_from=joined(block.window_from + offset for block, offset in shifted),
        window_to=joined(block.window_to + offset for block, offset in shifted),
        window_ids=np.concatenate([np.zeros(0, dtype=np.int64), *(block.window_ids for block in blocks)]),
        speakers=tuple(speakers),
        speaker_of=speaker_of[by_speaker],
        speaker_cells=joined(b.speaker_cells + offset for b, offset in shifted if len(b.speakers))[by_speaker],
        speaker_words=joined(b.speaker_words for b in blocks if len(b.speakers))[by_speaker],
        words=join_vocabularies([block.words for block in blocks], sizes),
        sayings=join_vocabularies([block.sayings for block in blocks], sizes),
    )


def only_interviews(block: CellBlock, kept: npt.NDArray[np.bool_]) -> CellBlock:
    """Return the block as if there had never been other interviews than the `kept` ones (m,): no trace of them."""
    sizes = np.diff(block.starts)
    keep = np.repeat(kept, sizes)
    place = np.cumsum(keep, dtype=np.int32) - np.int32(1)  # of a kept cell, afterwards
    windows = keep[block.window_from]
    said = keep[block.speaker_cells]
    heard = np.unique(block.speaker_of[said])
    return CellBlock(
        interviews=tuple(compress(block.interviews, kept)),
        languages=tuple(compress(block.languages, kept)),
        starts=np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32),
        first_segment=block.first_segment[keep],
        last_segment=block.last_segment[keep],
        word_count=block.word_count[keep],
        said_count=block.said_count[keep],
        term_count=block.term_count[keep],
        pair_count=block.pair_count[keep],
        terms=_kept(block.terms, keep, place),
        pairs=_kept(block.pairs, keep, place),
        window_from=place[block.window_from[windows]],
        window_to=place[block.window_to[windows] - 1] + np.int32(1),
        window_ids=block.window_ids[windows],
        speakers=tuple(block.speakers[number] for number in heard),
        speaker_of=np.searchsorted(heard, block.speaker_of[said]).astype(np.int32),
        speaker_cells=place[block.speaker_cells[said]],
        speaker_words=block.speaker_words[said],
        words=block.words.only(kept),
        sayings=block.sayings.only(kept),
    )


def pack_block(block: CellBlock) -> bytes:
    """Return the block as bytes, the same on every machine; arrays lie aligned, so that a mapped file serves them."""
    arrays = {name: array.astype(array.dtype.newbyteorder("<"), copy=False) for name, array in _arrays(block).items()}
    header = {
        "format": _FORMAT,
        "interviews": block.interviews,
        "languages": block.languages,
        "speakers": block.speakers,
        "words": block.words.texts,
        "sayings": block.sayings.texts,
        "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
    }
    line = json.dumps(header).encode()
    parts = [b"%d" % len(line), line]
    parts = [part + b" " * (-len(part) % _ALIGNED) for part in parts]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(-array.nbytes % _ALIGNED)]
    return b"".join(parts)


def unpack_block(packed: bytes | memoryview, known: dict[str, str] | None = None) -> CellBlock:
    """Return the block that `pack_block` wrote; its arrays are views of `packed`.

    Blocks that are read with the same `known` share their words: every large block has nearly the same ones.
    Raises: ValueError when the bytes are no such thing, or were counted by an older Earshot.
    """
    try:
        position = _ALIGNED + int(bytes(packed[:_ALIGNED]))
        header = json.loads(bytes(packed[_ALIGNED:position]))
        position += -position % _ALIGNED
        if header["format"] != _FORMAT:
            raise ValueError("this cell block was counted in another way")
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, kind, length in header["arrays"]:
            array = np.frombuffer(packed, dtype=np.dtype(kind), count=length, offset=position)
            arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
            position += array.nbytes + -array.nbytes % _ALIGNED
        shared = {} if known is None else known
        return _from_arrays(
            {name: tuple(shared.setdefault(text, text) for text in header[name]) for name in _NAMES}, arrays
        )
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError("these bytes are no cell block") from error


# Rises when cells are counted in another way: what was stored before is then counted again.
_FORMAT = 3
_ALIGNED = 64  # bytes
_NAMES = ("interviews", "languages", "speakers", "words", "sayings")
_PLAIN = (
    "starts", "first_segment", "last_segment", "word_count", "said_count", "term_count", "pair_count", "window_from",
    "window_to", "window_ids", "speaker_of", "speaker_cells", "speaker_words",
)  # fmt: skip
_ENTRIES = ("keys", "begins", "cells", "times")
_VOCABULARY = ("text_of", "interview_of", "times")


def _arrays(block: CellBlock) -> dict[str, npt.NDArray[np.generic]]:
    arrays: dict[str, npt.NDArray[np.generic]] = {name: getattr(block, name) for name in _PLAIN}
    for name, entries in (("terms", block.terms), ("pairs", block.pairs)):
        arrays |= {f"{name}.{part}": getattr(entries, part) for part in _ENTRIES}
    for name, known in (("words", block.words), ("sayings", block.sayings)):
        arrays |= {f"{name}.{part}": getattr(known, part) for part in _VOCABULARY}
    return arrays


def _from_arrays(names: dict[str, tuple[str, ...]], arrays: dict[str, npt.NDArray[np.generic]]) -> CellBlock:
    columns: dict[str, object] = {name: arrays[name] for name in _PLAIN}
    for name in ("terms", "pairs"):
        columns[name] = Entries(*(arrays[f"{name}.{part}"] for part in _ENTRIES))  # type: ignore[arg-type]
    for name in ("words", "sayings"):
        columns[name] = Vocabulary(names[name], *(arrays[f"{name}.{part}"] for part in _VOCABULARY))  # type: ignore[arg-type]
    return CellBlock(**{name: names[name] for name in ("interviews", "languages", "speakers")}, **columns)  # type: ignore[arg-type]


def _entries(found: Iterable[tuple[int, list[str]]]) -> Entries:
    counted = [(term, place, times) for place, terms in found for term, times in Counter(terms).items()]
    keys = keys_of([term for term, _, _ in counted])
    cells = _ints(place for _, place, _ in counted)
    times = np.minimum([times for _, _, times in counted], 255).astype(np.uint8)
    return _sorted(keys, cells, times)


def _sorted(keys: Keys, cells: Ints, times: Times) -> Entries:
    order = np.argsort(keys, kind="stable")  # cells come in rising order and stay so within a key
    return _by_term(keys[order], cells[order], times[order])


def _by_term(keys: Keys, cells: Ints, times: Times) -> Entries:
    """Return entries whose `keys` come in rising order, an entry each."""
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = keys[1:] != keys[:-1]
    first = np.flatnonzero(is_first)
    return Entries(keys[first], np.append(first, len(keys)).astype(np.int32), cells, times)


def _join_entries(parts: Sequence[Entries], offsets: Ints) -> Entries:
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(part.key_of for part in parts)])
    cells = joined(part.cells + offset for part, offset in zip(parts, offsets[:-1], strict=True))
    times = np.concatenate([np.zeros(0, dtype=np.uint8), *(part.times for part in parts)])
    return _sorted(keys, cells, times)


def _kept(entries: Entries, keep: npt.NDArray[np.bool_], place: Ints) -> Entries:
    stays = keep[entries.cells]
    begins = entries.begins - np.searchsorted(np.flatnonzero(~stays), entries.begins)
    used = begins[:-1] < begins[1:]
    return Entries(
        entries.keys[used],
        np.append(begins[:-1][used], begins[-1]).astype(np.int32),
        place[entries.cells[stays]],
        entries.times[stays],
    )


def _ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int32)


def joined(arrays: Iterable[Ints]) -> Ints:
    """Return one array after the other as one; of none an empty one."""
    return np.concatenate([np.zeros(0, dtype=np.int32), *arrays]).astype(np.int32, copy=False)
