"""The index's file on disk: whole or not there at all, and recognised as foreign or damaged before it is
used.

`IndexKeeper` writes and reads it. Everything in it can be made again from the database.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

_MAGIC = b"earshot index 1\n"  # the number rises when the format changes: older files are then made anew


@dataclass(frozen=True, slots=True)
class IndexOrigin:
    """What an index was made of; a file of another origin is not read."""

    kind: str
    model: str
    generation: str


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """An index after change `seq`; `passage_ids` says which passages of which interview stand in it."""

    origin: IndexOrigin
    seq: int
    passage_ids: dict[str, list[int]]
    index: bytes


def write_snapshot(file: Path, snapshot: IndexSnapshot) -> None:
    """Replace `file` in one step: readers and a crash see the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    passage_ids = json.dumps(snapshot.passage_ids, separators=(",", ":")).encode()
    header = {
        **asdict(snapshot.origin),
        "seq": snapshot.seq,
        "ids_bytes": len(passage_ids),
        "sha256": _checksum(passage_ids, snapshot.index),
    }
    with NamedTemporaryFile(dir=file.parent, prefix=".writing-", delete=False) as aside:
        try:
            aside.writelines([_MAGIC, json.dumps(header).encode(), b"\n", passage_ids, snapshot.index])
            aside.flush()
            os.fsync(aside.fileno())
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
    magic, rest = content[: len(_MAGIC)], content[len(_MAGIC) :]
    if magic != _MAGIC:
        return None
    line, _, body = rest.partition(b"\n")
    try:
        header = json.loads(line)
        found = IndexOrigin(header["kind"], header["model"], header["generation"])
        seq, ids_bytes, checksum = int(header["seq"]), int(header["ids_bytes"]), header["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    passage_ids, index = body[:ids_bytes], body[ids_bytes:]
    if found != origin or checksum != _checksum(passage_ids, index):
        return None
    return IndexSnapshot(origin, seq, json.loads(passage_ids), index)


def _checksum(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
