"""Whisper's log-mel features in torch, for a batch at once: the same numbers as faster-whisper's extractor.

A test compares the two. Faster by about ten times, which is what lets every training step draw fresh noise.
"""

from __future__ import annotations

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor

FFT_SIZE, HOP = 400, 160
_FILTERS = torch.from_numpy(FeatureExtractor().mel_filters)
_WINDOW = torch.from_numpy(np.hanning(FFT_SIZE + 1)[:-1].astype(np.float32))


def log_mel(samples: torch.Tensor, file_peak: torch.Tensor | None = None) -> torch.Tensor:
    """(batch, n) samples at 16 kHz → (batch, 80, n / 160) float32.

    Whisper cuts everything 80 dB below the loudest value of the whole file; `file_peak` (batch,) says in
    log10 how much louder than the window that loudest value is (0 if None).
    """
    spectrum = torch.stft(samples, FFT_SIZE, HOP, window=_WINDOW, center=True, pad_mode="reflect", return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    log_power = torch.log10(torch.clamp(_FILTERS @ power, min=1e-10))
    peak = log_power.amax(dim=(1, 2))
    if file_peak is not None:
        peak = peak + file_peak
    floored = torch.maximum(log_power, (peak - 8.0)[:, None, None])
    return (floored + 4.0) / 4.0
