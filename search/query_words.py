"""A question as typed, taken apart: quoted phrases, words that carry meaning, words that only hold it
together.

`question` reads it for what is marked in results.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from search.stems import ENGLISH
from search.words import fold, function_words

_PHRASE = re.compile(r'["“”„]([^"“”„]*)["“”„]')


@dataclass(frozen=True, slots=True)
class QueryWords:
    """`phrases` were quoted; `words` are the rest, without common words unless there is nothing else."""

    phrases: tuple[str, ...]
    words: tuple[str, ...]


def read_query(query: str, language: str = ENGLISH) -> QueryWords:
    """Return what `query` asks for in a language, each part holding at least one letter or digit. No text makes this
    raise.
    """
    common = function_words(language).common
    phrases = tuple(p for p in (found.strip() for found in _PHRASE.findall(query)) if has_word(p))
    chunks = [chunk for chunk in _PHRASE.sub(" ", query).split() if has_word(chunk)]
    telling = [chunk for chunk in chunks if _bare(chunk) not in common]
    if telling or phrases:
        chunks = telling
    return QueryWords(phrases, tuple(dict.fromkeys(chunks)))


def has_word(text: str) -> bool:
    """Return whether `text` has a letter or digit."""
    return any(character.isalnum() for character in text)


def _bare(chunk: str) -> str:
    return fold(re.sub(r"^\W+|\W+$", "", chunk)).replace("’", "'")
