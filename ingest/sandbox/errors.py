"""The sentences about files that could not be read. The worker process sends a name; the words are said here."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.errors import InvalidInput, UnsupportedMedia

READABLE = "wav, mp3, m4a, mp4, webm, ogg, opus, flac, mkv or mov"
_AGAIN = "Save or download it again completely and upload it again."
_OTHERWISE = "Convert it to mp3, m4a or wav with another program and upload that."
_CODEC = re.compile(r"[a-z0-9_]{1,32}")

_SENTENCES: dict[str, Callable[[str | int], InvalidInput]] = {
    "cut_off_header": lambda _: InvalidInput(
        "truncated_media",
        "The recording was cut off: its table of contents is missing, so nothing in it can be played. " + _AGAIN,
    ),
    "cut_off_sound": lambda stated_ms: InvalidInput(
        "truncated_media",
        f"The recording was cut off: it promises {int(stated_ms) / 1000:.0f} s of sound and holds none. " + _AGAIN,
    ),
    "not_media": lambda _: UnsupportedMedia(
        "not_media", f"The file is not a recording Earshot can read. Send sound or video as {READABLE}."
    ),
    "no_streams": lambda _: UnsupportedMedia("not_media", f"The file holds neither sound nor video. Send {READABLE}."),
    "not_decodable": lambda _: UnsupportedMedia(
        "not_media", f"Nothing in the file can be decoded as sound. Send a recording as {READABLE}."
    ),
    "no_audio": lambda _: InvalidInput(
        "no_audio", "The video has no sound track, so there is nothing to transcribe. Export it again with sound."
    ),
    "unsupported_codec": lambda name: UnsupportedMedia(
        "unsupported_codec",
        f"The sound is stored as {_codec(name)!r}, which is not accepted. Convert it to mp3, m4a or wav.",
    ),
    "too_much_memory": lambda _: InvalidInput(
        "media_too_much_memory",
        "Opening the recording needs more memory than one file may take, which a sound recording never does. "
        + _OTHERWISE,
    ),
    "too_slow": lambda _: InvalidInput(
        "media_too_slow",
        "Reading the recording took longer than one file may take, so it was given up. " + _OTHERWISE,
    ),
    "crashed": lambda _: InvalidInput(
        "media_unreadable",
        "Reading the recording ended abnormally: the file is damaged in a way that its reader cannot bear. "
        + _OTHERWISE,
    ),
}


def fault_error(name: str, value: str | int = 0) -> InvalidInput:
    """Return the error for what the worker process called `name`; a name nobody knows counts as a crash."""
    try:
        return _SENTENCES[name](value)
    except (KeyError, ValueError):
        return _SENTENCES["crashed"](0)


def _codec(name: str | int) -> str:
    return name if isinstance(name, str) and _CODEC.fullmatch(name) else "unknown"
