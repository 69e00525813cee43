"""What search asks of the outside: a model that embeds text, an index of vectors, an index of words.

Adapters are named technology + role (`sentence_embedder.py`); `fakes.py` has a twin of each, and one contract
suite runs on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlmodel import Session

from core.visibility import Viewer
from search.values import Ids, Nearest, PassagePlace, Vectors


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

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows L2-normalised, for a few short texts people ask with.

        Raises: Unavailable `embedding_model_missing`.
        """


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

    def search(self, vector: Vectors, limit: int, among: Ids | None = None) -> Nearest:
        """Return up to `limit` vectors by falling inner product, of the ids `among` only if given.

        The choice is made inside the search: when `limit` chosen vectors exist, `limit` come back.
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
    """Knows which passages hold a phrase. It is kept up to date in the transaction that changes a passage."""

    def find_phrases(self, session: Session, phrases: Sequence[str], viewer: Viewer) -> list[PassagePlace]:
        """Return every passage that `viewer` may know of and that holds all `phrases`, word for word but for case,
        accents and endings.

        No text can make this raise; a phrase without a letter or digit holds everywhere.
        """

    def rebuild(self, session: Session) -> None:
        """Make the index anew from the passages, in the caller's transaction."""
