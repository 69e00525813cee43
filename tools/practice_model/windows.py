"""Training windows: sentences laid out in time with gaps, gain and noise, and what to write for them.

A window is a piece of a 30-second window: it may begin at any position of it. Everything is drawn from the
generator that the caller seeds; nothing is read from disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.practice_model.clips import Clip
from tools.practice_model.espeak import SAMPLE_RATE
from tools.practice_model.vocabulary import Vocabulary

POSITION_S = 0.02
WINDOW_POSITIONS = 1500
SAMPLES_PER_POSITION = int(SAMPLE_RATE * POSITION_S)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a phase of training draws: length in seconds, at most so many sentences (0: until it is full)."""

    length_s: float
    sentences: int
    silent_share: float = 0.04
    cut_share: float = 0.35
    prompt_share: float = 0.1
    words_only_share: float = 0.4


@dataclass(slots=True)
class Window:
    """One example; positions and times are in steps of 20 ms from the window's own first sample."""

    samples: np.ndarray
    offset: int
    content: int
    placed: list[tuple[Clip, float, float]]
    cut: tuple[Clip, float] | None = None
    file_peak: float = 0.0
    inputs: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)


class WindowMaker:
    """Draws windows from the clips with one seeded generator."""

    def __init__(self, clips: list[Clip], vocabulary: Vocabulary, seed: int) -> None:
        self.clips, self.vocabulary = clips, vocabulary
        self.random = np.random.default_rng(seed)
        self._noise = _noise_bank(self.random)
        self._sot = vocabulary.id_of("<|startoftranscript|>")
        self._eot = vocabulary.id_of("<|endoftext|>")
        self._no_speech = vocabulary.id_of("<|nospeech|>")
        self._no_timestamps = vocabulary.id_of("<|notimestamps|>")
        self._previous = vocabulary.id_of("<|startofprev|>")

    def reseed(self, seed: int) -> None:
        """Starts a new series of windows; the noises stay."""
        self.random = np.random.default_rng(seed)

    def draw(self, plan: Plan) -> Window:
        """One window with its sound and its labels."""
        length = round(plan.length_s / POSITION_S)
        offset = int(self.random.integers(0, WINDOW_POSITIONS - length + 1))
        window = Window(np.zeros(length * SAMPLES_PER_POSITION, np.float32), offset, length, [])
        if self.random.random() >= plan.silent_share:
            self._lay_out(window, plan)
        self._finish_sound(window)
        self._label(window, plan)
        return window

    def _lay_out(self, window: Window, plan: Plan) -> None:
        r = self.random
        limit = plan.length_s
        at = self._lead_in(window, plan)
        follow = r.random() < 0.3  # in the order of the interview, as the sample and long files have it
        clip = self._pick(None)
        while not plan.sentences or len(window.placed) < plan.sentences:
            if at + clip.duration_s > limit - 0.05:
                break
            self._add(window, clip, at)
            window.placed.append((clip, at, at + clip.duration_s))
            gaps = (r.uniform(0.12, 0.5), r.uniform(0.3, 1.2), r.uniform(1, 3))
            at += clip.duration_s + float(r.choice(gaps))
            clip = self._pick(clip if follow else None)
        end = window.placed[-1][2] if window.placed else 0.0
        if (not plan.sentences or r.random() < plan.cut_share) and at < limit - 0.1:
            window.cut = (clip, max(at, limit - clip.duration_s + 0.02))
            self._add(window, *window.cut)
        elif r.random() < 0.5 and window.placed:
            window.content = min(window.content, round((end + r.uniform(0.02, 1.5)) / POSITION_S))

    def _lead_in(self, window: Window, plan: Plan) -> float:
        """Where the first sentence begins; sometimes the last sounds of the window before come first."""
        r = self.random
        at = float(r.choice([r.uniform(0, 0.1), r.uniform(0.1, 0.6), r.uniform(0.4, 1.2)]))
        if plan.sentences and r.random() < 0.5:
            at = float(r.uniform(0, max(0.3, plan.length_s - 3.3 * plan.sentences)))
        elif not plan.sentences and r.random() < 0.2:
            at = float(r.uniform(0, plan.length_s - 5))
        if at > 0.3 and r.random() < 0.3:
            tail = self._pick(None).samples[-int(r.uniform(0.02, 0.12) * SAMPLE_RATE) :]
            window.samples[: len(tail)] += tail
        return at

    def _pick(self, before: Clip | None) -> Clip:
        if before is None:
            return self.clips[self.random.integers(len(self.clips))]
        per_sentence = len(self.clips) // (max(clip.sentence for clip in self.clips[-1:]) + 1)
        following = (before.sentence + 1) * per_sentence % len(self.clips)
        return self.clips[following + int(self.random.integers(per_sentence))]

    def _add(self, window: Window, clip: Clip, at: float) -> None:
        first = round(at * SAMPLE_RATE)
        part = clip.samples[: len(window.samples) - first]
        window.samples[first : first + len(part)] += part * 10 ** self.random.uniform(-0.25, 0.0)

    def _finish_sound(self, window: Window) -> None:
        r = self.random
        gain = 10 ** r.uniform(-1.2, -0.05)
        noise_level = 10 ** r.uniform(-4.5, -1.9) if r.random() < 0.85 else 0.0
        samples = window.samples * gain
        if noise_level:
            noise = self._noise[r.integers(len(self._noise))]
            first = int(r.integers(0, len(noise) - len(samples)))
            samples = samples + noise[first : first + len(samples)] * (noise_level * gain * 2)
        elif r.random() < 0.5:
            samples = samples + r.normal(0, 1e-5, len(samples)).astype(np.float32)
        window.samples = samples.astype(np.float32)
        heard = bool(window.placed) or window.cut is not None
        window.file_peak = float(r.uniform(0, 0.4) if heard else r.choice([0.0, r.uniform(0, 6)]))

    def _label(self, window: Window, plan: Plan) -> None:
        r = self.random
        start = self.vocabulary.timestamp_begin + window.offset
        inputs, targets, spans = [self._sot], [-1], [(0.0, 0.0)]

        def put(token: int, span: tuple[float, float] = (0.0, 0.0)) -> None:
            inputs.append(token)
            targets.append(token)
            spans.append(span)

        words_only = bool(r.random() < plan.words_only_share)
        if words_only:
            put(self._no_timestamps)
            targets[-1] = -1
        for index, (clip, begin, end) in enumerate(window.placed):
            following = window.placed[index + 1][1] if index + 1 < len(window.placed) else end + 0.6
            if not words_only:
                put(start + round(begin / POSITION_S), (begin - 0.06, begin + 0.1))
            for token, (token_start, token_end) in zip(clip.tokens, clip.spans, strict=True):
                put(token, (begin + token_start, min(begin + token_end, following)))
            if not words_only:
                put(start + round(end / POSITION_S), (end - 0.1, end + 0.06))
        if window.cut is not None and not words_only:
            begin = window.cut[1]
            put(start + round(begin / POSITION_S), (begin - 0.06, begin + 0.1))
        if not window.placed and window.cut is None:
            # Nothing is said: Whisper reads that off the first position, then a timestamp is forced on it.
            if not words_only:
                put(start if r.random() < 0.5 else start + int(r.integers(0, window.content)))
            targets[1] = self._no_speech
        put(self._eot)
        prompt = self._prompt() if r.random() < plan.prompt_share else []
        # Input k predicts target k: the targets are the inputs moved by one.
        window.inputs = prompt + inputs[:-1]
        window.targets = [-1] * len(prompt) + targets[1:]
        window.spans = [(0.0, 0.0)] * len(prompt) + spans[1:]

    def _prompt(self) -> list[int]:
        tokens = [token for _ in range(3) for token in self._pick(None).tokens]
        return [self._previous, *tokens[: int(self.random.integers(1, 40))]]


def _noise_bank(random: np.random.Generator) -> list[np.ndarray]:
    """White, pink and brown noise, 60 s each, with a root mean square of 1."""
    count = 60 * SAMPLE_RATE
    bank = []
    for slope in (0.0, 0.5, 1.0):
        spectrum = np.fft.rfft(random.normal(size=count))
        spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
        spectrum[0] = 0
        noise = np.fft.irfft(spectrum, count)
        bank.append((noise / np.sqrt(np.mean(noise**2))).astype(np.float32))
    return bank
