"""What is trained when: four cycles, each with its own rise and fall of the learning rate and a fresh optimizer.

The first goes from short windows to full ones, the others mix all lengths with ever more full windows. The
last weighs the text four times: by then nearly every token is right, and the few wrong ones decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.practice_model.windows import Plan

LAST_RATE = 2e-5

ONE = Plan(length_s=5.0, sentences=1, cut_share=0.15)
TWO = Plan(length_s=8.0, sentences=2)
FILLED = Plan(length_s=12.0, sentences=0)
FULL = Plan(length_s=30.0, sentences=0)


@dataclass(frozen=True, slots=True)
class Phase:
    """So many steps, which take turns with (batch size, plan) of the windows."""

    steps: int
    turns: tuple[tuple[int, Plan], ...]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Phases under one learning-rate curve; `seed` draws its windows."""

    seed: int
    peak_rate: float
    warm_up_steps: int
    text_weight: float
    phases: tuple[Phase, ...]

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def turn_at(self, step: int) -> tuple[int, Plan]:
        """Batch size and plan of a step, counted from 0 in the cycle."""
        begin = 0
        for phase in self.phases:
            if step < begin + phase.steps:
                return phase.turns[step % len(phase.turns)]
            begin += phase.steps
        raise ValueError(f"The cycle has {self.steps} steps, there is no step {step}.")

    def learning_rate(self, step: int) -> float:
        """Up to the peak in a line, then down along a cosine."""
        if step < self.warm_up_steps:
            return self.peak_rate * (step + 1) / self.warm_up_steps
        done = (step - self.warm_up_steps) / max(1, self.steps - self.warm_up_steps)
        return LAST_RATE + (self.peak_rate - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


CYCLES = (
    Cycle(
        20_261,
        2e-3,
        200,
        1.0,
        (
            Phase(900, ((16, ONE),)),
            Phase(400, ((14, TWO),)),
            Phase(300, ((10, FILLED),)),
            Phase(300, ((4, FULL),)),
        ),
    ),
    Cycle(
        31_000_000,
        1e-3,
        40,
        1.0,
        (
            Phase(450, ((14, TWO), (10, FILLED), (4, FULL))),
            Phase(250, ((10, FILLED), (4, FULL), (4, FULL))),
        ),
    ),
    Cycle(
        32_000_000,
        8e-4,
        40,
        1.0,
        (
            Phase(400, ((14, TWO), (10, FILLED), (4, FULL), (4, FULL))),
            Phase(300, ((4, FULL),)),
        ),
    ),
    Cycle(
        33_000_000,
        6e-4,
        40,
        4.0,
        (
            Phase(300, ((14, TWO), (10, FILLED), (4, FULL), (4, FULL))),
            Phase(300, ((4, FULL),)),
        ),
    ),
)
TOTAL_STEPS = sum(cycle.steps for cycle in CYCLES)


def place(step: int) -> tuple[Cycle, int]:
    """The cycle that a step of the whole training belongs to, and its number in the cycle."""
    for cycle in CYCLES:
        if step < cycle.steps:
            return cycle, step
        step -= cycle.steps
    raise ValueError(f"The training has {TOTAL_STEPS} steps.")
