"""Runs a sentence-transformers model with plain torch: slower than OpenVINO, for every model and machine.

In: texts. Out: unit vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import Unavailable
from search.values import Vectors

# Passages per run of torch. The lock is free between runs, so a question waits for one run, not for all.
_BATCH = 32


class TorchEncoder:
    """One model. Safe from any thread."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._lock = threading.Lock()
        self.prompts: dict[str, str] = dict(model.prompts or {})
        self.dim = int(model.get_embedding_dimension())

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`."""
        # long texts first, neighbours of one length: a batch is padded to its longest
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors[places] = self.encode_questions([texts[place] for place in places])
        return vectors

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`."""
        # one at a time: the tokenizer refuses to be used by two threads at once
        with self._lock:
            encoded = self._model.encode(
                list(texts),
                prompt="",  # it stands in the texts already
                batch_size=_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(encoded, dtype=np.float32)


def read_model(name: str, place: str, cache_folder: Path | None) -> Any:
    """Return the SentenceTransformer in the folder `place`, or of that name in the hub, kept in `cache_folder`.

    Raises: Unavailable `embedding_model_missing`, which names `name`.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    # a bar for a tenth of a second on stderr helps nobody
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    cache = None if cache_folder is None else str(cache_folder)
    try:
        try:
            return SentenceTransformer(place, device="cpu", cache_folder=cache, local_files_only=True)
        except OSError:
            if cache is None:
                raise
            return SentenceTransformer(place, device="cpu", cache_folder=cache)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise Unavailable(
            "embedding_model_missing",
            f"The embedding model {name!r} is neither on disk nor could it be fetched. Set "
            "EARSHOT_EMBEDDING_MODEL to all-MiniLM-L6-v2, which is installed, or to the folder of a "
            "sentence-transformers model, or connect this machine once.",
            model=name,
        ) from error
