"""From chosen spans to the moments people read: text, times, speakers, and the asked words marked.

`finding` calls `make_results` last. Everything shown of a moment comes from one indexed revision of its interview.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from core.text import count_words
from search.cell_index import Corpus
from search.cell_texts import CellTexts
from search.cells import Cell, Turn, write_turns
from search.marking import Spoken, highlight, hold_phrases
from search.repository import ShownInterview
from search.spans import Span
from search.stems import ENGLISH, language_of
from search.values import MAX_RESULT_WORDS, FoundInterview, Group, Place, SearchResult, SpeakerShare

_WORD = re.compile(r"\S+")

Found = Mapping[str, tuple[ShownInterview, CellTexts]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A result, and what it was written from."""

    result: SearchResult
    interview: ShownInterview
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Telling:
    """What a result's text must hold, must not hold, and what is marked in it; the languages these may be in."""

    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    languages: tuple[str, ...] = (ENGLISH,)


def make_results(corpus: Corpus, spans: Sequence[Span], found: Found, telling: Telling) -> list[Moment]:
    """Return the moments in the order of `spans`, leaving out what is gone or does not hold what it must."""
    moments: list[Moment] = []
    texts: list[Spoken] = []
    for span in spans:
        number = int(corpus.interview_of[span.begin])
        there = found.get(corpus.interviews[number])
        first = int(corpus.starts[number])
        # no cells: the interview was indexed anew between ranking and reading
        if there is not None and (cells := there[1].cells(span.begin - first, span.end - first)):
            result = _result(there[0], cells, span.score)
            moments.append(Moment(result, there[0], cells))
            texts.append(Spoken(result.text, language_of(there[0].language)))
    stays = _holding(texts, telling)
    marks = highlight(list(compress(texts, stays)), telling.marked, telling.languages)
    shown = zip(compress(moments, stays), marks, strict=True)
    return [replace(one, result=replace(one.result, highlights=highlights)) for one, highlights in shown]


def group_results(results: Sequence[SearchResult]) -> tuple[Group, ...]:
    """Return the results by interview, the interview with the best one first."""
    of_interview: dict[str, list[SearchResult]] = {}
    for result in results:
        of_interview.setdefault(result.interview.id, []).append(result)
    return tuple(Group(several[0].interview, tuple(several)) for several in of_interview.values())


def _holding(texts: Sequence[Spoken], telling: Telling) -> list[bool]:
    """Return for each text whether it holds what it must and nothing that it must not."""
    stays = hold_phrases(texts, telling.phrases, telling.languages)
    for phrase in telling.without:
        held = hold_phrases(texts, [phrase], telling.languages)
        stays = [stay and not holds for stay, holds in zip(stays, held, strict=True)]
    return stays


def _result(interview: ShownInterview, cells: Sequence[Cell], score: float) -> SearchResult:
    turns = [turn for cell in cells for turn in cell.turns]
    starts = [cell.start_ms for cell in cells if cell.start_ms is not None]
    ends = [cell.end_ms for cell in cells if cell.end_ms is not None]
    start_ms = min(starts, default=None)
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
        start_ms=start_ms,
        end_ms=max(ends, default=None),
        speakers=tuple(dict.fromkeys(speaker for speaker, _ in turns if speaker)),
        text=_at_most(write_turns(turns), MAX_RESULT_WORDS),
        highlights=(),
        score=round(score, 6),
        found=Place(cells[0].first_segment, start_ms, 0),
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
    if count_words(text) <= words:
        return text
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count > words:
            return text[: word.start()].rstrip()
    return text
