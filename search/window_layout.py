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
    """Windows with room for two between interviews. All in 32 bits, as it is looked up all over."""

    place: Ints  # (w,) of each window
    bucket: Ints  # (w,)
    weight: _Floats  # (w,) of the windows there are around each, itself included: 1 but at an interview's ends

    @staticmethod
    def of(window_starts: Ids, bucket: Ints) -> WindowLayout:
        """Return the layout of interviews whose first windows these are (m + 1,); (w,) the bucket of each window."""
        place = np.arange(len(bucket), dtype=np.int32)
        place += np.repeat(_REACH * np.arange(len(window_starts) - 1, dtype=np.int32), np.diff(window_starts))
        return WindowLayout(place, bucket, _weights(window_starts))

    def smoothed(self, numbers: Ids, closeness: _Floats) -> _Floats:
        """Return (k,) how close each of these windows is with those around it, all others being as close as 0."""
        return _around(self.place[numbers], closeness) / self.weight[numbers]


def _weights(window_starts: Ids) -> _Floats:
    """Return (w,) what those of `_AROUND` sum up to that are there: all, but at an interview's ends."""
    weights = np.ones(int(window_starts[-1]), dtype=np.float32)
    sizes = np.diff(window_starts)
    for away in range(1, _REACH + 1):
        for place in range(away):
            longer = sizes > place
            weights[window_starts[:-1][longer] + place] -= np.float32(_AROUND[_REACH - away])
            weights[window_starts[1:][longer] - 1 - place] -= np.float32(_AROUND[_REACH + away])
    return weights


def _around(places: Ints, values: _Floats) -> _Floats:
    """Return (k,) the values around each of these places, weighed; there are none elsewhere.

    Counted everywhere, in the order of memory: that takes half the time of looking around each of many places.
    """
    laid = np.zeros(int(places.max(initial=0)) + 1 + 2 * _REACH, dtype=np.float32)
    laid[places + _REACH] = values
    around: _Floats = np.convolve(laid, np.array(_AROUND, dtype=np.float32), "valid")[places]
    return around
