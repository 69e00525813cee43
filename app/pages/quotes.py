"""What customers said, as pages show it: passages turn by turn, with the found words marked.

Everything that returns markup escapes the text it was given first.
"""

from dataclasses import dataclass

from markupsafe import Markup, escape

from core.text import count_words
from search.values import SearchResult, Spans

EXCERPT_WORDS = 110  # of a passage; the whole opens on demand
LEAD_WORDS = 50  # at most before the turn where the moment opens


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says without a break; `speaker` is None where the passage names nobody."""

    speaker: str | None
    words: Markup


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage: the turns to show at first, and all of them where that is not the same."""

    excerpt: list[Turn]
    whole: list[Turn]


@dataclass(frozen=True, slots=True)
class _Line:
    speaker: str | None
    start: int  # of the words in the passage's text
    end: int
    size: int  # in words


def quote_of(result: SearchResult) -> Quote:
    """Return the result's passage; the excerpt is whole turns, those round the place where the moment opens."""
    spans = result.highlights or ((result.sentence,) if result.sentence else ())
    lines = _lines(result.text, result.speakers)
    first, last = _around(lines, sum(line.end < result.found.offset for line in lines))
    turns = [Turn(line.speaker, marked(result.text, spans, line.start, line.end)) for line in lines]
    return Quote(turns[first:last], turns if (first, last) != (0, len(lines)) else [])


def _lines(text: str, speakers: tuple[str, ...]) -> list[_Line]:
    lines: list[_Line] = []
    place = 0
    for line in text.split("\n"):
        speaker = next((name for name in speakers if line.startswith(f"{name}: ")), None)
        start, end = place + (len(speaker) + 2 if speaker else 0), place + len(line)
        if line.strip():
            lines.append(_Line(speaker, start, end, count_words(line)))
        place = end + 1
    return lines


def _around(lines: list[_Line], opening: int) -> tuple[int, int]:
    """Return [first, last) of the lines to show where the moment opens in this one."""
    first = opening
    while first and sum(line.size for line in lines[first - 1 : opening]) <= LEAD_WORDS:
        first -= 1
    last = min(opening + 1, len(lines))
    while last < len(lines) and sum(line.size for line in lines[first : last + 1]) <= EXCERPT_WORDS:
        last += 1
    return first, last


def marked(text: str, spans: Spans, start: int = 0, end: int | None = None) -> Markup:
    """Return `text[start:end]`, escaped, with what lies in the `spans` of the text in <mark>."""
    parts: list[Markup] = []
    place, end = start, len(text) if end is None else end
    for span_start, span_end in sorted(spans):
        span_start, span_end = max(span_start, place), min(span_end, end)
        if span_start >= span_end:
            continue
        parts += [escape(text[place:span_start]), Markup("<mark>{}</mark>").format(text[span_start:span_end])]
        place = span_end
    parts.append(escape(text[place:end]))
    return Markup("").join(parts)


def occurrences(text: str, needle: str) -> Spans:
    """Return where `needle` stands in `text`, letter case aside, without overlap."""
    low, wanted = text.lower(), needle.lower()
    if not wanted or len(low) != len(text):  # a few letters change their length: leave such text unmarked
        return ()
    spans = []
    place = low.find(wanted)
    while place >= 0:
        spans.append((place, place + len(wanted)))
        place = low.find(wanted, place + len(wanted))
    return tuple(spans)
