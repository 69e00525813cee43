import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.blobs import FolderBlobStore
from core.errors import InvalidInput, NotFound, TooLarge


def test_bytes_are_found_again_under_their_hash(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    stored = store.put([b"hello ", b"world"], max_bytes=100)
    assert stored.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert (stored.size_bytes, stored.was_new) == (11, True)
    assert store.path(stored.sha256).read_bytes() == b"hello world"


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    store.put([b"same"], max_bytes=100)
    assert store.put([b"sa", b"me"], max_bytes=100).was_new is False
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_file_over_the_limit_stops_the_reading_and_leaves_nothing(tmp_path: Path) -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"x" * 10

    with pytest.raises(TooLarge) as caught:
        FolderBlobStore(tmp_path).put(chunks(), max_bytes=25)
    assert caught.value.code == "file_too_large"
    assert len(read) == 3
    assert list(tmp_path.rglob("*")) == []


def test_an_empty_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="0 bytes"):
        FolderBlobStore(tmp_path).put([b"", b""], max_bytes=25)
    assert list(tmp_path.rglob("*")) == []


def test_a_broken_stream_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"begin"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        FolderBlobStore(tmp_path).put(chunks(), max_bytes=25)
    assert list(tmp_path.rglob("*")) == []


def test_deleted_bytes_are_not_found(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    stored = store.put([b"x"], max_bytes=10)
    store.delete(stored.sha256)
    store.delete(stored.sha256)
    with pytest.raises(NotFound):
        store.path(stored.sha256)
