"""Turns a recording into sound: 16 kHz, mono, block after block, so that four hours never stand in memory
whole.

In: a path. Out: blocks of samples whose position is the player's time, and a `DecodeTally` of what was lost.
Called by the window cutter (`windows.py`); the waveform of a page would use it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InvalidInput
from ingest.media import MAX_DURATION_MS, open_recording
from ingest.values import SAMPLE_RATE_HZ, MediaInfo, Samples

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# A hole in the timestamps longer than this is filled with silence, so that text stays in step with the
# player; shorter ones are rounding of the container's clock.
_GAP_S = 0.1
# A hole longer than this is a broken clock, not a pause, and is ignored.
_LONGEST_GAP_S = 3600.0
# How much less sound than promised counts as cut off.
_CUT_OFF_MS = 2000


@dataclass(slots=True)
class DecodeTally:
    """What decoding found on its way; complete when the blocks have been read to their end."""

    decoded_ms: int = 0
    skipped_packets: int = 0

    def warning(self, info: MediaInfo) -> str | None:
        """Say what is missing from the recording, None when nothing is."""
        promised_ms = max(info.duration_ms, info.promised_ms)
        if self.decoded_ms < min(promised_ms - _CUT_OFF_MS, promised_ms * 0.98):
            return (
                f"The recording seems cut off: it promises {_clock(promised_ms)} and its sound ends at "
                f"{_clock(self.decoded_ms)}. What is there was used."
            )
        if self.skipped_packets:
            return f"{self.skipped_packets} damaged pieces of the recording were skipped; words may be missing."
        return None


def decode_blocks(path: Path, block_s: float = 30.0, tally: DecodeTally | None = None) -> Iterator[Samples]:
    """Yield the sound in blocks of shape (block_s · 16,000,) float32 in -1..1; the last may be shorter, none
    is empty.

    Sample n stands at n / 16,000 s of the player's time: holes and damaged packets become silence.
    Channels are averaged. The same file gives the same samples. `tally`, when given, is kept up to date.
    Raises: as `ingest.media.probe`.
    """
    tally = tally if tally is not None else DecodeTally()
    block_size = max(1, round(block_s * SAMPLE_RATE_HZ))
    pending: list[Samples] = []
    held = total = 0
    for piece in _continuous(path, tally):
        total += piece.size
        if total > MAX_DURATION_MS * SAMPLE_RATE_HZ // 1000:
            raise InvalidInput("too_long", f"The recording holds more than {_clock(MAX_DURATION_MS)} of sound.")
        pending.append(piece)
        held += piece.size
        while held >= block_size:
            joined = np.concatenate(pending)
            block, rest = joined[:block_size].copy(), joined[block_size:]
            pending, held = [rest], rest.size
            yield block
        tally.decoded_ms = total * 1000 // SAMPLE_RATE_HZ
    if held:
        yield np.concatenate(pending)


def _continuous(path: Path, tally: DecodeTally) -> Iterator[Samples]:
    """Yield mono pieces one after the other, with silence where the timestamps leave a hole."""
    with open_recording(path) as (container, stream):
        start_s = max(0.0, (container.start_time or 0) / 1_000_000)
        written = 0
        resampler: AudioResampler | None = None
        for frame in _frames(container, stream, tally):
            gap_s = 0.0 if frame.time is None else float(frame.time) - start_s - written / SAMPLE_RATE_HZ
            if _GAP_S < gap_s < _LONGEST_GAP_S:
                for silence in _silence(round(gap_s * SAMPLE_RATE_HZ)):
                    written += silence.size
                    yield silence
            resampler = resampler or _resampler()
            try:
                pieces = _resample(resampler, frame)
            except ValueError:  # the stream changed its rate or channels on the way
                yield from _resample(resampler, None)
                resampler = _resampler()
                pieces = _resample(resampler, frame)
            for piece in pieces:
                written += piece.size
                yield piece
        if resampler is not None:
            yield from _resample(resampler, None)


def _frames(container: InputContainer, stream: AudioStream, tally: DecodeTally) -> Iterator[AudioFrame]:
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:  # the file breaks off inside a packet
            tally.skipped_packets += 1
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            tally.skipped_packets += packet.size > 0
            continue
        yield from frames


def _resampler() -> AudioResampler:
    import av

    # Channels are kept and averaged later: swresample cannot mix down the unnamed layouts of some recorders.
    return av.AudioResampler(format="fltp", rate=SAMPLE_RATE_HZ)


def _resample(resampler: AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    pieces: list[Samples] = []
    for resampled in resampler.resample(frame):
        mono = resampled.to_ndarray().mean(axis=0, dtype=np.float32)
        # Float recordings may hold NaN or overshoot; neither may reach a model.
        pieces.append(np.clip(np.nan_to_num(mono, copy=False, posinf=1.0, neginf=-1.0), -1.0, 1.0))
    return pieces


def _silence(size: int) -> Iterator[Samples]:
    minute = 60 * SAMPLE_RATE_HZ
    while size > 0:
        yield np.zeros(min(size, minute), dtype=np.float32)
        size -= minute


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}"
