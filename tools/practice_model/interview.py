"""Makes the spoken samples: `python -m tools.practice_model.interview samples/spoken`.

Writes the whole interview as Ogg/Opus with its script as JSON, and a recording of a few seconds as FLAC and script
for tests. Same sentences, same voices, same seed: the same sound.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import av
import numpy as np

from tools.practice_model.clips import SPEAKER_VOICES
from tools.practice_model.espeak import SAMPLE_RATE, Espeak
from tools.practice_model.recording import Recording, lay_out
from tools.practice_model.sentences import load_sentences

SEED = 41
SPEED_WPM = 165
OPUS_RATE_HZ, OPUS_BITS_PER_SECOND = 48_000, 24_000
SHORT = (14, 15, 16)  # three sentences: a question and its answer
METADATA = {
    "title": "First year with the ordering tool",
    "recorded_at": "2025-03-18T09:30:00Z",
    "language": "en",
    "project": "staying-and-leaving",
    "tags": ["over-contacting", "spoken"],
    "participants": [
        {"name": "Maya", "role": "interviewer"},
        {"name": "Tom", "role": "customer"},
    ],
    "spoken_by": "espeak-ng voices; the people and the company are invented",
}


def make_interview(espeak: Espeak, indices: tuple[int, ...] | None = None) -> Recording:
    """The sentences in order, each in its speaker's voice."""
    sentences = load_sentences()
    chosen = [sentences[index] for index in indices] if indices is not None else sentences
    spoken = [(s.speaker, s.text, espeak.speak(s.text, SPEAKER_VOICES[s.speaker], SPEED_WPM)) for s in chosen]
    return lay_out(spoken, np.random.default_rng(SEED), noise=0.0005)


def write_script(recording: Recording, audio_name: str, path: Path) -> None:
    """What is said, by whom and when, in the shape of an interview's segments."""
    segments = [
        {
            "speaker": spoken.speaker,
            "start_ms": round(spoken.start_s * 1000),
            "end_ms": round(spoken.end_s * 1000),
            "text": spoken.text,
        }
        for spoken in recording.spoken
    ]
    duration_ms = round(recording.duration_s * 1000)
    document = {**METADATA, "audio": audio_name, "duration_ms": duration_ms, "segments": segments}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_audio(recording: Recording, path: Path) -> None:
    """Ogg/Opus at 48 kHz (about 3 kB a second) or FLAC at 16 kHz, mono, by the name's ending."""
    opus = path.suffix == ".ogg"
    rate = OPUS_RATE_HZ if opus else SAMPLE_RATE
    samples = np.asarray(np.clip(recording.samples, -1, 1) * 32767, dtype=np.int16)
    with av.open(str(path), "w", format="ogg" if opus else "flac") as container:
        stream = container.add_stream("libopus" if opus else "flac", rate=rate, layout="mono")
        if opus:
            stream.bit_rate = OPUS_BITS_PER_SECOND
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate, frame_size=960)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the spoken samples.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    espeak = Espeak()
    interview, short = make_interview(espeak), make_interview(espeak, SHORT)
    write_audio(interview, folder / "interview.ogg")
    write_script(interview, "interview.ogg", folder / "interview.json")
    write_audio(short, folder / "short.flac")
    write_script(short, "short.flac", folder / "short.json")


if __name__ == "__main__":
    main()
