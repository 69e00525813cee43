"""Runs a sentence-transformers model through OpenVINO, in the precision that this processor multiplies fastest.

`sentence_embedder` asks for it first and keeps plain torch for models or machines that it does not serve. In: texts.
Out: unit vectors. The graph is converted once, and kept beside the models so that the next start reads it.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search.openvino_int8 import calibration_texts, with_integer_products
from search.values import Vectors

# Tokens of one run of the model, padding included: less is too little work for a run, more leaves the caches.
_TOKENS_PER_RUN = 2048
# Lengths are padded to multiples of this many tokens: the first run of a shape costs a question three times its run,
# because OpenVINO makes the code for it then.
_LENGTH_STEP = 8
_MOST_QUESTIONS = 2  # of one run, as `Finding` asks: the question and its subject
_PREPARED_LENGTHS = (8, 16, 24, 32)  # tokens of a question: shapes made at the start rather than while somebody waits
_INT8 = "-int8-2"  # the number rises with what `openvino_int8` does
_LEAST_COSINE = 0.99  # to what torch computes: lower is another computation, not another precision
_INPUTS = ("input_ids", "attention_mask")  # token types, where a model has them, are all the first one for one text
_log = logging.getLogger(__name__)


class OpenVinoEncoder:
    """One model, compiled for this processor. Safe from any thread; a question never waits for passages."""

    def __init__(self, model: Any, cache: Path, *, in_integers: bool) -> None:
        """Convert `model` (a SentenceTransformer) or read what was converted before from the folder `cache`.

        `in_integers` lets it compute with 8-bit integers where the processor is made for that.
        Raises: ImportError without OpenVINO; RuntimeError, ValueError and others where the model cannot be converted.
        """
        openvino = _without_telemetry()
        # a copy: sentence-transformers changes the settings of its own one whenever it is used
        self._tokenizer = copy.deepcopy(model.tokenizer.backend_tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(model.max_seq_length)
        self._padding = model.tokenizer.pad_token_id
        core = openvino.Core()
        in_integers = in_integers and multiplies_integers_fastest()
        file = cache / f"{_fingerprint(model, openvino.__version__)}{_INT8 if in_integers else ''}.xml"
        is_new = not (file.exists() and file.with_suffix(".bin").exists())
        graph = _traced(openvino, model) if is_new else core.read_model(file)
        if is_new and in_integers:
            graph = with_integer_products(core, graph, self._tokens)
        precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self.precision = f"int8 and {precision}" if in_integers else precision
        # Two compilations share the processor, not a queue: a run of passages takes a tenth of a second.
        self._passages = _Runner(core.compile_model(graph, "CPU", hints))
        # Reading the weights is what takes the time of a question: two threads read faster than one, more do not.
        short = {**hints, "INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False}
        self._questions = _Runner(core.compile_model(graph, "CPU", short))
        if is_new:
            self._check(model)
            _keep(openvino, graph, file)
        for rows in range(1, _MOST_QUESTIONS + 1):
            for length in _PREPARED_LENGTHS:
                self._run([[self._padding] * length] * rows, self._questions)
        _log.info("passages are embedded with OpenVINO in %s", self.precision)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`."""
        tokens = self._tokens(texts)
        order = sorted(range(len(tokens)), key=lambda place: -len(tokens[place]))
        rows: list[Vectors] = []
        done = 0
        while done < len(order):
            places = order[done : done + max(1, _TOKENS_PER_RUN // _padded(len(tokens[order[done]])))]
            rows.append(self._run([tokens[place] for place in places], self._passages))
            done += len(places)
        vectors = np.concatenate(rows)
        return np.asarray(vectors[np.argsort(order)])

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`; for few and short ones."""
        tokens = self._tokens(texts)
        runs = range(0, len(tokens), _MOST_QUESTIONS)
        return np.concatenate([self._run(tokens[start : start + _MOST_QUESTIONS], self._questions) for start in runs])

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def _run(self, tokens: Sequence[Sequence[int]], runner: _Runner) -> Vectors:
        length = _padded(max(len(ids) for ids in tokens))
        ids = np.full((len(tokens), length), self._padding, dtype=np.int64)
        mask = np.zeros((len(tokens), length), dtype=np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        mask[:, 0] = 1  # a text without any token still has a direction
        vectors = runner.run(ids, mask)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def _check(self, model: Any) -> None:
        """Raise ValueError unless a few texts get nearly the vectors that torch gives them."""
        texts = calibration_texts()[-8:]
        expected = model.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False)
        least = min(
            float((got * expected).sum(axis=1).min())
            for got in (self.encode_passages(texts), self.encode_questions(texts))
        )
        if not least >= _LEAST_COSINE:
            raise ValueError(f"the converted model computes something else (cosine {least:.3f})")


class _Runner:
    """One request of a compiled model, for one thread at a time."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    def run(self, ids: Any, mask: Any) -> Vectors:
        with self._lock:
            answer = self._request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
            return np.array(answer[0], dtype=np.float32)


def _padded(length: int) -> int:
    return -(-max(length, 1) // _LENGTH_STEP) * _LENGTH_STEP


def _without_telemetry() -> Any:
    """Import OpenVINO such that it cannot report its use to its makers, as it does by default while converting."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # an import of it fails; a stub serves
    import openvino

    return openvino


def multiplies_integers_fastest() -> bool:
    """Return whether this processor has units for 8-bit products (VNNI or AMX), which OpenVINO does not say."""
    import torch

    has = torch.cpu.get_capabilities()
    return any(bool(has.get(unit)) for unit in ("avx512_vnni", "avx_vnni", "amx_int8"))


def _keep(openvino: Any, graph: Any, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(graph, file, compress_to_fp16=False)
    except (OSError, RuntimeError):
        file.unlink(missing_ok=True)
        _log.warning("the converted embedding model could not be kept; it is converted again at the next start")


def _traced(openvino: Any, model: Any) -> Any:
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
