"""The voice model's ear: its spectrogram, its loudness, its weights."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from ingest.voice_encoder import VoiceEncoder, loudness_gain, mel_power
from tests.media_factory import silence, tone


def test_a_tone_lands_in_the_band_of_its_height() -> None:
    low, high = (int(mel_power(tone(0.5, hertz=hertz)).mean(axis=0).argmax()) for hertz in (300.0, 3000.0))
    assert low < high
    assert mel_power(tone(0.5)).shape == (51, 40)


def test_quiet_speech_is_raised_to_minus_thirty_decibels_and_loud_speech_is_left() -> None:
    quiet = tone(1.0, level=0.001)
    level = float(np.sqrt(np.mean((quiet * loudness_gain(quiet)) ** 2)))
    assert 20 * np.log10(level) == pytest.approx(-30.0, abs=0.01)
    assert loudness_gain(tone(1.0, level=0.5)) == 1.0
    assert loudness_gain(silence(1.0)) == 1.0
    assert loudness_gain(silence(0.0)) == 1.0


@pytest.mark.skipif(importlib.util.find_spec("resemblyzer") is None, reason="resemblyzer is not installed")
def test_vectors_have_length_one_also_at_the_edges_of_the_sound() -> None:
    sound = tone(2.0) + 0.01 * np.random.default_rng(1).normal(size=32_000).astype(np.float32)
    vectors = VoiceEncoder().encode(sound, [0, 16_000, 31_999])
    assert vectors.shape == (3, 256)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)
