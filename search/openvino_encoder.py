"""Runs a sentence-transformers model through OpenVINO, in bfloat16 where the processor has units for it.

`sentence_embedder` asks for it first and keeps plain torch for models or machines that it does not serve. In: texts.
Out: unit vectors. The graph is converted once, and kept beside the models so that the next start reads it.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search.values import Vectors

# Tokens of one run of the model, padding included. Measured on two cores: at 1,000 and at 4,000 it is 5 to 8 % slower
# (too little work for a run; activations beyond the cache).
_TOKENS_PER_RUN = 2048
_INPUTS = ("input_ids", "attention_mask")  # token types, where a model has them, are all the first one for one text
_log = logging.getLogger(__name__)


class OpenVinoEncoder:
    """One model, compiled for this processor. Not safe to be used by two threads at once."""

    def __init__(self, model: Any, cache: Path) -> None:
        """Convert `model` (a SentenceTransformer) or read what was converted before from the folder `cache`.

        Raises: ImportError without OpenVINO, RuntimeError where the model cannot be converted.
        """
        openvino = _without_telemetry()
        self._model = model
        self._tokenizer = model.tokenizer
        core = openvino.Core()
        capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if "BF16" in capabilities else "f32"
        graph = _graph(openvino, core, model, cache)
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self._compiled = core.compile_model(graph, "CPU", hints)
        _log.info("passages are embedded with OpenVINO in %s", precision)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`."""
        tokens = self._tokenizer(list(texts), truncation=True, max_length=self._model.max_seq_length)["input_ids"]
        lengths = [len(ids) for ids in tokens]
        order = sorted(range(len(tokens)), key=lambda place: -lengths[place])
        rows: list[Vectors] = []
        done = 0
        while done < len(order):
            longest = max(lengths[order[done]], 1)
            places = order[done : done + max(1, _TOKENS_PER_RUN // longest)]
            rows.append(self._run([tokens[place] for place in places], longest))
            done += len(places)
        vectors = np.concatenate(rows)[np.argsort(order)]
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def _run(self, tokens: Sequence[Sequence[int]], longest: int) -> Vectors:
        ids = np.full((len(tokens), longest), self._tokenizer.pad_token_id, dtype=np.int64)
        mask = np.zeros((len(tokens), longest), dtype=np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        return np.asarray(self._compiled({"input_ids": ids, "attention_mask": mask})[0], dtype=np.float32)


def _without_telemetry() -> Any:
    """Import OpenVINO such that it cannot report its use to its makers, as it does by default while converting."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # an import of it fails; a stub serves
    import openvino

    return openvino


def _graph(openvino: Any, core: Any, model: Any, cache: Path) -> Any:
    """Return the model as an OpenVINO graph, from the folder if these very weights were converted before."""
    file = cache / f"{_fingerprint(model, openvino.__version__)}.xml"
    if file.exists() and file.with_suffix(".bin").exists():
        return core.read_model(file)
    graph = _converted(openvino, model)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        openvino.save_model(graph, file, compress_to_fp16=False)
    except (OSError, RuntimeError):
        file.unlink(missing_ok=True)
        _log.warning("the converted embedding model could not be kept; it is converted again at the next start")
    return graph


def _converted(openvino: Any, model: Any) -> Any:
    import torch

    class Whole(torch.nn.Module):
        """The model from tokens to the sentence's vector, pooling included, with inputs that can be traced."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    example = model.tokenizer(["two words", "a longer example"], return_tensors="pt", padding=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing notes of shapes that are constant in this model
        return openvino.convert_model(Whole().eval(), example_input={name: example[name] for name in _INPUTS})


def _fingerprint(model: Any, version: str) -> str:
    """Return what names a conversion: the weights, in order, and the program that converted them."""
    digest = hashlib.sha256(version.encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()[:32]
