"""Groups voice vectors into speakers without being told how many there are, and draws up their turns.

In: one vector for every quarter of a second of speech, in blocks of a few minutes. Out: `SpeakerTurn`s. A
block is grouped by itself and the groups are then compared by their means, so that the work grows with the
recording's length and not with its square. Called by the diarizer's adapter; knows no model.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

from ingest.values import SpeakerTurn, SpeechSpan

Vectors = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

FRAME_MS = 250
# All distances are cosine distances. Frames nearer than this on average are one voice without further
# question.
_SURELY_SAME = 0.30
# Two groups are one person when their means are nearer than a + b · (1/n + 1/m), with n and m their lengths
# in independent vectors (1.6 s each): the mean of little speech is uncertain, the mean of much is not. On
# meeting clips two vectors of one speaker are 0.28 apart in the middle and 0.47 at worst, of two speakers
# 0.38; means of ten seconds and more are 0.05 to 0.15 apart for one speaker and 0.17 to 0.40 for two. A fixed
# limit that suits the clips of `bench.diarization` one by one merges everybody when they are played one after
# the other.
_SAME_SPEAKER, _UNCERTAINTY = 0.10, 0.09
_INDEPENDENT_MS = 1600
# What changing the speaker from one frame to the next must gain in similarity, counted over the frames that
# follow. Neighbouring vectors share most of their sound, so a change has to pay for several frames.
_CHANGE_COST = 0.6
# Grouping finds the speakers, and once more listening for them corrects it.
_ROUNDS = 2
# A group with less speech than this part of all, within these bounds, is an odd sound of somebody else.
_SMALLEST_PART, _SMALLEST_MS, _SMALLEST_CAP_MS = 0.01, 500, 10_000
_MOST_SPEAKERS = 20
# A speaker's pause up to this length stays in the turn, and turns begin and end a little outside the speech
# found.
_BRIDGED_MS = 1000
_MARGIN_MS = 150


@dataclass(frozen=True, slots=True)
class VoiceBlock:
    """Some minutes of speech: `frames` in time order and their `vectors`, shape (frames, dim), L2-normalised
    rows.
    """

    frames: tuple[SpeechSpan, ...]
    vectors: npt.NDArray[np.float16]


def cut_frames(speech: Sequence[SpeechSpan]) -> tuple[SpeechSpan, ...]:
    """Cut every span into frames of equal length, about `FRAME_MS` each and at least one."""
    return tuple(_frames(speech))


def find_turns(blocks: Sequence[VoiceBlock]) -> tuple[SpeakerTurn, ...]:
    """Return who speaks when, in time order and without overlap, named "Speaker 1", … by first appearance."""
    blocks = [block for block in blocks if block.frames]
    voices = _speaker_means(blocks)
    if voices.size == 0:
        return ()
    paths: list[Labels] = []
    for _ in range(_ROUNDS):
        paths = [_steadiest_path(block.vectors.astype(np.float32) @ voices.T) for block in blocks]
        voices = _means_along(blocks, paths, len(voices))
    labelled = [
        labelled
        for block, path in zip(blocks, paths, strict=True)
        for labelled in zip(block.frames, path.tolist(), strict=True)
    ]
    return _name(_widen(_join(labelled)))


def _frames(speech: Sequence[SpeechSpan]) -> Iterator[SpeechSpan]:
    for span in speech:
        count = max(1, round((span.end_ms - span.start_ms) / FRAME_MS))
        edges = [span.start_ms + (span.end_ms - span.start_ms) * i // count for i in range(count + 1)]
        for start_ms, end_ms in itertools.pairwise(edges):
            yield SpeechSpan(start_ms, end_ms)


def _speaker_means(blocks: Sequence[VoiceBlock]) -> Vectors:
    """Return one L2-normalised vector for each speaker, shape (speakers, dim); (0, 0) without speech."""
    sums: list[Vectors] = []
    lengths_ms: list[float] = []
    for block in blocks:
        block_sums, block_lengths_ms = _groups_of(block)
        _merge_nearest(block_sums, block_lengths_ms)
        sums.extend(block_sums)
        lengths_ms.extend(block_lengths_ms)
    if not sums:
        return np.zeros((0, 0), dtype=np.float32)
    _merge_nearest(sums, lengths_ms)
    smallest_ms = min(_SMALLEST_CAP_MS, max(_SMALLEST_MS, _SMALLEST_PART * sum(lengths_ms)))
    by_length = sorted(range(len(sums)), key=lambda group: -lengths_ms[group])[:_MOST_SPEAKERS]
    kept = [group for group in by_length if lengths_ms[group] >= smallest_ms] or by_length[:1]
    return _unit(np.stack([sums[group] for group in sorted(kept)]))


def _groups_of(block: VoiceBlock) -> tuple[list[Vectors], list[float]]:
    """Return for each voice of the block the sum of its vectors, weighted by length, and its length in ms."""
    vectors = block.vectors.astype(np.float32)
    lengths = np.array([frame.end_ms - frame.start_ms for frame in block.frames], dtype=np.float32)
    labels = group_voices(vectors)
    chosen = [labels == label for label in range(int(labels.max(initial=-1)) + 1)]
    sums = [(vectors[rows] * lengths[rows, None]).sum(axis=0) for rows in chosen]
    return sums, [float(lengths[rows].sum()) for rows in chosen]


def group_voices(vectors: Vectors) -> Labels:
    """Label the rows 0, 1, …: average linkage on the cosine distance, cut where one voice is certain."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    distances = np.clip(1.0 - vectors @ vectors.T, 0.0, 2.0)
    upper = distances[np.triu_indices(len(vectors), k=1)].astype(np.float64)
    labels: Labels = fcluster(linkage(upper, method="average"), _SURELY_SAME, criterion="distance")
    return labels.astype(np.int64) - 1


