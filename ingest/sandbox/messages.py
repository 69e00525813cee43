"""What the worker process says to the server: a length, a small JSON header, and samples.

    4 bytes   length of the header, big-endian, at most HEADER_LIMIT
    header    one flat JSON object of texts and whole numbers, with a `kind`
    samples   `samples` × 4 bytes, float32 little-endian, after a header of kind `sound` only

Nothing here is ever executed or unpickled: a worker that a crafted file has taken over can send wrong sound and wrong
numbers, and no more. Both sides import this module, so it imports next to nothing.
"""

from __future__ import annotations

import json
import os

LENGTH_BYTES = 4
HEADER_LIMIT = 1024
SAMPLE_BYTES = 4
# The samples' type by numpy's name, the same on every machine.
SAMPLE_TYPE = "<f4"

Header = dict[str, str | int]


class MessageError(Exception):
    """The bytes are no message."""


class MediaError(Exception):
    """The file is at fault: a name that `errors.py` has a sentence for, and the value the sentence mentions."""

    def __init__(self, name: str, value: str | int = 0) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value


def header_length(length: bytes) -> int:
    """Raises: MessageError for a header that is empty or too long."""
    size = int.from_bytes(length, "big")
    if not 0 < size <= HEADER_LIMIT:
        raise MessageError
    return size


def parse_header(data: bytes) -> Header:
    """Raises: MessageError for anything but a flat object of texts and whole numbers."""
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MessageError from error
    if not isinstance(header, dict) or not all(type(value) in (str, int) for value in header.values()):
        raise MessageError
    return header


def text_in(header: Header, name: str) -> str:
    value = header.get(name)
    if not isinstance(value, str):
        raise MessageError
    return value


def number_in(header: Header, name: str, most: int) -> int:
    """Return a whole number from 0 to `most`; raises MessageError for anything else."""
    value = header.get(name)
    if not isinstance(value, int) or not 0 <= value <= most:
        raise MessageError
    return value


def send(pipe: int, header: Header, samples: bytes | memoryview = b"") -> None:
    """Write one message to the file descriptor, waiting while the reader is busy."""
    data = json.dumps(header).encode("ascii")
    _write(pipe, len(data).to_bytes(LENGTH_BYTES, "big") + data)
    _write(pipe, samples)


def _write(pipe: int, data: bytes | memoryview) -> None:
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(pipe, left) :]
