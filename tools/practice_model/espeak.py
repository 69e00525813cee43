"""Speech from the espeak-ng library, with the time at which each word begins.

In: a text, a voice ("gmw/en-US+m3") and a speed in words per minute. Out: 16 kHz mono float32 samples, without
the silence at both ends, and one (start, end) per word in seconds. Needs libespeak-ng (Debian: espeak-ng).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000
_SYNCHRONOUS, _POSITION_IS_CHARACTER, _UTF8, _RATE = 2, 1, 1, 1
_EVENT_END, _EVENT_WORD = 0, 1
# Below this part of the peak a sample counts as silence: espeak-ng pads with exact zeros and a faint tail.
_SILENCE = 0.01


@dataclass(frozen=True, slots=True)
class Speech:
    """Samples (n,) float32 at 16 kHz and the words' (start, end) in seconds from the first sample."""

    samples: np.ndarray
    words: list[tuple[float, float]]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """One loaded espeak-ng library; not for several threads at once."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise RuntimeError("libespeak-ng is missing: install the system package espeak-ng.")
        self._library: Any = ctypes.CDLL(name)
        self._rate_hz: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        self._samples: list[np.ndarray] = []
        self._word_starts: list[tuple[int, int]] = []
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int) -> Speech:
        """Speech of `text`; raises ValueError for a voice that espeak-ng does not have."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}.")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._samples, self._word_starts = [], []
        encoded = text.encode("utf-8")
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_IS_CHARACTER, 0, _UTF8, None, None)
        raw = np.concatenate(self._samples).astype(np.float32) / 32768.0
        starts = [(position, at / 1000.0) for position, at in self._word_starts]
        return _trim(_to_16k(raw, self._rate_hz), text, starts)

    def _receive(self, wav: Any, count: int, events: Any) -> int:
        if count > 0:
            self._samples.append(np.ctypeslib.as_array(wav, shape=(count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            if events[index].type == _EVENT_WORD:
                self._word_starts.append((events[index].text_position - 1, events[index].audio_position))
            index += 1
        return 0


def _to_16k(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    divisor = int(np.gcd(rate_hz, SAMPLE_RATE))
    resampled = resample_poly(samples, SAMPLE_RATE // divisor, rate_hz // divisor)
    return np.asarray(resampled, dtype=np.float32)


def _trim(samples: np.ndarray, text: str, starts: list[tuple[int, float]]) -> Speech:
    loud = np.flatnonzero(np.abs(samples) > _SILENCE * np.abs(samples).max())
    first, last = int(loud[0]), int(loud[-1]) + 1
    trimmed = samples[first:last]
    duration_s = len(trimmed) / SAMPLE_RATE
    words = _word_times(text, [(p, max(0.0, at - first / SAMPLE_RATE)) for p, at in starts], duration_s)
    return Speech(trimmed, words)


def _word_times(text: str, starts: list[tuple[int, float]], duration_s: float) -> list[tuple[float, float]]:
    """Gives every word its span; words that espeak-ng speaks as one ("of the") share theirs by length."""
    times_by_position = dict(starts)
    positions, cursor = [], 0
    for word in text.split():
        cursor = text.index(word, cursor)
        positions.append(cursor)
        cursor += len(word)
    anchors = [(p, times_by_position[p]) for p in positions if p in times_by_position]
    if not anchors or anchors[0][0] != 0:
        anchors.insert(0, (0, 0.0))
    anchors[0] = (0, 0.0)
    anchors.append((len(text) + 1, duration_s))
    at = np.interp([*positions, len(text) + 1], [position for position, _ in anchors], [time for _, time in anchors])
    return [(float(start), float(end)) for start, end in itertools.pairwise(at)]
