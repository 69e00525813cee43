"""Where a moment opens: at the segment in which what was asked for is said, be that a minute after the moment begins.

`finding` calls `land` when everything in the moments of an answer is marked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from search import repository
from search.answers import Moment
from search.cells import Cell, pieces_of
from search.stems import language_of
from search.values import Place, SearchResult
from search.words import lower_words, stems_of

_TOGETHER = 150  # characters: a sentence or two, about ten seconds


@dataclass(frozen=True, slots=True)
class _Begin:
    """A segment's place; `is_exact` unless its time is that of the cell it lies in, which may begin before it."""

    place: Place
    is_exact: bool


def land(session: Session, moments: Sequence[Moment]) -> list[SearchResult]:
    """Return the results, in the same order, with `found` at what is marked in them."""
    landed = [_landing(moment) for moment in moments]
    wanted = [
        (moment.result.interview.id, begin.place.segment)
        for moment, begin in zip(moments, landed, strict=True)
        if moment.interview.is_current and not begin.is_exact
    ]
    starts = repository.segment_starts(session, wanted)
    results: list[SearchResult] = []
    for moment, begin in zip(moments, landed, strict=True):
        start_ms = starts.get((moment.result.interview.id, begin.place.segment))
        place = begin.place if start_ms is None else replace(begin.place, start_ms=start_ms)
        results.append(replace(moment.result, found=place))
    return results


def _landing(moment: Moment) -> _Begin:
    begins = list(_begins(moment.cells))
    at = _where_most_is_marked(moment.result, language_of(moment.interview.language))
    return begins[bisect_right(begins, at, key=lambda begin: begin.place.offset) - 1]


def _begins(cells: Sequence[Cell]) -> Iterator[_Begin]:
    """Yield where each segment, or part of a long one, begins."""
    turns = [(cell, number) for cell in cells for number in range(len(cell.turns))]
    pieces = pieces_of(turn for cell in cells for turn in cell.turns)
    end = 0
    for (cell, number), piece in zip(turns, pieces, strict=True):
        segment = min(cell.first_segment + number, cell.last_segment)
        is_exact = cell.start_ms is None or number == 0
        yield _Begin(Place(segment, cell.start_ms, end + 1 if end else 0), is_exact)
        end += len(piece)


def _where_most_is_marked(result: SearchResult, language: str) -> int:
    """Return the offset from which most of the marked words stand together, the closest; 0 where nothing is marked."""
    marks = [(start, _stems(result.text[start:end], language)) for start, end in result.highlights]
    if not marks:
        return result.sentence[0] if result.sentence else 0

    def together(first: int) -> tuple[int, int]:
        begin = marks[first][0]
        first_of: dict[str, int] = {}
        for start, stems in marks[first:]:
            if start < begin + _TOGETHER:
                first_of.setdefault(stems, start)
        return len(first_of), begin - max(first_of.values())

    return marks[max(range(len(marks)), key=together)][0]


def _stems(marked: str, language: str) -> str:
    return " ".join(stems_of(lower_words(marked), language))
