"""Reads transcript files: WebVTT, SRT, plain text and our own JSON become timed segments.

In: bytes and a file name. Out: `ReadTranscript`, or InvalidInput that names the line. The service calls the two
functions below for a file that is no recording; what the segments may hold is checked in `checks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from core.errors import InvalidInput
from ingest.readers.json_reader import read_json
from ingest.readers.srt_reader import read_srt
from ingest.readers.text_reader import read_text
from ingest.readers.values import ReadTranscript
from ingest.readers.vtt_reader import read_vtt

__all__ = ["HEAD_BYTES", "ReadTranscript", "read_transcript", "transcript_kind"]

# As much of a file as `transcript_kind` wants to see.
HEAD_BYTES = 1024

_BY_EXTENSION = {".vtt": "vtt", ".srt": "srt", ".txt": "txt", ".text": "txt", ".md": "txt", ".json": "json"}
_READERS: dict[str, Callable[[str], ReadTranscript]] = {
    "vtt": read_vtt,
    "srt": read_srt,
    "txt": read_text,
    "json": read_json,
}
_SRT_HEAD = re.compile(r"\s*\d+\s*\n\s*\d+:\d\d:\d\d[,.]\d{1,3}\s*-->")


def transcript_kind(file_name: str, head: bytes) -> str | None:
    """Return `vtt`, `srt`, `txt` or `json` for a transcript, None for what should be a recording.

    The extension decides; a file without one is known by its first bytes, and a `.txt` may hold any of them.
    Text under the name of a recording stays a (broken) recording: the sender meant something else.
    """
    extension = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
    if extension and extension not in _BY_EXTENSION:
        return None
    kind = _BY_EXTENSION.get(extension)
    if kind in ("txt", None):
        start = head.decode("utf-8-sig", "ignore").replace("\r\n", "\n")
        if start.startswith("WEBVTT"):
            return "vtt"
        if _SRT_HEAD.match(start):
            return "srt"
    if kind is None and head.lstrip()[:1] in (b"{", b"["):
        return "json"
    return kind


def read_transcript(data: bytes, kind: str) -> ReadTranscript:
    """Return the segments of a file of that kind. Raises: InvalidInput."""
    read = _READERS[kind](_decoded(data))
    if not read.segments:
        raise InvalidInput("no_segments", "The transcript holds no text. Check the export and send it again.")
    return read


def _decoded(data: bytes) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so; line ends become newlines."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "invalid_encoding",
            f"The transcript is not {encoding.removesuffix('-sig').upper()} text: byte {error.start} cannot be read. "
            "Save it as UTF-8 and send it again.",
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
