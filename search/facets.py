"""How many interviews each further filter would leave: exact counts over what the viewer sees.

The counts of a kind are taken under all conditions but those of that kind, so that each says how many interviews are
found when its value is chosen instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from search import findable
from search.cell_index import Corpus, Mask
from search.conditions import Conditions
from search.findable import InterviewFacts
from search.masks import Looking, allowed_cells
from search.values import FacetValue
from search.words import fold

MOST_VALUES = 100  # of each kind, those of most interviews

_WITHOUT: dict[str, Callable[[Conditions], Conditions]] = {
    "project": lambda one: replace(one, projects=()),
    "speaker": lambda one: replace(one, speakers=()),
    "tag": lambda one: replace(one, tags=()),
    "team": lambda one: replace(one, teams=()),
    "language": lambda one: replace(one, languages=()),
    "kind": lambda one: replace(one, kind=None),
    "year": lambda one: replace(one, from_at=None, to_at=None),
}


def count_facets(
    looking: Looking, every: Sequence[Conditions], possible: Mask, zone: ZoneInfo
) -> dict[str, tuple[FacetValue, ...]]:
    """Return the values of each kind by falling count; `possible` (n,) are the cells the words of the query allow.

    The first of `every` are the parameters, of which one kind after the other is left out; what was typed stays.
    """
    facts = findable.interview_facts(looking.session, looking.viewer)
    known: dict[tuple[Conditions, ...], Mask] = {}
    facets: dict[str, tuple[FacetValue, ...]] = {}
    for kind, without in _WITHOUT.items():
        rest = (without(every[0]), *every[1:])
        if rest not in known:
            known[rest] = possible & allowed_cells(looking, rest)
        if kind == "speaker":
            counts = _speakers(looking.corpus, known[rest])
        else:
            counts = Counter(_values(looking.corpus, known[rest], facts, kind, zone))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        facets[kind] = tuple(FacetValue(value, count) for value, count in ranked[:MOST_VALUES])
    return facets


def _values(corpus: Corpus, cells: Mask, facts: dict[str, InterviewFacts], kind: str, zone: ZoneInfo) -> Iterable[str]:
    for number in np.unique(corpus.interview_of[cells]):
        fact = facts.get(corpus.interviews[number])
        if fact is not None:
            yield from _of_one(fact, kind, zone)


def _of_one(fact: InterviewFacts, kind: str, zone: ZoneInfo) -> Iterable[str]:
    if kind == "tag":
        return fact.tags
    if kind == "kind":
        return ("recording" if fact.has_sound else "transcript",)
    if kind == "year":
        return () if fact.recorded_at is None else (str(fact.recorded_at.astimezone(zone).year),)
    value = {"project": fact.project, "team": fact.team, "language": fact.language}[kind]
    return () if value is None else (value,)


def _speakers(corpus: Corpus, cells: Mask) -> Counter[str]:
    """Count the interviews in which somebody speaks in one of these cells; two spellings of a name are one."""
    spoken: dict[str, set[int]] = {}
    spelled: dict[str, str] = {}
    for first, block in corpus.placed():
        here = cells[block.speaker_cells + first]
        interviews = corpus.interview_of[block.speaker_cells[here] + first]
        for speaker, interview in np.unique(np.stack([block.speaker_of[here], interviews]), axis=1).T.tolist():
            name = spelled.setdefault(fold(block.speakers[speaker]), block.speakers[speaker])
            spoken.setdefault(name, set()).add(interview)
    return Counter({name: len(interviews) for name, interviews in spoken.items()})
