"""Writes down speech with faster-whisper (Whisper on CTranslate2): int8 on a CPU, float16 on a GPU.

In: a window of sound with its speech. Out: timed segments with words, counted from the recording's start.
Silence is cut away before Whisper hears it, because Whisper invents text for silence. Chosen in
`app/wiring.py`.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Unavailable
from ingest.ports import OnDownload, OnPosition
from ingest.values import (
    SAMPLE_RATE_HZ,
    HeardWindow,
    ListeningOptions,
    Samples,
    SoundWindow,
    TimedSegment,
    Word,
)
from ingest.whisper_model import ModelLocation, download_model, resolve_model

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

# faster-whisper's own defaults for its VAD filter: pauses up to two seconds stay, speech keeps 0.4 s on both
# sides.
_JOINED_PAUSE_MS = 2000
_PAD_MS = 400
# Whisper's published default; 1 is about twice as fast and some per cent worse.
_BEAM_SIZE = 5
# Half-minutes of the first speech that may vote on the language when none is clear at once.
_LANGUAGE_VOTES = 4
_MOST_THREADS = 8

Load = Callable[["ModelLocation", str], "WhisperModel"]


class WhisperTranscriber:
    """`ingest.ports.Transcriber` on faster-whisper. Loads its model once, at the first use; safe in many
    threads.

    `model` and `models_dir` as in `ingest.whisper_model.resolve_model`; `device` is `auto`, `cpu` or `cuda`.
    Tests give their own `load`.
    """

    def __init__(
        self,
        model: str,
        models_dir: Path,
        device: str = "auto",
        *,
        allow_practice: bool = False,
        may_download: bool = True,
        load: Load | None = None,
    ) -> None:
        self._wanted = model
        self._models_dir = models_dir
        self._device = device
        self._allow_practice = allow_practice
        self._may_download = may_download
        self._load = load or _load
        self._lock = threading.Lock()
        self._model: WhisperModel | None = None

    @property
    def model_name(self) -> str:
        found = resolve_model(self._wanted, self._models_dir, allow_practice=self._allow_practice)
        return found.name if isinstance(found, ModelLocation) else self._wanted

    def prepare(self, on_download: OnDownload | None = None) -> None:
        with self._lock:
            if self._model is None:
                self._model = self._load(self._locate(on_download), self._device)

    def transcribe_window(
        self, window: SoundWindow, options: ListeningOptions, on_position: OnPosition | None = None
    ) -> HeardWindow:
        chunks = speech_chunks(window)
        heard = HeardWindow(window.start_ms, window.end_ms, window.is_last, None, ())
        if not chunks:
            return heard
        self.prepare()
        assert self._model is not None
        language, segments = _listen(self._model, window.samples, chunks, options)
        written: list[TimedSegment] = []
        for segment in segments:
            written.extend(_timed(segment, window))
            if on_position is not None and written:
                on_position(written[-1].end_ms or window.start_ms)
        written.sort(key=lambda segment: (segment.start_ms or 0, segment.end_ms or 0))
        return dataclasses.replace(heard, language=language if written else None, segments=tuple(written))

    def _locate(self, on_download: OnDownload | None) -> ModelLocation:
        found = resolve_model(self._wanted, self._models_dir, allow_practice=self._allow_practice)
        if not isinstance(found, ModelLocation) and found.can_download and self._may_download:
            found = download_model(self._wanted, self._models_dir, on_download)
        if isinstance(found, ModelLocation):
            return found
        raise Unavailable("needs_model", found.sentence)


def speech_chunks(window: SoundWindow) -> list[dict[str, int]]:
    """Join and widen the window's speech; positions are samples inside the window, as faster-whisper's VAD's."""
    length_ms = window.end_ms - window.start_ms
    joined: list[list[int]] = []
    for span in window.speech:
        start_ms, end_ms = span.start_ms - window.start_ms, span.end_ms - window.start_ms
        if joined and start_ms - joined[-1][1] < _JOINED_PAUSE_MS:
            joined[-1][1] = max(joined[-1][1], end_ms)
        else:
            joined.append([start_ms, end_ms])
    per_ms = SAMPLE_RATE_HZ // 1000
    return [
        {
            "start": max(0, start_ms - _PAD_MS) * per_ms,
            "end": min(window.samples.size, min(length_ms, end_ms + _PAD_MS) * per_ms),
        }
        for start_ms, end_ms in joined
    ]


