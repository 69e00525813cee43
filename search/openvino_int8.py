"""Rewrites the products of a transformer's graph to 8-bit integers, for processors that multiply those fastest.

In: an OpenVINO graph in float32. Out: the same graph with integer products, where they are precise enough.
`openvino_conversion` asks once for each model and keeps the answer on disk; how far numbers reach is seen on the texts
below, and on nobody's interviews.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.values import Ids, Vectors

# Which of a product's two sides carries the outliers: they are moved from what goes in to the weights. Source: Xiao et
# al., "SmoothQuant", 2023. With channels kept apart, between 0.5 and 0.65 it makes little difference here; 0.8 loses.
_MOVED = 0.6
# A step of what goes in, in units of its root mean square. Where a channel is far above all others (of the default
# model: one to three of what leaves the activations of the first layers), 8 bits are too few for the others: what it
# contributes is added in the usual precision. Where that is not enough, the product stays as it is. Source: Dettmers et
# al., "LLM.int8()", 2022.
_COARSEST_STEP = 0.1
_MOST_APART = 4  # channels

Tokens = Callable[[Sequence[str]], list[list[int]]]

_SENTENCES = """
The invoice was wrong again, so we called support twice and nobody could say why.
Honestly, I would rather pay a bit more than lose an afternoon every month.
What happens when two people edit the same report at the same time?
We moved 14,300 records over the weekend; about 2 % of them had no owner.
I don't know. Maybe. It depends on what the others say, you know?
Our warehouse in Lyon closes at 17:30, which is half past eight in Chicago.
So, um, the first thing we did was, we just exported everything to a spreadsheet.
The remote control should be small, cheap and hard to lose between the cushions.
Could you repeat the last part, please? The line broke.
Security asked for single sign-on, an audit trail and a list of subprocessors by March.
No.
Right, and the nurses told us that the alarms are ignored because there are too many of them.
The bill was read a second time and referred to the committee on education.
Wir haben das im Frühjahr getestet, aber die Rechnungen kamen trotzdem zu spät an.
Minister, can you explain why the funding for rural schools fell while the budget rose?
Figure 3 shows that the error rate drops from 0.41 to 0.28 once the noise is removed.
She laughed and said it was the best onboarding she had ever slept through.
ERROR 504: upstream timed out (request id 7f3a-99), see https://status.example.org/incidents?id=12.
Le prix nous convient, c'est plutôt le contrat de trois ans qui pose problème.
I'd give it seven out of ten; the search is great and the phone app is not.
We hired Priya in June, and she rebuilt the whole pipeline with Tomasz and one contractor.
Then the customer asked whether we are allowed to keep the recordings, and for how long.
The colour was fine, the buttons were not: rubber feels cheap after a week.
Let me summarise: three open questions, two owners, one deadline on the twenty-first.
Mhm. Yeah. Okay, go ahead.
If the model sees a word it never saw in training, like "zyxtrograph", it cuts it into pieces.
Las entrevistas duran una hora y casi nadie las vuelve a escuchar.
They churned because of pricing, but what they complained about in every call was speed!
""".strip().splitlines()
_SPEAKERS = ("Ann: ", "Project Manager: ", "Dr. O'Neill: ", "Speaker 2: ", "")


@dataclass(slots=True)
class _Seen:
    """What went into a product: least and greatest by channel, and the mean square by channel."""

    least: Vectors
    most: Vectors
    mean_square: Vectors


def calibration_texts() -> list[str]:
    """Return texts of a sentence, and of as many as a passage has; the same ones every time."""
    chooser = random.Random(5)
    long = [
        "\n".join(chooser.choice(_SPEAKERS) + " ".join(chooser.sample(_SENTENCES, 4)) for _ in range(5))
        for _ in range(16)
    ]
    # a word said over and over, as recognisers of speech write silence: nothing a person says goes as far
    odd = [f"{word} " * 300 for word in ("a", "0", "uh", ",", "THE")]
    return [*long, *odd, "", "!", "ok " * 5, *_SENTENCES[::3]]


def with_integer_products(core: Any, graph: Any, tokens: Tokens) -> Any:
    """Return a copy of the graph with 8-bit products where they are precise enough."""
    inputs = [np.array([ids], dtype=np.int64) for ids in tokens(calibration_texts())]
    rewritten = graph.clone()
    _rewrite(rewritten, _observe(core, graph.clone(), inputs))
    return rewritten


def multiplies_integers_fastest(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether 8-bit products are the fastest here: Linux says which units there are, OpenVINO does not.

    They are with VNNI. With AMX, products in bfloat16 take little more, which rounding to 8 bits and back takes too.
    """
    try:
        said = cpuinfo.read_text(encoding="utf-8").split()
    except OSError:
        return False
    return "amx_bf16" not in said and not {"avx512_vnni", "avx_vnni"}.isdisjoint(said)


