"""The values that flow through ingest: sound, timed text, speaker turns, passages.

Readers and the transcriber make them, the pipeline carries them, and the repository stores them.
Times are milliseconds from the start of the recording, as int; None where a transcript gave no time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# What every decoded block is: mono, 16,000 samples a second, -1..1.
SAMPLE_RATE_HZ = 16_000

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its times; `probability` is the recogniser's, None when a person wrote it."""

    text: str
    start_ms: int
    end_ms: int
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class TimedSegment:
    """A stretch of speech as written down, by a person or by the recogniser."""

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a recording's container says about itself.

    `duration_ms` is the sound's length; 0 is possible. Where a container does not tell (a live WebM, an MP3
    without an index) it was measured by reading the packets. `promised_ms` is what a trustworthy header
    announces, 0 if none does: more than `duration_ms` in a file that was cut off. `media_type` suits an HTTP
    Content-Type.
    """

    duration_ms: int
    has_video: bool
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    media_type: str
    promised_ms: int = 0


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole recording as text. `model` names what wrote it."""

    language: str | None
    segments: tuple[TimedSegment, ...]
    model: str


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """From `start_ms` to `end_ms`, `speaker` is heard."""

    start_ms: int
    end_ms: int
    speaker: str


@dataclass(frozen=True, slots=True)
class PassageDraft:
    """A passage before it has an id; `first_segment` and `last_segment` are 0-based and inclusive."""

    first_segment: int
    last_segment: int
    start_ms: int | None
    end_ms: int | None
    speakers: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """From `start_ms` to `end_ms` somebody speaks."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SoundWindow:
    """A few minutes of a recording, cut in a pause: the unit of transcription and of resuming.

    `samples` holds exactly `start_ms` to `end_ms`; `speech` lies inside and is in time order, counted from
    the start of the recording. The next window begins at `end_ms`; after `is_last` there is none.
    """

    start_ms: int
    end_ms: int
    is_last: bool
    speech: tuple[SpeechSpan, ...]
    samples: Samples = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """The text of one window. `language` is None when nobody spoke in it."""

    start_ms: int
    end_ms: int
    is_last: bool
    language: str | None
    segments: tuple[TimedSegment, ...]


@dataclass(frozen=True, slots=True)
class ListeningOptions:
    """What the uploader knows beforehand: `language` (ISO 639-1, None: find out) and words to expect."""

    language: str | None = None
    vocabulary: tuple[str, ...] = ()
