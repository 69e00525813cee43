"""Takes from the calling process what reading a recording does not need. Nothing gives it back.

Called by `entry.py` when everything is imported and before the first byte of the file is looked at. What the platform
lacks is left out: limits the system does not know, and everything but limits outside Linux (decision 6 has the table).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from ingest.sandbox.system_calls import install_filter

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# The file, the pipe, the place for complaints, and what FFmpeg needs to open the file twice.
_MOST_DESCRIPTORS = 8


def die_with_parent(parent_pid: int) -> None:
    """Have the system kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it ended before we could ask
            os._exit(1)


def confine(memory_bytes: int, cpu_s: int) -> None:
    """Bound memory beyond what is mapped now, and processor time; no files, no processes, no network, no privileges."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # when memory runs out, the system takes this process and not the server
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _limit("RLIMIT_AS", pages * resource.getpagesize() + memory_bytes)
    _limit("RLIMIT_CPU", cpu_s, cpu_s + 1)  # at the first SIGXCPU, which says why; at the second SIGKILL
    _limit("RLIMIT_NOFILE", _MOST_DESCRIPTORS)
    for nothing in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NPROC"):
        _limit(nothing, 0)
    if sys.platform == "linux":
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        install_filter()


def _limit(name: str, most: int, hardest: int | None = None) -> None:
    with contextlib.suppress(AttributeError, ValueError, OSError):  # not on this system
        resource.setrlimit(getattr(resource, name), (most, most if hardest is None else hardest))


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), *(ctypes.c_ulong(0) for _ in range(3)))
