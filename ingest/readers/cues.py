"""What WebVTT and SRT share: blocks between blank lines, a timing line, text below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import InvalidInput
from ingest.values import TimedSegment

_TIME = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})")
# "Anna Nováková: …" as meeting tools write it: up to five words, no end of a sentence, a capital or digit first.
_NAME = re.compile(r"(?P<name>[^\W_a-z][^:\n.!?,;\[\]<>]{0,59}):[ \t]+(?P<text>\S.*)", re.DOTALL)
_LONGEST_NAME = 5


@dataclass(frozen=True, slots=True)
class Block:
    """Lines between blank lines; `line` is the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks in order."""
    held: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            if not held:
                first = number
            held.append(line)
        elif held:
            yield Block(first, tuple(held))
            held = []
    if held:
        yield Block(first, tuple(held))


def parse_timing(line: str, number: int, kind: str) -> tuple[int, int]:
    """Return start and end in milliseconds of `00:00:01.000 --> 00:00:02.000 settings`. Raises: InvalidInput."""
    start, _, rest = line.partition("-->")
    begins, ends = _TIME.fullmatch(start.strip()), _TIME.match(rest.strip())
    if begins is None or ends is None:
        raise InvalidInput(
            f"invalid_{kind}",
            f"Line {number} has times that cannot be read; expected something like 00:01:02.500 --> 00:01:04.000.",
            line=number,
        )
    return _to_ms(begins), _to_ms(ends)


def split_name(text: str) -> tuple[str | None, str]:
    """Return the speaker in front of a colon, or None, and the text."""
    found = _NAME.fullmatch(text)
    if found is None or len(found["name"].split()) > _LONGEST_NAME:
        return None, text
    return found["name"].strip(), found["text"]


def with_names(segments: list[TimedSegment]) -> tuple[TimedSegment, ...]:
    """Take names in front of colons for speakers when at least half of the segments have one.

    One caption that says "Remember: …" is no dialogue.
    """
    if any(segment.speaker for segment in segments):
        return tuple(segments)
    split = [split_name(segment.text) for segment in segments]
    if 2 * sum(name is not None for name, _ in split) < len(segments):
        return tuple(segments)
    return tuple(
        TimedSegment(text, segment.start_ms, segment.end_ms, name)
        for segment, (name, text) in zip(segments, split, strict=True)
    )


def _to_ms(found: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = found.groups()
    whole_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_s * 1000 + int(fraction.ljust(3, "0"))
