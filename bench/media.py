"""What it costs to open recordings in a process of their own: `python -m bench.media [--minutes N]`.

Decodes and describes one recording twice in the same run: as the program does (`ingest/media.py`, `ingest/decoding.py`)
and naively, with the same code inside this process. The last line is one JSON object: `decode_ratio` and
`decode_ratio_long` are our processor time over the naive one for 4 minutes and for the long recording, `probe_ms` and
`naive_probe_ms` the same to describe one file; the difference is the start of an interpreter with PyAV.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench.ingest import SPEECH_S, write_long
from ingest.decoding import decode_blocks
from ingest.media import probe
from ingest.sandbox.containers import FILE, describe
from ingest.sandbox.sound import SoundReading
from ingest.values import SAMPLE_RATE_HZ

ROUNDS = 9


def processor_s(work: Callable[[], object]) -> float:
    """Return the fewest processor seconds of some rounds, with those of the processes that `work` starts.

    The clock on the wall would measure what else runs on the machine.
    """
    times = []
    for _ in range(ROUNDS):
        began = _used_s()
        work()
        times.append(_used_s() - began)
    return min(times)


def _used_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def decode_ours(path: Path) -> None:
    for _ in decode_blocks(path):
        pass


def decode_naively() -> None:
    for block in SoundReading().blocks(30 * SAMPLE_RATE_HZ):
        np.clip(np.nan_to_num(block, copy=False), -1.0, 1.0, out=block)


def measure(minutes: float) -> dict[str, float]:
    """Return the figures of the last line."""
    figures: dict[str, float] = {"minutes": minutes}
    with tempfile.TemporaryDirectory() as folder:
        for name, length_s in (("", SPEECH_S), ("_long", round(minutes * 60))):
            path = Path(folder) / f"recording{name}.flac"
            write_long(path, length_s)
            os.dup2(os.open(path, os.O_RDONLY), FILE)  # where the naive reading expects it
            naive_s = processor_s(decode_naively)
            figures[f"decode_ratio{name}"] = round(processor_s(partial(decode_ours, path)) / naive_s, 2)
        figures["probe_ms"] = round(1000 * processor_s(partial(probe, path)))
        figures["naive_probe_ms"] = round(1000 * processor_s(describe), 2)
    return figures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40.0, help="length of the long recording")
    print(json.dumps(measure(parser.parse_args().minutes)))


if __name__ == "__main__":
    main()
