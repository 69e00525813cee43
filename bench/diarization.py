"""How often the diarizer is wrong about who speaks: `python -m bench.diarization DIR`.

DIR holds recordings (`NAME.flac` or `NAME.wav`) and `reference.rttm` with the turns of each NAME. The last
line is one JSON object: `der` (lower is better) beside two naive answers on the same speech detection,
`der_one_speaker` (everything is said by one person) and `der_every_pause` (after every pause somebody new
speaks).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from ingest.resemblyzer_diarizer import ResemblyzerDiarizer
from ingest.silero_speech_detector import SileroSpeechDetector
from ingest.values import SoundWindow, SpeakerTurn
from ingest.windows import SoundWindows


@dataclass(frozen=True, slots=True)
class Errors:
    """Speaker time in milliseconds: wrong ones, and all there is in the reference."""

    missed_ms: int
    false_alarm_ms: int
    confused_ms: int
    reference_ms: int

    @property
    def rate(self) -> float:
        return (self.missed_ms + self.false_alarm_ms + self.confused_ms) / max(1, self.reference_ms)

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.missed_ms + other.missed_ms,
            self.false_alarm_ms + other.false_alarm_ms,
            self.confused_ms + other.confused_ms,
            self.reference_ms + other.reference_ms,
        )


def diarization_errors(reference: Sequence[SpeakerTurn], answer: Sequence[SpeakerTurn]) -> Errors:
    """Score `answer` against `reference` under the best one-to-one mapping of speakers.

    Source: the diarization error rate of NIST's Rich Transcription evaluation plan (RT-09, section 6),
    without collar and with overlapping speech counted once for every speaker.
    """
    edges = sorted({t for turn in (*reference, *answer) for t in (turn.start_ms, turn.end_ms)})
    spoken = _active(reference, edges)
    answered = _active(answer, edges)
    lengths = np.array([end - start for start, end in itertools.pairwise(edges)], dtype=np.int64)
    together = (spoken * lengths) @ answered.T
    rows, columns = linear_sum_assignment(together, maximize=True)
    correct = int(together[rows, columns].sum())
    per_reference, per_answer = spoken.sum(axis=0), answered.sum(axis=0)
    return Errors(
        missed_ms=int((np.maximum(per_reference - per_answer, 0) * lengths).sum()),
        false_alarm_ms=int((np.maximum(per_answer - per_reference, 0) * lengths).sum()),
        confused_ms=int((np.minimum(per_reference, per_answer) * lengths).sum()) - correct,
        reference_ms=int((per_reference * lengths).sum()),
    )


def _active(turns: Sequence[SpeakerTurn], edges: list[int]) -> np.ndarray:
    """Return shape (speakers, intervals) int64: 1 where the speaker is heard between two neighbouring edges."""
    speakers = {name: row for row, name in enumerate(dict.fromkeys(turn.speaker for turn in turns))}
    position = {edge: index for index, edge in enumerate(edges)}
    active = np.zeros((len(speakers), max(0, len(edges) - 1)), dtype=np.int64)
    for turn in turns:
        active[speakers[turn.speaker], position[turn.start_ms] : position[turn.end_ms]] = 1
    return active


def read_rttm(path: Path) -> dict[str, list[SpeakerTurn]]:
    """Read `SPEAKER name 1 start_s length_s … speaker …` lines, by name."""
    turns: dict[str, list[SpeakerTurn]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0] == "SPEAKER":
            start_ms = round(float(fields[3]) * 1000)
            turns[fields[1]].append(SpeakerTurn(start_ms, start_ms + round(float(fields[4]) * 1000), fields[7]))
    return turns


def one_speaker(windows: Iterable[SoundWindow]) -> list[SpeakerTurn]:
    """The first naive answer."""
    return [SpeakerTurn(span.start_ms, span.end_ms, "one") for window in windows for span in window.speech]


def every_pause(windows: Iterable[SoundWindow]) -> list[SpeakerTurn]:
    """The second naive answer."""
    spans = [span for window in windows for span in window.speech]
    return [SpeakerTurn(span.start_ms, span.end_ms, str(index)) for index, span in enumerate(spans)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="recordings and reference.rttm")
    folder = parser.parse_args().folder
    reference = read_rttm(folder / "reference.rttm")
    diarizer, detector = ResemblyzerDiarizer(), SileroSpeechDetector()
    nothing = Errors(0, 0, 0, 0)
    ours, one, pauses = nothing, nothing, nothing
    seconds = length_s = 0.0
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".wav")):
        windows = list(SoundWindows(path, detector))
        began = time.perf_counter()
        answer = diarizer.find_turns(windows)
        seconds += time.perf_counter() - began
        length_s += windows[-1].end_ms / 1000
        errors = diarization_errors(reference[path.stem], answer)
        ours, one = ours + errors, one + diarization_errors(reference[path.stem], one_speaker(windows))
        pauses = pauses + diarization_errors(reference[path.stem], every_pause(windows))
        known, found = len({t.speaker for t in reference[path.stem]}), len({t.speaker for t in answer})
        print(f"{path.stem}: DER {errors.rate:.3f}, {found} speakers found of {known}", file=sys.stderr)
    print(
        json.dumps(
            {
                "der": round(ours.rate, 4),
                "der_one_speaker": round(one.rate, 4),
                "der_every_pause": round(pauses.rate, 4),
                "missed": round(ours.missed_ms / ours.reference_ms, 4),
                "false_alarm": round(ours.false_alarm_ms / ours.reference_ms, 4),
                "confused": round(ours.confused_ms / ours.reference_ms, 4),
                "times_faster_than_speech": round(length_s / max(seconds, 1e-9), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
