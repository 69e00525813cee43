"""Finds the sentence of a moment that a question meant, where none of the question's words stands in it.

`finding` calls it for the moments of an answer, before `landing` says where each of them opens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from search.answers import Moment
from search.ports import Embedder
from search.values import SearchResult, Vectors

MOST_SENTENCES = 100  # embedded for one answer, of the best moments first: about a tenth of a second

_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]*")
_LEAST_WORDS = 3

_Place = tuple[int, int]


def mark_sentences(moments: Sequence[Moment], embedder: Embedder, vector: Vectors) -> list[Moment]:
    """Return the moments with the sentence nearest to `vector` in each that has nothing marked, of the first ones."""
    places: dict[int, list[_Place]] = {}
    room = MOST_SENTENCES
    for number, moment in enumerate(moments):
        found = [] if moment.result.highlights else _sentences(moment.result)
        if found and len(found) <= room:
            places[number] = found
            room -= len(found)
    marked = list(moments)
    if not places:
        return marked
    texts = [moments[number].result.text[start:end] for number, found in places.items() for start, end in found]
    closeness = iter((embedder.embed_passages(texts) @ vector).tolist())
    for number, found in places.items():
        scores = [next(closeness) for _ in found]
        sentence = found[int(np.argmax(scores))]
        marked[number] = replace(moments[number], result=replace(moments[number].result, sentence=sentence))
    return marked


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
