"""From chosen spans to the moments people read: text, times, speakers, and the asked words marked.

`service` calls `make_results` last. Everything shown of a moment comes from one indexed revision of its interview.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.tables import Interview
from search.cell_index import Corpus
from search.cells import Cell, write_turns
from search.spans import Span
from search.sqlite_full_text import highlight, hold_phrases
from search.values import MAX_RESULT_WORDS, FoundInterview, SearchResult

_WORD = re.compile(r"\S+")

Found = Mapping[str, tuple[Interview, list[Cell]]]


def make_results(
    corpus: Corpus, spans: Sequence[Span], found: Found, query: str, phrases: Sequence[str], limit: int
) -> list[SearchResult]:
    """Return up to `limit` results in the order of `spans`, leaving out what is gone or lacks a phrase."""
    results: list[SearchResult] = []
    for span in spans:
        number = int(corpus.interview_of[span.begin])
        there = found.get(corpus.interviews[number])
        first = int(corpus.starts[number])
        if there is not None:
            cells = there[1][span.begin - first : span.end - first]
            # none: the interview was indexed anew between ranking and reading
            results += [_result(there[0], cells, span.score)] if cells else []
    held = hold_phrases([result.text for result in results], phrases)
    results = [result for result, holds in zip(results, held, strict=True) if holds][:limit]
    marks = highlight([result.text for result in results], query)
    return [replace(result, highlights=spans) for result, spans in zip(results, marks, strict=True)]


def _result(interview: Interview, cells: Sequence[Cell], score: float) -> SearchResult:
    turns = [turn for cell in cells for turn in cell.turns]
    starts = [cell.start_ms for cell in cells if cell.start_ms is not None]
    ends = [cell.end_ms for cell in cells if cell.end_ms is not None]
    return SearchResult(
        interview=FoundInterview(
            id=interview.id,
            external_id=interview.external_id,
            title=interview.title,
            recorded_at=interview.recorded_at,
            project=interview.project_id,
        ),
        first_segment=cells[0].first_segment,
        last_segment=cells[-1].last_segment,
        start_ms=min(starts, default=None),
        end_ms=max(ends, default=None),
        speakers=tuple(dict.fromkeys(speaker for speaker, _ in turns if speaker)),
        text=_at_most(write_turns(turns), MAX_RESULT_WORDS),
        highlights=(),
        score=round(score, 6),
    )


def _at_most(text: str, words: int) -> str:
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count > words:
            return text[: word.start()].rstrip()
    return text
