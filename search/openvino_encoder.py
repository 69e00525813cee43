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

from search.openvino_conversion import INPUTS, ConvertedModel, check_texts, tokens_of, without_telemetry
from search.values import Vectors

# Tokens of one run of the model, padding included: less is too little work for a run, more leaves the caches.
_TOKENS_PER_RUN = 1024
# Lengths are padded to multiples of this many tokens: OpenVINO makes the code for a shape when it first meets it.
_LENGTH_STEP = 8
# Rows and tokens of nearly all questions: one alone, and one with its subject. Compiled for one shape, the model is not
# laid out anew for each question, which takes as long as reading it: 2 ms after a rest. Each shape holds the layers'
# weights once more, so large models, which work longer on a question, go without.
_QUESTION_SHAPES = ((1, 16), (2, 24))
_MOST_WEIGHTS = 150_000_000
_MOST_QUESTIONS = 2  # of one run, as `Finding` asks
# Reading the weights is what takes the time of a question: two threads read faster than one, more do not.
_SHORT = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False}
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
        self._core, self._graph, self._short = core, model.graph, {**hints, **_SHORT}
        shapes = _QUESTION_SHAPES if _count_weights(model.graph) <= _MOST_WEIGHTS else ()
        graphs = [_of_shape(model.graph, shape) for shape in shapes]
        with ThreadPoolExecutor(len(_QUESTION_SHAPES)) as several:
            self._usual_questions = dict(zip(shapes, several.map(self._for_questions, graphs), strict=True))
        self._compiling = threading.Lock()
        self._other_questions: _Runner | None = None
        with _STARTING:
            for shape, runner in self._usual_questions.items():
                self._run([[self._padding]], runner, shape)
            self._run([[self._padding]], self._passages)
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
        return np.concatenate([self._run_questions(tokens[start : start + _MOST_QUESTIONS]) for start in runs])

    def _run_questions(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        longest = max(len(ids) for ids in tokens)
        for shape, runner in self._usual_questions.items():
            if len(tokens) <= shape[0] and longest <= shape[1]:
                return self._run(tokens, runner, shape)
        with self._compiling:  # the first time somebody asks so much
            if self._other_questions is None:
                self._other_questions = self._for_questions(self._graph)
        return self._run(tokens, self._other_questions)

    def _for_questions(self, graph: Any) -> _Runner:
        return _Runner(self._core.compile_model(graph, "CPU", self._short))

    def _run(self, tokens: Sequence[Sequence[int]], runner: _Runner, shape: tuple[int, int] | None = None) -> Vectors:
        """Return (n, dim) the vectors of n texts, padded to `shape` or as far as the longest needs."""
        rows, length = shape or (len(tokens), _padded(max(len(ids) for ids in tokens)))
        ids = np.full((rows, length), self._padding, dtype=np.int64)
        mask = np.zeros((rows, length), dtype=np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        mask[:, 0] = 1  # a text without any token still has a direction
        vectors = runner.run(ids, mask)[: len(tokens)]
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def _check(self, expected: Vectors) -> None:
        """Raise ValueError unless a few texts get nearly the vectors that torch gave them."""
        texts = check_texts()
        short = slice(-_MOST_QUESTIONS, None)
        least = min(
            float((self.encode_passages(texts) * expected).sum(axis=1).min()),
            float((self.encode_questions(texts[short]) * expected[short]).sum(axis=1).min()),
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
            answer = request.infer(dict(zip(INPUTS, (ids, mask), strict=True)), share_inputs=True)
            return np.array(answer[0], dtype=np.float32)
        finally:
            self._free.put(request)


def _count_weights(graph: Any) -> int:
    constants = (node for node in graph.get_ops() if node.get_type_name() == "Constant")
    return sum(int(np.prod(node.get_output_shape(0))) for node in constants)


def _of_shape(graph: Any, shape: tuple[int, int]) -> Any:
    """Return a copy of the graph that reads so many rows of so many tokens."""
    fixed = graph.clone()
    fixed.reshape({name: list(shape) for name in INPUTS})
    return fixed


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
