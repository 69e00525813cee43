"""The speech that training draws from: every sentence in several voices and speeds, with token times.

Made once with espeak-ng (a few seconds) and kept as one .npz in the working folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.practice_model.espeak import SAMPLE_RATE, Espeak, Speech
from tools.practice_model.sentences import Sentence, load_sentences, sentences_sha256
from tools.practice_model.vocabulary import Vocabulary

# The two voices of the spoken sample come first.
SPEAKER_VOICES = {"Maya": "gmw/en+f2", "Tom": "gmw/en-US+m3"}
VOICES = (*SPEAKER_VOICES.values(), "gmw/en", "gmw/en-US+f3", "gmw/en-GB-x-rp+m2", "gmw/en-GB-scotland")
SPEEDS_WPM = (150, 170, 190)


@dataclass(frozen=True, slots=True)
class Clip:
    """One spoken sentence: samples (n,) float32 at 16 kHz and, for each token, its (start, end) in seconds.

    The full stop has the span after the speech, (duration, infinity), to be cut at the next sentence.
    """

    sentence: int
    samples: np.ndarray
    tokens: list[int]
    spans: list[tuple[float, float]]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def make_clip(index: int, sentence: Sentence, speech: Speech, vocabulary: Vocabulary) -> Clip:
    """Shares each word's time among its tokens by their length."""
    tokens = vocabulary.encode(sentence.text)
    spans: list[tuple[float, float]] = []
    word, used = -1, 0
    lengths = [len(re.sub(r"\W", "", text)) for text in sentence.text.split()]
    for text in vocabulary.token_texts(tokens):
        if text.startswith(" "):
            word, used = word + 1, 0
        start, end = speech.words[word]
        size = len(re.sub(r"\W", "", text))
        if size == 0:
            spans.append((end - 0.04, end + 0.02))
            continue
        step = (end - start) / max(1, lengths[word])
        spans.append((start + used * step, start + (used + size) * step))
        used += size
    spans[-1] = (speech.duration_s, float("inf"))
    return Clip(index, speech.samples, tokens, spans)


def load_clips(folder: Path, vocabulary: Vocabulary) -> list[Clip]:
    """All clips: from the folder's cache if it was made of the same sentences, otherwise spoken anew."""
    path = folder / f"speech-{sentences_sha256()[:12]}.npz"
    if not path.exists():
        _speak_all(path)
    stored = np.load(path)
    sentences = load_sentences()
    clips = []
    for key in sorted(name for name in stored.files if name.endswith("/samples")):
        index = int(key.split("/")[0])
        words = [(float(a), float(b)) for a, b in stored[key.replace("/samples", "/words")]]
        samples = stored[key].astype(np.float32) / 32767.0
        clips.append(make_clip(index, sentences[index], Speech(samples, words), vocabulary))
    return clips


def _speak_all(path: Path) -> None:
    espeak = Espeak()
    arrays: dict[str, np.ndarray] = {}
    for index, sentence in enumerate(load_sentences()):
        for voice_number, voice in enumerate(VOICES):
            for speed in SPEEDS_WPM:
                speech = espeak.speak(sentence.text, voice, speed)
                peak = float(np.abs(speech.samples).max())
                name = f"{index:02d}/{voice_number}-{speed}"
                arrays[f"{name}/samples"] = (speech.samples / peak * 32767.0).astype(np.int16)
                arrays[f"{name}/words"] = np.array(speech.words, dtype=np.float64)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]
