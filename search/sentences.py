"""Finds the sentence of a moment that a question meant, where none of the question's words stands in it.

`finding` calls it last, outside of every transaction, since it asks the model.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from search.ports import Embedder
from search.values import SearchAnswer, SearchResult, Vectors

MOST_SENTENCES = 40  # embedded for one answer, of the best moments first: a few tens of milliseconds

_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]*")
_LEAST_WORDS = 3

_Place = tuple[int, int]


def mark_sentences(answer: SearchAnswer, embedder: Embedder, vector: Vectors) -> SearchAnswer:
    """Return the answer with the sentence nearest to `vector` in each moment that has nothing marked."""
    places: dict[SearchResult, list[_Place]] = {}
    room = MOST_SENTENCES
    for result in answer.results:
        found = [] if result.highlights else _sentences(result)
        if found and len(found) <= room:
            places[result] = found
            room -= len(found)
    if not places:
        return answer
    texts = [result.text[start:end] for result, found in places.items() for start, end in found]
    closeness = iter((embedder.embed_passages(texts) @ vector).tolist())
    nearest: dict[SearchResult, SearchResult] = {}
    for result, found in places.items():
        scores = [next(closeness) for _ in found]
        nearest[result] = replace(result, sentence=found[int(np.argmax(scores))])
    groups = answer.groups and tuple(
        replace(group, results=tuple(nearest.get(result, result) for result in group.results))
        for group in answer.groups
    )
    return replace(answer, results=tuple(nearest.get(r, r) for r in answer.results), groups=groups)


def _sentences(result: SearchResult) -> list[_Place]:
    """Return [from, to) of the sentences, without the speakers' names before them."""
    places: list[_Place] = []
    for sentence in _SENTENCE.finditer(result.text):
        start, end = sentence.span()
        if start == 0 or result.text[start - 1] == "\n":
            name = next((name for name in result.speakers if result.text.startswith(f"{name}: ", start)), None)
            start += len(name) + 2 if name else 0
        start += len(result.text[start:end]) - len(result.text[start:end].lstrip())
        if len(result.text[start:end].split()) >= _LEAST_WORDS:
            places.append((start, end))
    return places
