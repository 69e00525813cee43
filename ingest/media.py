"""Looks into an uploaded file: is it a recording, how long, in what container and codec?

In: the path of bytes a stranger sent. Out: `MediaInfo`, or an error whose sentence the uploader can act on.
The upload calls `probe` before anything is queued. The bytes are opened in a process of their own (`sandbox/`); what it
answers is checked here as a stranger's word.
"""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import InvalidInput
from ingest.sandbox.messages import Header, MessageError, number_in, text_in
from ingest.sandbox.worker import Limits, MediaWorker, strictly
from ingest.values import MediaInfo

# Nothing anybody said in one go is longer; bounds the work a small file of compressed silence can cause.
MAX_DURATION_MS = 24 * 3_600_000

# The tables of contents of a day of video at 60 pictures a second take about half a gigabyte. An MP3 of a day is read
# through in seconds; four gigabytes of one from a slow disk take a minute or two.
PROBE_LIMITS = Limits(memory_bytes=1024**3, cpu_s=120, silence_s=300.0, waiting_s=300.0)

# Whole numbers that no honest header passes.
_MOST_MS = 10**12
_MOST_HERTZ = 10**7
_MOST_CHANNELS = 1024
_WORD = re.compile(r"[a-z0-9_,]{1,64}")


def probe(path: Path) -> MediaInfo:
    """Describe the recording at `path` without decoding more than its first frames.

    Raises: InvalidInput with code `empty_file`, `truncated_media`, `no_audio`, `too_long`, `media_too_much_memory`,
    `media_too_slow` or `media_unreadable`; UnsupportedMedia with code `not_media` or `unsupported_codec`; Unavailable
    with code `media_reader_missing`.
    """
    with MediaWorker(path, "describe", PROBE_LIMITS) as worker:
        header = worker.message()
    with strictly():
        info = _media_info(header)
    if info.duration_ms > MAX_DURATION_MS:
        raise InvalidInput(
            "too_long",
            f"The recording is {info.duration_ms // 3_600_000} hours long; at most "
            f"{MAX_DURATION_MS // 3_600_000} hours are accepted. Cut it and upload the parts.",
        )
    return info


def _media_info(header: Header) -> MediaInfo:
    if header.get("kind") != "description":
        raise MessageError
    container, has_video = _word_in(header, "container"), bool(number_in(header, "has_video", 1))
    return MediaInfo(
        duration_ms=number_in(header, "duration_ms", _MOST_MS),
        has_video=has_video,
        container=container,
        codec=_word_in(header, "codec"),
        sample_rate_hz=number_in(header, "sample_rate_hz", _MOST_HERTZ),
        channels=number_in(header, "channels", _MOST_CHANNELS),
        media_type=_media_type(container, has_video),
        promised_ms=number_in(header, "promised_ms", _MOST_MS),
    )


def _word_in(header: Header, name: str) -> str:
    word = text_in(header, name)
    if not _WORD.fullmatch(word):
        raise MessageError
    return word


def _media_type(kind: str, has_video: bool) -> str:
    if kind in ("mp4", "webm", "ogg"):
        return f"{'video' if has_video else 'audio'}/{kind}"
    return {
        "mp3": "audio/mpeg",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska" if has_video else "audio/x-matroska",
        "avi": "video/x-msvideo",
        "asf": "video/x-ms-asf" if has_video else "audio/x-ms-wma",
        "mpegts": "video/mp2t",
        "caf": "audio/x-caf",
        "w64": "audio/x-w64",
    }.get(kind, f"audio/{kind}")
