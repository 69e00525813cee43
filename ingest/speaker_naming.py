"""Says of every segment who speaks in it, and divides a segment in which the speaker changes.

In: what the transcriber wrote and the turns the diarizer heard. Out: segments of one speaker each, in the
same order and with the same words. Called by the pipeline; pure.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from ingest.values import SpeakerTurn, TimedSegment, Word

# So little of another voice inside a segment or at its edge is a slip of the diarizer and not an answer.
_SLIP_WORDS, _SLIP_MS = 1, 400


def assign_speakers(segments: Sequence[TimedSegment], turns: Sequence[SpeakerTurn]) -> list[TimedSegment]:
    """Return the segments with speakers, divided between words where the speaker changes.

    `turns` are in time order and do not overlap. A word belongs to the turn that it overlaps most, or else to
    the nearest one. What has a speaker already, or no times, stays as it is; so does everything without
    turns.
    """
    if not turns:
        return list(segments)
    timeline = _Timeline(turns)
    return [part for segment in segments for part in _divided(segment, timeline)]


class _Timeline:
    """Finds the speaker of a stretch of time; a few hours hold thousands of turns, so by bisection."""

    def __init__(self, turns: Sequence[SpeakerTurn]) -> None:
        self._turns = turns
        self._ends_ms = [turn.end_ms for turn in turns]

    def speaker_of(self, start_ms: int, end_ms: int) -> str:
        first = bisect.bisect_right(self._ends_ms, start_ms)
        overlaps: dict[str, int] = {}
        for turn in itertools.islice(self._turns, first, None):
            if turn.start_ms >= end_ms:
                break
            shared_ms = min(end_ms, turn.end_ms) - max(start_ms, turn.start_ms)
            overlaps[turn.speaker] = overlaps.get(turn.speaker, 0) + shared_ms
        if overlaps:
            return max(overlaps, key=lambda speaker: overlaps[speaker])
        middle_ms = (start_ms + end_ms) // 2
        nearest = self._turns[max(0, first - 1) : first + 1]
        return min(nearest, key=lambda turn: max(turn.start_ms - middle_ms, middle_ms - turn.end_ms)).speaker


def _divided(segment: TimedSegment, timeline: _Timeline) -> Iterator[TimedSegment]:
    if segment.speaker is not None or segment.start_ms is None or segment.end_ms is None:
        yield segment
        return
    if not segment.words:
        speaker = timeline.speaker_of(segment.start_ms, segment.end_ms)
        yield dataclasses.replace(segment, speaker=speaker)
        return
    runs = _runs(segment.words, timeline)
    if len(runs) == 1:
        yield dataclasses.replace(segment, speaker=runs[0][0])
        return
    texts = _texts(segment.text, [words for _, words in runs])
    for (speaker, words), text in zip(runs, texts, strict=True):
        yield TimedSegment(text, words[0].start_ms, max(word.end_ms for word in words), speaker, tuple(words))


def _runs(words: Sequence[Word], timeline: _Timeline) -> list[tuple[str, list[Word]]]:
    """Group neighbouring words by speaker; a slip goes to the speaker before it, at the beginning to the next."""
    runs = _grouped([timeline.speaker_of(word.start_ms, word.end_ms) for word in words], words)
    speakers: list[str] = []
    for index, (speaker, run) in enumerate(runs):
        is_slip = len(run) <= _SLIP_WORDS and run[-1].end_ms - run[0].start_ms <= _SLIP_MS
        if is_slip and len(runs) > 1:
            speaker = speakers[-1] if speakers else runs[index + 1][0]
        speakers.extend([speaker] * len(run))
    return _grouped(speakers, words)


def _grouped(speakers: Sequence[str], words: Sequence[Word]) -> list[tuple[str, list[Word]]]:
    pairs = itertools.groupby(zip(speakers, words, strict=True), key=lambda pair: pair[0])
    return [(speaker, [word for _, word in group]) for speaker, group in pairs]


def _texts(text: str, parts: Sequence[Sequence[Word]]) -> list[str]:
    """Cut the segment's own text between the parts' words, which keeps its spacing (Chinese has none)."""
    cursor, starts = 0, []
    for words in parts:
        for position, word in enumerate(words):
            found = text.find(word.text, cursor)
            if found < 0:  # the words are not the text's own: write the words
                return [" ".join(word.text for word in words) for words in parts]
            if position == 0:
                starts.append(found)
            cursor = found + len(word.text)
    return [text[start:end].strip() for start, end in itertools.pairwise([0, *starts[1:], len(text)])]
