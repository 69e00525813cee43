"""Recordings as content-addressed bytes: written once under their SHA-256, never changed, never lost half-way.

`ingest` stores uploads here and decodes from here; pages stream from here.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Protocol

from core.errors import InvalidInput, NotFound, TooLarge


@dataclass(frozen=True, slots=True)
class StoredBlob:
    sha256: str
    size_bytes: int
    was_new: bool


_CHUNK_BYTES = 1024**2


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the open file's bytes from where it stands, a mebibyte at a time."""
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def read_file(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, a mebibyte at a time."""
    with path.open("rb") as file:
        yield from read_chunks(file)


class BlobStore(Protocol):
    def put(self, chunks: Iterable[bytes], max_bytes: int) -> StoredBlob:
        """Store the bytes and return their address; nothing stays behind when this raises.

        Raises InvalidInput `empty_file` for no bytes, TooLarge `file_too_large` once `max_bytes` is passed.
        """

    def path(self, sha256: str) -> Path:
        """Return a local file with the bytes; raises NotFound `recording_missing`."""

    def delete(self, sha256: str) -> None:
        """Remove the bytes; nothing happens when there are none."""


class FolderBlobStore:
    """Files at `root/ab/abcdef…`; a file appears there whole (written aside, flushed to disk, then renamed)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, chunks: Iterable[bytes], max_bytes: int) -> StoredBlob:
        self._root.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        size_bytes = 0
        with NamedTemporaryFile(dir=self._root, prefix=".incoming-", delete=False) as file:
            aside = Path(file.name)
            try:
                for chunk in chunks:
                    size_bytes += len(chunk)
                    if size_bytes > max_bytes:
                        raise too_large(max_bytes)
                    digest.update(chunk)
                    file.write(chunk)
                if size_bytes == 0:
                    raise InvalidInput("empty_file", "The file is empty: it has 0 bytes. Send the recording itself.")
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
        return self._keep(aside, digest.hexdigest(), size_bytes)

    def _keep(self, aside: Path, sha256: str, size_bytes: int) -> StoredBlob:
        final = self._place(sha256)
        if final.exists():
            aside.unlink()
            return StoredBlob(sha256, size_bytes, was_new=False)
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(final)
        _sync_folder(final.parent)
        return StoredBlob(sha256, size_bytes, was_new=True)

    def path(self, sha256: str) -> Path:
        place = self._place(sha256)
        if not place.is_file():
            raise NotFound(
                "recording_missing", "The recording's bytes are not in the store: restore them from a backup."
            )
        return place

    def delete(self, sha256: str) -> None:
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        "file_too_large",
        f"The file is larger than the limit of {max_bytes} bytes; EARSHOT_MAX_UPLOAD_BYTES sets it.",
        max_bytes=max_bytes,
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
