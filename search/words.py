"""Text to the words that are counted: lower case, without accents, stemmed; and words to the numbers that name them.

Indexing and asking go through here alike, so a word of a question meets the same word of a transcript.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from search.query_words import COMMON_WORDS
from search.stems import stem

Keys = npt.NDArray[np.uint64]

_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces: every character is a word, so that pairs of neighbours stand for words.
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff])")
_HESITATIONS = (
    "s t m re ve d ll don didn isn doesn won wouldn couldn shouldn aren wasn weren yeah uh um mm hmm okay ok oh"
)
_FILLERS = frozenset((*COMMON_WORDS, *_HESITATIONS.split()))


def fold(text: str) -> str:
    """Return `text` in lower case and without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def read_words(text: str) -> list[str]:
    """Return the folded words of `text`, not stemmed, in order."""
    folded = fold(text)
    return _WORD.findall(folded if folded.isascii() else _UNSPACED.sub(r" \1 ", folded))


def stems_of(words: Iterable[str]) -> list[str]:
    """Return the words' stems, in order."""
    return [stem(word) for word in words]


def pairs_of(words: Iterable[str]) -> list[str]:
    """Return neighbouring content words as "first second", stemmed: fillers between them do not part them."""
    content = [stem(word) for word in words if word not in _FILLERS]
    return [f"{first} {second}" for first, second in pairwise(content)]


def is_telling(word: str) -> bool:
    """Return whether a folded word says something by itself: no filler, no lone letter, not only digits."""
    return len(word) > 1 and word not in _FILLERS and not word.isdigit()


def keys_of(terms: Sequence[str]) -> Keys:
    """Return a 64-bit number for each term, the same on every machine; two terms sharing one is not worth a thought."""
    return np.array([_key(term) for term in terms], dtype=np.uint64)


@lru_cache(maxsize=200_000)
def _key(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")
