"""Measures the practice model: `python -m tools.practice_model.evaluate [MODEL_DIR]`.

Words and times come from faster-whisper itself with its own voice filter; `earshot_…` are the times of the same
recordings as Earshot's transcriber gives them (it takes the silence off a window's first word).

Recordings, gaps and noise come from seeds that training never uses. Progress goes to stderr; the last line on
stdout is one JSON object. Exits with 1 if the word error rate is above 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from ingest.silero_speech_detector import SileroSpeechDetector
from ingest.values import ListeningOptions, SoundWindow
from ingest.whisper_transcriber import WhisperTranscriber
from tools.practice_model.clips import SPEEDS_WPM, VOICES
from tools.practice_model.espeak import SAMPLE_RATE, Espeak, Speech
from tools.practice_model.recording import Recording, lay_out
from tools.practice_model.score import Heard, Score, score, summary
from tools.practice_model.sentences import load_sentences

MODEL_FOLDER = Path(__file__).parents[2] / "samples" / "practice_model"
SEED = 7_000_001
WORST_WORD_ERROR_RATE = 0.05
# Speeds between and beyond the trained ones: not part of acceptance, but worth knowing.
OTHER_SPEEDS_WPM = (160, 180)


class Speaker:
    """Speaks sentences and remembers them."""

    def __init__(self) -> None:
        self._espeak = Espeak()
        self._known: dict[tuple[int, str, int], Speech] = {}

    def speech(self, index: int, voice: str, speed: int) -> Speech:
        key = (index, voice, speed)
        if key not in self._known:
            self._known[key] = self._espeak.speak(load_sentences()[index].text, voice, speed)
        return self._known[key]


def load_model(folder: Path, threads: int = 1) -> WhisperModel:
    """The model as Earshot loads it: int8 on the CPU."""
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)


def transcribe(model: WhisperModel, samples: np.ndarray, beam_size: int = 5) -> list[Heard]:
    """What faster-whisper makes of the samples with Earshot's options."""
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=beam_size,
        vad_filter=True,
        word_timestamps=True,
        condition_on_previous_text=False,
    )
    return [
        Heard(s.text.strip(), s.start, s.end, [(word.word, word.start) for word in s.words or []]) for s in segments
    ]


def transcribe_as_earshot(transcriber: WhisperTranscriber, samples: np.ndarray) -> list[Heard]:
    """What Earshot's own transcriber makes of the samples, as one window."""
    length_ms = len(samples) * 1000 // SAMPLE_RATE
    speech = SileroSpeechDetector().find_speech(samples)
    window = SoundWindow(0, length_ms, True, speech, samples)
    return [
        Heard(
            s.text,
            (s.start_ms or 0) / 1000,
            (s.end_ms or 0) / 1000,
            [(word.text, word.start_ms / 1000) for word in s.words],
        )
        for s in transcriber.transcribe_window(window, ListeningOptions("en")).segments
    ]


def make_recording(
    speaker: Speaker,
    random: np.random.Generator,
    sentences: int,
    speeds: tuple[int, ...] = SPEEDS_WPM,
    gaps_s: tuple[float, float] = (0.4, 0.9),
) -> Recording:
    """So many random sentences in random voices; noise between none and clearly audible."""
    chosen = []
    for _ in range(sentences):
        index, voice = int(random.integers(len(load_sentences()))), VOICES[random.integers(len(VOICES))]
        speed = speeds[random.integers(len(speeds))]
        chosen.append((voice, load_sentences()[index].text, speaker.speech(index, voice, speed)))
    gain = 10 ** random.uniform(-0.9, -0.1)
    noise = gain * 10 ** random.uniform(-4.5, -2.2) if random.random() < 0.8 else 0.0
    return lay_out(chosen, random, gaps_s, noise, gain)


def evaluate(folder: Path, scale: float = 1.0, beam_size: int = 5) -> dict[str, object]:
    """All figures as one JSON-ready object; `scale` makes the evaluation shorter or longer."""
    model, speaker = load_model(folder), Speaker()
    earshot = WhisperTranscriber(str(folder), folder, "cpu", allow_practice=True)
    random = np.random.default_rng(SEED)
    groups: dict[str, list[Recording]] = {
        "one_window": [make_recording(speaker, random, int(n)) for n in random.integers(1, 8, round(24 * scale))],
        "wide_gaps": [make_recording(speaker, random, 10, gaps_s=(0.15, 2.5)) for _ in range(round(4 * scale))],
        "long_files": [make_recording(speaker, random, 80) for _ in range(max(1, round(2 * scale)))],
        "other_speeds": [make_recording(speaker, random, 12, OTHER_SPEEDS_WPM) for _ in range(round(3 * scale))],
    }
    result: dict[str, object] = {}
    accepted: list[Score] = []
    through_earshot: list[Score] = []
    sound_s, listened_s = 0.0, 0.0
    for name, recordings in groups.items():
        began = time.monotonic()
        scores = [score(r.spoken, transcribe(model, r.samples, beam_size)) for r in recordings]
        listened_s += time.monotonic() - began
        sound_s += sum(recording.duration_s for recording in recordings)
        result[name] = summary(scores)
        print(name, json.dumps(result[name]), file=sys.stderr, flush=True)
        if name != "other_speeds":
            accepted += scores
            through_earshot += [score(r.spoken, transcribe_as_earshot(earshot, r.samples)) for r in recordings]
    result["times_real_time"] = round(sound_s / listened_s, 1)
    result["noise_only_words"] = sum(_words_in_noise(model, random) for _ in range(6))
    result |= {f"earshot_{name}": value for name, value in summary(through_earshot).items()}
    return result | summary(accepted)


def _words_in_noise(model: WhisperModel, random: np.random.Generator) -> int:
    """Words written for 12 s without speech, voice filter off: the model itself must be silent."""
    noise = random.normal(0, 10 ** random.uniform(-4, -1.5), 12 * SAMPLE_RATE).astype(np.float32)
    segments, _ = model.transcribe(noise, language="en", vad_filter=False)
    return sum(len(segment.text.split()) for segment in segments)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the practice model.")
    parser.add_argument("model_folder", type=Path, nargs="?", default=MODEL_FOLDER)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="how much to transcribe, 1: about 10 minutes of speech"
    )
    parser.add_argument("--beam", type=int, default=5)
    arguments = parser.parse_args()
    result = evaluate(arguments.model_folder, arguments.scale, arguments.beam)
    print(json.dumps(result))
    wer = result["wer"]
    sys.exit(1 if isinstance(wer, float) and wer > WORST_WORD_ERROR_RATE else 0)


if __name__ == "__main__":
    main()
