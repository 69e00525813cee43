"""What search asks of the outside: a model that embeds text, an index of vectors, an index of words.

Adapters are named technology + role (`sentence_embedder.py`); `fakes.py` has a twin of each, and one contract
suite runs on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlmodel import Session

from core.visibility import Viewer
from search.index_file import IndexFolder
from search.values import Ids, Near, PassagePlace, Scores, Vectors


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
    """Holds vectors under ids and finds those that are near. Its caller sees to it that one thread works at a
    time.
    """

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add (n, dim) vectors; an id that is already there gets the new vector."""

    def remove(self, ids: Ids) -> None:
        """Forget these ids at once; unknown ones are no error."""

    def closeness(self, vector: Vectors, ids: Ids) -> Scores:
        """Return (n,) the inner product with each of these; an id that is gone gets the least of the others."""

    def near(self, vector: Vectors, above: float, among: Ids | None = None) -> Near:
        """Return the vectors with an inner product above this, of the ids `among` only if given.

        The choice is made inside the search. A large index rounds: scores are right to some hundredths, and what
        stands so near to the limit may be missed, or come with what was asked for.
        """

    @property
    def has_outgrown(self) -> bool:
        """Whether there are so many vectors by now that `grow` pays."""

    def grow(self, typical: Ids, lock: AbstractContextManager[object]) -> None:
        """Arrange the index for as many vectors as there are, by how the `typical` ones lie; until then it answers as
        it is.

        The one method that is called without `lock`, under which all others are called.
        """

    def save(self, folder: IndexFolder) -> tuple[str, ...]:
        """Store what changed and return the names of all parts that `VectorIndexes.load` needs. Raises: OSError."""


class VectorIndexes(Protocol):
    """Makes indexes of one kind."""

    @property
    def kind(self) -> str:
        """Name what `save` stores; parts of another kind are not read."""

    def empty(self, dim: int) -> VectorIndex:
        """Return an index that holds nothing."""

    def load(self, folder: IndexFolder, names: tuple[str, ...], *, is_mapped: bool) -> VectorIndex:
        """Return the index that was saved, in memory or as far as possible mapped from its files.

        Raises: ValueError when a part is missing, damaged or something else.
        """


class FullText(Protocol):
    """Knows which passages hold a phrase. It is kept up to date in the transaction that changes a passage."""

    def find_phrases(self, session: Session, phrases: Sequence[str], viewer: Viewer) -> list[PassagePlace]:
        """Return every passage that `viewer` may know of and that holds all `phrases`, word for word but for case,
        accents and endings.

        No text can make this raise; a phrase without a letter or digit holds everywhere.
        """

    def rebuild(self, session: Session) -> None:
        """Make the index anew from the passages, in the caller's transaction."""
