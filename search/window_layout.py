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
    bucket: Ints  # (w,)
    weight: _Floats  # (w,) of the windows there are around each, itself included: 1 but at an interview's ends

    @staticmethod
    def of(window_starts: Ids, bucket: Ints) -> WindowLayout:
        """Return the layout of interviews whose first windows these are (m + 1,); (w,) the bucket of each window."""
        begin, end = window_starts[:-1], window_starts[1:]
        place = np.arange(len(bucket), dtype=np.int32)
        place += np.repeat(_REACH * np.arange(1, len(begin) + 1, dtype=np.int32), end - begin)
        there = np.zeros(len(bucket) + _REACH * (len(begin) + 1), dtype=np.float32)
        there[place] = 1.0
        weight = np.ones(len(bucket), dtype=np.float32)
        for step in range(_REACH):
            for near_end in (begin + step, end - 1 - step):
                inside = near_end[(near_end >= begin) & (near_end < end)]
                weight[inside] = _around(there, place[inside])
        return WindowLayout(place, bucket, weight)

    def smoothed(self, numbers: Ids, closeness: _Floats) -> tuple[Ints, _Floats]:
        """Return the buckets of these windows, rising, and (k,) how close each is with those around it.

        `closeness` is above 0, which is that of all others.
        """
        close = np.zeros(len(self.place), dtype=np.float32)
        close[numbers] = closeness
        rising = np.flatnonzero(close > 0)  # what lies side by side is looked up together
        here = self.place[rising]
        laid = np.zeros((int(self.place[-1]) if len(self.place) else 0) + 1 + _REACH, dtype=np.float32)
        laid[here] = close[rising]
        return self.bucket[rising], _around(laid, here) / self.weight[rising]


def _around(values: _Floats, here: Ints) -> _Floats:
    total = np.zeros(len(here), dtype=np.float32)
    for step, weight in enumerate(_AROUND):
        total += np.float32(weight) * values[here + (step - _REACH)]
    return total
