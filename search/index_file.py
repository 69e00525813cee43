"""The index's file on disk: whole or not there at all, and recognised as foreign or damaged before it is used.

`IndexKeeper` writes and reads it. Everything in it can be made again from the database.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from os import fsync
from pathlib import Path
from tempfile import NamedTemporaryFile

from search.cell_block import CellBlock, pack_block, unpack_block

_MAGIC = b"earshot index 3\n"  # the number rises when the format changes: older files are then made anew


@dataclass(frozen=True, slots=True)
class IndexOrigin:
    """What an index was made of; a file of another origin is not read."""

    kind: str
    model: str
    generation: str


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """Both halves of an index after change `seq`: the cells, and the bytes of the vectors' index (empty: none yet)."""

    origin: IndexOrigin
    seq: int
    block: CellBlock
    vectors: bytes


def write_snapshot(file: Path, snapshot: IndexSnapshot) -> None:
    """Replace `file` in one step: readers and a crash see the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = pack_block(snapshot.block)
    header = {
        **asdict(snapshot.origin),
        "seq": snapshot.seq,
        "cells_bytes": len(cells),
        "sha256": _checksum(cells, snapshot.vectors),
    }
    with NamedTemporaryFile(dir=file.parent, prefix=".writing-", delete=False) as aside:
        try:
            aside.writelines([_MAGIC, json.dumps(header).encode(), b"\n", cells, snapshot.vectors])
            aside.flush()
            fsync(aside.fileno())
        except BaseException:
            Path(aside.name).unlink(missing_ok=True)
            raise
    Path(aside.name).replace(file)


def read_snapshot(file: Path, origin: IndexOrigin) -> IndexSnapshot | None:
    """Return the snapshot, or None when the file cannot be read, is damaged, or of another origin."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if not content.startswith(_MAGIC):
        return None
    line, _, body = content[len(_MAGIC) :].partition(b"\n")
    try:
        header = json.loads(line)
        found = IndexOrigin(header["kind"], header["model"], header["generation"])
        seq, cells_bytes, checksum = int(header["seq"]), int(header["cells_bytes"]), header["sha256"]
        cells, vectors = body[:cells_bytes], body[cells_bytes:]
        if found != origin or checksum != _checksum(cells, vectors):
            return None
        return IndexSnapshot(origin, seq, unpack_block(cells), vectors)
    except (ValueError, KeyError, TypeError):
        return None


def _checksum(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
