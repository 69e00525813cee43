"""What search asks of the outside: a model that embeds text, an index of vectors, an index of words.

Adapters are named technology + role (`sentence_embedder.py`); `fakes.py` has a twin of each, and one contract
suite runs on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlmodel import Session

from search.values import Hit, Ids, IdSelection, SearchFilters, Vectors


class Embedder(Protocol):
    """Turns text into vectors whose inner product says how much two texts mean the same."""

    @property
    def name(self) -> str:
        """Name the model as it is stored with each vector: two models never share a name."""

    @property
    def dim(self) -> int:
        """Length of a vector. Raises: Unavailable `embedding_model_missing`."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows L2-normalised, in the order of `texts`; safe from any thread.

        Raises: Unavailable `embedding_model_missing`.
        """

    def embed_query(self, text: str) -> Vectors:
        """Return (dim,) float32, L2-normalised. Raises: Unavailable `embedding_model_missing`."""


# Returns the embedder of a model by its name, the same one each time; loads nothing yet.
EmbedderByName = Callable[[str], Embedder]


class VectorIndex(Protocol):
    """Holds vectors under ids and finds the nearest. Its caller sees to it that one thread works at a
    time.
    """

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add (n, dim) vectors; an id that is already there gets the new vector."""

    def remove(self, ids: Ids) -> None:
        """Forget these ids at once; unknown ones are no error."""

    def search(self, vector: Vectors, limit: int, selection: IdSelection | None = None) -> list[Hit]:
        """Return up to `limit` hits by falling inner product, among the selected ids only.

        A selection is applied inside the search: when `limit` selected vectors exist, `limit` come back.
        """

    def to_bytes(self) -> bytes:
        """Return everything `VectorIndexes.from_bytes` needs to make this index again."""


class VectorIndexes(Protocol):
    """Makes indexes of one kind."""

    @property
    def kind(self) -> str:
        """Name what `to_bytes` writes; a snapshot of another kind is not read."""

    def empty(self, dim: int) -> VectorIndex:
        """Return an index that holds nothing."""

    def from_bytes(self, data: bytes) -> VectorIndex:
        """Return the index that `to_bytes` wrote. Raises: ValueError when `data` is no such thing."""


class FullText(Protocol):
    """Finds passages by their words. It is kept up to date in the transaction that changes a passage."""

    def search(self, session: Session, query: str, limit: int, filters: SearchFilters) -> list[Hit]:
        """Return up to `limit` passages of findable interviews that meet `filters`, best first.

        Passages with all the words come first, then those with some. A quoted phrase must be there as it is.
        No text can make this raise.
        """

    def rebuild(self, session: Session) -> None:
        """Make the index anew from the passages, in the caller's transaction."""
