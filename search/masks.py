"""Which cells may be counted, which may be shown, and of which a moment must hold one.

`service` asks for them once for each search. Filters never starve results: what they let through is ranked whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from sqlmodel import Session

from search import repository
from search.cell_index import Corpus, Mask
from search.ports import FullText
from search.question import Question
from search.values import SearchFilters, SearchRequest
from search.words import fold, keys_of


@dataclass(frozen=True, slots=True)
class Masks:
    """`seen` (m,): interviews that statistics are taken of. `allowed` (n,): cells a moment may be made of.

    `wanted` (n,): a moment holds at least one of these cells; None asks nothing.
    """

    seen: Mask
    allowed: Mask
    wanted: Mask | None


def find_masks(
    session: Session, full_text: FullText, corpus: Corpus, question: Question, request: SearchRequest
) -> Masks:
    """Return the masks of a search over `corpus`."""
    seen = np.ones(len(corpus.interviews), dtype=bool)
    seen[_numbers(corpus, repository.hidden_interviews(session))] = False
    shown = seen
    filters = request.filters
    if replace(filters, speaker=None) != SearchFilters():
        matching = np.zeros(len(seen), dtype=bool)
        matching[_numbers(corpus, repository.matching_interviews(session, filters))] = True
        shown = seen & matching
    allowed = shown[corpus.interview_of]
    if filters.speaker is not None:
        asked = fold(filters.speaker)
        allowed = allowed & (corpus.speaker_words([name for name in corpus.speakers if fold(name) == asked]) > 0)
    wanted = None
    if question.phrases:
        wanted = _holding_phrases(session, full_text, corpus, question)
    elif request.mode == "keyword":
        wanted = _holding_terms(corpus, question)
    return Masks(seen, allowed, wanted)


def _holding_phrases(session: Session, full_text: FullText, corpus: Corpus, question: Question) -> Mask:
    held = np.zeros(corpus.size, dtype=bool)
    for place in full_text.find_phrases(session, question.phrases):
        number = corpus.number_of.get(place.interview_id)
        if number is not None:
            cells = slice(int(corpus.starts[number]), int(corpus.starts[number + 1]))
            reaches = corpus.last_segment[cells] >= place.first_segment
            held[cells] |= reaches & (corpus.first_segment[cells] <= place.last_segment)
    return held


def _holding_terms(corpus: Corpus, question: Question) -> Mask:
    held = np.zeros(corpus.size, dtype=bool)
    for key in keys_of(question.terms):
        times = corpus.term_times(key)
        if times is not None:
            held |= times > 0
    return held


def _numbers(corpus: Corpus, interview_ids: Iterable[str]) -> list[int]:
    return [corpus.number_of[found] for found in interview_ids if found in corpus.number_of]
