"""How many words of one text another one has, by the stems of the language it is in.

`evidence` holds sentences against a question so, `phrasing` what a language model wrote against its quotes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from search.marking import Spoken
from search.question import find_language
from search.stems import ENGLISH
from search.words import (
    asked_words,
    fillers_of,
    fold,
    forms_of,
    function_words,
    is_telling,
    lower_words,
    stems_of,
    terms_of,
)


def telling_words(text: str, languages: Collection[str]) -> dict[str, str]:
    """Return the words of `text` that say something by themselves, one of each English stem, by that stem.

    `languages` are those it may be in beside English; what only holds sentences together there is left out.
    """
    language = find_language(text, languages)
    known = function_words(language)
    dropped = frozenset() if language == ENGLISH else fillers_of(language) | known.asking | known.talk
    words = [word for word in asked_words(text) if is_telling(fold(word)) and fold(word) not in dropped]
    by_stem: dict[str, str] = {}
    for stem, word in zip(stems_of(words), words, strict=True):
        by_stem.setdefault(stem, word)
    return by_stem


def shared_words(words: Iterable[str], said: Spoken) -> float:
    """Return the share of `words` (`telling_words`) that `said` has, 0 … 1; 0 of none."""
    terms = frozenset(terms_of(lower_words(said.text), said.language))
    found = [not terms.isdisjoint(forms_of(word, (said.language,))) for word in words]
    return sum(found) / len(found) if found else 0.0
