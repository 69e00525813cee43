"""The index's files on disk: whole or not there at all, and recognised as foreign or damaged before they are used.

A small file says what the index consists of: parts, each in a file named by the checksum of its content. A part that
did not change is not written again, one that is no longer needed goes at once. `IndexKeeper` writes and reads them.
Everything in them can be made again from the database.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from os import fsync
from pathlib import Path
from tempfile import NamedTemporaryFile

_MAGIC = b"earshot index 4\n"  # the number rises when the format changes: older files are then made anew
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class IndexOrigin:
    """What an index was made of; a file of another origin is not read."""

    kind: str
    model: str
    generation: str


@dataclass(frozen=True, slots=True)
class IndexContents:
    """Both halves of an index after change `seq`, as names of parts: blocks of cells, and vectors (none yet: empty)."""

    origin: IndexOrigin
    seq: int
    blocks: tuple[str, ...]
    vectors: tuple[str, ...]


class IndexFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents = folder / "cells.index"

    def put(self, content: bytes) -> str:
        """Store a part and return its name. Raises: OSError."""
        name = f"{hashlib.sha256(content).hexdigest()}.part"
        if not self.has(name):
            _write(self._folder / name, content)
        return name

    def has(self, name: str) -> bool:
        """Return whether a part of this name is stored."""
        return (self._folder / name).exists()

    def get(self, name: str, *, is_mapped: bool = False) -> bytes | memoryview:
        """Return a part's content, read or mapped. Raises: ValueError when it is missing or damaged."""
        try:
            with (self._folder / name).open("rb") as file:
                digest = hashlib.sha256()
                if not is_mapped:
                    content: bytes | memoryview = file.read()
                    digest.update(content)
                else:  # read first: what a mapping touches counts as memory of this process
                    while chunk := file.read(_CHUNK):
                        digest.update(chunk)
                    content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            raise ValueError("a part of the index is missing") from error
        if name != f"{digest.hexdigest()}.part":
            raise ValueError("a part of the index is damaged")
        return content

    def size(self, contents: IndexContents) -> int:
        """Return how many bytes the parts take. Raises: OSError."""
        return sum((self._folder / name).stat().st_size for name in (*contents.blocks, *contents.vectors))

    def write(self, contents: IndexContents) -> None:
        """Let this be the index, in one step: readers and a crash see the old one or the new one. Raises: OSError."""
        line = json.dumps(asdict(contents)).encode()
        _write(self._contents, b"".join([_MAGIC, hashlib.sha256(line).hexdigest().encode(), b"\n", line, b"\n"]))
        self._sweep((*contents.blocks, *contents.vectors))

    def read(self, origin: IndexOrigin) -> IndexContents | None:
        """Return what the index consists of; None when that cannot be read, is damaged, or of another origin."""
        try:
            content = self._contents.read_bytes()
        except OSError:
            return None
        if not content.startswith(_MAGIC):
            return None
        checksum, _, line = content[len(_MAGIC) :].partition(b"\n")
        line = line.removesuffix(b"\n")
        if checksum != hashlib.sha256(line).hexdigest().encode():
            return None
        said = json.loads(line)
        found = IndexOrigin(**said["origin"])
        return (
            IndexContents(found, said["seq"], tuple(said["blocks"]), tuple(said["vectors"]))
            if found == origin
            else None
        )

    def _sweep(self, needed: Iterable[str]) -> None:
        stays = set(needed)
        for file in self._folder.glob("*.part"):
            if file.name not in stays:
                file.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, prefix=".writing-", delete=False) as aside:
        try:
            aside.write(content)
            aside.flush()
            fsync(aside.fileno())
        except BaseException:
            Path(aside.name).unlink(missing_ok=True)
            raise
    Path(aside.name).replace(file)
