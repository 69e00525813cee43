"""SubRip (.srt) → segments; names in front of colons become speakers where most captions have one."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from core.errors import InvalidInput
from ingest.readers.cues import Block, blocks_of, parse_timing, with_names
from ingest.readers.values import ReadTranscript
from ingest.values import TimedSegment

# <i>, <b>, <u>, <font color=…> and {\an8}: what players understand in SRT.
_TAG = re.compile(r"</?(?:i|b|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)


def read_srt(text: str) -> ReadTranscript:
    """Return one segment for each caption. Raises: InvalidInput `invalid_srt`."""
    segments: list[TimedSegment] = []
    for block in blocks_of(text):
        for captions in _captions(block):
            timing = next((place for place, line in enumerate(captions.lines[:2]) if "-->" in line), None)
            if timing is None:
                _append_to_last(segments, captions)
                continue
            start_ms, end_ms = parse_timing(captions.lines[timing], captions.line + timing, "srt")
            segments.append(TimedSegment(_spoken(captions.lines[timing + 1 :]), start_ms, end_ms))
    return ReadTranscript(with_names([segment for segment in segments if segment.text]))


def _captions(block: Block) -> list[Block]:
    """Split a block at the numbers and times inside it: some tools leave out the blank line."""
    starts = [0]
    for place, line in enumerate(block.lines):
        if "-->" in line and place > 1:
            numbered = block.lines[place - 1].strip().isdigit()
            starts.append(place - 1 if numbered else place)
    ends = [*starts[1:], len(block.lines)]
    return [Block(block.line + a, block.lines[a:b]) for a, b in zip(starts, ends, strict=True)]


def _append_to_last(segments: list[TimedSegment], block: Block) -> None:
    """A blank line inside a caption: the rest belongs to it."""
    if not segments:
        raise InvalidInput("invalid_srt", f"Line {block.line} should be a caption's number or times.", line=block.line)
    last = segments[-1]
    segments[-1] = replace(last, text=f"{last.text} {_spoken(block.lines)}".strip())


def _spoken(lines: tuple[str, ...]) -> str:
    return " ".join(html.unescape(_TAG.sub("", "\n".join(lines))).split())
