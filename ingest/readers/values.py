"""What a transcript file holds: its segments and, from our JSON, what it says about the interview."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.schemas import RecordingIn
from ingest.values import TimedSegment


@dataclass(frozen=True, slots=True)
class ReadTranscript:
    """`details` has only the fields that the file sets; what the sender says beside the file goes before."""

    segments: tuple[TimedSegment, ...]
    details: RecordingIn = field(default_factory=RecordingIn)
