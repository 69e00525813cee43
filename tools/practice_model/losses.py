"""Batches of windows as tensors, and the losses: text, times, what each frame says, guided attention.

Timestamps are learned with soft targets, since a neighbour 20 ms away is nearly right. Two heads of the last
decoder layer are guided to look at the token they are about to write: these heads later give the word times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from tools.practice_model.features import log_mel
from tools.practice_model.model import PracticeWhisper
from tools.practice_model.vocabulary import TEXT_TOKENS, Vocabulary
from tools.practice_model.windows import POSITION_S, Window

GUIDED_HEADS = (0, 1)
_NEIGHBOURS = torch.arange(-4, 5)
_NEIGHBOUR_WEIGHTS = torch.softmax(-0.5 * (_NEIGHBOURS / 1.3) ** 2, dim=0)


@dataclass(slots=True)
class Batch:
    """Tensors of one step; a target or span of -1 is not learned."""

    mel: torch.Tensor
    offsets: torch.Tensor
    inputs: torch.Tensor
    targets: torch.Tensor
    span_bounds: torch.Tensor
    frame_targets: torch.Tensor


def make_batch(windows: list[Window], vocabulary: Vocabulary) -> Batch:
    """Features and padded labels; after a window's content the features are 0, as faster-whisper pads."""
    mel = log_mel(
        torch.from_numpy(np.stack([window.samples for window in windows])),
        torch.tensor([window.file_peak for window in windows], dtype=torch.float32),
    )
    for row, window in enumerate(windows):
        mel[row, :, 2 * window.content :] = 0.0
    width = max(len(window.inputs) for window in windows)
    inputs = torch.full((len(windows), width), vocabulary.id_of("<|endoftext|>"))
    targets = torch.full((len(windows), width), -1)
    bounds = torch.full((len(windows), width, 2), -1)
    positions = mel.shape[2] // 2
    for row, window in enumerate(windows):
        count = len(window.inputs)
        inputs[row, :count] = torch.tensor(window.inputs)
        targets[row, :count] = torch.tensor(window.targets)
        for column, (start, end) in enumerate(window.spans):
            if end > 0:
                first = min(max(0, round(start / POSITION_S)), positions - 1)
                bounds[row, column, 0] = first
                bounds[row, column, 1] = min(max(first + 1, round(end / POSITION_S)), positions)
    return Batch(
        mel=mel,
        offsets=torch.tensor([window.offset for window in windows]),
        inputs=inputs,
        targets=targets,
        span_bounds=bounds,
        frame_targets=torch.stack([_frame_targets(window, positions) for window in windows]),
    )


def _frame_targets(window: Window, positions: int) -> torch.Tensor:
    """(positions,) the token that is being spoken at each, `TEXT_TOKENS` for silence."""
    targets = torch.full((positions,), TEXT_TOKENS)
    clips = [(clip, start) for clip, start, _ in window.placed] + ([window.cut] if window.cut else [])
    for clip, start in clips:
        for token, (begin, end) in zip(clip.tokens[:-1], clip.spans[:-1], strict=True):
            targets[round((start + begin) / POSITION_S) : round((start + end) / POSITION_S)] = token
    return targets


def losses(model: PracticeWhisper, batch: Batch) -> dict[str, torch.Tensor]:
    """`text`, `time`, `frame` and `guide`, each a mean; `text_right` is the share of tokens written rightly."""
    sound = model.encode(batch.mel, batch.offsets)
    logits, scores = model.decode(batch.inputs, sound)
    begin = model.shape.timestamp_begin
    is_time = batch.targets >= begin
    is_text = (batch.targets >= 0) & ~is_time
    text_logits = logits[is_text]
    text = functional.cross_entropy(text_logits, batch.targets[is_text])
    right = (text_logits.argmax(-1) == batch.targets[is_text]).float().mean()
    return {
        "text": text,
        "time": _time_loss(logits[is_time], batch.targets[is_time], begin),
        "frame": functional.cross_entropy(model.frame_head(sound).flatten(0, 1), batch.frame_targets.flatten()),
        "guide": _guide_loss(scores[:, list(GUIDED_HEADS)], batch.span_bounds),
        "text_right": right.detach(),
    }


def _time_loss(logits: torch.Tensor, targets: torch.Tensor, begin: int) -> torch.Tensor:
    if not len(targets):
        return logits.sum() * 0
    logged = logits.log_softmax(-1)
    near = (targets[:, None] + _NEIGHBOURS).clamp(begin, logits.shape[-1] - 1)
    return -(logged.gather(1, near) * _NEIGHBOUR_WEIGHTS).sum(1).mean()


def _guide_loss(scores: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """Cross-entropy between each guided head's attention and an even spread over the token's span."""
    rows, columns = torch.nonzero(bounds[..., 1] > 0, as_tuple=True)
    if not len(rows):
        return scores.sum() * 0
    logged = scores[rows, :, columns].log_softmax(-1)
    at = torch.arange(logged.shape[-1])
    first, last = bounds[rows, columns].unbind(-1)
    inside = (at[None] >= first[:, None]) & (at[None] < last[:, None])
    spread = inside / inside.sum(1, keepdim=True)
    return -(logged * spread[:, None]).sum(-1).mean()
