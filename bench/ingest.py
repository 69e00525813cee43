"""What transcribing a long recording costs: `python -m bench.ingest [--model DIR] [--hours N]`.

Makes a 4-minute and a 4-hour recording from the sample interview, sends both through decoding, speech
detection, transcription and diarization in processes of their own, and gives the 4-minute one to
faster-whisper alone as well. The last line is one JSON object: `extra_mb` is how much more memory the long
recording takes at its peak (the promise: at most 300), `naive_extra_mb` the same for faster-whisper given the
whole recording, `time_ratio` our time for the short recording over faster-whisper's alone,
`times_faster_than_speech` our speed on the short one.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SPOKEN = ROOT / "samples" / "spoken" / "interview.ogg"
PRACTICE_MODEL = ROOT / "samples" / "practice_model"
RATE = 16_000
SPEECH_S = 240
# The long recording is four minutes of speech and then quiet, again and again: memory is decided by the
# fullest window and by what is kept, and the benchmark ends in minutes.
EVERY_S = 2400


def write_long(path: Path, length_s: int) -> None:
    """Write `length_s` seconds of FLAC, a minute at a time."""
    import av
    import numpy as np

    from ingest.decoding import decode_blocks

    spoken = np.concatenate(list(decode_blocks(SPOKEN)))
    speech = np.resize(spoken, SPEECH_S * RATE)
    noise = (0.0005 * np.random.default_rng(0).standard_normal(60 * RATE)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for start_s in range(0, length_s, 60):
            at_s = start_s % EVERY_S
            minute = noise + speech[at_s * RATE : (at_s + 60) * RATE] if at_s < SPEECH_S else noise
            pcm = (np.clip(minute, -1, 1) * 32767).astype(np.int16)
            for first in range(0, pcm.size, 4096):
                frame = av.AudioFrame.from_ndarray(pcm[None, first : first + 4096], "s16", "mono")
                frame.sample_rate, frame.pts = RATE, start_s * RATE + first
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run_ours(path: Path, model: Path | None) -> dict[str, Any]:
    """Do what `ingest/pipeline.py` does with a recording, without a database."""
    from ingest.fakes import FakeTranscriber
    from ingest.ports import Transcriber
    from ingest.resemblyzer_diarizer import ResemblyzerDiarizer
    from ingest.silero_speech_detector import SileroSpeechDetector
    from ingest.speaker_naming import assign_speakers
    from ingest.values import ListeningOptions, TimedSegment
    from ingest.whisper_transcriber import WhisperTranscriber
    from ingest.windows import SoundWindows

    transcriber: Transcriber = FakeTranscriber()
    if model is not None:
        transcriber = WhisperTranscriber(str(model), ROOT, "cpu", allow_practice=True)
    transcriber.prepare()
    detector = SileroSpeechDetector()
    began = time.perf_counter()
    segments: list[TimedSegment] = []
    for window in SoundWindows(path, detector):
        segments.extend(transcriber.transcribe_window(window, ListeningOptions("en")).segments)
    transcribed_s = time.perf_counter() - began
    turns = ResemblyzerDiarizer().find_turns(SoundWindows(path, detector))
    named = assign_speakers(segments, turns)
    return {"transcribed_s": transcribed_s, "segments": len(named), "turns": len(turns)}


def run_naive(path: Path, model: Path | None, *, decode: bool) -> dict[str, Any]:
    """Give faster-whisper the whole recording; without `decode`, stop where it holds sound and spectrogram."""
    from faster_whisper import WhisperModel

    assert model is not None
    whisper = WhisperModel(str(model), device="cpu", compute_type="int8", local_files_only=True)
    began = time.perf_counter()
    segments, _ = whisper.transcribe(
        str(path), language="en", vad_filter=True, word_timestamps=True, condition_on_previous_text=False
    )
    found = sum(1 for _ in segments) if decode else 0
    return {"transcribed_s": time.perf_counter() - began, "segments": found}


def peak_mb() -> float:
    """Return the most memory this process has held; on Linux without what its parent held before."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_own_process(task: str, path: Path, model: Path | None) -> dict[str, Any]:
    """Run `task` in a fresh interpreter and return its figures."""
    command = [sys.executable, "-m", "bench.ingest", "--task", task, "--file", str(path)]
    if model is not None:
        command += ["--model", str(model)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{task} {path.stem}: {json.dumps(figures)}", file=sys.stderr)
    return figures


def measure(model: Path | None, hours: float) -> dict[str, Any]:
    """Return the figures of the last line."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.flac", Path(folder) / "long.flac"
        write_long(short, SPEECH_S)
        write_long(long, round(hours * 3600))
        ours_short, ours_long = in_own_process("ours", short, model), in_own_process("ours", long, model)
        figures = {
            "model": model.name if model else "fake",
            "hours": hours,
            "peak_mb_4_minutes": round(ours_short["peak_mb"]),
            "peak_mb_long": round(ours_long["peak_mb"]),
            "extra_mb": round(ours_long["peak_mb"] - ours_short["peak_mb"]),
            "times_faster_than_speech": round(SPEECH_S / ours_short["transcribed_s"], 2),
        }
        if model is not None:
            naive_short = in_own_process("naive", short, model)
            naive_long = in_own_process("naive-memory", long, model)
            figures["naive_extra_mb"] = round(naive_long["peak_mb"] - naive_short["peak_mb"])
            figures["time_ratio"] = round(ours_short["transcribed_s"] / naive_short["transcribed_s"], 3)
    return figures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a Whisper model; default: the practice model")
    parser.add_argument("--hours", type=float, default=4.0, help="length of the long recording")
    parser.add_argument("--task", choices=["ours", "naive", "naive-memory"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task is None:
        has_practice = (PRACTICE_MODEL / "model.bin").is_file()
        model = asked.model or (PRACTICE_MODEL if has_practice else None)
        if model is None:
            print("No model given and no practice model here: the transcriber is a fake.", file=sys.stderr)
        print(json.dumps(measure(model, asked.hours)))
        return
    if asked.task == "ours":
        figures = run_ours(asked.file, asked.model)
    else:
        figures = run_naive(asked.file, asked.model, decode=asked.task == "naive")
    print(json.dumps({**figures, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
