"""The real server for a benchmark: `earshot serve` as its own process, on loopback, over a data folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_WITHIN_S = 120.0
STOPPED_WITHIN_S = 300.0  # an index of a million cells is written to disk at the end
_EARSHOT = (sys.executable, "-c", "from app.cli import main; main()")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`api` sends an administrator's key; `ready_after_s` counts from starting the process to a served request."""

    api: httpx.Client
    data_dir: Path
    ready_after_s: float
    process: subprocess.Popen[bytes]


@contextmanager
def running_server(data_dir: Path | None = None, **settings: str) -> Iterator[RunningServer]:
    """Yield a server over `data_dir`, or with an empty workspace; it is stopped at the end.

    `settings` are environment variables.
    """
    with tempfile.TemporaryDirectory(prefix="earshot-bench-") as folder:
        data_dir = data_dir or Path(folder) / "data"
        environment = {**os.environ, "EARSHOT_DATA_DIR": str(data_dir), **settings}
        created = subprocess.run(
            [*_EARSHOT, "key", "create", "bench"], env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        port = free_port()
        log = Path(folder) / "server.log"
        started = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_EARSHOT, "serve", "--port", str(port)], env=environment, stdout=output, stderr=output
            )
        try:
            base_url = f"http://127.0.0.1:{port}"
            _wait_until_ready(base_url, process, log)
            ready_after_s = time.perf_counter() - started
            headers = {"Authorization": f"Bearer {created.stdout.strip()}"}
            with httpx.Client(base_url=base_url, headers=headers, timeout=60) as api:
                yield RunningServer(api, data_dir, ready_after_s, process)
        finally:
            process.terminate()
            process.wait(timeout=STOPPED_WITHIN_S)


def free_port() -> int:
    """Return a port of loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(base_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.perf_counter() + READY_WITHIN_S
    while time.perf_counter() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{base_url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise RuntimeError(f"the server did not become ready:\n{log.read_text(errors='replace')[-3000:]}")
