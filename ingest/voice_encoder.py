"""Turns a second or two of speech into a voice vector, with the weights that the package resemblyzer carries.

In: samples. Out: L2-normalised vectors that lie close together when one person speaks. Only the weights are
used: the package's own code would import librosa, numba and webrtcvad for one spectrogram. Called by the
diarizer.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import Unavailable
from ingest.values import SAMPLE_RATE_HZ, Samples

if TYPE_CHECKING:
    import torch

# The file `pretrained.pt` of Resemblyzer 0.1.4 (Apache-2.0).
_WEIGHTS_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
# What the network was trained on (Wan et al. 2018, "Generalized end-to-end loss for speaker verification"):
# 40 mel bands of 25 ms every 10 ms, power not logarithm, no quieter than -30 dBFS.
_FFT, _HOP, _BANDS = 400, 160, 40
_LOUDNESS_DBFS = -30.0
_INAUDIBLE = 1e-5
# One vector listens to 1.6 s.
_FRAMES = 160
_HIDDEN = 256
_BATCH = 64

Vectors = npt.NDArray[np.float32]


class VoiceEncoder:
    """The network and its weights; loaded once, at the first use, safe in many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layers: tuple[torch.nn.LSTM, torch.nn.Linear] | None = None

    def encode(self, sound: Samples, centres: Sequence[int]) -> Vectors:
        """Return the voice around each of `centres` (sample positions): shape (n, 256), rows L2-normalised.

        `sound` should be as loud as the network knows speech, see `loudness_gain`.
        Raises: Unavailable with code `needs_voice_model` when the weights are not installed.
        """
        import torch

        lstm, linear = self._load()
        # Silence around the sound gives its first and last moments a full frame count too.
        mel = np.pad(mel_power(sound), ((_FRAMES // 2, _FRAMES), (0, 0)))
        vectors = np.zeros((len(centres), _HIDDEN), dtype=np.float32)
        for first in range(0, len(centres), _BATCH):
            batch = centres[first : first + _BATCH]
            pieces = np.stack([mel[at // _HOP : at // _HOP + _FRAMES] for at in batch])
            with torch.inference_mode():
                _, (hidden, _) = lstm(torch.from_numpy(pieces))
                raw = torch.relu(linear(hidden[-1]))
                vectors[first : first + len(batch)] = torch.nn.functional.normalize(raw, dim=1).numpy()
        return vectors

    def _load(self) -> tuple[torch.nn.LSTM, torch.nn.Linear]:
        import torch

        with self._lock:
            if self._layers is None:
                state = torch.load(_weights(), map_location="cpu", weights_only=True)["model_state"]
                lstm = torch.nn.LSTM(_BANDS, _HIDDEN, num_layers=3, batch_first=True)
                linear = torch.nn.Linear(_HIDDEN, _HIDDEN)
                for layer, prefix in ((lstm, "lstm."), (linear, "linear.")):
                    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
                    layer.load_state_dict(own)
                    layer.eval()
                self._layers = (lstm, linear)
            return self._layers


def _weights() -> Path:
    # Finding a package does not run it.
    spec = importlib.util.find_spec("resemblyzer")
    path = Path(spec.origin).with_name("pretrained.pt") if spec and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable(
            "needs_voice_model",
            "Speakers cannot be told apart: the package resemblyzer, which carries the voice model, is missing. "
            "Run `make setup` again.",
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != _WEIGHTS_SHA256:
        raise Unavailable(
            "needs_voice_model",
            "Speakers cannot be told apart: the installed voice model is not the one this version was tested with. "
            "Install resemblyzer 0.1.4.",
        )
    return path


def loudness_gain(speech: Samples) -> float:
    """Return the factor that makes quiet speech as loud as the network knows it; 1 for loud speech."""
    level = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64)))) if speech.size else 0.0
    return 1.0 if level <= _INAUDIBLE else max(1.0, 10 ** (_LOUDNESS_DBFS / 20) / level)


def mel_power(sound: Samples) -> Vectors:
    """Return the power in mel bands, shape (1 + n // 160, 40): frame i is centred on sample 160 · i."""
    padded = np.pad(sound, _FFT // 2)
    count = 1 + sound.size // _HOP
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][:count]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)
    bands = _mel_bands()
    out = np.empty((count, _BANDS), dtype=np.float32)
    for first in range(0, count, 4096):  # bounds the spectrum of a long window
        spectrum = np.fft.rfft(frames[first : first + 4096] * window, axis=1)
        out[first : first + 4096] = (np.abs(spectrum) ** 2).astype(np.float32) @ bands.T
    return out


@functools.cache
def _mel_bands() -> Vectors:
    """Return the weights of the mel bands, shape (40, 201).

    Source: M. Slaney, Auditory Toolbox (1998): linear below 1 kHz, logarithmic above, triangles of equal
    area.
    """
    linear_hz, log_step = 200.0 / 3, np.log(6.4) / 27
    top = 1000.0 / linear_hz + np.log(SAMPLE_RATE_HZ / 2 / 1000.0) / log_step
    marks = np.linspace(0.0, top, _BANDS + 2)
    knee = 1000.0 / linear_hz
    hertz = np.where(marks < knee, marks * linear_hz, 1000.0 * np.exp(log_step * (marks - knee)))
    bins = np.arange(_FFT // 2 + 1) * SAMPLE_RATE_HZ / _FFT
    low, middle, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.asarray(np.maximum(0.0, triangles) * 2.0 / (high - low), dtype=np.float32)
