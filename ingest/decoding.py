"""Turns a recording into sound: 16 kHz, mono, block after block, so that four hours never stand in memory
whole.

In: a path. Out: blocks of samples whose position is the player's time, and a `DecodeTally` of what was lost.
Called by the window cutter (`windows.py`); the waveform of a page would use it too. The decoding itself happens in a
process of its own (`sandbox/`), which waits while nobody asks for the next block.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from ingest.media import MAX_DURATION_MS
from ingest.sandbox.messages import MessageError, number_in
from ingest.sandbox.worker import Limits, MediaWorker, strictly
from ingest.values import SAMPLE_RATE_HZ, MediaInfo, Samples

# A day of any codec is decoded in minutes; the limits are for what is no recording. Memory as for `PROBE_LIMITS`.
DECODE_LIMITS = Limits(memory_bytes=1024**3, cpu_s=3600, silence_s=300.0, waiting_s=2 * 3600.0)
_MOST_PACKETS = 10**9
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


def decode_blocks(
    path: Path, block_s: float = 30.0, tally: DecodeTally | None = None
) -> Generator[Samples, None, None]:
    """Yield the sound in blocks of shape (block_s · 16,000,) float32 in -1..1; the last may be shorter, none
    is empty.

    Sample n stands at n / 16,000 s of the player's time: holes and damaged packets become silence.
    Channels are averaged. The same file gives the same samples. `tally`, when given, is kept up to date.
    Closing the generator ends the decoding at once.
    Raises: as `ingest.media.probe`.
    """
    tally = tally if tally is not None else DecodeTally()
    block_size = max(1, round(block_s * SAMPLE_RATE_HZ))
    total = 0
    with MediaWorker(path, "decode", DECODE_LIMITS, block_size=block_size) as worker:
        while True:
            header = worker.message()
            with strictly():
                if header.get("kind") not in ("sound", "end"):
                    raise MessageError
                tally.skipped_packets = number_in(header, "skipped", _MOST_PACKETS)
            if header["kind"] == "end":
                return
            block = worker.samples(header, block_size)
            total += block.size
            if total > MAX_DURATION_MS * SAMPLE_RATE_HZ // 1000:
                raise InvalidInput("too_long", f"The recording holds more than {_clock(MAX_DURATION_MS)} of sound.")
            tally.decoded_ms = total * 1000 // SAMPLE_RATE_HZ
            yield block


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}"
