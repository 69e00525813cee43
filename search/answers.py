"""From chosen spans to the moments people read: text, times, speakers, and the asked words marked.

`finding` calls `make_results` last. Everything shown of a moment comes from one indexed revision of its interview.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.tables import Interview
from core.text import count_words
from search.cell_index import Corpus
from search.cells import Cell, Turn, write_turns
from search.spans import Span
from search.sqlite_full_text import highlight, hold_phrases
from search.values import MAX_RESULT_WORDS, FoundInterview, Group, SearchResult, SpeakerShare

_WORD = re.compile(r"\S+")

Found = Mapping[str, tuple[Interview, list[Cell]]]


@dataclass(frozen=True, slots=True)
class Telling:
    """What a result's text must hold, must not hold, and what is marked in it."""

    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()


def make_results(corpus: Corpus, spans: Sequence[Span], found: Found, telling: Telling) -> list[SearchResult]:
    """Return the results in the order of `spans`, leaving out what is gone or does not hold what it must."""
    results: list[SearchResult] = []
    for span in spans:
        number = int(corpus.interview_of[span.begin])
        there = found.get(corpus.interviews[number])
        first = int(corpus.starts[number])
        if there is not None:
            cells = there[1][span.begin - first : span.end - first]
            # none: the interview was indexed anew between ranking and reading
            results += [_result(there[0], cells, span.score)] if cells else []
    results = _holding(results, telling)
    marks = highlight([result.text for result in results], telling.marked)
    return [replace(result, highlights=spans) for result, spans in zip(results, marks, strict=True)]


def group_results(results: Sequence[SearchResult]) -> tuple[Group, ...]:
    """Return the results by interview, the interview with the best one first."""
    of_interview: dict[str, list[SearchResult]] = {}
    for result in results:
        of_interview.setdefault(result.interview.id, []).append(result)
    return tuple(Group(several[0].interview, tuple(several)) for several in of_interview.values())


def _holding(results: list[SearchResult], telling: Telling) -> list[SearchResult]:
    texts = [result.text for result in results]
    stays = hold_phrases(texts, telling.phrases)
    for phrase in telling.without:
        stays = [stay and not holds for stay, holds in zip(stays, hold_phrases(texts, [phrase]), strict=True)]
    return [result for result, stay in zip(results, stays, strict=True) if stay]


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
        speaker_shares=_shares(turns),
    )


def _shares(turns: Sequence[Turn]) -> tuple[SpeakerShare, ...]:
    """Return how much of what is said each speaker says, the one who says most first."""
    words: Counter[str | None] = Counter()
    for speaker, said in turns:
        words[speaker] += max(1, count_words(said))
    everything = words.total()
    return tuple(SpeakerShare(name, round(count / everything, 3)) for name, count in words.most_common() if name)


def _at_most(text: str, words: int) -> str:
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count > words:
            return text[: word.start()].rstrip()
    return text
