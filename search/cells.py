"""Cuts an interview into cells, the finest moments that are ranked, and into the windows that are embedded.

In: segments in order. Out: cells of at most 50 words (whole segments; one longer than that is a cell of its own, and
a very long one is cut at sentence ends) and overlapping windows of four cells. `service` calls this while indexing.
Spans of cells are chosen only when a question is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

CELL_WORDS = 50
_LONG_WORDS = 200  # a segment longer than this is cut: it would not fit where moments begin (240 words)

WINDOW_CELLS = 4  # about what all-MiniLM-L6-v2 reads: 256 word pieces
WINDOW_STEP = 2

_SENTENCE = re.compile(r"[^.!?…\n]*[.!?…\n]*[\"'”’)\]]*\s*")
# In scripts written without spaces a character weighs about half a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")

Turn = tuple[str | None, str]  # who speaks, and what


@dataclass(frozen=True, slots=True)
class SpokenSegment:
    """A segment as it is read from the database."""

    ordinal: int
    text: str
    speaker: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Whole segments, or one part of a long one."""

    first_segment: int
    last_segment: int
    start_ms: int | None
    end_ms: int | None
    turns: tuple[Turn, ...]

    @property
    def text(self) -> str:
        return write_turns(self.turns)


def cut_cells(segments: Sequence[SpokenSegment]) -> list[Cell]:
    """Return cells that cover every segment once, in order."""
    cells: list[Cell] = []
    held: list[SpokenSegment] = []
    held_words = 0
    for segment in segments:
        words = weigh(segment.text)
        if held and held_words + words > CELL_WORDS:
            cells.append(_cell(held))
            held, held_words = [], 0
        if words > _LONG_WORDS:
            cells.extend(_cell([part]) for part in _parts(segment))
        else:
            held.append(segment)
            held_words += words
    if held:
        cells.append(_cell(held))
    return cells


def window_bounds(cell_count: int, size: int = WINDOW_CELLS, step: int = WINDOW_STEP) -> list[tuple[int, int]]:
    """Return [from, to) of the windows over an interview's cells; the last one ends at the last cell."""
    if cell_count == 0:
        return []
    starts = list(range(0, max(1, cell_count - size + 1), step))
    bounds = [(start, min(start + size, cell_count)) for start in starts]
    if bounds[-1][1] < cell_count:
        bounds.append((cell_count - size, cell_count))
    return bounds


def write_turns(turns: Iterable[Turn]) -> str:
    """Return a line for each turn, the name before what is said; neighbouring turns of one speaker are one turn."""
    return "".join(pieces_of(turns))


def pieces_of(turns: Iterable[Turn]) -> Iterator[str]:
    """Yield what each turn adds to the text that `write_turns` makes: all but the first begin with what parts them."""
    before: str | None = None
    for number, (speaker, said) in enumerate(turns):
        if number and speaker == before:
            yield f" {said}"
        else:
            yield ("\n" if number else "") + (f"{speaker}: {said}" if speaker else said)
        before = speaker


def weigh(text: str) -> int:
    """Return the length in words; a very long one counts for several, a character of an unspaced script for half."""
    return sum(1 + len(token) // 16 for token in text.split()) + len(_UNSPACED.findall(text)) // 2


def _cell(segments: Sequence[SpokenSegment]) -> Cell:
    starts = [segment.start_ms for segment in segments if segment.start_ms is not None]
    ends = [end for s in segments if (end := s.end_ms if s.end_ms is not None else s.start_ms) is not None]
    return Cell(
        first_segment=segments[0].ordinal,
        last_segment=segments[-1].ordinal,
        start_ms=min(starts, default=None),
        end_ms=max(ends, default=None),
        turns=tuple((segment.speaker, segment.text) for segment in segments),
    )


def _parts(segment: SpokenSegment) -> Iterator[SpokenSegment]:
    """Cut at sentence ends, or between words or characters where a sentence is too long; times go with the text."""
    start = 0
    for end in _part_ends(segment.text):
        said = segment.text[start:end].strip()
        if said:
            yield SpokenSegment(segment.ordinal, said, segment.speaker, _at(segment, start), _at(segment, end))
        start = end


def _part_ends(text: str) -> Iterator[int]:
    start = end = 0
    for candidate in _cuts(text):
        if end > start and weigh(text[start:candidate]) > CELL_WORDS:
            yield end
            start = end
        end = candidate
    yield end


def _cuts(text: str) -> Iterator[int]:
    position = 0
    for sentence in _SENTENCE.findall(text):
        if weigh(sentence) > CELL_WORDS:
            pieces = re.findall(r"\S{1,40}\s*", sentence)
        else:
            pieces = [sentence]
        for piece in pieces:
            position += len(piece)
            yield position


def _at(segment: SpokenSegment, offset: int) -> int | None:
    if segment.start_ms is None or segment.end_ms is None:
        return segment.start_ms
    share = offset / max(1, len(segment.text))
    return segment.start_ms + round((segment.end_ms - segment.start_ms) * share)
