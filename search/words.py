"""Text to the words that are counted: in one spelling, stemmed by language; and words to the numbers that name them.

Indexing and asking go through here alike, so a word of a question meets the same word of a transcript. A word has
three spellings: as it was said, in lower case (`lower_words`), which the stemmers want; folded (`read_words`), which is
blind to accents and shown; and as terms (`terms_of`), which are counted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, groupby, pairwise, repeat

import numpy as np
import numpy.typing as npt

from search.function_words import FUNCTION_WORDS
from search.stems import ENGLISH, stem

Keys = npt.NDArray[np.uint64]

# Vowel signs and the like are part of a word, though no letters.
_SIGNS = "".join(chr(code) for code in range(0x0900, 0x0E00) if unicodedata.category(chr(code)).startswith("M"))
# Marks and signs without width, which `lower_words` drops from words.
_DROPPED = (
    "\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u2060"
    "\ufe00-\ufe0f"
)
_WORD = re.compile(f"([^\\W_]+(?:[{_SIGNS}{_DROPPED}]+[^\\W_]*)*)")
_NOT_ASCII = re.compile(f"(?![\\x00-\\x7f])\\w|[{_SIGNS}{_DROPPED}]")  # of what words are made of
_ASCII_WORD = re.compile(r"[^\W_]+")
_ASCII_PARTS = re.compile(r"([^\W_]+)")
# Scripts without spaces: every character is a word, and neighbours together are one more.
_UNSPACED_SCRIPTS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"([{_UNSPACED_SCRIPTS}])")
_HANGUL = re.compile("[\uac00-\ud7a3]{2,}")
# Letters that no accent can be taken from, as ICU's search folding spells them.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "n"}
)
# Counted where an English interview has a word that the full text spells otherwise; no word has a space.
OTHER_LETTERS = "~ other letters"
_HESITATIONS = (
    "s t m re ve d ll don didn isn doesn wouldn couldn shouldn aren wasn weren won yeah uh um mm hmm okay ok oh"
)
_HESITATIONS_ELSEWHERE = "ah äh ähm ehm eh euh hm hmm mhm mm ok okay oh uh um"


class _WithoutMarks(dict[int, int | None]):
    """For `str.translate`: every character as it is, but for marks, signs without width, and what stretches words."""

    _KEPT = (0, 8, 9)  # combining classes: no mark, or one that makes another letter (of カ a ガ; the virama)
    _STRETCHING = 0x0640

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        stays = unicodedata.combining(character) in self._KEPT and unicodedata.category(character) != "Cf"
        self[code] = code if stays and code != self._STRETCHING else None
        return self[code]


_WITHOUT_MARKS = _WithoutMarks()


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """Folded: see `function_words`."""

    common: frozenset[str]
    asking: frozenset[str]
    talk: frozenset[str]


def lower(text: str) -> str:
    """Return `text` in one spelling, with accents: lower case, plain forms of ligatures and of wide or narrow letters.

    Marks that make no letter with what they stand on (Arabic and Hebrew vowels) and signs without width are dropped.
    Source: NFKC_Casefold, The Unicode Standard, section 3.13.
    """
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return composed.translate(_WITHOUT_MARKS)


def fold(text: str) -> str:
    """Return `text` in lower case and without accents, as ICU's search folding has it."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFD", lower(text).translate(_LETTERS)).translate(_WITHOUT_MARKS)
    return unicodedata.normalize("NFC", letters)


def read_words(text: str) -> list[str]:
    """Return the folded words of `text`, not stemmed, in order."""
    return _split(fold(text))


def lower_words(text: str) -> list[str]:
    """Return the words of `text` in lower case, with their accents, in order."""
    return _split(lower(text))


def placed_words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the words of `text` as `lower_words` has them, and where each stands in the text: [from, to)."""
    if text.isascii():
        parts = _ASCII_PARTS.split(text.lower())  # every second one is a word
        ends = [*accumulate(map(len, parts))]
        return parts[1::2], [*zip(ends[::2], ends[1::2], strict=False)]
    words: list[str] = []
    places: list[tuple[int, int]] = []
    parts = _WORD.split(text)  # every second one is a word
    ends = [*accumulate(map(len, parts))]
    for word, start, end in zip(parts[1::2], ends[::2], ends[1::2], strict=False):
        if word.isascii():
            words.append(word.lower())
            places.append((start, end))
            continue
        for part in _UNSPACED.split(word):
            spoken = lower_words(part)
            words += spoken
            places += [(start, start + len(part))] * len(spoken)
            start += len(part)
    return words, places


def has_ascii_words(text: str) -> bool:
    """Return whether all words of `text` are plain letters and digits, whatever signs stand between them."""
    return text.isascii() or _NOT_ASCII.search(text) is None


def stems_of(words: Iterable[str], language: str = ENGLISH) -> list[str]:
    """Return the words' stems, folded, in order. Stemmers of other languages than English want accents."""
    return [_stem(word, language) for word in words]


