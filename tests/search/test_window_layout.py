"""How close a place is, counts the windows around it: those of its own interview, by how near they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.window_layout import WindowLayout

AROUND = {0: 0.32, 1: 0.24, 2: 0.1}


@given(st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=5))
def test_a_window_is_as_close_as_those_around_it_in_its_interview(interviews: list[list[int]]) -> None:
    every = [closeness for one in interviews for closeness in one]
    starts = np.cumsum([0, *map(len, interviews)])
    numbers = np.flatnonzero(every)[::-1].astype(np.int64)  # in any order
    layout = WindowLayout.of(starts, np.zeros(len(every), dtype=np.int32))
    smoothed = layout.smoothed(numbers, np.array(every, dtype=np.float32)[numbers])
    expected = []
    for one in interviews:
        for place, closeness in enumerate(one):
            around = {n: AROUND[abs(n - place)] for n in range(len(one)) if abs(n - place) <= 2}
            if closeness:
                expected.append(sum(one[n] * w for n, w in around.items()) / sum(around.values()))
    assert smoothed.tolist() == pytest.approx(expected[::-1], rel=1e-4)
