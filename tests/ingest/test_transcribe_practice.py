"""The whole way of a recording to words, with a real Whisper: container, windows, speech, decoding, times.

The model is the practice model, which knows only the sentences of the sample that it hears here.
"""

from __future__ import annotations

import json
from pathlib import Path

import jiwer
import numpy as np
import pytest

from core.errors import Unavailable
from ingest.decoding import decode_blocks
from ingest.silero_speech_detector import SileroSpeechDetector
from ingest.values import ListeningOptions, TimedSegment
from ingest.whisper_transcriber import WhisperTranscriber
from ingest.windows import SoundWindows
from tests.media_factory import silence, tone, write_recording

SAMPLES = Path(__file__).parents[2] / "samples"
MODEL = SAMPLES / "practice_model"
SHORT = SAMPLES / "spoken" / "short.flac"
SCRIPT = SAMPLES / "spoken" / "short.json"

needs_model = pytest.mark.skipif(
    not (MODEL / "model.bin").is_file() or not SHORT.is_file(),
    reason="samples/practice_model has no weights: run tools/practice_model first",
)


@pytest.fixture(scope="module")
def transcriber() -> WhisperTranscriber:
    return WhisperTranscriber(str(MODEL), SAMPLES, "cpu", allow_practice=True)


def hear(transcriber: WhisperTranscriber, path: Path, window_s: float = 300.0) -> list[TimedSegment]:
    windows = SoundWindows(path, SileroSpeechDetector(), window_s)
    return [s for w in windows for s in transcriber.transcribe_window(w, ListeningOptions("en")).segments]


def script() -> tuple[str, list[dict[str, int]]]:
    rows = json.loads(SCRIPT.read_text(encoding="utf-8"))["segments"]
    return " ".join(row["text"] for row in rows), rows


def written(segments: list[TimedSegment]) -> str:
    return " ".join(segment.text for segment in segments)


@needs_model
def test_the_sample_is_written_down_with_its_times(transcriber: WhisperTranscriber) -> None:
    text, rows = script()
    heard = hear(transcriber, SHORT)
    assert jiwer.wer(text, written(heard)) <= 0.05
    starts_ms = np.array([segment.start_ms for segment in heard])
    for row in rows:
        assert np.abs(starts_ms - row["start_ms"]).min() <= 300


@needs_model
@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "webm", "ogg", "mov"])
def test_every_container_is_heard(transcriber: WhisperTranscriber, tmp_path: Path, suffix: str) -> None:
    sound = np.concatenate(list(decode_blocks(SHORT)))
    heard = hear(transcriber, write_recording(tmp_path / f"a.{suffix}", sound, video=suffix == "webm"))
    assert jiwer.wer(script()[0], written(heard)) <= 0.1


@needs_model
def test_words_lie_inside_their_segments_in_order(transcriber: WhisperTranscriber) -> None:
    for segment in hear(transcriber, SHORT):
        assert segment.start_ms is not None
        assert segment.end_ms is not None
        starts = [word.start_ms for word in segment.words]
        assert starts == sorted(starts)
        assert all(segment.start_ms <= word.start_ms <= word.end_ms <= segment.end_ms for word in segment.words)


@needs_model
def test_a_recording_begun_anew_at_its_second_window_goes_on_with_the_same_words(
    transcriber: WhisperTranscriber, tmp_path: Path
) -> None:
    sound = np.concatenate(list(decode_blocks(SHORT)))
    path = write_recording(tmp_path / "a.flac", np.concatenate([sound, silence(3.0), sound]))
    window_s = sound.size / 16_000 + 4.0
    windows = list(SoundWindows(path, SileroSpeechDetector(), window_s))
    assert len(windows) > 1
    again = SoundWindows(path, SileroSpeechDetector(), window_s).window_at(windows[1].start_ms)
    assert again is not None
    options = ListeningOptions("en")
    assert transcriber.transcribe_window(again, options) == transcriber.transcribe_window(windows[1], options)


@needs_model
def test_music_and_silence_give_no_text(transcriber: WhisperTranscriber, tmp_path: Path) -> None:
    assert hear(transcriber, write_recording(tmp_path / "a.wav", silence(8.0))) == []
    assert hear(transcriber, write_recording(tmp_path / "b.wav", tone(8.0))) == []


@needs_model
def test_the_practice_model_does_not_pass_for_a_real_one() -> None:
    with pytest.raises(Unavailable, match="practice model"):
        WhisperTranscriber(str(MODEL), SAMPLES, "cpu").prepare()