def _merge_nearest(sums: list[Vectors], lengths_ms: list[float]) -> None:
    """Join groups in place, the surest first, until no two can be one person."""
    while len(sums) > 1:
        means = _unit(np.stack(sums))
        doubt = _INDEPENDENT_MS / np.maximum(_INDEPENDENT_MS, np.array(lengths_ms, dtype=np.float32))
        allowed = _SAME_SPEAKER + _UNCERTAINTY * (doubt[:, None] + doubt[None, :])
        excess = (1.0 - means @ means.T) - allowed
        np.fill_diagonal(excess, np.inf)
        one, other = sorted(int(i) for i in np.unravel_index(int(excess.argmin()), excess.shape))
        if excess[one, other] > 0:
            return
        sums[one] = sums[one] + sums.pop(other)
        lengths_ms[one] += lengths_ms.pop(other)


def _means_along(blocks: Sequence[VoiceBlock], paths: Sequence[Labels], speakers: int) -> Vectors:
    """Return the mean of what each speaker was given; who was given nothing is left out."""
    sums = []
    for speaker in range(speakers):
        given = [
            block.vectors[path == speaker].astype(np.float32).sum(axis=0)
            for block, path in zip(blocks, paths, strict=True)
            if (path == speaker).any()
        ]
        if given:
            sums.append(np.sum(given, axis=0))
    return _unit(np.stack(sums))


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def _steadiest_path(similarity: Vectors) -> Labels:
    """Choose one speaker for each frame so that similarity minus the cost of changes is greatest (Viterbi
    1967).

    `similarity` has shape (frames, speakers).
    """
    count, speakers = similarity.shape
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    best = similarity[0].copy()
    came_from = np.zeros((count, speakers), dtype=np.int64)
    for frame in range(1, count):
        leader = int(best.argmax())
        changed = best[leader] - _CHANGE_COST
        came_from[frame] = np.where(best >= changed, np.arange(speakers), leader)
        best = np.maximum(best, changed) + similarity[frame]
    path = np.zeros(count, dtype=np.int64)
    path[-1] = int(best.argmax())
    for frame in range(count - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path


def _join(labelled: Sequence[tuple[SpeechSpan, int]]) -> list[tuple[int, int, int]]:
    """Join neighbouring frames of one speaker over short pauses: (start_ms, end_ms, speaker)."""
    turns: list[tuple[int, int, int]] = []
    for frame, speaker in labelled:
        if turns and turns[-1][2] == speaker and frame.start_ms - turns[-1][1] <= _BRIDGED_MS:
            turns[-1] = (turns[-1][0], frame.end_ms, speaker)
        else:
            turns.append((frame.start_ms, frame.end_ms, speaker))
    return turns


def _widen(turns: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Move the turns' ends outwards by the margin, at most to the middle of the pause between two."""
    widened = []
    for index, (start_ms, end_ms, speaker) in enumerate(turns):
        before_ms = start_ms - turns[index - 1][1] if index else 2 * start_ms
        after_ms = turns[index + 1][0] - end_ms if index + 1 < len(turns) else 0
        widened.append((start_ms - min(_MARGIN_MS, before_ms // 2), end_ms + min(_MARGIN_MS, after_ms // 2), speaker))
    return widened


def _name(turns: Sequence[tuple[int, int, int]]) -> tuple[SpeakerTurn, ...]:
    names: dict[int, str] = {}
    return tuple(
        SpeakerTurn(start_ms, end_ms, names.setdefault(speaker, f"Speaker {len(names) + 1}"))
        for start_ms, end_ms, speaker in turns
    )