def _load(location: ModelLocation, device: str) -> WhisperModel:
    import ctranslate2
    from faster_whisper import WhisperModel

    chosen = device
    if device == "auto":
        chosen = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
    try:
        return WhisperModel(
            str(location.folder),
            device=chosen,
            compute_type="float16" if chosen == "cuda" else "int8",
            cpu_threads=min(_MOST_THREADS, os.cpu_count() or 1),
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        raise Unavailable(
            "needs_model",
            f"The Whisper model in {location.folder} could not be loaded on {chosen!r}: {error}. "
            "Fetch it again, or set EARSHOT_WHISPER_DEVICE=cpu if the GPU is the reason.",
        ) from error


def _listen(
    model: WhisperModel, samples: Samples, chunks: list[dict[str, int]], options: ListeningOptions
) -> tuple[str, Iterable[Segment]]:
    from faster_whisper.transcribe import restore_speech_timestamps
    from faster_whisper.vad import collect_chunks

    spoken, _ = collect_chunks(samples, chunks)
    segments, info = model.transcribe(
        spoken[0],
        language=options.language,
        language_detection_segments=_LANGUAGE_VOTES,
        beam_size=_BEAM_SIZE,
        # Off: with it, one wrong window spoils all that follow, and a window would depend on its past.
        condition_on_previous_text=False,
        word_timestamps=True,
        hotwords=", ".join(options.vocabulary) or None,
        vad_filter=False,
    )
    return info.language, restore_speech_timestamps(segments, chunks, SAMPLE_RATE_HZ)


def _timed(segment: Segment, window: SoundWindow) -> Iterator[TimedSegment]:
    """Convert a segment, cut where a pause had been removed: no segment spans minutes of silence."""
    spoken = [
        (word.word, Word(text, *_placed(word.start, word.end, window), round(float(word.probability), 4)))
        for word in segment.words or ()
        if (text := word.word.strip())
    ]
    if not spoken:
        if text := segment.text.strip():
            yield TimedSegment(text, *_placed(segment.start, segment.end, window))
        return
    first = 0
    for position in range(1, len(spoken) + 1):
        last_end_ms = spoken[position - 1][1].end_ms
        if position == len(spoken) or spoken[position][1].start_ms - last_end_ms >= _JOINED_PAUSE_MS:
            part = spoken[first:position]
            words = tuple(word for _, word in part)
            # Whisper's words carry their own spaces, which Chinese and Japanese have none of.
            text = "".join(raw for raw, _ in part).strip()
            yield TimedSegment(text, words[0].start_ms, max(word.end_ms for word in words), words=words)
            first = position


def _placed(start_s: float, end_s: float, window: SoundWindow) -> tuple[int, int]:
    """Return the recording's time, inside the window and without the silence that Whisper gives to a word.

    A first word is aligned to the beginning of the sound, so its pause belongs to it: up to half a second.
    """
    start_ms = min(max(window.start_ms + round(start_s * 1000), window.start_ms), window.end_ms)
    end_ms = min(max(window.start_ms + round(end_s * 1000), start_ms), window.end_ms)
    heard = [span for span in window.speech if span.start_ms < end_ms and span.end_ms > start_ms]
    if heard:
        start_ms, end_ms = max(start_ms, heard[0].start_ms), min(end_ms, heard[-1].end_ms)
    return start_ms, end_ms
