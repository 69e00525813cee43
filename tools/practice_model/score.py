"""How well a transcript fits the truth: word error rate, and how far the times are off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.practice_model.recording import Spoken


@dataclass(frozen=True, slots=True)
class Heard:
    """One transcribed segment; times in seconds, words with their starts."""

    text: str
    start_s: float
    end_s: float
    words: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and errors of one recording; times are absolute differences in seconds."""

    words: int
    errors: int
    segments: int
    start_errors_s: list[float]
    end_errors_s: list[float]
    word_errors_s: list[float]


def normalized_words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Least number of words to insert, delete or replace (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for index, expected in enumerate(reference, 1):
        previous, row[0] = row[0], index
        for column, word in enumerate(heard, 1):
            best = min(row[column] + 1, row[column - 1] + 1, previous + (expected != word))
            previous, row[column] = row[column], best
    return row[-1]


def score(spoken: Sequence[Spoken], heard: Sequence[Heard]) -> Score:
    """Compares texts as a whole; compares times where a segment says exactly one of the sentences."""
    reference = [word for sentence in spoken for word in normalized_words(sentence.text)]
    hypothesis = [word for segment in heard for word in normalized_words(segment.text)]
    starts, ends, words = [], [], []
    for sentence in spoken:
        same = [s for s in heard if normalized_words(s.text) == normalized_words(sentence.text)]
        if not same:
            continue
        nearest = min(same, key=lambda segment: abs(segment.start_s - sentence.start_s))
        starts.append(abs(nearest.start_s - sentence.start_s))
        ends.append(abs(nearest.end_s - sentence.end_s))
        if len(nearest.words) == len(sentence.word_starts_s):
            pairs = zip(nearest.words, sentence.word_starts_s, strict=True)
            words += [abs(at - truth) for (_, at), truth in pairs]
    return Score(len(reference), word_errors(reference, hypothesis), len(spoken), starts, ends, words)


def summary(scores: Sequence[Score]) -> dict[str, float]:
    """The figures over several recordings, rounded; `timed` is the share of sentences found as a segment."""
    starts = [error for score in scores for error in score.start_errors_s]
    ends = [error for score in scores for error in score.end_errors_s]
    words = [error for score in scores for error in score.word_errors_s]
    both = np.maximum(starts, ends)
    count = sum(score.segments for score in scores)

    def at(errors: Sequence[float], percentile: float) -> float:
        return round(float(np.percentile(errors, percentile)), 3) if len(errors) else -1.0

    return {
        "wer": round(sum(score.errors for score in scores) / max(1, sum(score.words for score in scores)), 4),
        "words": sum(score.words for score in scores),
        "sentences": count,
        "timed": round(len(starts) / max(1, count), 4),
        "within_0_3_s": round(float(np.mean(both <= 0.3)), 4) if len(both) else 0.0,
        "start_median_s": at(starts, 50),
        "start_p95_s": at(starts, 95),
        "end_median_s": at(ends, 50),
        "end_p95_s": at(ends, 95),
        "word_median_s": at(words, 50),
        "word_p95_s": at(words, 95),
    }
