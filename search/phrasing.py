"""Holds what a language model wrote against the quotes it was given: only sentences that their citations support stay.

`app/answers.py` asks a `Writer`, where one is configured, and passes what comes back through `supported_sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.evidence import Floats
from search.marking import Spoken
from search.shared_words import shared_words, telling_words
from search.stance import Stance, stance_between
from search.words import read_words

# A quote supports a sentence that is this like it, or that has this share of its telling words from it.
ALIKE_ENOUGH = 0.5
WORDS_ENOUGH = 0.6

MOST_QUOTES = 24  # sent to the writer

_CITATION = re.compile(r"\[(\d+(?:\s*[,;]\s*\d+)*)\]")
_AFTER_THE_STOP = re.compile(r"([.!?…])[ \t]*((?:\[[\d,; ]+\][ \t]*)+)")
_BETWEEN = re.compile(r"(?<=[.!?…])\s+|\n+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_COUNTED = """
two three four five six seven eight nine ten eleven twelve dozen half third most majority minority all every everyone
everybody nobody percent always
"""
_COUNTING = frozenset(_COUNTED.split())


class Writer(Protocol):
    """Phrases an answer from quotes."""

    @property
    def name(self) -> str:
        """Name the model and where it runs, as people are told."""

    def write(self, question: str, quotes: Sequence[str]) -> str:
        """Return text whose sentences cite quotes as [1], [2], counted from 1.

        Raises: Unavailable `answer_not_phrased`, also when it takes too long.
        """


@dataclass(frozen=True, slots=True)
class PhrasedSentence:
    """`citations` are the quotes that support it, counted from 1."""

    text: str
    citations: tuple[int, ...]


def supported_sentences(
    text: str, quotes: Sequence[Spoken], likeness: Callable[[Sequence[str], Sequence[str]], Floats]
) -> tuple[PhrasedSentence, ...]:
    """Return the sentences of `text` that a quote they cite supports, in order, with those citations alone.

    Dropped is a sentence without a citation, or with one of a quote that was not given; one that says the opposite of
    a quote it cites; and one that has a number or a word of quantity ("most") that none of its quotes has.
    """
    cited = [one for one in _sentences(text) if _cites_only(one.citations, len(quotes))]
    if not cited:
        return ()
    alike = likeness([one.text for one in cited], [quote.text for quote in quotes])
    kept: list[PhrasedSentence] = []
    for row, one in enumerate(cited):
        said = [quotes[number - 1] for number in one.citations]
        supporting = tuple(
            number
            for number, quote in zip(one.citations, said, strict=True)
            if alike[row, number - 1] >= ALIKE_ENOUGH or _shared(one.text, quote) >= WORDS_ENOUGH
        )
        texts = [quote.text for quote in said]
        if supporting and not _contradicts(one.text, texts) and _counted(one.text) <= _counted(" ".join(texts)):
            kept.append(PhrasedSentence(one.text, supporting))
    return tuple(kept)


def _sentences(text: str) -> list[PhrasedSentence]:
    found: list[PhrasedSentence] = []
    for line in _BETWEEN.split(_AFTER_THE_STOP.sub(r" \2\1 ", text)):
        numbers = [int(number) for group in _CITATION.findall(line) for number in re.findall(r"\d+", group)]
        plain = re.sub(r"\s+", " ", _CITATION.sub("", _BULLET.sub("", line))).strip()
        plain = re.sub(r"\s+([.,!?…])", r"\1", plain)
        if any(character.isalnum() for character in plain):
            found.append(PhrasedSentence(plain, tuple(dict.fromkeys(numbers))))
    return found


def _cites_only(citations: Sequence[int], quote_count: int) -> bool:
    return bool(citations) and all(1 <= number <= quote_count for number in citations)


def _contradicts(sentence: str, quotes: Sequence[str]) -> bool:
    return any(stance_between(sentence, quote) is Stance.OPPOSITE for quote in quotes)


def _shared(sentence: str, quote: Spoken) -> float:
    return shared_words(telling_words(sentence, (quote.language,)).values(), quote)


def _counted(text: str) -> set[str]:
    return {word for word in read_words(text) if word in _COUNTING or any(c.isdigit() for c in word)}
