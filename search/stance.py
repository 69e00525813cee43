"""Whether two sentences of nearly one meaning agree or contradict each other: by negation and by opposite words.

`answering` asks, for sentences that the model holds to be alike. It claims a contradiction only where a rule that can
be told in one line holds; what it cannot tell is `UNCLEAR`, never guessed. Negation is known in English and German,
opposites in English. Irony, and a contradiction said in wholly other words, are not seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from search.function_words import COMMON_WORDS
from search.stems import stem
from search.words import fold

_NEGATION_WORDS = """
not no never nobody none nothing neither nor without hardly cannot
nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne
"""
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_OPPOSITES = """
fast slow, quick slow, fast sluggish, cheap expensive, cheap costly, easy hard, easy difficult, simple complicated,
simple complex, good bad, great terrible, great awful, good poor, useful useless, helpful useless, like dislike,
like hate, love hate, love dislike, enjoy hate, reliable unreliable, clear unclear, clear confusing, more less,
more fewer, many few, much little, better worse, best worst, early late, trust distrust, happy unhappy,
satisfied dissatisfied, possible impossible, necessary unnecessary, important unimportant, accurate inaccurate,
always never, everybody nobody, everyone nobody, increase decrease, improved worsened, works fails, work fail,
high low, safe unsafe, comfortable uncomfortable, big small, right wrong, accept refuse, agree disagree
"""
_PAIRS = frozenset(frozenset(stem(word) for word in pair.split()) for pair in _OPPOSITES.split(","))
_WITH_OPPOSITES = frozenset(word for pair in _PAIRS for word in pair)
# After these nothing is stated: what holds "if" something else held is no statement about how things are.
_UNSTATED_AFTER = "if whether unless maybe perhaps wenn ob falls vielleicht"
_UNSTATED = frozenset(_UNSTATED_AFTER.split())
_EMPTY_WORDS = "really very quite just actually simply honestly think say said would will lot bit much too"
_EMPTY = frozenset(_EMPTY_WORDS.split())

_LEAST_SHARED = 0.5  # of the content words of both, where a contradiction is claimed
_ANSWER_WORD = re.compile(r"^\s*(?:no|yes|nein|ja|well|so|oh)\s*[,.!]\s*", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,;:()–—]|\b(?:but|because|although|though|while|since|aber|weil|obwohl|sondern)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


class Stance(Enum):
    SAME = "same"
    OPPOSITE = "opposite"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class _Read:
    """A sentence's content words, stemmed; those of clauses that are negated; how often it negates."""

    content: frozenset[str]
    negated: frozenset[str]
    opposites: frozenset[str]
    negations: int
    is_stated: bool


def stance_between(one: str, other: str) -> Stance:
    """Return how two sentences of nearly one meaning stand to each other; the order does not matter.

    OPPOSITE: exactly one of two things holds, that one of them negates what the other says, or that they use opposite
    words; and they share at least half of their content words. SAME: none of these holds, or both do.
    """
    first, second = _read(one), _read(other)
    if not (first.is_stated and second.is_stated) or max(first.negations, second.negations) > 1:
        return Stance.UNCLEAR
    differs = first.negations != second.negations
    opposed = any(frozenset((a, b)) in _PAIRS for a in first.opposites for b in second.opposites if a != b)
    if differs == opposed:
        return Stance.SAME
    if opposed and first.opposites & second.opposites:
        return Stance.UNCLEAR  # "more of this, less of that" beside "more"
    return Stance.OPPOSITE if _is_clear(first, second, differs=differs) else Stance.UNCLEAR


def _is_clear(first: _Read, second: _Read, *, differs: bool) -> bool:
    """Return whether they speak of one thing, and a negation is of that very thing."""
    shared = first.content & second.content
    if not shared or len(shared) < _LEAST_SHARED * len(first.content | second.content):
        return False
    if not differs:
        return True
    negated = first.negated | second.negated
    return bool(negated) and 2 * len(negated & shared) >= len(negated)


def forget() -> None:
    """Drop the sentences that were read lately: what was withdrawn stays nowhere."""
    _read.cache_clear()


@lru_cache(maxsize=4096)
def _read(sentence: str) -> _Read:
    content: set[str] = set()
    negated: set[str] = set()
    opposites: set[str] = set()
    negations, is_stated = 0, True
    for clause in _CLAUSE.split(_ANSWER_WORD.sub("", sentence)):
        words = [fold(word).replace("’", "'") for word in _WORD.findall(clause)]
        is_stated = is_stated and not _UNSTATED.intersection(words)
        count = sum(1 for word in words if word in _NEGATIONS or word.endswith("n't"))
        stems = [stem(word.split("'")[0]) for word in words if not _is_filler(word)]
        opposites.update(word for word in stems if word in _WITH_OPPOSITES)
        telling = {word for word in stems if word not in _WITH_OPPOSITES}
        content |= telling
        if count:
            negated |= telling or set(stems)
        negations += count
    if negations and negated <= opposites:  # "it is not fast": what is negated is the opposite word itself
        negated = set(content)
    return _Read(frozenset(content), frozenset(negated), frozenset(opposites), negations, is_stated)


def _is_filler(word: str) -> bool:
    if stem(word) in _WITH_OPPOSITES:
        return False
    return word in COMMON_WORDS or word in _EMPTY or word in _NEGATIONS or word.endswith("n't")
