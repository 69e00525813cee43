"""The words of a question as a corpus has them: beginnings completed, words that nobody said mended.

In: a question and the corpus that the asking person sees; nothing else is ever offered. Out: what `score_cells` counts.
A word that stands anywhere is never mended: exact words win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.cell_index import Corpus
from search.question import Question, find_named
from search.term_columns import Topic
from search.values import Correction
from search.words import Keys, fold, forms_of, is_telling, keys_of, pairs_of, stems_of

MENDED_WEIGHT = 0.8  # of a word that was guessed, against 1 of one that was typed
_MOST_MENDED = 3  # words, equally near
_MOST_COMPLETED = 100  # words, the most frequent ones

_WORD = re.compile(r"[^\W_]+")

# Slips of the pen (a letter wrong, missing, too many, or two swapped) that a word of so many letters may have: of four
# letters nearly every word is one slip from another one ("mail" from "mal").
_SLIPS = ((8, 2), (5, 1))


@dataclass(frozen=True, slots=True)
class Matched:
    """`marked` are words to mark in results beside those that were typed.

    `replaced` gives for a folded word that nobody said the likeliest that was meant, for what the model reads.
    """

    topic: Topic
    corrections: tuple[Correction, ...]
    marked: tuple[str, ...]
    replaced: dict[str, str]


def match_words(question: Question, corpus: Corpus) -> Matched:
    """Return what the question asks for in the words of `corpus`, whichever of its languages they are of."""
    terms: list[Keys] = []
    weights: list[float] = []
    mended: dict[str, str] = {}
    corrections: list[Correction] = []
    marked: list[str] = []
    replaced: dict[str, str] = {}
    for root, word in question.words.items():
        keys, plain = keys_of_words(corpus, [word]), fold(word)
        near = () if corpus.holds(keys) else nearest_words(corpus, plain)
        if near:
            mended[root] = replaced[plain] = near[0]
            corrections.append(Correction(plain, near))
            marked += near
        terms.append(keys_of_words(corpus, near) if near else keys)
        weights.append(MENDED_WEIGHT if near else 1.0)
    for beginning in question.beginnings:
        words = completed_words(corpus, beginning)[:_MOST_COMPLETED]
        marked += words
        replaced[beginning] = words[0] if words else beginning
        terms.append(keys_of_words(corpus, words or [beginning]))
        weights.append(1.0)
    pairs: dict[str, float] = {}
    for neighbours, weight in question.pairs.items():
        meant = [mended.get(root, word) for root, word in zip(stems_of(neighbours), neighbours, strict=True)]
        for language in sorted(corpus.languages):
            pairs.update(dict.fromkeys(pairs_of(meant, language, frozenset()), weight))
    named = find_named(question.names, corpus.speakers_named(question.names))
    topic = Topic(tuple(terms), keys_of(list(pairs)), tuple(weights), tuple(pairs.values()), named)
    return Matched(topic, tuple(corrections), tuple(dict.fromkeys(marked)), replaced)


def keys_of_words(corpus: Corpus, words: Iterable[str]) -> Keys:
    """Return the keys of everything that counts as one of these words in the languages of `corpus`."""
    languages = sorted(corpus.languages)
    return keys_of(list(dict.fromkeys(form for word in words for form in forms_of(word, languages))))


def replace_words(text: str, replaced: dict[str, str]) -> str:
    """Return `text` with these folded words replaced, whatever their letter case and accents."""
    if not replaced:
        return text
    return _WORD.sub(lambda word: replaced.get(fold(word[0]), word[0]), text)


def completed_words(corpus: Corpus, beginning: str, *, sayings: bool = False) -> list[str]:
    """Return the words (or sayings) of `corpus` that begin so, those of most interviews first, then the most said."""
    found: dict[str, tuple[int, int]] = {}
    for block in corpus.blocks:
        vocabulary = block.sayings if sayings else block.words
        begin, end = vocabulary.beginning(beginning)
        for text, interviews, times in zip(
            vocabulary.texts[begin:end], *(counts.tolist() for counts in vocabulary.spread_of(begin, end)), strict=True
        ):
            before = found.get(text, (0, 0))
            found[text] = before[0] + interviews, before[1] + times
    return sorted(found, key=lambda text: (-found[text][0], -found[text][1], text))


def nearest_words(corpus: Corpus, word: str) -> tuple[str, ...]:
    """Return the words of `corpus` that `word` may have been meant for, the most frequent first; few, or none.

    Distance: optimal string alignment (a letter wrong, missing, added, or two neighbours swapped). Numbers and codes
    are never mended: AB-1235 is not AB-1234.
    """
    slips = next((slips for length, slips in _SLIPS if len(word) >= length), 0)
    if not slips or not word.isalpha():
        return ()
    near: dict[str, int] = {}
    for block in corpus.blocks:
        for text, distance, _ in process.extract(
            word, block.words.like(word, slips), scorer=OSA.distance, score_cutoff=slips, limit=None
        ):
            if text.isalpha() and is_telling(text):
                near[text] = int(distance)
    if not near:
        return ()
    # people rarely get the first letter wrong
    ranks = {text: (distance, text[0] != word[0]) for text, distance in near.items()}
    best = min(ranks.values())
    return tuple(_most_frequent(corpus, (text for text, rank in ranks.items() if rank == best))[:_MOST_MENDED])


def _most_frequent(corpus: Corpus, words: Iterable[str]) -> list[str]:
    def interviews_with(word: str) -> int:
        count = 0
        for block in corpus.blocks:
            begin, end = block.words.beginning(word)
            if begin < end and block.words.texts[begin] == word:
                count += int(block.words.spread_of(begin, begin + 1)[0][0])
        return count

    return sorted(words, key=lambda word: (-interviews_with(word), word))
