"""Converts a sentence-transformers model for OpenVINO, and keeps what came out for the next start.

`sentence_embedder` calls it. A start that finds a conversion here loads neither torch nor transformers, which take most
of the time a server needs to be ready for questions, and half of its memory.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from search.openvino_int8 import calibration_texts, multiplies_integers_fastest, with_integer_products
from search.torch_encoder import TorchEncoder
from search.values import Vectors

_INT8 = "-int8-3"  # the number rises with what `openvino_int8` does
_FP16 = "-fp16"  # as weights are kept otherwise: finer than bfloat16, and half as large in memory as float32
INPUTS = ("input_ids", "attention_mask")  # token types, where a model has them, are all the first one for one text
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConvertedModel:
    """A model as OpenVINO runs it.

    `tokenizer` cuts texts at what the model reads and does not pad; `padding` is the token to pad with. `prompts` is
    what the model says it wants before texts of a kind. `expected` (n, dim) are torch's vectors of `check_texts()`.
    """

    graph: Any
    is_in_integers: bool
    tokenizer: Any
    padding: int
    prompts: dict[str, str]
    expected: Vectors


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each text."""
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def check_texts() -> list[str]:
    """Return texts of our own by which a conversion shows that it computes what the model computes."""
    return calibration_texts()[-8:]


def convert(model: Any, *, in_integers: bool) -> ConvertedModel:
    """Convert a SentenceTransformer; `in_integers` where the processor is made for 8-bit products.

    Raises: ImportError without OpenVINO; RuntimeError, ValueError and others where the model cannot be converted.
    """
    openvino = without_telemetry()
    # a copy: sentence-transformers changes the settings of its own one whenever it is used
    tokenizer = copy.deepcopy(model.tokenizer.backend_tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(model.max_seq_length)
    in_integers = in_integers and multiplies_integers_fastest()
    graph = _traced(openvino, model)
    by_torch = TorchEncoder(model)
    return ConvertedModel(
        graph=with_integer_products(openvino.Core(), graph, partial(tokens_of, tokenizer)) if in_integers else graph,
        is_in_integers=in_integers,
        tokenizer=tokenizer,
        padding=model.tokenizer.pad_token_id,
        prompts=by_torch.prompts,
        expected=by_torch.encode_questions(check_texts()),
    )


class KeptConversions:
    """The conversions in one folder, of which any may be deleted: what is missing is converted again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, model: Path, *, in_integers: bool) -> ConvertedModel | None:
        """Return what was converted of the model in this folder, by these versions; None if nothing was.

        Raises: ImportError without OpenVINO.
        """
        from tokenizers import Tokenizer

        openvino = without_telemetry()
        file = self._file(model, in_integers=in_integers and multiplies_integers_fastest())
        try:
            said = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            return ConvertedModel(
                graph=openvino.Core().read_model(file),
                is_in_integers=file.stem.endswith(_INT8),
                tokenizer=Tokenizer.from_str(said["tokenizer"]),
                padding=said["padding"],
                prompts=said["prompts"],
                expected=np.array(said["expected"], dtype=np.float32),
            )
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            _log.warning("a kept conversion of the embedding model cannot be read (%s)", type(error).__name__)
            return None

    def keep(self, converted: ConvertedModel, model: Path) -> None:
        """Write the conversion of the model in this folder; a full disk is only said in the log."""
        openvino = without_telemetry()
        file = self._file(model, in_integers=converted.is_in_integers)
        said = {
            "padding": converted.padding,
            "prompts": converted.prompts,
            "expected": np.round(converted.expected, 6).tolist(),
            "tokenizer": converted.tokenizer.to_str(),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_undescribed()
            # Elsewhere first: another process may have the file of this name mapped. What has a description is whole.
            with tempfile.TemporaryDirectory(dir=self._folder) as unfinished:
                openvino.save_model(
                    converted.graph, Path(unfinished) / file.name, compress_to_fp16=not converted.is_in_integers
                )
                (Path(unfinished) / file.with_suffix(".json").name).write_text(json.dumps(said), encoding="utf-8")
                for ending in (".bin", ".xml", ".json"):
                    (Path(unfinished) / file.name).with_suffix(ending).replace(file.with_suffix(ending))
        except (OSError, RuntimeError):
            _log.warning("the converted embedding model could not be kept; it is converted again at the next start")

    def _remove_undescribed(self) -> None:
        """Delete what was written before conversions had descriptions, or not to its end."""
        for file in self._folder.glob("*.*"):
            if file.suffix in {".xml", ".bin"} and not file.with_suffix(".json").exists():
                file.unlink()

    def _file(self, model: Path, *, in_integers: bool) -> Path:
        """Return the name that follows from the model's files and from the programs that convert and read it."""
        digest = hashlib.sha256()
        for program in ("openvino", "tokenizers"):
            digest.update(f"{program} {version(program)}\n".encode())
        for part in sorted(model.rglob("*")):
            name = part.relative_to(model)
            if part.is_file() and not any(folder.startswith(".") for folder in name.parts):
                digest.update(name.as_posix().encode())
                with part.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "sha256").digest())
        return self._folder / f"{digest.hexdigest()[:32]}{_INT8 if in_integers else _FP16}.xml"


def without_telemetry() -> Any:
    """Import OpenVINO such that it cannot report its use to its makers, as it does by default while converting."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # an import of it fails; a stub serves
    import openvino

    return openvino


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
        return openvino.convert_model(Whole().eval(), example_input={name: example[name] for name in INPUTS})
