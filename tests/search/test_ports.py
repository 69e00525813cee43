"""One contract for each port, on its fake and on every real adapter."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from search.faiss_index import FaissIndex, FaissIndexes
from search.fakes import FakeEmbedder, FakeVectorIndexes
from search.index_file import IndexFolder
from search.ports import Embedder, VectorIndex, VectorIndexes
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedders
from search.values import Ids, Near, Vectors

DIM = 64


@pytest.fixture(scope="module", params=["fake", "sentence-transformers"])
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    return SentenceEmbedders(tmp_path_factory.mktemp("models"))(DEFAULT_MODEL)


class Grown:
    """FAISS indexes that are made into codes after each call that changes them."""

    def __init__(self) -> None:
        self._indexes = FaissIndexes(flat_windows=0)
        self.kind = self._indexes.kind

    def empty(self, dim: int) -> VectorIndex:
        return GrownIndex(self._indexes.empty(dim))

    def load(self, folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> VectorIndex:
        return GrownIndex(self._indexes.load(folder, names, is_mapped=is_mapped))


class GrownIndex(FaissIndex):
    def __init__(self, index: FaissIndex) -> None:
        super().__init__(index._index, 0)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        super().add(ids, vectors)
        if self.has_outgrown:
            self.grow(self._index.ids(), nullcontext())


@pytest.fixture(params=[FakeVectorIndexes, FaissIndexes, Grown], ids=["fake", "flat", "coded"])
def indexes(request: pytest.FixtureRequest) -> VectorIndexes:
    make: Callable[[], VectorIndexes] = request.param
    return make()


EVERYTHING = -2.0  # below every inner product of unit vectors


def ids(*numbers: int) -> Ids:
    return np.array(numbers, dtype=np.int64)


def found(near: Near) -> list[int]:
    ids: list[int] = near.ids.tolist()
    assert len(near.scores) == len(ids)
    return ids


def random_vectors(count: int, seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_passages_become_unit_vectors_in_the_order_given(embedder: Embedder) -> None:
    texts = ["The invoice was wrong.", "hello", "A much longer passage about the invoice, " * 20]
    vectors = embedder.embed_passages(texts)
    assert vectors.shape == (3, embedder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        assert np.allclose(embedder.embed_passages([text])[0], vector, atol=1e-5)


def test_no_passages_become_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dim)


def test_a_query_is_a_unit_vector_close_to_its_subject(embedder: Embedder) -> None:
    vectors = embedder.embed_queries(["wrong invoice", "sailing"])
    assert vectors.shape == (2, embedder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    passages = embedder.embed_passages(["the invoice was wrong", "we went sailing on a lake"])
    assert passages[0] @ vectors[0] > passages[1] @ vectors[0]
    assert passages[1] @ vectors[1] > passages[0] @ vectors[1]


def test_an_empty_text_still_has_a_direction(embedder: Embedder) -> None:
    assert np.isfinite(embedder.embed_queries([""])).all()
    assert np.linalg.norm(embedder.embed_passages([""])[0]) == pytest.approx(1, abs=1e-5)


def test_what_is_nearer_than_a_limit_is_found_with_how_near_it_is(indexes: VectorIndexes) -> None:
    vectors = random_vectors(400)
    vectors[:5] = vectors[7] + 0.5 * vectors[:5]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = indexes.empty(DIM)
    index.add(np.arange(100, 500, dtype=np.int64), vectors)
    products = vectors @ vectors[7]
    assert sorted(products)[-6] > 0.8
    assert sorted(products)[-7] < 0.5
    near = index.near(vectors[7], 0.65)
    assert set(found(near)) == {100, 101, 102, 103, 104, 107}
    assert near.scores == pytest.approx(products[near.ids - 100], abs=0.15)


def test_an_empty_index_finds_nothing(indexes: VectorIndexes) -> None:
    index = indexes.empty(DIM)
    index.remove(ids(1, 2))
    assert found(index.near(random_vectors(1)[0], EVERYTHING)) == []


def test_a_limit_below_all_gives_everything(indexes: VectorIndexes) -> None:
    index = indexes.empty(DIM)
    index.add(ids(1, 2), random_vectors(2))
    assert set(found(index.near(random_vectors(1)[0], EVERYTHING))) == {1, 2}


def test_a_removed_id_is_gone_at_once(indexes: VectorIndexes) -> None:
    vectors = random_vectors(3)
    index = indexes.empty(DIM)
    index.add(ids(1, 2, 3), vectors)
    index.remove(ids(2, 99))
    assert set(found(index.near(vectors[1], EVERYTHING))) == {1, 3}


def test_adding_an_id_again_replaces_its_vector(indexes: VectorIndexes) -> None:
    vectors = random_vectors(3)
    index = indexes.empty(DIM)
    index.add(ids(1, 2), vectors[:2])
    index.add(ids(1), vectors[2:])
    near = index.near(vectors[2], EVERYTHING)
    assert sorted(found(near)) == [1, 2]
    assert near.ids[np.argmax(near.scores)] == 1


def test_a_selection_never_starves_the_results(indexes: VectorIndexes) -> None:
    """The three selected vectors are the farthest of two thousand, and still all three come back."""
    vectors = random_vectors(2000)
    index = indexes.empty(DIM)
    index.add(np.arange(2000, dtype=np.int64), vectors)
    farthest = np.argsort(vectors @ vectors[0])[:3].astype(np.int64)
    assert set(found(index.near(vectors[0], EVERYTHING, farthest))) == set(farthest.tolist())
    assert found(index.near(vectors[0], 0.99, farthest)) == []


def test_selecting_nothing_finds_nothing(indexes: VectorIndexes) -> None:
    index = indexes.empty(DIM)
    index.add(ids(1, 2), random_vectors(2))
    assert found(index.near(random_vectors(1)[0], EVERYTHING, ids())) == []
    assert found(index.near(random_vectors(1)[0], EVERYTHING, ids(7))) == []


@pytest.mark.parametrize("is_mapped", [False, True])
def test_an_index_comes_back_from_its_parts(indexes: VectorIndexes, tmp_path: Path, is_mapped: bool) -> None:
    vectors = random_vectors(20)
    index = indexes.empty(DIM)
    index.add(np.arange(20, dtype=np.int64), vectors)
    index.remove(ids(4))
    folder = IndexFolder(tmp_path)
    again = indexes.load(folder, index.save(folder), is_mapped=is_mapped)
    assert sorted(found(again.near(vectors[4], EVERYTHING))) == sorted(found(index.near(vectors[4], EVERYTHING)))
    again.add(ids(4), vectors[4:5])
    assert found(again.near(vectors[4], 0.7)) == [4]


def test_other_bytes_are_no_index(indexes: VectorIndexes, tmp_path: Path) -> None:
    folder = IndexFolder(tmp_path)
    with pytest.raises(ValueError, match="no"):
        indexes.load(folder, (folder.put(b"something else entirely"),), is_mapped=False)
    with pytest.raises(ValueError, match="missing"):
        indexes.load(folder, ("0.part",), is_mapped=False)


def test_closeness_is_the_product_in_the_order_asked_and_least_for_who_is_gone(indexes: VectorIndexes) -> None:
    vectors = random_vectors(30)
    index = indexes.empty(DIM)
    index.add(np.arange(30, dtype=np.int64), vectors)
    index.remove(ids(7))
    asked = ids(9, 3, 7, 21, 99)
    expected = vectors[[9, 3, 21]] @ vectors[0]
    close = index.closeness(vectors[0], asked)
    assert np.allclose(close[[0, 1, 3]], expected, atol=0.01)
    assert close[2] == close[4] == close[[0, 1, 3]].min()
    assert index.closeness(vectors[0], ids()).shape == (0,)


def test_a_name_gives_the_same_embedder_each_time(tmp_path: Path) -> None:
    embedders = SentenceEmbedders(tmp_path)
    assert embedders(DEFAULT_MODEL) is embedders(f"sentence-transformers/{DEFAULT_MODEL}")
