"""Trains the practice model on speech made with espeak-ng: `python -m tools.practice_model.train FOLDER`.

Short windows first, full 30-second windows last. The folder keeps the speech and a checkpoint every 100 steps; a
second start goes on from there. About an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from tools.practice_model.clips import load_clips
from tools.practice_model.losses import Batch, losses, make_batch
from tools.practice_model.model import PracticeWhisper, Shape
from tools.practice_model.vocabulary import TEXT_TOKENS, Vocabulary, build_vocabulary
from tools.practice_model.windows import Plan, WindowMaker

SEED = 20_261
# Two processes with a thread each: two threads in one process are slower wherever a core is not all ours.
PROCESSES = 2
PEAK_RATE, LAST_RATE, WARM_UP_STEPS = 2e-3, 2e-5, 200
TEXT_WEIGHT, TIME_WEIGHT, FRAME_WEIGHT, GUIDE_WEIGHT = 1.0, 0.5, 1.0, 0.3


@dataclass(frozen=True, slots=True)
class Phase:
    """So many steps, which take turns with (batch size, plan) of the windows."""

    steps: int
    turns: tuple[tuple[int, Plan], ...]


ONE = Plan(length_s=5.0, sentences=1, cut_share=0.15)
TWO = Plan(length_s=8.0, sentences=2)
FILLED = Plan(length_s=12.0, sentences=0)
FULL = Plan(length_s=30.0, sentences=0)
PHASES = (
    Phase(500, ((16, ONE),)),
    Phase(300, ((16, ONE), (14, TWO))),
    Phase(900, ((14, TWO), (10, FILLED), (14, TWO), (4, FULL))),
    Phase(300, ((10, FILLED), (4, FULL), (4, FULL))),
)
TOTAL_STEPS = sum(phase.steps for phase in PHASES)


def turn_at(step: int) -> tuple[int, Plan]:
    """Batch size and plan of a step (from 0)."""
    for phase in PHASES:
        if step < phase.steps:
            return phase.turns[step % len(phase.turns)]
        step -= phase.steps
    raise ValueError(f"There are only {TOTAL_STEPS} steps.")


def learning_rate(step: int) -> float:
    """One cycle: up to the peak in the first steps, then down along a cosine."""
    if step < WARM_UP_STEPS:
        return PEAK_RATE * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(1, TOTAL_STEPS - WARM_UP_STEPS)
    return LAST_RATE + (PEAK_RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def model_shape(vocabulary: Vocabulary) -> Shape:
    """The shipped model's sizes for this vocabulary."""
    return Shape(vocabulary.size, TEXT_TOKENS, vocabulary.timestamp_begin)


class _Feeder(threading.Thread):
    """Draws one process's part of each batch ahead; every step has its own seed, so a resumed run draws the same."""

    def __init__(self, folder: Path, vocabulary: Vocabulary, first_step: int, part: int) -> None:
        super().__init__(daemon=True)
        self._maker = WindowMaker(load_clips(folder, vocabulary), vocabulary, SEED)
        self._vocabulary = vocabulary
        self._first, self._part = first_step, part
        self.ready: queue.Queue[Batch] = queue.Queue(maxsize=3)

    def run(self) -> None:
        for step in range(self._first, TOTAL_STEPS):
            self._maker.reseed(SEED + step * PROCESSES + self._part)
            size, plan = turn_at(step)
            windows = [self._maker.draw(plan) for _ in range(size // PROCESSES)]
            self.ready.put(make_batch(windows, self._vocabulary))


def train(part: int, folder: Path) -> None:
    """Runs all steps that the folder's checkpoint has not done yet, as one of `PROCESSES` that share each batch."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder.resolve()}/rendezvous", rank=part, world_size=PROCESSES
    )
    torch.manual_seed(SEED)
    vocabulary = build_vocabulary()
    model = PracticeWhisper(model_shape(vocabulary))
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    step = _resume(folder, model, optimizer)
    feeder = _Feeder(folder, vocabulary, step, part)
    feeder.start()
    sums: dict[str, list[dict[str, float]]] = {}
    since, started = step, time.monotonic()
    while step < TOTAL_STEPS:
        values = _step(model, optimizer, feeder.ready.get(), learning_rate(step))
        sums.setdefault(f"{turn_at(step)[1].length_s:g} s", []).append(values)
        step += 1
        if part == 0 and (step % 50 == 0 or step == TOTAL_STEPS):
            seconds = round((time.monotonic() - started) / (step - since), 2)
            print(json.dumps({"step": step, "s_per_step": seconds} | _means(sums)), flush=True)
            sums, since, started = {}, step, time.monotonic()
        if part == 0 and (step % 100 == 0 or step == TOTAL_STEPS):
            _save(folder, model, optimizer, step)


def _means(found: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of each loss, by the windows' length."""
    return {
        length: {name: round(sum(v[name] for v in values) / len(values), 3) for name in values[0]}
        for length, values in found.items()
    }


def _step(model: PracticeWhisper, optimizer: torch.optim.Optimizer, batch: Batch, rate: float) -> dict[str, float]:
    for group in optimizer.param_groups:
        group["lr"] = rate
    found = losses(model, batch)
    total = TEXT_WEIGHT * found["text"] + TIME_WEIGHT * found["time"]
    total = total + FRAME_WEIGHT * found["frame"] + GUIDE_WEIGHT * found["guide"]
    optimizer.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    gradients = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    distributed.all_reduce(gradients)
    torch.nn.utils.vector_to_parameters(
        gradients / PROCESSES, [p.grad for p in model.parameters() if p.grad is not None]
    )
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return {name: float(value.detach()) for name, value in found.items()}


def _resume(folder: Path, model: PracticeWhisper, optimizer: torch.optim.Optimizer) -> int:
    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    return int(stored["step"])


def _save(folder: Path, model: PracticeWhisper, optimizer: torch.optim.Optimizer, step: int) -> None:
    path = folder / "checkpoint.pt"
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the practice model.")
    parser.add_argument("folder", type=Path, help="working folder: speech and checkpoint")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rendezvous").unlink(missing_ok=True)
    load_clips(folder, build_vocabulary())  # spoken once, before the processes start
    spawn(train, (folder,), nprocs=PROCESSES)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
