"""Where asked words and phrases stand in a text that is shown, counted exactly as the ranking counts words.

`answers` calls it for the few moments of an answer: a mark is what was found, in whichever language it is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import contains

from search.query_words import has_word
from search.stems import ENGLISH
from search.values import Spans
from search.words import asked_words, forms_of, has_ascii_words, is_unspaced, lower_words, placed_words, terms_of_one

Span = tuple[int, int]

_ENGLISH_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text, and the language by which its words are stemmed."""

    text: str
    language: str = ENGLISH


def hold_phrases(
    texts: Sequence[Spoken], phrases: Sequence[str], languages: Collection[str] = (ENGLISH,)
) -> list[bool]:
    """Return for each text whether all `phrases` stand in it, word for word but for case, accents and endings.

    A phrase without a letter or digit stands everywhere. `languages` are those the phrases may be in.
    """
    asked = [_Asked([lower_words(phrase)], languages) for phrase in phrases if has_word(phrase)]
    return [all(next(one.spans(text), None) is not None for one in asked) for text in texts]


def highlight(texts: Sequence[Spoken], parts: Sequence[str], languages: Collection[str] = (ENGLISH,)) -> list[Spans]:
    """Return for each text where the words and phrases `parts` stand.

    Of a part in a script without spaces any two characters side by side are marked, as they are what is counted.
    """
    whole = [words for part in parts if (words := lower_words(part))]
    unspaced = [" ".join(words) for words in whole if any(map(is_unspaced, words))]
    pieces = [lower_words(piece) for words in unspaced for piece in asked_words(words)]
    asked = _Asked([*whole, *pieces], languages)
    return [_joined([*asked.spans(text)]) for text in texts]


class _Asked:
    """Sequences of words to look for; each word is known by its number."""

    def __init__(self, sequences: Sequence[Sequence[str]], languages: Collection[str]) -> None:
        numbers: dict[str, int] = {}
        self._beginning: dict[int, list[list[int]]] = {}
        for sequence in {tuple(words): None for words in sequences}:
            numbered = [numbers.setdefault(word, len(numbers)) for word in sequence]
            self._beginning.setdefault(numbered[0], []).append(numbered)
        by_term: dict[str, set[int]] = {}
        for word, number in numbers.items():
            for piece in asked_words(word):
                for term in forms_of(piece, languages):
                    by_term.setdefault(term, set()).add(number)
        self._by_term = by_term
        self._likely = _beginning_like(by_term)
        self._known: dict[str, dict[str, Collection[int]]] = {}

    def spans(self, spoken: Spoken) -> Iterator[Span]:
        """Yield where any of the sequences stands, by rising starts."""
        if spoken.language == ENGLISH and has_ascii_words(spoken.text):
            yield from self._spans_in_english(spoken.text.lower())
            return
        words, places = placed_words(spoken.text)
        known = self._known_of(words, spoken.language)
        found = [known[word] for word in words]
        for place in [place for place, numbers in enumerate(found) if numbers]:
            for number in found[place]:
                for sequence in self._beginning.get(number, ()):
                    following = found[place : place + len(sequence)]
                    if len(following) == len(sequence) and all(map(contains, following, sequence)):
                        yield places[place][0], places[place + len(sequence) - 1][1]

    def _spans_in_english(self, text: str) -> Iterator[Span]:
        """Do the same where most words can be passed by at a glance."""
        likely = [*self._likely.finditer(text)]
        known = self._known_of((word[0] for word in likely), ENGLISH)
        for word in likely:
            for number in known[word[0]]:
                for sequence in self._beginning.get(number, ()):
                    following = [*islice(_ENGLISH_WORD.finditer(text, word.end()), len(sequence) - 1)]
                    found = [known[word[0]], *(known.get(one[0], ()) for one in following)]
                    if len(found) == len(sequence) and all(map(contains, found, sequence)):
                        yield word.start(), (following or [word])[-1].end()

    def _known_of(self, words: Iterable[str], language: str) -> dict[str, Collection[int]]:
        """Return which of the asked words each of these and earlier words is; most are none."""
        known = self._known.setdefault(language, {})
        fresh = list(set(words).difference(known))
        is_none = self._by_term.keys().isdisjoint
        for word, terms in zip(fresh, map(terms_of_one, fresh, repeat(language)), strict=True):
            known[word] = () if is_none(terms) else set().union(*(self._by_term.get(term, ()) for term in terms))
        return known


def _beginning_like(terms: Iterable[str]) -> re.Pattern[str]:
    """Return what finds the few words that are worth stemming: English endings leave the first two letters alone."""
    beginnings = sorted({re.escape(term[:2]) for term in terms})
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(beginnings) or '(?!)'})[a-z0-9]*")


def _joined(spans: Sequence[Span]) -> Spans:
    """Return the spans in order, those that overlap as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)
