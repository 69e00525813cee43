"""WebVTT (W3C, https://www.w3.org/TR/webvtt1/) → segments; `<v Name>` voices become speakers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from core.errors import InvalidInput
from ingest.readers.cues import Block, blocks_of, parse_timing, with_names
from ingest.readers.values import ReadTranscript
from ingest.values import TimedSegment

_NO_CUES = ("NOTE", "STYLE", "REGION")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t]+([^<>]*))?>|</v>")
# Other cue tags: <c.x>, <i>, <b>, <u>, <ruby>, <rt>, <lang en>, <00:00:01.000>; anything else is text.
_TAG = re.compile(r"</?(?:c|i|b|u|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>")


def read_vtt(text: str) -> ReadTranscript:
    """Return one segment for each voice of each cue. Raises: InvalidInput `invalid_vtt`."""
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", text):
        raise InvalidInput("invalid_vtt", "Line 1 is not WEBVTT, so this is no WebVTT file.", line=1)
    segments: list[TimedSegment] = []
    for block in blocks_of(text):
        if block.line == 1 or block.lines[0].split()[0] in _NO_CUES:
            continue
        segments.extend(_cue(block))
    return ReadTranscript(with_names(segments))


def _cue(block: Block) -> Iterator[TimedSegment]:
    timing = next((place for place, line in enumerate(block.lines[:2]) if "-->" in line), None)
    if timing is None:  # the standard ignores a block without times
        return
    start_ms, end_ms = parse_timing(block.lines[timing], block.line + timing, "vtt")
    payload = "\n".join(block.lines[timing + 1 :])
    for speaker, spoken in _voices(payload):
        clean = " ".join(html.unescape(_TAG.sub("", spoken)).split())
        if clean:
            yield TimedSegment(clean, start_ms, end_ms, speaker)


def _voices(payload: str) -> Iterator[tuple[str | None, str]]:
    speaker: str | None = None
    position = 0
    for tag in _VOICE.finditer(payload):
        yield speaker, payload[position : tag.start()]
        speaker = html.unescape(tag[1] or "").strip() or None
        position = tag.end()
    yield speaker, payload[position:]
