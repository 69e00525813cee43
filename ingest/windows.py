"""Cuts a recording into windows of a few minutes, at pauses, so that memory and lost work stay bounded.

In: a recording's path and a `SpeechDetector`. Out: one `SoundWindow` after the other, each decoded once.
The pipeline asks for the window at a position it has stored, so a killed job repeats one window and no more.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Self

import numpy as np

from ingest.decoding import DecodeTally, decode_blocks
from ingest.ports import SpeechDetector
from ingest.values import SAMPLE_RATE_HZ, Samples, SoundWindow, SpeechSpan

# Long enough that the padding of Whisper's last 30 s costs little; short enough that on a slow machine a
# killed job repeats minutes, and that sound and spectrogram of one window take about 100 MB.
WINDOW_S = 300.0
# The cut is searched in this last part of a window.
_SEARCH_S = 90.0
# Without any pause there, the quietest moment of this length is the cut.
_QUIET_S = 0.2
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1000


class SoundWindows:
    """The windows of one recording, in order or from any boundary on.

    Each window depends on the file and on where it begins, on nothing before it: asked again, also by another
    process, it is the same.
    """

    def __init__(self, path: Path, detector: SpeechDetector, window_s: float = WINDOW_S) -> None:
        self.tally = DecodeTally()
        self._path = path
        self._detector = detector
        self._window_size = round(window_s * 1000) * _SAMPLES_PER_MS
        self._search_size = min(self._window_size // 2, round(_SEARCH_S * 1000) * _SAMPLES_PER_MS)
        self._blocks: Generator[Samples, None, None] | None = None
        self._held: list[Samples] = []
        self._position_ms: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that decodes, wherever it is; left to the garbage collector it would go on meanwhile."""
        if self._blocks is not None:
            self._blocks.close()
        self._blocks = None
        self._position_ms = None

    def __iter__(self) -> Iterator[SoundWindow]:
        """Yield all windows from the beginning; none when the recording has no length."""
        window = self.window_at(0)
        while window is not None:
            yield window
            window = None if window.is_last else self.window_at(window.end_ms)

    def window_at(self, start_ms: int) -> SoundWindow | None:
        """Return the window that begins at `start_ms`, None when the sound ends there or before.

        Going on where the last window ended costs nothing; any other position decodes the file up to it
        again.
        Raises: as `ingest.media.probe`.
        """
        if start_ms != self._position_ms:
            self._rewind_to(start_ms)
        sound = self._read(self._window_size + 1)  # one more, to know whether anything follows
        if sound.size == 0:
            self._position_ms = None
            return None
        is_last = sound.size <= self._window_size
        spans = self._detector.find_speech(sound[: self._window_size])
        end = sound.size if is_last else self._cut(sound[: self._window_size], spans)
        length_ms = -(-end // _SAMPLES_PER_MS)
        self._held = [] if is_last else [sound[end:].copy()]
        self._position_ms = start_ms + length_ms
        return SoundWindow(
            start_ms=start_ms,
            end_ms=start_ms + length_ms,
            is_last=is_last,
            speech=_spans_within(spans, length_ms, start_ms),
            samples=sound[:end],
        )

    def _rewind_to(self, start_ms: int) -> None:
        self.close()
        self.tally.decoded_ms = self.tally.skipped_packets = 0
        self._blocks = decode_blocks(self._path, tally=self.tally)
        self._held = []
        missing = start_ms * _SAMPLES_PER_MS
        while missing > 0:
            block = self._next_block()
            if block is None:
                return
            if block.size > missing:
                self._held = [block[missing:]]
            missing -= block.size

    def _next_block(self) -> Samples | None:
        return None if self._blocks is None else next(self._blocks, None)

    def _read(self, size: int) -> Samples:
        """Take up to `size` samples; what was read beyond them is given back by `window_at` with the rest."""
        held = sum(piece.size for piece in self._held)
        while held < size:
            block = self._next_block()
            if block is None:
                break
            self._held.append(block)
            held += block.size
        return np.concatenate(self._held) if self._held else np.zeros(0, dtype=np.float32)

    def _cut(self, sound: Samples, spans: tuple[SpeechSpan, ...]) -> int:
        """Return where to cut: the middle of the longest late pause, the later of equals, on a millisecond."""
        earliest, latest = sound.size - self._search_size, sound.size
        edges = [(span.start_ms * _SAMPLES_PER_MS, span.end_ms * _SAMPLES_PER_MS) for span in spans]
        pauses = []
        before = 0
        for start, end in [*edges, (latest, latest)]:
            pause = (max(before, earliest), min(start, latest))
            if pause[1] > pause[0]:
                pauses.append(pause)
            before = max(before, end)
        if pauses:
            start, end = max(pauses, key=lambda pause: (pause[1] - pause[0], pause[1]))
            # After the last word there may be minutes of silence: the window takes nearly all of it along.
            runs_on = end == latest and end - start > SAMPLE_RATE_HZ
            cut = latest - SAMPLE_RATE_HZ // 2 if runs_on else (start + end) // 2
        else:
            cut = earliest + _quietest(sound[earliest:])
        return cut // _SAMPLES_PER_MS * _SAMPLES_PER_MS


def _quietest(sound: Samples) -> int:
    """Return the middle of the quietest moment, as an index."""
    size = round(_QUIET_S * SAMPLE_RATE_HZ)
    usable = sound[: sound.size // size * size].reshape(-1, size)
    return int(np.argmin(np.abs(usable).mean(axis=1))) * size + size // 2


def _spans_within(spans: tuple[SpeechSpan, ...], length_ms: int, offset_ms: int) -> tuple[SpeechSpan, ...]:
    return tuple(
        SpeechSpan(offset_ms + span.start_ms, offset_ms + min(span.end_ms, length_ms))
        for span in spans
        if span.start_ms < length_ms
    )
