"""Where quoted phrases stand: the full text knows in English interviews, their words and texts tell in the others.

`masks` asks. The full text stems every word as English and knows no letters but its own: "wichtige Rechnung" would
miss "wichtigen Rechnungen", "strasse" "Straße", and it takes "Autos" for "Auto". In interviews in other languages, and
near words with such letters in English ones ("Søren"), the cells that have all words of a phrase, each by the stem of
its interview's language, are therefore read as results are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlmodel import Session

from core.visibility import Viewer
from search import repository
from search.cell_block import Ids
from search.cell_index import Corpus, Mask
from search.cells import Cell, write_turns
from search.excerpt import Excerpt
from search.marking import Spoken, hold_phrases
from search.ports import FullText
from search.query_words import has_word
from search.stems import ENGLISH
from search.values import PassagePlace
from search.word_matching import keys_of_words
from search.words import OTHER_LETTERS, asked_words, keys_of, lower_words

REACH_CELLS = 3  # that a phrase may run over: two of them have more than 50 words, unless somebody speaks at length
TOGETHER_CELLS = 3  # at most between two phrases that stand in one place: about a passage
# Read for one phrase, for about half a second: first where the full text has it, then what has all words in one cell.
MOST_READ = 4000
_READ_AT_ONCE = 100  # interviews

_OTHER_LETTERS = keys_of([OTHER_LETTERS])
_PART = re.compile(r"\S*\w\S*")


@dataclass(frozen=True, slots=True)
class _Phrase:
    text: str
    words: tuple[str, ...]
    languages: frozenset[str]  # that it may be in


@dataclass(frozen=True, slots=True)
class _Read:
    """A cell of a corpus by its number, and what is said in it and in the next ones as far as a phrase may run."""

    number: int
    language: str
    cells: list[Cell]


def find_places(
    session: Session, full_text: FullText, corpus: Corpus, viewer: Viewer, phrases: Sequence[str]
) -> list[PassagePlace]:
    """Return where all `phrases` stand together in the interviews of `corpus`, or of the whole it is an excerpt of."""
    whole = corpus.whole if isinstance(corpus, Excerpt) else corpus
    known = full_text.find_phrases(session, phrases, viewer)
    asked = [_Phrase(phrase, tuple(lower_words(phrase)), whole.languages) for phrase in phrases if has_word(phrase)]
    if not asked or (whole.languages <= {ENGLISH} and not whole.holds(_OTHER_LETTERS)):
        return known
    languages = [language for block in whole.blocks for language in block.languages]
    elsewhere = {one for one, language in zip(whole.interviews, languages, strict=True) if language != ENGLISH}
    are_read = _cells_to_read(whole, languages)
    held: list[Mask] = []
    for phrase in asked:
        alone = known if len(asked) == 1 else full_text.find_phrases(session, [phrase.text], viewer)
        named = cells_in(whole, alone)
        held.append(_cells_with(session, whole, languages, phrase, are_read, named) | (named & ~are_read))
    together = are_read & np.all([_reached(whole, cells) for cells in held], axis=0) & np.any(held, axis=0)
    return [place for place in known if place.interview_id not in elsewhere] + [
        PassagePlace(
            whole.interviews[whole.interview_of[cell]], int(whole.first_segment[cell]), int(whole.last_segment[cell])
        )
        for cell in np.flatnonzero(together)
    ]


def cells_in(corpus: Corpus, places: Sequence[PassagePlace]) -> Mask:
    """Return (n,) the cells that reach into one of these places."""
    held = np.zeros(corpus.size, dtype=bool)
    for place in places:
        number = corpus.number_of.get(place.interview_id)
        if number is not None:
            cells = slice(int(corpus.starts[number]), int(corpus.starts[number + 1]))
            reaches = corpus.last_segment[cells] >= place.first_segment
            held[cells] |= reaches & (corpus.first_segment[cells] <= place.last_segment)
    return held


def _cells_to_read(corpus: Corpus, languages: Sequence[str]) -> Mask:
    """Return (n,) the cells in which the full text does not know what stands there."""
    are_read: Mask = np.array([language != ENGLISH for language in languages])[corpus.interview_of]
    marked = corpus.form_times(_OTHER_LETTERS)
    return are_read if marked is None else are_read | _soon(marked > 0)


def _cells_with(
    session: Session, corpus: Corpus, languages: Sequence[str], phrase: _Phrase, are_read: Mask, named: Mask
) -> Mask:
    """Return (n,) the cells, of those that `are_read`, over which the phrase stands."""
    held = np.zeros(corpus.size, dtype=bool)
    present: list[Mask] = []
    for word in dict.fromkeys(phrase.words):
        times = corpus.form_times(keys_of_words(corpus, asked_words(word)))
        if times is None:
            return held
        present.append(times > 0)
    alone: Mask = are_read & np.all(present, axis=0)
    if len(phrase.words) == 1:
        return alone
    begins = are_read & present[0] & np.all([_soon(there) for there in present], axis=0)
    chosen = _first((begins & named, alone, begins), MOST_READ)
    for here in _read(session, corpus, languages, chosen):
        inside = [one for one in here if alone[one.number]]
        for one, holds in zip(inside, _hold(phrase, [(one, one.cells[:1]) for one in inside]), strict=True):
            held[one.number] |= holds
        others = [one for one in here if not held[one.number] and len(one.cells) > 1]
        for one, holds in zip(others, _cross(phrase, others), strict=True):
            held[one.number : one.number + len(one.cells)] |= holds
    return held


def _soon(there: Mask) -> Mask:
    """Return (n,) the cells of which one within reach has it."""
    soon = there.copy()
    for step in range(1, REACH_CELLS):
        soon[:-step] |= there[step:]
    return soon


def _first(several: Sequence[Mask], most: int) -> Ids:
    """Return, rising, at most so many cells: those of the first mask, then of the next one."""
    ranked = np.concatenate([np.flatnonzero(cells) for cells in several])
    _, first = np.unique(ranked, return_index=True)
    return np.sort(ranked[np.sort(first)[:most]])


def _read(session: Session, corpus: Corpus, languages: Sequence[str], chosen: Ids) -> Iterator[list[_Read]]:
    """Yield the cells with what is said there, a few interviews at a time."""
    numbers, begins = np.unique(corpus.interview_of[chosen], return_index=True)
    of_each = dict(zip(numbers.tolist(), np.split(chosen, begins[1:]), strict=True)) if len(chosen) else {}
    for part in range(0, len(numbers), _READ_AT_ONCE):
        few = numbers[part : part + _READ_AT_ONCE].tolist()
        found = repository.load_found(session, [corpus.interviews[number] for number in few])
        here: list[_Read] = []
        for number in few:
            there = found.get(corpus.interviews[number])
            if there is None:
                continue
            cells, start, size = of_each[number].tolist(), int(corpus.starts[number]), int(corpus.sizes[number])
            first = cells[0] - start
            said = there[1].cells(first, min(cells[-1] - start + REACH_CELLS, size))
            for cell in cells:
                place = cell - start - first
                here.append(_Read(cell, languages[number], said[place : place + REACH_CELLS]))
        yield here


def _cross(phrase: _Phrase, several: Sequence[_Read]) -> list[bool]:
    """Return for each whether the phrase begins in its first cell and goes on in the next ones."""
    seams, rests = [], []
    for one in several:
        text, end = _text(one.cells), len(_text(one.cells[:1]))
        parts = [part.span() for part in _PART.finditer(text)]
        seam = sum(start < end for start, _ in parts)
        # each part has a word at least: of more parts than the phrase has words none can belong to it
        few = parts[max(0, seam - len(phrase.words)) : seam + len(phrase.words)]
        seams.append(Spoken(text[few[0][0] : few[-1][1]], one.language))
        rests.append(Spoken(text[end : few[-1][1]], one.language))
    held = hold_phrases(seams, [phrase.text], phrase.languages)
    later = hold_phrases(rests, [phrase.text], phrase.languages)  # those are found where they begin
    return [holds and not is_later for holds, is_later in zip(held, later, strict=True)]


def _hold(phrase: _Phrase, several: Sequence[tuple[_Read, Sequence[Cell]]]) -> list[bool]:
    texts = [Spoken(_text(cells), one.language) for one, cells in several]
    return hold_phrases(texts, [phrase.text], phrase.languages)


def _text(cells: Sequence[Cell]) -> str:
    return write_turns(turn for cell in cells for turn in cell.turns)


def _reached(corpus: Corpus, held: Mask) -> Mask:
    """Return (n,) the cells of which one within TOGETHER_CELLS, of the same interview, is held."""
    reached = held.copy()
    for step in range(1, TOGETHER_CELLS + 1):
        is_same = corpus.interview_of[step:] == corpus.interview_of[:-step]
        reached[:-step] |= held[step:] & is_same
        reached[step:] |= held[:-step] & is_same
    return reached
