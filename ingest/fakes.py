"""Deterministic twins of ingest's ports, for tests of everything above them.

They hear by loudness: what is loud is speech, and how loud it is tells the voices apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ingest import work_repository
from ingest.pipeline import PipelineParts, process
from ingest.ports import OnDownload, OnPosition
from ingest.values import (
    SAMPLE_RATE_HZ,
    HeardWindow,
    ListeningOptions,
    Samples,
    SoundWindow,
    SpeakerTurn,
    SpeechSpan,
    TimedSegment,
    Word,
)

_FRAME = SAMPLE_RATE_HZ // 50
_LOUD = 0.02


class FakeSpeechDetector:
    """Takes every loud stretch for speech; pauses shorter than 0.3 s belong to it."""

    def find_speech(self, samples: Samples) -> tuple[SpeechSpan, ...]:
        frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME)
        spans: list[SpeechSpan] = []
        for frame in np.flatnonzero(np.abs(frames).mean(axis=1) > _LOUD):
            start_ms, end_ms = int(frame) * 20, int(frame) * 20 + 20
            if spans and start_ms - spans[-1].end_ms < 300:
                spans[-1] = SpeechSpan(spans[-1].start_ms, end_ms)
            else:
                spans.append(SpeechSpan(start_ms, end_ms))
        return tuple(spans)


class FakeTranscriber:
    """Writes one segment for every span of speech: "speech at 1200 ms"."""

    def __init__(self, language: str = "en") -> None:
        self.windows_heard: list[int] = []
        self._language = language

    @property
    def model_name(self) -> str:
        return "fake"

    def prepare(self, on_download: OnDownload | None = None) -> None:
        pass

    def transcribe_window(
        self, window: SoundWindow, options: ListeningOptions, on_position: OnPosition | None = None
    ) -> HeardWindow:
        self.windows_heard.append(window.start_ms)
        segments = []
        for span in window.speech:
            texts = ("speech", "at", str(span.start_ms), "ms")
            step_ms = (span.end_ms - span.start_ms) // len(texts)
            words = tuple(
                Word(text, span.start_ms + i * step_ms, span.start_ms + (i + 1) * step_ms, 1.0)
                for i, text in enumerate(texts)
            )
            segments.append(TimedSegment(" ".join(texts), span.start_ms, span.end_ms, words=words))
            if on_position is not None:
                on_position(span.end_ms)
        language = (options.language or self._language) if segments else None
        return HeardWindow(window.start_ms, window.end_ms, window.is_last, language, tuple(segments))


class FakeDiarizer:
    """Takes loud speech (above half of full scale) and quiet speech for two people."""

    def find_turns(
        self, windows: Iterable[SoundWindow], on_position: OnPosition | None = None
    ) -> tuple[SpeakerTurn, ...]:
        names: dict[bool, str] = {}
        turns: list[SpeakerTurn] = []
        per_ms = SAMPLE_RATE_HZ // 1000
        for window in windows:
            for span in window.speech:
                first, last = span.start_ms - window.start_ms, span.end_ms - window.start_ms
                is_loud = bool(np.abs(window.samples[first * per_ms : last * per_ms]).max(initial=0.0) > 0.5)
                speaker = names.setdefault(is_loud, f"Speaker {len(names) + 1}")
                turns.append(SpeakerTurn(span.start_ms, span.end_ms, speaker))
            if on_position is not None:
                on_position(window.end_ms)
        return tuple(turns)


class FakeModelHub:
    """Stands for `ingest.whisper_model.Fetch`: writes a model's files, or has no network."""

    def __init__(self, *, online: bool = True) -> None:
        self.online = online
        self.fetched: list[str] = []

    def __call__(self, model: str, folder: Path) -> None:
        if not self.online:
            raise ConnectionError("no network")
        for name in ("config.json", "tokenizer.json", "vocabulary.json", "model.bin"):
            (folder / name).write_bytes(b"{}")
        self.fetched.append(model)


class FakePassageIndex:
    """Remembers which interviews were embedded and indexed, in order."""

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.indexed: list[str] = []

    def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
        on_progress(0.5)
        self.embedded.append(interview_id)
        on_progress(1.0)

    def index(self, interview_id: str) -> None:
        self.indexed.append(interview_id)


class RememberedJobs:
    """Notes what should be processed and does nothing."""

    def __init__(self) -> None:
        self.enqueued: list[str] = []

    def enqueue(self, interview_id: str) -> None:
        self.enqueued.append(interview_id)


class InlineJobs:
    """Processes an interview before `enqueue` returns: what the durable runtime does, without its threads."""

    def __init__(self, parts: PipelineParts) -> None:
        self._parts = parts

    def enqueue(self, interview_id: str) -> None:
        with self._parts.database.read() as session:
            job = work_repository.find_job(session, interview_id)
        if job is not None:
            process(self._parts, interview_id, job.attempt)
