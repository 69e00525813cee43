"""A worker process that does what a crafted recording might make FFmpeg do; the task says what."""

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.sandbox import entry
from ingest.sandbox.confinement import confine
from ingest.sandbox.messages import send


def hoard() -> None:
    kept = []
    while True:
        kept.append(bytearray(16_000_000))


def spin() -> None:
    while True:
        pass


def report_and_spin() -> None:
    send(entry.PIPE, {"kind": "report"})
    spin()


def fall_over() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def trespass() -> None:
    """Try what a hijacked process would try, and report the number of each refusal; 0 where nothing refused."""
    tried: dict[str, Callable[[], object]] = {
        "read_a_file": lambda: Path("/etc/hostname").read_bytes(),
        "write_a_file": lambda: Path("/dev/shm/trespass").write_bytes(b"x"),
        "open_a_socket": lambda: socket.socket(),
        "start_a_process": os.fork,
        "become_another_program": lambda: os.execv("/bin/true", ["true"]),
        "signal_the_parent": lambda: os.kill(os.getppid(), 0),
        "look_into_the_parent": lambda: _checked(ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0)),
    }
    send(entry.PIPE, {"kind": "report", **{name: _refusal(attempt) for name, attempt in tried.items()}})


def _checked(answer: int) -> None:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _refusal(attempt: Callable[[], object]) -> int:
    try:
        attempt()
    except OSError as error:
        return error.errno or -1
    return 0


def say(data: bytes) -> Callable[[], None]:
    def write() -> None:
        os.write(entry.PIPE, data)

    return write


def _sound(samples: int, data: bytes) -> bytes:
    header = json.dumps({"kind": "sound", "samples": samples, "skipped": 0}).encode()
    return len(header).to_bytes(4, "big") + header + data


def _message(header: object) -> bytes:
    data = json.dumps(header).encode()
    return len(data).to_bytes(4, "big") + data


CONFINED: dict[str, Callable[[], None]] = {
    "hoard": hoard,
    "spin": spin,
    "report_and_spin": report_and_spin,
    "fall_over": fall_over,
    "leave": leave,
    "trespass": trespass,
    "say_a_long_header": say(b"\xff\xff\xff\xff" * 10),
    "say_a_pickle": say(b"\0\0\0\x10\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06"),
    "say_a_list": say(_message([1, 2])),
    "say_a_nested_header": say(_message({"kind": {"kind": "sound"}})),
    "say_an_unknown_fault": say(_message({"kind": "fault", "name": "<b>Anna</b>", "value": "Anna"})),
    "say_an_endless_block": say(_sound(10**15, b"")),
    "say_half_a_block": say(_sound(1000, b"\0\0\0\0")),
    "say_an_empty_block": say(_sound(0, b"")),
    "say_wild_samples": say(_sound(4, b"\0\0\xc0\x7f\0\0\x80\x7f\0\0\x80\xff\0\0\x40\x40")),
}


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    if asked["task"] == "hang":
        signal.pause()
    behave = CONFINED[asked["task"]]

    def confined(asked: dict[str, Any]) -> None:
        confine(asked["memory_bytes"], asked["cpu_s"])
        behave()

    entry._decode = confined
    entry.main()
