"""Tells voices apart with Resemblyzer's voice vectors and our own grouping.

In: windows of sound with their speech. Out: speaker turns over the whole recording. Chosen in
`app/wiring.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ingest.ports import OnPosition
from ingest.values import SAMPLE_RATE_HZ, SoundWindow, SpeakerTurn
from ingest.voice_encoder import VoiceEncoder, loudness_gain
from ingest.voice_groups import VoiceBlock, cut_frames, find_turns

_PER_MS = SAMPLE_RATE_HZ // 1000


class ResemblyzerDiarizer:
    """`ingest.ports.Diarizer`; about 25 times faster than speech on one core. Safe in many threads."""

    def __init__(self) -> None:
        self._encoder = VoiceEncoder()

    def find_turns(
        self, windows: Iterable[SoundWindow], on_position: OnPosition | None = None
    ) -> tuple[SpeakerTurn, ...]:
        blocks = []
        for window in windows:
            blocks.append(self._listen(window))
            if on_position is not None:
                on_position(window.end_ms)
        return find_turns(blocks)

    def _listen(self, window: SoundWindow) -> VoiceBlock:
        frames = cut_frames(window.speech)
        if not frames:
            return VoiceBlock((), np.zeros((0, 0), dtype=np.float16))
        parts = [
            window.samples[(span.start_ms - window.start_ms) * _PER_MS : (span.end_ms - window.start_ms) * _PER_MS]
            for span in window.speech
        ]
        sound = window.samples * np.float32(loudness_gain(np.concatenate(parts)))
        centres = [((frame.start_ms + frame.end_ms) // 2 - window.start_ms) * _PER_MS for frame in frames]
        return VoiceBlock(frames, self._encoder.encode(sound, centres).astype(np.float16))
