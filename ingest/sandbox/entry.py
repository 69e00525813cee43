"""What runs in the worker process: one task on one file, told to the server in messages, and then the end.

Started by `worker.py` as a fresh interpreter whose descriptors are the file (0), a pipe to the server (1) and nothing
(2). Everything is imported before `confine`, because afterwards no file can be opened, not even a module.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ingest.sandbox.confinement import confine, die_with_parent
from ingest.sandbox.messages import MediaError, send

PIPE = 1


def main() -> None:
    """Do the task of the command line and end without any of Python's own cleaning up."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    die_with_parent(asked["parent_pid"])
    work = _describe if asked["task"] == "describe" else _decode
    try:
        work(asked)
    except MediaError as fault:
        send(PIPE, {"kind": "fault", "name": fault.name, "value": fault.value})
    except MemoryError:
        send(PIPE, {"kind": "fault", "name": "too_much_memory", "value": 0})
    except BrokenPipeError:  # nobody listens any more
        os._exit(1)
    os._exit(0)


def _describe(asked: dict[str, Any]) -> None:
    from ingest.sandbox.containers import describe

    confine(asked["memory_bytes"], asked["cpu_s"])
    send(PIPE, describe())


def _decode(asked: dict[str, Any]) -> None:
    from ingest.sandbox.sound import SoundReading

    confine(asked["memory_bytes"], asked["cpu_s"])
    reading = SoundReading()
    for block in reading.blocks(asked["block_size"]):
        header: dict[str, str | int] = {"kind": "sound", "samples": block.size, "skipped": reading.skipped_packets}
        send(PIPE, header, block.data)
    send(PIPE, {"kind": "end", "skipped": reading.skipped_packets})
