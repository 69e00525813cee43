"""Codes of many vectors: what their file holds, and which models they serve."""

from pathlib import Path

import numpy as np
import pytest

from search.faiss_codes import CodedIndex
from search.index_file import IndexFolder
from search.values import Vectors


def unit_vectors(count: int, dim: int) -> Vectors:
    vectors = np.random.default_rng(count).standard_normal((count, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_nothing_of_a_removed_vector_is_left_in_the_file(tmp_path: Path) -> None:
    vectors, folder = unit_vectors(3000, 32), IndexFolder(tmp_path)
    index = CodedIndex.trained(vectors, len(vectors))
    index.add(np.arange(2950), vectors[:2950])
    before = index.save(folder)[0]
    index.add(np.arange(2950, 3000), vectors[2950:])
    assert index.save(folder)[0] != before
    index.remove(np.arange(2950, 3000))
    assert index.save(folder)[0] == before  # parts are named by what is in them


@pytest.mark.parametrize("dim", [7, 48, 384])
def test_a_scan_says_how_near_every_vector_is(dim: int) -> None:
    vectors = unit_vectors(2000, dim)
    index = CodedIndex.trained(vectors, len(vectors))
    index.add(np.arange(2000), vectors)
    products = vectors @ vectors[3]
    near = index.near(vectors[3], float(np.quantile(products, 0.5)), None)
    assert np.corrcoef(near.scores, products[near.ids])[0, 1] > 0.75
    assert set(np.argsort(-products)[:100].tolist()) <= set(near.ids.tolist())
    some = np.arange(0, 2000, 10)
    among = index.near(vectors[3], float(np.quantile(products, 0.5)), some)
    assert set(among.ids.tolist()) == set(near.ids.tolist()) & set(some.tolist())
