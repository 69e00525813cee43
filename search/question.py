"""A question as typed, taken apart: what to embed, which words to count, what must stand there, who is named.

In: the text of a search. Out: a `Question`. `service` reads it once for each search; no text makes it raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from search.query_words import COMMON_WORDS, read_query
from search.stems import stem
from search.words import fold, pairs_of, read_words

# Words that say "somebody talked about": they name what is wanted, not what was said. They are left out of questions
# and requests only; in a few words put side by side ("group discount") every word counts.
_TALK = """
according answer answered asked asking conclusion conclusions debate debated describe described discuss discussed
discusses discussing discussion discussions explain explained gave give given group introduce introduced meeting
meetings mention mentioned opinion opinions regarding said say saying says state stated suggest suggested summarise
summarize summary talk talked talking team tell thinks think thinking thought thoughts
"""
_TALK_WORDS = frozenset(_TALK.split())
_ASKING = """
are can could describe did do does explain find give had has have how is list should show summarise summarize tell was
were what when where which who whom whose why will would
"""
_ASKING_WORDS = frozenset(_ASKING.split())
_SHORT = 3  # words: fewer are not a sentence, whatever they begin with

# What two words side by side count for when they stand side by side in the text, too. People who type a few words
# ("AB-1234", "data warehouse") mean them so; in a sentence neighbours are often chance.
_PAIR_IN_WORDS = 1.0
_PAIR_IN_QUESTION = 0.3
_PAIR_IN_CODE = 2.0  # the parts of "AB-1234": as much as both words again

_TOKEN = re.compile(r"[^\s?.,!;:\"“”„()]+")
_TITLES = frozenset(("dr", "hon", "madam", "miss", "mr", "mrs", "ms", "prof", "professor", "right", "sir", "the"))


@dataclass(frozen=True, slots=True)
class Question:
    """`texts` are embedded and averaged: the question as it is, and its subject alone where that is different."""

    texts: tuple[str, ...]
    words: dict[str, str]  # stems, each with a folded word it is the stem of
    pairs: dict[str, float]  # stems side by side, and what they count for against a word's 1
    phrases: tuple[str, ...]  # quoted: must stand there as they are
    names: frozenset[str]  # folded words that may be names: capitalised ones of the subject
    beginnings: tuple[str, ...] = ()  # folded: any word that begins so will do


def read_question(query: str, beginnings: tuple[str, ...] = ()) -> Question:
    """Return what the free text `query` asks for, in which some words are only `beginnings` of words."""
    subject = find_subject(query)
    words = [word for word in read_words(subject) if word not in beginnings]
    texts = (query,) if subject == query else (query, subject)
    return Question(
        texts=texts,
        words=_by_stem(words),
        pairs=_weigh_pairs(subject, _PAIR_IN_QUESTION if _is_sentence(query) else _PAIR_IN_WORDS),
        phrases=read_query(query).phrases,
        names=frozenset(fold(token) for token in _TOKEN.findall(subject) if token[:1].isupper()),
        beginnings=beginnings,
    )


def _by_stem(words: list[str]) -> dict[str, str]:
    by_stem: dict[str, str] = {}
    for word in words:
        by_stem.setdefault(stem(word), word)
    return by_stem


def find_subject(query: str) -> str:
    """Return the words of `query` that say what it is about, in order; all of them when none would be left."""
    tokens = _TOKEN.findall(query)
    folded = [fold(token).replace("’", "'") for token in tokens]
    dropped = COMMON_WORDS | _TALK_WORDS if _is_sentence(query) else COMMON_WORDS
    kept = [token for token, plain in zip(tokens, folded, strict=True) if plain not in dropped]
    return " ".join(kept) or query


def _weigh_pairs(subject: str, weight: float) -> dict[str, float]:
    pairs = dict.fromkeys(pairs_of(read_words(subject)), weight)
    for token in _TOKEN.findall(subject):
        pairs.update(dict.fromkeys(pairs_of(read_words(token)), _PAIR_IN_CODE))
    return pairs


def _is_sentence(query: str) -> bool:
    tokens = _TOKEN.findall(query)
    return len(tokens) > _SHORT and (fold(tokens[0]) in _ASKING_WORDS or query.rstrip().endswith("?"))


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
