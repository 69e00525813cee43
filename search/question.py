"""A question as typed, taken apart: what to embed, which words to count, what must stand there, who is named.

In: the text of a search. Out: a `Question`. `service` reads it once for each search; no text makes it raise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from search.function_words import ALSO_ENGLISH
from search.query_words import read_query
from search.stems import ENGLISH
from search.words import (
    asked_words,
    fillers_of,
    fold,
    function_words,
    lower_words,
    neighbours_of,
    read_words,
    stems_of,
)

_SHORT = 3  # words: fewer are not a sentence, whatever they begin with
_LEAST_LETTERS = 3  # of function words that tell a language: "El Paso" and "OS" are no Spanish

# What two words side by side count for when they stand side by side in the text, too. People who type a few words
# ("AB-1234", "data warehouse") mean them so; in a sentence neighbours are often chance.
_PAIR_IN_WORDS = 1.0
_PAIR_IN_QUESTION = 0.3
_PAIR_IN_CODE = 2.0  # the parts of "AB-1234": as much as both words again

_TOKEN = re.compile(r"[^\s?.,!;:\"“”„()¿¡«»？！。、，]+")
_ELISION = re.compile(r"(?<=\w)['’](?=\w)")
_TITLES = frozenset(("dr", "hon", "madam", "miss", "mr", "mrs", "ms", "prof", "professor", "right", "sir", "the"))


@dataclass(frozen=True, slots=True)
class Question:
    """`texts` are embedded and averaged: the question as it is, and its subject alone where that is different.

    Words are in lower case, with the accents that were typed; `word_matching` makes terms of them.
    """

    texts: tuple[str, ...]
    words: dict[str, str]  # words to count, one of each English stem, by that stem
    pairs: dict[tuple[str, str], float]  # words side by side, and what they count for against a word's 1
    phrases: tuple[str, ...]  # quoted: must stand there as they are
    names: frozenset[str]  # folded words that may be names: capitalised ones of the subject
    beginnings: tuple[str, ...] = ()  # folded: any word that begins so will do
    marked: tuple[str, ...] = ()  # words and phrases to mark in results
    languages: tuple[str, ...] = (ENGLISH,)  # that it may be in
    is_sentence: bool = False  # rather than a few words


def read_question(query: str, beginnings: tuple[str, ...] = (), languages: Collection[str] = (ENGLISH,)) -> Question:
    """Return what the free text `query` asks for, in which some words are only `beginnings` of words.

    `languages` are those of the interviews that the asking person sees; the question may be in one of them.
    """
    language = find_language(query, languages)
    subject = find_subject(query, language)
    words = [word for word in asked_words(subject) if fold(word) not in beginnings]
    is_sentence = _is_sentence(_tokens(query, language), query, language)
    typed = read_query(query, language)
    return Question(
        texts=(query,) if subject == query else (query, subject),
        words=_by_stem(words),
        pairs=_weigh_pairs(subject, language, _PAIR_IN_QUESTION if is_sentence else _PAIR_IN_WORDS),
        phrases=typed.phrases,
        names=frozenset(fold(token) for token in _TOKEN.findall(subject) if token[:1].isupper()),
        beginnings=beginnings,
        marked=(*typed.phrases, *typed.words),
        languages=tuple(sorted(languages)),
        is_sentence=is_sentence,
    )


def find_language(query: str, languages: Collection[str]) -> str:
    """Return the one of `languages` whose function words `query` has most of; English unless another has more.

    What also means something in English, and less than three letters, do not make a question another language's.
    """
    asked = {word for tokens in (_tokens(query, ENGLISH), _tokens(query, "")) for word in _folded(tokens)}
    english = _of_sentences(ENGLISH)
    best, most = ENGLISH, len(asked & english)
    for language in sorted(languages):
        found = asked & _of_sentences(language)
        letters = sum(len(word) for word in found - english - ALSO_ENGLISH if len(word) > 1)
        if len(found) > most and letters >= _LEAST_LETTERS:
            best, most = language, len(found)
    return best


def find_subject(query: str, language: str = ENGLISH) -> str:
    """Return the words of `query` that say what it is about, in order; all of them when none would be left."""
    tokens = _tokens(query, language)
    known = function_words(language)
    dropped = known.common | known.talk if _is_sentence(tokens, query, language) else known.common
    kept = [token for token, plain in zip(tokens, _folded(tokens), strict=True) if plain not in dropped]
    return " ".join(kept) or query


def _tokens(query: str, language: str) -> list[str]:
    # elsewhere an apostrophe stands for a vowel between two words; in English it is part of one ("don't")
    return _TOKEN.findall(query if language == ENGLISH else _ELISION.sub(" ", query))


def _folded(tokens: Iterable[str]) -> list[str]:
    return [fold(token).replace("’", "'") for token in tokens]


def _of_sentences(language: str) -> frozenset[str]:
    known = function_words(language)
    return known.common | known.asking | known.talk


def _by_stem(words: list[str]) -> dict[str, str]:
    by_stem: dict[str, str] = {}
    for stem, word in zip(stems_of(words), words, strict=True):
        by_stem.setdefault(stem, word)
    return by_stem


def _weigh_pairs(subject: str, language: str, weight: float) -> dict[tuple[str, str], float]:
    fillers = fillers_of(ENGLISH) | fillers_of(language)
    pairs = dict.fromkeys(neighbours_of(lower_words(subject), fillers), weight)
    for token in _TOKEN.findall(subject):
        pairs.update(dict.fromkeys(neighbours_of(lower_words(token), fillers), _PAIR_IN_CODE))
    return pairs


def _is_sentence(tokens: list[str], query: str, language: str) -> bool:
    begins_asking = bool(tokens) and fold(tokens[0]) in function_words(language).asking
    return len(tokens) > _SHORT and (begins_asking or query.rstrip().endswith(("?", "？")))


def find_named(names: frozenset[str], speakers: Iterable[str]) -> tuple[str, ...]:
    """Return the speakers a question names, wholly or by first or last name; the better named ones only.

    "Ann Lee" leaves out an Ann Moss, while "Ann" means both.
    """
    named: dict[str, frozenset[str]] = {}
    for speaker in speakers if names else ():
        parts = read_words(speaker)
        telling = [part for part in parts if part not in _TITLES]
        found = frozenset(parts) & names
        if telling and (found >= frozenset(telling) or found & {telling[0], telling[-1]}):
            named[speaker] = found
    best = set(named.values())
    return tuple(speaker for speaker, found in named.items() if not any(found < other for other in best))
