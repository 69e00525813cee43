"""Writes a trained checkpoint as a CTranslate2 Whisper, int8.

`python -m tools.practice_model.export FOLDER MODEL_DIR`. The model folder is what faster-whisper loads by path, plus
`earshot_practice.json`, by which the program knows a practice model and keeps it away from anything but samples
and tests.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from ctranslate2.specs import WhisperSpec, attention_spec, common_spec
from torch import nn

from tools.practice_model.losses import GUIDED_HEADS
from tools.practice_model.model import Attention, Layer, PracticeWhisper
from tools.practice_model.sentences import load_sentences, sentences_sha256
from tools.practice_model.train import SEED, model_shape
from tools.practice_model.vocabulary import Vocabulary, build_vocabulary, save_vocabulary

MARKER_FILE = "earshot_practice.json"
FEATURES = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}


def load_checkpoint(folder: Path, vocabulary: Vocabulary) -> tuple[PracticeWhisper, int]:
    """The trained model and the number of steps it has had."""
    model = PracticeWhisper(model_shape(vocabulary))
    stored = torch.load(folder / "checkpoint.pt", weights_only=True)
    model.load_state_dict(stored["model"])
    return model.eval(), int(stored["step"])


def export(folder: Path, model_folder: Path, quantization: str = "int8") -> None:
    """Writes the weights, the tokenizer, the features' settings and the marker."""
    vocabulary = build_vocabulary()
    model, steps = load_checkpoint(folder, vocabulary)
    spec = to_spec(model, vocabulary)
    spec.validate()
    spec.optimize(quantization=quantization)
    model_folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(model_folder))
    save_vocabulary(vocabulary, model_folder)
    _write_json(model_folder / "preprocessor_config.json", FEATURES)
    _write_json(
        model_folder / MARKER_FILE,
        {
            "name": "earshot-practice",
            "purpose": "samples and tests only: it knows the sentences listed here and nothing else",
            "language": "en",
            "sentences": len(load_sentences()),
            "sentences_sha256": sentences_sha256(),
            "vocabulary": vocabulary.size,
            "parameters": sum(p.numel() for name, p in model.named_parameters() if "frame_head" not in name),
            "seed": SEED,
            "steps": steps,
        },
    )


def to_spec(model: PracticeWhisper, vocabulary: Vocabulary) -> WhisperSpec:
    """The CTranslate2 description of the model, with its weights."""
    shape = model.shape
    spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    encoder, decoder = spec.encoder, spec.decoder
    for target, conv in ((encoder.conv1, model.conv1), (encoder.conv2, model.conv2)):
        assert conv.bias is not None
        target.weight, target.bias = _numpy(conv.weight), _numpy(conv.bias)
    encoder.position_encodings.encodings = _numpy(model.positions)
    _set_norm(encoder.layer_norm, model.encoder_norm)
    decoder.embeddings.weight = _numpy(model.token_embedding.weight)
    decoder.projection.weight = _numpy(model.token_embedding.weight)
    decoder.position_encodings.encodings = _numpy(model.text_positions)
    _set_norm(decoder.layer_norm, model.decoder_norm)
    for targets, layers in ((encoder.layer, model.encoder), (decoder.layer, model.decoder)):
        for target, layer in zip(targets, layers, strict=True):
            _set_layer(target, layer)
    spec.register_vocabulary(vocabulary.tokens())
    # As in Whisper: no transcript begins with a bare space or with the end of the text.
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [vocabulary.id_of("Ġ"), vocabulary.id_of("<|endoftext|>")]
    spec.config.lang_ids = []
    spec.config.alignment_heads = [[shape.decoder_layers - 1, head] for head in GUIDED_HEADS]
    return spec


def _set_layer(target: object, layer: nn.Module) -> None:
    assert isinstance(layer, Layer)
    parts = vars(target)
    _set_attention(parts["self_attention"], layer.self_attention, layer.self_norm, joined=("query", "key", "value"))
    if layer.decoder:
        _set_attention(parts["attention"], layer.cross_attention, layer.cross_norm, joined=("key", "value"))
    _set_norm(parts["ffn"].layer_norm, layer.feed_norm)
    _set_linear(parts["ffn"].linear_0, layer.feed_in)
    _set_linear(parts["ffn"].linear_1, layer.feed_out)


def _set_attention(
    target: attention_spec.MultiHeadAttentionSpec,
    source: Attention,
    norm: nn.LayerNorm,
    joined: tuple[str, ...],
) -> None:
    _set_norm(target.layer_norm, norm)
    if "query" not in joined:
        _set_linear(target.linear[0], source.query)
    parts = [getattr(source, name) for name in joined]
    fused = target.linear[-2]
    fused.weight = _numpy(torch.cat([part.weight for part in parts]))
    fused.bias = _numpy(torch.cat([part.bias for part in parts]))
    _set_linear(target.linear[-1], source.out)


def _set_linear(target: common_spec.LinearSpec, source: nn.Linear) -> None:
    target.weight, target.bias = _numpy(source.weight), _numpy(source.bias)


def _set_norm(target: common_spec.LayerNormSpec, source: nn.LayerNorm) -> None:
    target.gamma, target.beta = _numpy(source.weight), _numpy(source.bias)


def _numpy(tensor: torch.Tensor) -> object:
    return tensor.detach().contiguous().numpy().copy()


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Export the practice model for faster-whisper.")
    parser.add_argument("folder", type=Path, help="working folder of the training")
    parser.add_argument("model_folder", type=Path, help="where to write the model")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    export(arguments.folder, arguments.model_folder)


if __name__ == "__main__":
    main()
