"""Sums over windows, for all places at once, are those that counting each window by itself gives."""

from itertools import accumulate, chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.cell_windows import CellWindows, sums_ahead
from search.cells import window_bounds

SIZES = (4, 8)
interviews = st.lists(st.lists(st.integers(0, 9), max_size=30), min_size=1, max_size=5)


def laid_of(said: list[list[int]], room: int) -> np.ndarray:
    return np.array([*chain.from_iterable(said), *[0] * room], dtype=np.float32)


def starts_of(said: list[list[int]]) -> np.ndarray:
    return np.array([0, *accumulate(map(len, said))], dtype=np.int64)


@given(interviews)
def test_every_window_of_an_interview_has_the_sum_of_its_cells(said: list[list[int]]) -> None:
    laid = laid_of(said, SIZES[-1])
    for size, ahead in zip(SIZES, sums_ahead(laid, SIZES), strict=True):
        windows = CellWindows.every(size, starts_of(said))
        sums = windows.sums(ahead, laid)
        expected = [
            sum(cells[place : place + size])
            for cells in said
            for place in range(max(1, len(cells) - size + 1))
            if cells
        ]
        assert sums[windows.begins].tolist() == expected


@given(interviews)
def test_a_cell_has_the_mean_of_the_windows_that_hold_it(said: list[list[int]]) -> None:
    starts = starts_of(said)
    bounds = [
        (int(first) + begin, int(first) + end)
        for first, cells in zip(starts, said, strict=False)
        for begin, end in window_bounds(len(cells), 4, 2)
    ]
    begin, end = np.array(bounds, dtype=np.int64).reshape(-1, 2).T
    scores = np.full(int(starts[-1]), 7.0, dtype=np.float32)
    scores[begin] = np.arange(len(bounds))
    spread = CellWindows.of(4, int(starts[-1]), begin, end).spread(scores)
    for cell, mean in enumerate(spread.tolist()):
        held = [number for number, (first, last) in enumerate(bounds) if first <= cell < last]
        assert mean == pytest.approx(sum(held) / len(held))


def test_a_cell_that_no_window_holds_has_nothing() -> None:
    windows = CellWindows.of(4, 9, np.array([4]), np.array([8]))
    assert windows.spread(np.full(9, 5.0, dtype=np.float32)).tolist() == [0, 0, 0, 0, 5, 5, 5, 5, 0]
