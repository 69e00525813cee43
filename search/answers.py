"""From ranked passages to the moments people read: no moment twice, at most 400 words, asked words marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.tables import Interview, Passage
from search.repository import FoundPassage
from search.sqlite_full_text import highlight
from search.values import MAX_RESULT_WORDS, FoundInterview, Hit, SearchResult

_WORD = re.compile(r"\S+")


def make_results(found: Mapping[int, FoundPassage], hits: Sequence[Hit], query: str) -> list[SearchResult]:
    """Return a result for each hit that still exists, in their order, leaving out what overlaps a better
    one.
    """
    kept: list[tuple[Passage, SearchResult]] = []
    for hit in hits:
        there = found.get(hit.passage_id)
        if there is not None and not any(_overlap(there.passage, better) for better, _ in kept):
            kept.append((there.passage, _result(there, hit)))
    results = [result for _, result in kept]
    marks = highlight([result.text for result in results], query)
    return [replace(result, highlights=spans) for result, spans in zip(results, marks, strict=True)]


def _overlap(one: Passage, other: Passage) -> bool:
    if one.interview_id != other.interview_id:
        return False
    if one.first_segment > other.last_segment or other.first_segment > one.last_segment:
        return False
    # neighbouring parts of one long segment share its number, not its words
    parts_of_one = one.first_segment == one.last_segment == other.first_segment == other.last_segment
    return not parts_of_one or one.text == other.text


def _result(there: FoundPassage, hit: Hit) -> SearchResult:
    passage = there.passage
    return SearchResult(
        interview=_interview(there.interview),
        first_segment=passage.first_segment,
        last_segment=passage.last_segment,
        start_ms=passage.start_ms,
        end_ms=passage.end_ms,
        speakers=tuple(passage.speakers),
        text=_at_most(passage.text, MAX_RESULT_WORDS),
        highlights=(),
        score=round(hit.score, 6),
    )


def _interview(interview: Interview) -> FoundInterview:
    return FoundInterview(
        id=interview.id,
        external_id=interview.external_id,
        title=interview.title,
        recorded_at=interview.recorded_at,
        project=interview.project_id,
    )


def _at_most(text: str, words: int) -> str:
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count > words:
            return text[: word.start()].rstrip()
    return text
