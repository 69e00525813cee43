"""Starts the process that opens a recording, listens to it, and ends it, however it ends.

In: a path and a task. Out: the messages of `messages.py`, or an error of `errors.py`. Called by `ingest/media.py` and
`ingest/decoding.py`; nothing else in the program lets FFmpeg see a file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from core.errors import InvalidInput, Unavailable
from ingest.sandbox.errors import fault_error
from ingest.sandbox.messages import (
    LENGTH_BYTES,
    SAMPLE_TYPE,
    Header,
    MessageError,
    header_length,
    number_in,
    parse_header,
    text_in,
)
from ingest.values import Samples

logger = logging.getLogger(__name__)

# Isolated (-I: no PYTHON… variables, no user packages) and without `site` (-S: no .pth files, which may run code).
_START = "import json,sys; sys.path += json.loads(sys.argv.pop(1)); from {entry} import main; main()"
# How long a process that has closed its pipe may take to be gone.
_ENDING_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: memory beyond the libraries', processor time, and the server's waiting.

    `silence_s` bounds the wait for one message, `waiting_s` that for all of them together; while the server does
    something else with what it has, neither clock runs.
    """

    memory_bytes: int
    cpu_s: int
    silence_s: float
    waiting_s: float


class MediaWorker:
    """One worker process and its file; a context manager that leaves no process behind.

    Raises: InvalidInput `empty_file`; Unavailable `media_reader_missing` when no process can be started.
    """

    def __init__(
        self, path: Path, task: str, limits: Limits, *, block_size: int = 0, entry: str = "ingest.sandbox.entry"
    ) -> None:
        self._limits = limits
        self._waited_s = 0.0
        asked = {
            "task": task,
            "block_size": block_size,
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "parent_pid": os.getpid(),
        }
        start = _START.format(entry=entry)
        command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", start, _import_path(), json.dumps(asked)]
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InvalidInput(
                    "empty_file", "The file is empty (0 bytes). Check the export or the upload and send it again."
                )
            try:
                self._process = _SPAWNER.spawn(command, stdin=file)
            except OSError as error:
                raise Unavailable(
                    "media_reader_missing",
                    f"The process that reads recordings could not be started ({type(error).__name__}). Try again; if "
                    "it happens again, ask whoever runs this Earshot: memory or processes may have run out.",
                ) from error
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> MediaWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process at once, whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def message(self) -> Header:
        """Wait for the next message's header.

        Raises: InvalidInput as `fault_error` says; also when the process crashes, is killed, takes too long or talks
        nonsense.
        """
        with strictly():
            header = parse_header(self._read(header_length(self._read(LENGTH_BYTES))))
            if header.get("kind") != "fault":
                return header
            raise fault_error(text_in(header, "name"), header.get("value", 0))

    def samples(self, header: Header, most: int) -> Samples:
        """Read what follows a header of kind `sound`: finite, within -1..1. Raises: as `message`."""
        with strictly():
            size = number_in(header, "samples", most)
            if size == 0:
                raise MessageError
            sound: Samples = np.empty(size, dtype=SAMPLE_TYPE)
            self._fill(sound.data.cast("B"))
        # Float recordings may hold NaN or overshoot, and a process that was taken over anything: no model may see it.
        np.nan_to_num(sound, copy=False, posinf=1.0, neginf=-1.0)
        return np.clip(sound, -1.0, 1.0, out=sound).astype(np.float32, copy=False)

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        self._fill(memoryview(data))
        return bytes(data)

    def _fill(self, view: memoryview) -> None:
        while view:
            self._wait_for_bytes()
            count = os.readv(self._pipe, [view])
            if count == 0:
                raise self._why_it_ended()
            view = view[count:]

    def _wait_for_bytes(self) -> None:
        patience_s = min(self._limits.silence_s, self._limits.waiting_s - self._waited_s)
        began = time.monotonic()
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        is_there = poll.poll(max(0.0, patience_s) * 1000)
        self._waited_s += time.monotonic() - began
        if not is_there:
            logger.warning("the media worker was ended after %.0f s of waiting for it", self._waited_s)
            raise fault_error("too_slow")

    def _why_it_ended(self) -> InvalidInput:
        try:
            status = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return fault_error("crashed")
        logger.warning("the media worker ended with status %d before it was done", status)
        return fault_error("too_slow" if status == -signal.SIGXCPU else "crashed")


@contextlib.contextmanager
def strictly() -> Iterator[None]:
    """Turn a message that holds what it must not into the error of a crash."""
    try:
        yield
    except MessageError as error:
        logger.warning("the media worker sent what is no message")
        raise fault_error("crashed") from error


class _Spawner:
    """Starts processes from one thread that lives as long as this process.

    The system kills a worker when the thread that started it ends (PR_SET_PDEATHSIG), and a caller's thread may end
    while another goes on reading.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], list[str], dict[str, Any]]]
        self._wanted = queue.SimpleQueue()

    def spawn(self, command: list[str], **files: Any) -> subprocess.Popen[bytes]:
        """Start `command` with nothing of this process but `files`. Raises: OSError."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name="media-spawner", daemon=True)
                self._thread.start()
        started: Future[subprocess.Popen[bytes]] = Future()
        self._wanted.put((started, command, files))
        return started.result()

    def _serve(self) -> None:
        while True:
            started, command, files = self._wanted.get()
            try:
                process = subprocess.Popen(
                    command,
                    **files,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # FFmpeg's complaints quote the file
                    bufsize=0,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                started.set_exception(error)
            else:
                started.set_result(process)


_SPAWNER = _Spawner()


def _environment() -> dict[str, str]:
    """Return what an interpreter needs to start; everything else stays here."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _import_path() -> str:
    """Return the folders of this program, PyAV and numpy, as JSON."""
    found = [Path(__file__).resolve().parents[2]]
    for name in ("av", "numpy"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parents[1])
    return json.dumps(list(dict.fromkeys(map(str, found))))
