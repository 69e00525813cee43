"""Vectors with 12 bits a number: what comes back of them, and what their files hold."""

import numpy as np
import pytest

from search.values import Vectors
from search.vector_rows import Segment, VectorRows


def unit_vectors(count: int, dim: int) -> Vectors:
    vectors = np.random.default_rng(count).standard_normal((count, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("dim", [1, 2, 7, 384])
def test_numbers_come_back_to_a_four_thousandth_of_the_greatest(dim: int) -> None:
    vectors = unit_vectors(300, dim)
    rows = VectorRows(dim)
    ids = np.arange(300, dtype=np.int64)[::-1].copy()
    rows.add(ids, vectors)
    apart = np.abs(rows.vectors(ids) - vectors) / np.abs(vectors).max(axis=1, keepdims=True)
    assert apart.max() <= 0.5 / 2047 + 1e-6
    again = VectorRows(dim, [Segment.unpack(segment.pack(), "f") for segment in rows.segments])
    assert (again.vectors(ids) == rows.vectors(ids)).all()
    assert again.products(vectors[5], ids) == pytest.approx(vectors @ vectors[5], abs=2e-3)


def test_nothing_of_a_removed_vector_is_left_in_its_file() -> None:
    rows = VectorRows(4)
    rows.add(np.array([3, 9]), unit_vectors(2, 4))
    rows.remove(np.array([3]))
    (segment,) = rows.segments
    assert segment.ids[:2].tolist() == [-1, 9]
    assert not segment.numbers(np.array([0])).any()
    assert segment.numbers(np.array([1])).any()
    assert np.isnan(rows.products(unit_vectors(1, 4)[0], np.array([3]))).all()


def test_a_file_that_ends_too_early_is_no_segment() -> None:
    rows = VectorRows(4)
    rows.add(np.array([3, 9]), unit_vectors(2, 4))
    with pytest.raises(ValueError, match="buffer"):
        Segment.unpack(rows.segments[0].pack()[:-1], "f")


def test_of_many_the_nearest_are_as_exact_as_of_few() -> None:
    vectors = unit_vectors(6000, 384)
    rows = VectorRows(384)
    ids = np.arange(6000, dtype=np.int64)
    rows.add(ids, vectors)
    apart = rows.products(vectors[7], np.append(ids, 99_999)) - np.append(vectors @ vectors[7], 0)
    assert np.isnan(apart[-1])
    nearest = np.argsort(-(vectors @ vectors[7]))
    assert np.abs(apart[nearest[:900]]).max() < 1e-4
    assert 1e-4 < np.abs(apart[nearest[3000:]]).max() < 3e-3
    assert abs(apart[nearest[3000:]].mean()) < 2e-5
