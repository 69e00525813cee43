"""Says which process does the work of a data folder, by locks on files that end with their process.

On SQLite exactly one runtime works: whoever holds slot 0. On PostgreSQL any number do, each in a slot of its own, so
that a restarted worker finds its old name, and with it what it had in hand.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WorkerLock:
    """Takes the first free slot of `data_dir/worker.lock`, `worker-1.lock`, …; the system frees it at any end."""

    def __init__(self, data_dir: Path, slots: int) -> None:
        self._data_dir = data_dir
        self._slots = slots
        self._handle: int | None = None
        self.slot: int | None = None

    def take(self) -> bool:
        """Take a slot; False when all are held by other processes."""
        if self.slot is not None:
            return True
        self._data_dir.mkdir(parents=True, exist_ok=True)
        for slot in range(self._slots):
            name = "worker.lock" if slot == 0 else f"worker-{slot}.lock"
            handle = os.open(self._data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            self._handle, self.slot = handle, slot
            return True
        return False

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self.slot = None
