"""A question as typed, taken apart: quoted phrases, words that carry meaning, words that only hold it
together.

Used by the words' index for asking and by `highlight` for marking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Words so common in English questions that requiring or marking them helps nobody.
_COMMON = """
a about above after again all also am an and any are aren't as at be because been before being but by can
could couldn't did didn't do does doesn't doing don't down during each few for from further had has have
having he her here him his how i if in into is isn't it its just me more most my no nor not of off on once
only or other our out over own same she should so some such than that the their them then there these they
this those through to too under until up very was wasn't we were what when where which while who whom whose
why will with would you your
"""
COMMON_WORDS = frozenset(_COMMON.split())

_PHRASE = re.compile(r'["“”„]([^"“”„]*)["“”„]')


@dataclass(frozen=True, slots=True)
class QueryWords:
    """`phrases` were quoted; `words` are the rest, without common words unless there is nothing else."""

    phrases: tuple[str, ...]
    words: tuple[str, ...]


def read_query(query: str) -> QueryWords:
    """Return what `query` asks for, each part holding at least one letter or digit. No text makes this
    raise.
    """
    phrases = tuple(p for p in (found.strip() for found in _PHRASE.findall(query)) if has_word(p))
    chunks = [chunk for chunk in _PHRASE.sub(" ", query).split() if has_word(chunk)]
    telling = [chunk for chunk in chunks if _bare(chunk) not in COMMON_WORDS]
    if telling or phrases:
        chunks = telling
    return QueryWords(phrases, tuple(dict.fromkeys(chunks)))


def has_word(text: str) -> bool:
    """Return whether `text` has a letter or digit."""
    return any(character.isalnum() for character in text)


def _bare(chunk: str) -> str:
    return re.sub(r"^\W+|\W+$", "", chunk).lower().replace("’", "'")
