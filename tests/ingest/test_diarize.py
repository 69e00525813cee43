"""Voices are grouped into as many speakers as there are, and their turns follow each other."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from bench.diarization import diarization_errors
from ingest.fakes import FakeDiarizer, FakeSpeechDetector
from ingest.ports import Diarizer
from ingest.resemblyzer_diarizer import ResemblyzerDiarizer
from ingest.silero_speech_detector import SileroSpeechDetector
from ingest.values import SpeakerTurn, SpeechSpan
from ingest.voice_groups import VoiceBlock, cut_frames, find_turns
from ingest.windows import SoundWindows
from tests.media_factory import Samples, silence, tone, write_recording

DIM = 32


def voice(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=DIM)


def block(*spoken: tuple[int, int, np.ndarray], seed: int = 0) -> VoiceBlock:
    """Speech from `start_ms` to `end_ms` in each voice, as vectors with noise like the encoder's."""
    noise = np.random.default_rng(seed)
    frames, vectors = [], []
    for start_ms, end_ms, mean in spoken:
        for frame in cut_frames([SpeechSpan(start_ms, end_ms)]):
            frames.append(frame)
            vectors.append(mean + 0.35 * noise.normal(size=DIM))
    rows = np.array(vectors)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return VoiceBlock(tuple(frames), rows.astype(np.float16))


ANNA, BEN, CARO = voice(1), voice(2), voice(3)


def names(turns: tuple[SpeakerTurn, ...]) -> list[str]:
    return [turn.speaker for turn in turns]


def test_speakers_are_numbered_by_their_first_word() -> None:
    turns = find_turns([block((0, 6000, BEN), (7000, 15000, ANNA), (16000, 22000, BEN), (23000, 29000, CARO))])
    assert names(turns) == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 3"]


def test_one_person_talking_for_long_stays_one_person() -> None:
    blocks = [block((at, at + 200_000, ANNA), seed=at) for at in (0, 300_000, 600_000)]
    assert set(names(find_turns(blocks))) == {"Speaker 1"}


def test_a_speaker_keeps_the_number_in_later_blocks() -> None:
    first = block((0, 20_000, ANNA), (21_000, 40_000, BEN), seed=1)
    second = block((300_000, 320_000, BEN), (321_000, 340_000, ANNA), seed=2)
    assert names(find_turns([first, second])) == ["Speaker 1", "Speaker 2", "Speaker 2", "Speaker 1"]


def test_short_pauses_stay_inside_a_turn_and_long_ones_do_not() -> None:
    turns = find_turns([block((0, 5000, ANNA), (5700, 9000, ANNA), (12_000, 15_000, ANNA))])
    assert [(turn.start_ms, turn.end_ms) for turn in turns] == [(0, 9150), (11_850, 15_000)]


def test_an_odd_sound_is_nobody_new_in_a_long_recording() -> None:
    turns = find_turns([block((0, 200_000, ANNA), (201_000, 201_400, CARO), (202_000, 250_000, BEN))])
    assert set(names(turns)) == {"Speaker 1", "Speaker 2"}


def test_turns_are_in_order_and_never_overlap() -> None:
    rng = np.random.default_rng(5)
    spoken, at = [], 0
    for _ in range(60):
        length = int(rng.integers(200, 6000))
        spoken.append((at, at + length, (ANNA, BEN, CARO)[int(rng.integers(3))]))
        at += length + int(rng.integers(0, 900))
    turns = find_turns([block(*spoken)])
    assert all(turn.start_ms < turn.end_ms for turn in turns)
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(turns))


def test_without_speech_there_are_no_turns() -> None:
    assert find_turns([]) == ()
    assert find_turns([VoiceBlock((), np.zeros((0, 0), np.float16))]) == ()


def test_frames_cover_every_span_exactly() -> None:
    frames = cut_frames([SpeechSpan(0, 90), SpeechSpan(1000, 2030)])
    assert [(frame.start_ms, frame.end_ms) for frame in frames] == [
        (0, 90),
        (1000, 1257),
        (1257, 1515),
        (1515, 1772),
        (1772, 2030),
    ]


def test_the_error_rate_counts_missed_wrong_and_invented_speech_once() -> None:
    reference = [SpeakerTurn(0, 4000, "a"), SpeakerTurn(4000, 8000, "b"), SpeakerTurn(7000, 9000, "c")]
    answer = [SpeakerTurn(0, 5000, "x"), SpeakerTurn(5000, 10_000, "y")]
    errors = diarization_errors(reference, answer)
    # x is a and y is b: 4–5 s is b taken for a, 7–8 s lacks c, 8–9 s is c taken for b, 9–10 s is nobody.
    assert (errors.missed_ms, errors.confused_ms, errors.false_alarm_ms) == (1000, 2000, 1000)
    assert errors.rate == pytest.approx(0.4)


def test_an_answer_under_other_names_is_right() -> None:
    reference = [SpeakerTurn(0, 4000, "a"), SpeakerTurn(4000, 8000, "b")]
    assert diarization_errors(reference, [SpeakerTurn(0, 4000, "b"), SpeakerTurn(4000, 8000, "a")]).rate == 0


def test_no_answer_is_all_missed() -> None:
    assert diarization_errors([SpeakerTurn(0, 4000, "a")], []).rate == 1.0


def test_the_fake_keeps_the_ports_promises(tmp_path: Path) -> None:
    sound = np.concatenate([tone(2.0, level=0.8), silence(1.0), tone(2.0, level=0.2), silence(1.0), tone(1.0)])
    check_promises(FakeDiarizer(), FakeSpeechDetector(), write_recording(tmp_path / "a.wav", sound), 2)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed: no speech to listen to")
@pytest.mark.skipif(importlib.util.find_spec("resemblyzer") is None, reason="resemblyzer is not installed")
def test_a_man_and_a_woman_are_told_apart(tmp_path: Path) -> None:
    man, woman = "en-us+m3", "en-us+f2"
    lines = [
        (man, "We signed up in spring, when our old planning tool was retired."),
        (woman, "How did the first week with the software go, and what would have made it easier for you?"),
        (man, "Nobody explained how to bring in our list of suppliers, so we typed everything in by hand."),
        (woman, "I am sorry, that should not happen to anyone, and we will talk about it with the others."),
    ]
    sound = np.concatenate([np.concatenate([said(tmp_path, *line), silence(0.5)]) for line in lines])
    path = write_recording(tmp_path / "a.wav", sound)
    turns = check_promises(ResemblyzerDiarizer(), SileroSpeechDetector(), path, 2)
    assert names(turns) == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 2"]


def said(folder: Path, speaker: str, text: str) -> Samples:
    path = folder / "line.wav"
    subprocess.run(["espeak-ng", "-v", speaker, "-w", str(path), text], check=True)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=16_000)
    with av.open(str(path)) as container:
        pieces = [piece.to_ndarray()[0] for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float32)


def check_promises(
    diarizer: Diarizer, detector: FakeSpeechDetector | SileroSpeechDetector, path: Path, speakers: int
) -> tuple[SpeakerTurn, ...]:
    positions: list[int] = []
    turns = diarizer.find_turns(SoundWindows(path, detector, window_s=12.0), positions.append)
    assert turns == diarizer.find_turns(SoundWindows(path, detector, window_s=12.0))
    assert len(set(names(turns))) == speakers
    assert turns[0].speaker == "Speaker 1"
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(turns))
    assert positions == sorted(positions)
    assert positions[-1] == list(SoundWindows(path, detector, window_s=12.0))[-1].end_ms
    assert diarizer.find_turns([]) == ()
    return turns
