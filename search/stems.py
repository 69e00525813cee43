"""Words to their stems, so that "meetings" finds "meeting" and "Rechnungen" finds "Rechnung": by language.

The words' statistics, the questions and the marks in results use it. English: Porter's algorithm (`porter`). Others:
the Snowball stemmer where there is one (https://snowballstem.org); words of the rest stay as they are.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import Stemmer

from search.porter import porter_stem

ENGLISH = "en"

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "eo": "esperanto",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Written in other letters than Latin ones: a word in ASCII is a foreign one there, mostly English.
_OTHER_LETTERS = """
am ar as be bg bn dv dz el fa gu he hi hy ja ka kk km kn ko ky lo mk ml mn mr my ne or pa ps ru sa sd si ta te tg th ti
tt ug uk ur yi yue zh
"""
_WITH_OTHER_LETTERS = frozenset(_OTHER_LETTERS.split())

_lock = threading.Lock()  # a Snowball stemmer must not be used by two threads at once


def language_of(code: str | None) -> str:
    """Return the language by which words are stemmed: `code` without its region, and English where none is known."""
    return (code or "").strip().lower().replace("_", "-").split("-")[0] or ENGLISH


@lru_cache(maxsize=200_000)
def stem(word: str, language: str = ENGLISH) -> str:
    """Return the stem of a lower-case word. Stemmers of other languages than English want its accents."""
    if language == ENGLISH or (language in _WITH_OTHER_LETTERS and word.isascii()):
        return porter_stem(word)
    algorithm = _SNOWBALL.get(language)
    if algorithm is None or any(character.isdigit() for character in word):
        return word
    with _lock:
        return str(_stemmer(algorithm).stemWord(word))


@lru_cache
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm, 0)  # `stem` remembers what it gave
