"""Plain text → segments: `Name: text` lines, with times before or after the name where there are some.

Understood: `Anna: …`, `[00:01:02] Anna: …`, `00:01 Anna: …`, `Anna (00:01:02): …`, `Anna  0:03` with the text below,
`[00:01 - 00:05] …`, and paragraphs without any of it. A blank line or a new name starts a segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest.readers.cues import split_name
from ingest.readers.values import ReadTranscript
from ingest.values import TimedSegment

_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_LEADING = re.compile(rf"[\[(]?({_CLOCK})(?:\s*(?:-->|-|–|—)\s*({_CLOCK}))?[\])]?(?:[ \t]+[-–—])?(?:[ \t]+|$)")
_NAME_THEN_TIME = re.compile(rf"([^\W_a-z][^:\n.!?,;\[\]()<>]{{0,59}}?)[ \t]*[\[(]({_CLOCK})[\])][ \t]*:?[ \t]*(.*)")
_NAME_ABOVE = re.compile(rf"([^\W_a-z][^:\n.!?,;\[\]()<>]{{0,59}}?)(?:[ \t]{{1,}}|[ \t]*[-–—|][ \t]*)({_CLOCK})")


@dataclass(slots=True)
class _Turn:
    speaker: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    lines: list[str] = field(default_factory=list)


def read_text(text: str) -> ReadTranscript:
    """Return one segment for each turn or paragraph."""
    lines = [" ".join(line.split()) if line.strip() else "" for line in text.split("\n")]
    takes_names = _is_dialogue(lines)
    turns: list[_Turn] = [_Turn()]
    after_blank = True
    for line in lines:
        if not line:
            # the text of `Anna  0:03` stands below, sometimes after a blank line
            after_blank = bool(turns[-1].lines)
            continue
        opened = _opening(line, takes_names)
        if opened is not None:
            turns.append(opened)
        elif after_blank:
            turns.append(_Turn(speaker=turns[-1].speaker, lines=[line]))
        else:
            turns[-1].lines.append(line)
        after_blank = False
    return ReadTranscript(
        tuple(
            TimedSegment(" ".join(turn.lines), turn.start_ms, turn.end_ms, turn.speaker) for turn in turns if turn.lines
        )
    )


def _is_dialogue(lines: list[str]) -> bool:
    """Tell whether names stand in front of colons: one comes twice, or half of the lines have one.

    Prose has a colon here and there.
    """
    names = [name for line in lines if line and (name := split_name(_LEADING.sub("", line, count=1))[0])]
    return len(names) > len(set(names)) or 2 * len(names) >= sum(bool(line) for line in lines)


def _opening(line: str, takes_names: bool) -> _Turn | None:
    """Return the turn that begins with this line, None for a line that goes on."""
    if found := _NAME_ABOVE.fullmatch(line):
        return _Turn(found[1].strip(), _to_ms(found[2]))
    if found := _NAME_THEN_TIME.fullmatch(line):
        return _Turn(found[1].strip(), _to_ms(found[2]), None, [found[3]] if found[3] else [])
    leading = _LEADING.match(line)
    rest = line[leading.end() :] if leading else line
    name, spoken = split_name(rest) if takes_names else (None, rest)
    if leading is None and name is None:
        return None
    start_ms = _to_ms(leading[1]) if leading else None
    end_ms = _to_ms(leading[2]) if leading and leading[2] else None
    return _Turn(name, start_ms, end_ms, [spoken] if spoken else [])


def _to_ms(clock: str) -> int:
    whole, _, fraction = clock.replace(",", ".").partition(".")
    seconds = 0
    for part in whole.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * 1000 + (int(fraction.ljust(3, "0")) if fraction else 0)
