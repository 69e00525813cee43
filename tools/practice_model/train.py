"""Trains the practice model on speech made with espeak-ng: `python -m tools.practice_model.train FOLDER`.

`curriculum.py` says what is trained when. The folder keeps the speech and a checkpoint every 100 steps; a
second start goes on from there. About an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import queue
import threading
import time
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from tools.practice_model.clips import load_clips
from tools.practice_model.curriculum import TOTAL_STEPS, place
from tools.practice_model.losses import Batch, losses, make_batch
from tools.practice_model.model import PracticeWhisper, Shape
from tools.practice_model.vocabulary import TEXT_TOKENS, Vocabulary, build_vocabulary
from tools.practice_model.windows import WindowMaker

SEED = 20_261  # of the weights before training; the cycles have their own for what they draw
# Two processes with a thread each: two threads in one process are slower wherever a core is not all ours.
PROCESSES = 2
TIME_WEIGHT, FRAME_WEIGHT, GUIDE_WEIGHT = 0.5, 1.0, 0.3


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
            cycle, position = place(step)
            self._maker.reseed(cycle.seed + position * PROCESSES + self._part)
            size, plan = cycle.turn_at(position)
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
    optimizer = _fresh_optimizer(model)
    step = _resume(folder, model, optimizer)
    feeder = _Feeder(folder, vocabulary, step, part)
    feeder.start()
    sums: dict[str, list[dict[str, float]]] = {}
    since, started = step, time.monotonic()
    while step < TOTAL_STEPS:
        cycle, position = place(step)
        if position == 0:
            optimizer = _fresh_optimizer(model)
        values = _step(model, optimizer, feeder.ready.get(), cycle.learning_rate(position), cycle.text_weight)
        sums.setdefault(f"{cycle.turn_at(position)[1].length_s:g} s", []).append(values)
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


def _fresh_optimizer(model: PracticeWhisper) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)


def _step(
    model: PracticeWhisper, optimizer: torch.optim.Optimizer, batch: Batch, rate: float, text_weight: float
) -> dict[str, float]:
    for group in optimizer.param_groups:
        group["lr"] = rate
    found = losses(model, batch)
    total = text_weight * found["text"] + TIME_WEIGHT * found["time"]
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
