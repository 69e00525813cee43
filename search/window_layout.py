"""Where the windows of a large corpus lie, side by side within each interview, to look at what is around many of them.

`Corpus` keeps one; `candidates` asks it how close the windows around each near one are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.cell_block import Ids, Ints

_AROUND = (0.1, 0.24, 0.32, 0.24, 0.1)  # of windows side by side: spread to cells and smoothed
_REACH = len(_AROUND) // 2

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WindowLayout:
    """Windows with room for two on both sides of each interview. All in 32 bits, as it is looked up all over."""

    place: Ints  # (w,) of each window
    bucket: Ints  # (p,) of the window at each place
    weight: _Floats  # (p,) of the windows there are around each, itself included: 1 but at an interview's ends

    @staticmethod
    def of(window_starts: Ids, first_bucket: Ints) -> WindowLayout:
        """Return the layout of interviews whose first windows these are (m + 1,); (w,) the bucket of each window."""
        counts = np.diff(window_starts)
        place = np.arange(len(first_bucket)) + np.repeat(_REACH * np.arange(1, len(counts) + 1), counts)
        bucket = np.zeros(len(first_bucket) + _REACH * (len(counts) + 1), dtype=np.int32)
        there = np.zeros(len(bucket), dtype=np.float32)
        bucket[place], there[place] = first_bucket, 1.0
        weight = np.zeros(len(bucket), dtype=np.float32)
        weight[place] = _around(there, place)
        return WindowLayout(place.astype(np.int32), bucket, weight)

    def smoothed(self, numbers: Ids, closeness: _Floats) -> tuple[Ints, _Floats]:
        """Return the buckets of these windows, rising, and (k,) how close each is with those around it.

        `closeness` is above 0, which is that of all others.
        """
        close = np.zeros(len(self.bucket), dtype=np.float32)
        close[self.place[numbers]] = closeness
        here = np.flatnonzero(close > 0)  # in rising order: what lies side by side is looked up together
        return self.bucket[here], _around(close, here) / self.weight[here]


def _around(values: _Floats, here: Ids) -> _Floats:
    total = np.zeros(len(here), dtype=np.float32)
    for step, weight in enumerate(_AROUND):
        total += np.float32(weight) * values[here + (step - _REACH)]
    return total
