"""Turns a recording into sound: 16 kHz, mono, block after block. Runs in the worker process and nowhere else.

`decode` is what `ingest.decoding.decode_blocks` reads at the other end of the pipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt

from ingest.sandbox.containers import open_recording, pass_on_want_of_memory
from ingest.sandbox.messages import SAMPLE_TYPE

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

SAMPLE_RATE_HZ = 16_000
# A hole in the timestamps longer than this is filled with silence, so that text stays in step with the
# player; shorter ones are rounding of the container's clock.
_GAP_S = 0.1
# A hole longer than this is a broken clock, not a pause, and is ignored.
_LONGEST_GAP_S = 3600.0

Samples = npt.NDArray[np.float32]


class SoundReading:
    """One reading of the recording; `skipped_packets` counts the damaged pieces so far."""

    def __init__(self) -> None:
        self.skipped_packets = 0

    def blocks(self, block_size: int) -> Iterator[Samples]:
        """Yield blocks of `block_size` samples; the last may be shorter, none is empty.

        Sample n stands at n / 16,000 s of the player's time: holes and damaged packets become silence. Channels are
        averaged.
        Raises: MediaError.
        """
        pending: list[Samples] = []
        held = 0
        for piece in self._continuous():
            pending.append(piece)
            held += piece.size
            while held >= block_size:
                joined = np.concatenate(pending)
                rest = joined[block_size:]
                pending, held = [rest], rest.size
                yield joined[:block_size]
        if held:
            yield np.concatenate(pending)

    def _continuous(self) -> Iterator[Samples]:
        """Yield mono pieces one after the other, with silence where the timestamps leave a hole."""
        with open_recording() as (container, stream):
            start_s = max(0.0, (container.start_time or 0) / 1_000_000)
            written = 0
            resampler: av.AudioResampler | None = None
            for frame in self._frames(container, stream):
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

    def _frames(self, container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:  # the file breaks off inside a packet
                pass_on_want_of_memory(error)
                self.skipped_packets += 1
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                pass_on_want_of_memory(error)
                self.skipped_packets += packet.size > 0
                continue
            yield from frames


def _resampler() -> av.AudioResampler:
    # Channels are kept and averaged later: swresample cannot mix down the unnamed layouts of some recorders.
    return av.AudioResampler(format="fltp", rate=SAMPLE_RATE_HZ)


def _resample(resampler: av.AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    return [
        resampled.to_ndarray().mean(axis=0, dtype=np.float32).astype(SAMPLE_TYPE, copy=False)
        for resampled in resampler.resample(frame)
    ]


def _silence(size: int) -> Iterator[Samples]:
    minute = 60 * SAMPLE_RATE_HZ
    while size > 0:
        yield np.zeros(min(size, minute), dtype=SAMPLE_TYPE)
        size -= minute