def _products(graph: Any) -> dict[tuple[str, int], list[Any]]:
    """Return the products with weights, those of one input together: its name and output number are the key."""
    found = defaultdict(list)
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "MatMul" and _weights(node).get_type_name() == "Constant":
            source = node.input(0).get_source_output()
            found[source.get_node().get_friendly_name(), source.get_index()].append(node)
    return found


def _weights(product: Any) -> Any:
    return product.input(1).get_source_output().get_node()


def _observe(core: Any, graph: Any, inputs: Sequence[Any]) -> dict[tuple[str, int], _Seen]:
    products = _products(graph)
    graph.add_outputs([nodes[0].input(0).get_source_output() for nodes in products.values()])
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    parts: dict[tuple[str, int], list[Any]] = {key: [] for key in products}
    for ids in inputs:
        answer = compiled({"input_ids": ids, "attention_mask": np.ones_like(ids)})
        for place, key in enumerate(products, 1):
            rows = answer[place].reshape(-1, answer[place].shape[-1])
            parts[key].append((rows.min(axis=0), rows.max(axis=0), (rows**2).mean(axis=0)))
    return {
        key: _Seen(*(merge([part[place] for part in seen], axis=0) for place, merge in enumerate(_MERGES)))
        for key, seen in parts.items()
    }


_MERGES: tuple[Any, ...] = (np.min, np.max, np.mean)


def _rewrite(graph: Any, observed: dict[tuple[str, int], _Seen]) -> None:
    """Put integers in place of the weights and before the products, where a step is fine enough."""
    from openvino import opset13

    for key, nodes in _products(graph).items():
        seen = observed[key]
        axes = [1 if node.get_attributes()["transpose_b"] else 0 for node in nodes]  # along which a product sums
        greatest = np.max(
            [np.abs(_weights(node).data).max(axis=1 - axis) for node, axis in zip(nodes, axes, strict=True)], axis=0
        )
        reach = np.maximum(np.maximum(np.abs(seen.least), np.abs(seen.most)), 1e-5)
        scale = np.maximum(reach**_MOVED / np.maximum(greatest, 1e-5) ** (1 - _MOVED), 1e-5)
        found = _fine_range(seen, scale)
        if found is None:
            continue
        apart, low, high = found
        step = (high - low) / 255
        low = round(low / step) * step  # so that 0 is a step exactly
        bounds = [np.float32(low), np.float32(low + 255 * step)]
        source = nodes[0].input(0).get_source_output()
        scaled = opset13.multiply(source, opset13.constant((1 / scale).astype(np.float32).reshape(1, 1, -1)))
        stepped = opset13.fake_quantize(scaled, *bounds, *bounds, 256)
        for node, axis in zip(nodes, axes, strict=True):
            plain = _weights(node).data
            weights = plain * (scale[None, :] if axis else scale[:, None])
            np.moveaxis(weights, axis, 0)[apart] = 0
            unit = np.maximum(np.abs(weights).max(axis=axis, keepdims=True) / 127, 1e-12)
            integers = opset13.convert(opset13.constant(np.round(weights / unit).astype(np.int8)), "f32")
            node.input(0).replace_source_output(stepped.output(0))
            restored = opset13.multiply(integers, opset13.constant(unit.astype(np.float32)))
            node.input(1).replace_source_output(restored.output(0))
            for channel in apart.tolist():
                part = opset13.slice(source, [channel], [channel + 1], [1], [2])
                _add_channel(opset13, node, part, np.take(plain, channel, axis))
    graph.validate_nodes_and_infer_types()


def _fine_range(seen: _Seen, scale: Vectors) -> tuple[Ids, float, float] | None:
    """Return which few channels are kept apart so that steps are fine enough for the others, and these' range.

    0 is in the range. None: no steps are fine enough.
    """
    least, most, mean_square = seen.least / scale, seen.most / scale, seen.mean_square / scale**2
    farthest_first = np.argsort(-np.maximum(np.abs(least), np.abs(most)), kind="stable")
    for count in range(_MOST_APART + 1):
        others = farthest_first[count:]
        low, high = min(float(least[others].min()), 0.0), max(float(most[others].max()), 0.0)
        if (high - low) / 255 <= _COARSEST_STEP * float(np.sqrt(mean_square[others].mean())):
            return farthest_first[:count], low, high
    return None


def _add_channel(opset: Any, product: Any, part: Any, weights: Vectors) -> None:
    """Add to a product what one channel contributes; `part` is what goes in there, with one channel left."""
    bias = next(iter(product.output(0).get_target_inputs())).get_node()
    # behind the bias, which otherwise is added in the same step as the product
    last = bias if len(product.output(0).get_target_inputs()) == 1 and bias.get_type_name() == "Add" else product
    consumers = last.output(0).get_target_inputs()
    constant = opset.constant(weights.astype(np.float32).reshape(1, 1, -1))
    whole = opset.add(last, opset.multiply(part, constant))
    for consumer in consumers:
        consumer.replace_source_output(whole.output(0))
