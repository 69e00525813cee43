"""Cuts an interview's segments into passages: what search embeds, indexes and shows as one result.

In: segments in order. Out: `PassageDraft`s that cover every segment once, in order. The pipeline and the
service call `split_passages`. Passages end where a speaker or at least a sentence ends; names stand before what
people say, because questions name people (left out, retrieval got worse on meetings with 235 questions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.values import PassageDraft, TimedSegment

# In words. MiniLM reads 256 word pieces, about 190 English words; a result may have at most 400 words.
MAX_WORDS = 180
ENOUGH_WORDS = 110
PART_WORDS = 150

_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+|[。！？]+[」』”]*\s*|\n+")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？][\"'”’»)\]」』]*$")
# Scripts written without spaces: a character carries about half a word.
_FIRST_UNSPACED = "\u0e00"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment, or one part of a segment that is too long for a passage."""

    ordinal: int
    text: str
    speaker: str | None
    start_ms: int | None
    end_ms: int | None
    words: int
    is_part: bool = False


def split_passages(segments: Sequence[TimedSegment]) -> tuple[PassageDraft, ...]:
    """Return the passages in order; a passage of a cut segment has it as its first and last segment."""
    drafts: list[PassageDraft] = []
    held: list[_Piece] = []
    for piece in _pieces(segments):
        if piece.is_part:
            drafts.extend(_closed(held))
            held = []
            drafts.append(_draft([piece]))
            continue
        while held and _size([*held, piece]) > MAX_WORDS:
            end = _best_end([*held, piece])
            drafts.append(_draft(held[:end]))
            held = held[end:]
        held.append(piece)
    return (*drafts, *_closed(held))


def word_weight(text: str) -> int:
    """Return the length in words, where long tokens and scripts without spaces count for more than one."""
    weight = 0
    for token in text.split():
        if max(token) >= _FIRST_UNSPACED and token.upper() == token.lower():
            weight += 1 + len(token) // 2
        else:
            weight += 1 + len(token) // 16
    return weight


def _closed(held: list[_Piece]) -> list[PassageDraft]:
    return [_draft(held)] if held else []


def _best_end(pieces: list[_Piece]) -> int:
    """Return after how many pieces to close: the last of the best ends that leave enough words.

    All pieces but the last fit in a passage.
    """
    best, best_rank = len(pieces) - 1, -1
    for end in range(len(pieces) - 1, 0, -1):
        before, after = pieces[end - 1], pieces[end]
        if best_rank >= 0 and _size(pieces[:end]) < ENOUGH_WORDS:
            break
        ends_turn = before.speaker != after.speaker
        rank = 2 * ends_turn + bool(_ENDS_SENTENCE.search(before.text))
        if rank > best_rank:
            best, best_rank = end, rank
    return best


def _size(pieces: Sequence[_Piece]) -> int:
    return sum(piece.words for piece in pieces) + sum(
        word_weight(piece.speaker) for piece, is_new in _with_turns(pieces) if is_new and piece.speaker
    )


def _with_turns(pieces: Sequence[_Piece]) -> Iterator[tuple[_Piece, bool]]:
    """Yield each piece and whether its speaker begins with it."""
    for place, piece in enumerate(pieces):
        yield piece, place == 0 or pieces[place - 1].speaker != piece.speaker


def _draft(pieces: Sequence[_Piece]) -> PassageDraft:
    lines: list[str] = []
    for piece, is_new in _with_turns(pieces):
        if is_new:
            lines.append(f"{piece.speaker}: {piece.text}" if piece.speaker else piece.text)
        else:
            lines[-1] += f" {piece.text}"
    starts = [piece.start_ms for piece in pieces if piece.start_ms is not None]
    ends = [end for piece in pieces if (end := _end_of(piece)) is not None]
    return PassageDraft(
        first_segment=pieces[0].ordinal,
        last_segment=pieces[-1].ordinal,
        start_ms=min(starts, default=None),
        end_ms=max(ends, default=None),
        speakers=tuple(dict.fromkeys(piece.speaker for piece in pieces if piece.speaker)),
        text="\n".join(lines),
    )


def _end_of(piece: _Piece) -> int | None:
    return piece.end_ms if piece.end_ms is not None else piece.start_ms


def _pieces(segments: Sequence[TimedSegment]) -> Iterator[_Piece]:
    for ordinal, segment in enumerate(segments):
        words = word_weight(segment.text)
        if words <= MAX_WORDS:
            yield _Piece(ordinal, segment.text, segment.speaker, segment.start_ms, segment.end_ms, words)
        else:
            yield from _parts(ordinal, segment, words)


def _parts(ordinal: int, segment: TimedSegment, words: int) -> Iterator[_Piece]:
    """Cut a long segment in parts of about equal length, at sentence ends where there are any."""
    goal = words / -(-words // PART_WORDS)
    start = 0
    for end in _part_ends(segment.text, goal):
        text = segment.text[start:end].strip()
        if text:
            yield _Piece(
                ordinal,
                text,
                segment.speaker,
                _time_at(segment, start),
                _time_at(segment, end),
                word_weight(text),
                is_part=True,
            )
        start = end


def _part_ends(text: str, goal: float) -> Iterator[int]:
    """Yield the offsets at which parts end, the end of the text last."""
    start = end = parts = held = total = 0
    for candidate in _cuts(text):
        added = word_weight(text[end:candidate])
        # measured from the beginning, so that rounding does not leave a crumb at the end
        is_due = total + added / 2 > (parts + 1) * goal
        if end > start and (held + added > MAX_WORDS or is_due):
            yield end
            start, held, parts = end, 0, parts + 1
        end, held, total = candidate, held + added, total + added
    yield end


def _cuts(text: str) -> Iterator[int]:
    """Yield where the text may be cut: after sentences; inside one that is too long, after words or characters."""
    start = 0
    for end in (*(found.end() for found in _SENTENCE_END.finditer(text)), len(text)):
        if word_weight(text[start:end]) > PART_WORDS:
            yield from _hard_cuts(text, start, end)
        if end > start:
            yield end
        start = end


def _hard_cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield cuts inside a long sentence, each at most about half a part after the one before."""
    step = PART_WORDS  # characters: at most half a part's weight in any script
    while end - start > step:
        space = text.rfind(" ", start + 1, start + step)
        start = space + 1 if space > 0 else start + step
        yield start


def _time_at(segment: TimedSegment, offset: int) -> int | None:
    """Return the time at a character of the text, as if it were spoken evenly."""
    if segment.start_ms is None or segment.end_ms is None:
        return segment.start_ms
    return segment.start_ms + (segment.end_ms - segment.start_ms) * offset // max(1, len(segment.text))
