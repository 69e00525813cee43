"""Runs a converted model through OpenVINO, in the precision that this processor multiplies fastest.

`sentence_embedder` asks for it first and keeps plain torch for models or machines that it does not serve. In: texts.
Out: unit vectors.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import numpy as np

from search.openvino_conversion import ConvertedModel, check_texts, tokens_of, without_telemetry
from search.values import Vectors

# Tokens of one run of the model, padding included: less is too little work for a run, more leaves the caches.
_TOKENS_PER_RUN = 1024
# Lengths are padded to multiples of this many tokens: the first run of a shape costs a question three times its run,
# because OpenVINO makes the code for it then.
_LENGTH_STEP = 8
_MOST_QUESTIONS = 2  # of one run, as `Finding` asks: the question and its subject
_PREPARED_LENGTHS = (8, 16, 24, 32)  # tokens of a question: shapes made at the start rather than while somebody waits
_LEAST_COSINE = 0.99  # to what torch computes: lower is another computation, not another precision
_log = logging.getLogger(__name__)

# Two threads that begin OpenVINO's very first run of a process together wait for each other for ever: one prepares the
# conversion of arrays and needs Python's lock for it, the other has that lock and waits for the conversion.
_STARTING = threading.Lock()


class OpenVinoEncoder:
    """One model, compiled for this processor. Safe from any thread; a question never waits for passages."""

    def __init__(self, model: ConvertedModel) -> None:
        """Compile the model.

        Raises: ImportError without OpenVINO; RuntimeError where it cannot be compiled; ValueError where it computes
        something else here than torch did where it was converted.
        """
        self._tokenizer = model.tokenizer
        self._padding = model.padding
        self.prompts = model.prompts
        self.dim = model.expected.shape[1]
        core = without_telemetry().Core()
        precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        self.precision = f"int8 and {precision}" if model.is_in_integers else precision
        # Two compilations share the processor, not a queue: a run of passages takes a twentieth of a second.
        # Each core has passages of its own: several on one run wait for each other at every step of it.
        hints = {"INFERENCE_PRECISION_HINT": precision}
        self._passages = _Runner(core.compile_model(model.graph, "CPU", {**hints, "PERFORMANCE_HINT": "THROUGHPUT"}))
        # Reading the weights is what takes the time of a question: two threads read faster than one, more do not.
        short = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False}
        self._questions = _Runner(core.compile_model(model.graph, "CPU", {**hints, **short}))
        with _STARTING:
            for rows in range(1, _MOST_QUESTIONS + 1):
                for length in _PREPARED_LENGTHS:
                    self._run([[self._padding] * length] * rows, self._questions)
        self._check(model.expected)
        _log.info("passages are embedded with OpenVINO in %s", self.precision)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`."""
        tokens = tokens_of(self._tokenizer, texts)
        order = sorted(range(len(tokens)), key=lambda place: -len(tokens[place]))
        runs = [[tokens[place] for place in places] for places in _runs(order, tokens, self._passages.at_once)]
        if len(runs) == 1:
            vectors = self._run(runs[0], self._passages)
        else:
            with ThreadPoolExecutor(min(len(runs), self._passages.at_once)) as several:
                vectors = np.concatenate([*several.map(lambda run: self._run(run, self._passages), runs)])
        return np.asarray(vectors[np.argsort(order)])

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, rows of length 1, in the order of `texts`; for few and short ones."""
        tokens = tokens_of(self._tokenizer, texts)
        runs = range(0, len(tokens), _MOST_QUESTIONS)
        return np.concatenate([self._run(tokens[start : start + _MOST_QUESTIONS], self._questions) for start in runs])

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

    def _check(self, expected: Vectors) -> None:
        """Raise ValueError unless a few texts get nearly the vectors that torch gave them."""
        texts = check_texts()
        least = min(
            float((got * expected).sum(axis=1).min())
            for got in (self.encode_passages(texts), self.encode_questions(texts))
        )
        if not least >= _LEAST_COSINE:
            raise ValueError(f"the converted model computes something else (cosine {least:.3f})")


class _Runner:
    """The requests of a compiled model: as many as it works on at once, each for one thread at a time."""

    def __init__(self, compiled: Any) -> None:
        self.at_once = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(self.at_once):
            self._free.put(compiled.create_infer_request())

    def run(self, ids: Any, mask: Any) -> Vectors:
        request = self._free.get()
        try:
            answer = request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
            return np.array(answer[0], dtype=np.float32)
        finally:
            self._free.put(request)


def _runs(order: Sequence[int], tokens: Sequence[Sequence[int]], at_once: int) -> Iterator[Sequence[int]]:
    """Yield the places in `order`, from long texts to short ones, in runs, enough of them for all at work."""
    padded = [_padded(len(tokens[place])) for place in order]
    most = min(_TOKENS_PER_RUN, -(-sum(padded) // at_once))
    done = 0
    while done < len(order):
        count = max(1, most // padded[done])
        yield order[done : done + count]
        done += count


def _padded(length: int) -> int:
    return -(-max(length, 1) // _LENGTH_STEP) * _LENGTH_STEP
