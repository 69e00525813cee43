"""Whole recordings made of spoken sentences, with the truth about them; for evaluation and the spoken sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.practice_model.espeak import SAMPLE_RATE, Speech


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as it stands in a recording; times in seconds from its beginning."""

    speaker: str
    text: str
    start_s: float
    end_s: float
    word_starts_s: list[float]


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples (n,) float32 at 16 kHz and the sentences in order of time."""

    samples: np.ndarray
    spoken: list[Spoken]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def lay_out(
    sentences: Sequence[tuple[str, str, Speech]],
    random: np.random.Generator,
    gaps_s: tuple[float, float] = (0.4, 0.9),
    noise: float = 0.0,
    gain: float = 0.5,
) -> Recording:
    """Puts (speaker, text, speech) in a row; gaps drawn evenly from `gaps_s` stand between, before and after.

    `noise` is the root mean square of white noise; speech has a peak of `gain`.
    """
    pieces: list[np.ndarray] = []
    spoken: list[Spoken] = []
    at = 0
    for speaker, text, speech in sentences:
        gap = round(random.uniform(*gaps_s) * SAMPLE_RATE)
        pieces.append(np.zeros(gap, np.float32))
        at += gap
        start_s = at / SAMPLE_RATE
        words = [start_s + word_start for word_start, _ in speech.words]
        spoken.append(Spoken(speaker, text, start_s, start_s + speech.duration_s, words))
        pieces.append(speech.samples * (gain / float(np.abs(speech.samples).max())))
        at += len(speech.samples)
    pieces.append(np.zeros(round(random.uniform(*gaps_s) * SAMPLE_RATE), np.float32))
    samples = np.concatenate(pieces)
    if noise:
        samples = samples + random.normal(0.0, noise, len(samples))
    return Recording(samples.astype(np.float32), spoken)
