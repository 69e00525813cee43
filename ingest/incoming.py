"""The first look at an upload: its name, its first bytes, and what a file says about itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from core.blobs import StoredBlob
from core.errors import InvalidInput, TooLarge
from core.text import clean_text
from ingest.checks import MAX_TEXT_BYTES, MAX_TITLE, title_from_file_name
from ingest.schemas import RecordingIn
from ingest.values import MediaInfo

MAX_FILE_NAME = 255
# Times and markup of a transcript take about as much room as its text.
MAX_TRANSCRIPT_BYTES = 3 * MAX_TEXT_BYTES


def clean_file_name(file_name: str) -> str:
    """Return the last part of a name or path, on one line, cut to 255 characters."""
    last = clean_text(file_name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return " ".join(last.split())[-MAX_FILE_NAME:] or "recording"


def peek(chunks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return about the first `size` bytes, and all the chunks."""
    rest = iter(chunks)
    first: list[bytes] = []
    while sum(map(len, first)) < size and (chunk := next(rest, None)) is not None:
        first.append(chunk)
    return b"".join(first)[:size], itertools.chain(first, rest)


def read_all(chunks: Iterable[bytes]) -> bytes:
    """Return a transcript's bytes. Raises: TooLarge `transcript_too_large`, InvalidInput `empty_file`."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_TRANSCRIPT_BYTES:
            raise TooLarge(
                "transcript_too_large",
                f"The transcript file is larger than {MAX_TRANSCRIPT_BYTES} bytes. Split it in parts.",
                max_bytes=MAX_TRANSCRIPT_BYTES,
            )
    if not data:
        raise InvalidInput("empty_file", "The file is empty: it has 0 bytes. Check the export and send it again.")
    return bytes(data)


def with_file_details(sent: RecordingIn, in_file: RecordingIn, file_name: str) -> RecordingIn:
    """Return what is known: the sender's word first, then what the file says, then a title from its name."""
    known = {name: getattr(in_file, name) for name in in_file.model_fields_set}
    known.update({name: value for name in RecordingIn.model_fields if (value := getattr(sent, name))})
    if not known.get("title"):
        known["title"] = title_from_file_name(file_name)[:MAX_TITLE]
    return RecordingIn.model_construct(_fields_set=set(known), **known)


def file_details(blob: StoredBlob, info: MediaInfo, file_name: str) -> dict[str, object]:
    """Return the columns of an interview that describe its recording."""
    return {
        "recording_sha256": blob.sha256,
        "file_name": file_name,
        "size_bytes": blob.size_bytes,
        "media_type": info.media_type,
        "has_video": info.has_video,
        "duration_ms": info.duration_ms,
    }