def terms_of(words: Sequence[str], language: str) -> list[str]:
    """Return what is counted where `words` (`lower_words`) are said, in a language: every word once by its stem.

    A word whose accents change its stem is there once more for those who type none, as another term that only they
    ask for. Beside single characters of scripts without spaces there are pairs of them; a Korean word is such pairs.
    Source of the pairs: Lucene's CJKBigramFilter.
    """
    terms = list(chain.from_iterable(map(terms_of_one, words, repeat(language))))
    if not "".join(words).isascii():
        terms += [one + other for one, other in pairwise(words) if is_unspaced(one) and is_unspaced(other)]
    return terms


@lru_cache(maxsize=200_000)
def terms_of_one(word: str, language: str) -> tuple[str, ...]:
    """Return what is counted where one word is said: see `terms_of`."""
    if _HANGUL.fullmatch(word):
        return tuple(_pieces(word))
    found = _stem(word, language)
    without_accents = found if language == ENGLISH else _stem(fold(word), language)
    return (found,) if found == without_accents else (found, _unaccented(without_accents))


def asked_words(text: str) -> list[str]:
    """Return the words to look for: `lower_words`, characters of scripts without spaces two by two."""
    asked: list[str] = []
    for unspaced, run in groupby(lower_words(text), is_unspaced):
        words = list(run)
        if unspaced and len(words) > 1:
            asked += [first + second for first, second in pairwise(words)]
        else:
            asked += [part for word in words for part in _pieces(word)]
    return asked


def forms_of(word: str, languages: Iterable[str]) -> tuple[str, ...]:
    """Return the terms that count as `word` of a question, which may be in any of `languages`.

    An occurrence is counted once. Accents that were typed are what is looked for first: "résumé" finds "résumés" and
    "resume"; without them both are looked for.
    """
    plain = fold(word)
    forms: dict[str, None] = {}
    for language in languages:
        found = _stem(word, language)
        forms[found] = None
        if plain != word:
            forms[_stem(plain, language)] = None
        elif language != ENGLISH:
            forms[_unaccented(found)] = None
    return tuple(forms)


def pairs_of(words: Iterable[str], language: str = ENGLISH, fillers: frozenset[str] | None = None) -> list[str]:
    """Return neighbouring content words as "first second", stemmed: fillers between them do not part them."""
    return [
        f"{_stem(first, language)} {_stem(second, language)}"
        for first, second in neighbours_of(words, fillers_of(language) if fillers is None else fillers)
    ]


def neighbours_of(words: Iterable[str], fillers: frozenset[str]) -> list[tuple[str, str]]:
    """Return neighbouring content words: fillers between them do not part them. Pairs of characters are terms."""
    content = [word for word in words if word not in fillers and (word.isascii() or fold(word) not in fillers)]
    if "".join(content).isascii():
        return list(pairwise(content))
    return [(one, other) for one, other in pairwise(content) if not (is_unspaced(one) and is_unspaced(other))]


def has_other_letters(text: str) -> bool:
    """Return whether a word of `text` is another one when accents are taken from letters and nothing else is done.

    SQLite's full text does that: "Søren" is not "soren" there, nor "Straße" "strasse".
    """
    if text.isascii():
        return False
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))
    return _split(unicodedata.normalize("NFC", bare)) != read_words(text)


def is_telling(word: str) -> bool:
    """Return whether a folded word says something by itself: no filler, no lone letter, not only digits."""
    return len(word) > 1 and word not in fillers_of(ENGLISH) and not word.isdigit()


def is_unspaced(word: str) -> bool:
    """Return whether a word is one character of a script without spaces."""
    return len(word) == 1 and not word.isascii() and _UNSPACED.match(word) is not None


@lru_cache
def function_words(language: str) -> FunctionWords:
    """Return what holds sentences of a language together; nothing where it is not known."""
    lists = FUNCTION_WORDS.get(language, ("", "", ""))
    return FunctionWords(*(frozenset(fold(word) for word in words.split()) for words in lists))


@lru_cache
def fillers_of(language: str) -> frozenset[str]:
    """Return the folded words that do not part two content words."""
    hesitations = _HESITATIONS if language == ENGLISH else _HESITATIONS_ELSEWHERE
    return function_words(language).common | {fold(word) for word in hesitations.split()}


def keys_of(terms: Sequence[str]) -> Keys:
    """Return a 64-bit number for each term, the same on every machine; two terms sharing one is not worth a thought."""
    return np.array([_key(term) for term in terms], dtype=np.uint64)


def _split(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return _WORD.findall(_UNSPACED.sub(r" \1 ", text))


@lru_cache(maxsize=200_000)
def _stem(word: str, language: str) -> str:
    return stem(fold(word)) if language == ENGLISH else fold(stem(word, language))


def _unaccented(form: str) -> str:
    return f"~{form}"  # no word has this character


def _pieces(word: str) -> list[str]:
    """Return the pairs of syllables of a Korean word, and any other word as it is."""
    if _HANGUL.fullmatch(word):
        return [word[place : place + 2] for place in range(len(word) - 1)]
    return [word]


@lru_cache(maxsize=200_000)
def _key(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")
