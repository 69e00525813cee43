"""Finds speech with Silero VAD, the voice activity detector that comes inside faster-whisper.

In: samples. Out: spans of speech, tight enough to tell voices apart; the transcriber widens and joins them.
"""

from __future__ import annotations

from ingest.values import SAMPLE_RATE_HZ, Samples, SpeechSpan

# Silero's default is 0.5. Lower, it also hears people far from the microphone: on the nine meeting clips of
# `bench.diarization` it misses 20 % of the speech at 0.5 and 15 % at 0.3, with 1 % of false alarms.
_THRESHOLD = 0.3
# A pause shorter than this belongs to the sentence.
_SHORTEST_PAUSE_MS = 300
# Silero hears a word's first sound late and lets its last one go early.
_PAD_MS = 30


class SileroSpeechDetector:
    """`ingest.ports.SpeechDetector` on Silero VAD; about 180 times faster than speech on one core."""

    def find_speech(self, samples: Samples) -> tuple[SpeechSpan, ...]:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        if samples.size == 0:
            return ()
        options = VadOptions(threshold=_THRESHOLD, min_silence_duration_ms=_SHORTEST_PAUSE_MS, speech_pad_ms=_PAD_MS)
        length_ms = samples.size * 1000 // SAMPLE_RATE_HZ
        return tuple(
            SpeechSpan(span["start"] * 1000 // SAMPLE_RATE_HZ, min(length_ms, span["end"] * 1000 // SAMPLE_RATE_HZ))
            for span in get_speech_timestamps(samples, options)
        )
