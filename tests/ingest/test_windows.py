"""Windows follow each other without gap, are cut in pauses, and are the same when asked again."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from ingest.fakes import FakeSpeechDetector
from ingest.values import Samples
from ingest.windows import SoundWindows
from tests.media_factory import silence, tone, write_recording

RATE = 16_000


def talk(*parts_s: float) -> Samples:
    """Alternate sound and silence of the given lengths, sound first."""
    return np.concatenate([(silence if i % 2 else tone)(length) for i, length in enumerate(parts_s)])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    # Pauses at 6.0 (0.4 s), 8.0 (1.0 s), 15.5 (0.5 s).
    return write_recording(tmp_path / "a.wav", talk(6.0, 0.4, 1.6, 1.0, 6.5, 0.5, 4.0))


def test_windows_cover_the_recording_without_gap_or_overlap(recording: Path) -> None:
    windows = list(SoundWindows(recording, FakeSpeechDetector(), window_s=10.0))
    assert windows[0].start_ms == 0
    assert [w.start_ms for w in windows[1:]] == [w.end_ms for w in windows[:-1]]
    assert windows[-1].end_ms == 20_000
    assert [w.is_last for w in windows] == [False] * (len(windows) - 1) + [True]
    assert all(w.samples.size == (w.end_ms - w.start_ms) * 16 for w in windows)


def test_a_window_ends_in_the_middle_of_its_longest_late_pause(recording: Path) -> None:
    first = SoundWindows(recording, FakeSpeechDetector(), window_s=10.0).window_at(0)
    assert first is not None
    assert first.end_ms == pytest.approx(8500, abs=30)


def test_without_a_pause_the_quietest_moment_is_the_cut(tmp_path: Path) -> None:
    sound = tone(20.0)
    sound[8 * RATE : 8 * RATE + RATE // 4] *= 0.3
    path = write_recording(tmp_path / "a.wav", sound)
    first = SoundWindows(path, FakeSpeechDetector(), window_s=10.0).window_at(0)
    assert first is not None
    assert first.end_ms == pytest.approx(8100, abs=120)


def test_a_window_asked_for_again_is_the_same(recording: Path) -> None:
    windows = list(SoundWindows(recording, FakeSpeechDetector(), window_s=10.0))
    for window in windows:
        again = SoundWindows(recording, FakeSpeechDetector(), window_s=10.0).window_at(window.start_ms)
        assert again == window
        assert again is not None
        assert np.array_equal(again.samples, window.samples)


def test_speech_is_counted_from_the_start_of_the_recording(recording: Path) -> None:
    windows = list(SoundWindows(recording, FakeSpeechDetector(), window_s=10.0))
    assert windows[1].speech[0].start_ms == pytest.approx(9000, abs=30)
    assert all(w.start_ms <= span.start_ms < span.end_ms <= w.end_ms for w in windows for span in w.speech)


def test_a_recording_shorter_than_a_window_is_one_window(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", tone(2.0))
    windows = list(SoundWindows(path, FakeSpeechDetector(), window_s=10.0))
    assert [(w.start_ms, w.end_ms, w.is_last) for w in windows] == [(0, 2000, True)]


def test_a_recording_of_exactly_one_window_is_one_window(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", tone(10.0))
    assert len(list(SoundWindows(path, FakeSpeechDetector(), window_s=10.0))) == 1


def test_silence_is_windows_without_speech(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", silence(25.0))
    windows = list(SoundWindows(path, FakeSpeechDetector(), window_s=10.0))
    assert [w.speech for w in windows] == [()] * len(windows)
    assert windows[-1].end_ms == 25_000


def test_a_recording_of_no_length_has_no_window(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", silence(0.0))
    assert list(SoundWindows(path, FakeSpeechDetector())) == []


def test_beyond_the_end_there_is_no_window(recording: Path) -> None:
    assert SoundWindows(recording, FakeSpeechDetector()).window_at(60_000) is None


def test_closing_ends_the_decoding_and_what_is_asked_then_begins_anew(recording: Path) -> None:
    with SoundWindows(recording, FakeSpeechDetector(), window_s=10.0) as windows:
        first = windows.window_at(0)
        decoding = windows._blocks
    assert decoding is not None
    assert inspect.getgeneratorstate(decoding) == inspect.GEN_CLOSED, "not left to the garbage collector"
    again = windows.window_at(0)
    windows.close()
    assert first is not None
    assert again is not None
    assert np.array_equal(first.samples, again.samples)
