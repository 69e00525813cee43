"""Models other than the default, by the one setting: other architectures, pooling and prompts; other languages."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import search.sentence_embedder as sentence_embedder
from core.clock import SettableClock
from search.faiss_index import FaissIndexes
from search.index_keeper import IndexKeeper
from search.openvino_encoder import OpenVinoEncoder
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedder, SentenceEmbedders, default_folder
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText
from search.torch_encoder import TorchEncoder
from search.values import Mode, SearchRequest, Vectors
from tests.search.factories import NOON, Workshop

TEXTS = ["Hi.", "the invoice was wrong", "Three months in a row it said dollars, " * 30, ""]
SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def make_model(folder: Path, kind: str, pooling: str = "mean", prompts: dict[str, str] | None = None) -> str:
    """Write a small model with random weights and the default model's word pieces; return its folder."""
    import torch  # here: collecting the tests needs none of it
    import transformers as tf
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    source = default_folder()
    assert source is not None
    tokenizer = tf.AutoTokenizer.from_pretrained(str(source))
    common: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(7)
    bare: Any
    if kind == "bert":
        bare = tf.BertModel(tf.BertConfig(**common, **SMALL))
    elif kind == "xlm-roberta":
        bare = tf.XLMRobertaModel(tf.XLMRobertaConfig(**common, **SMALL))
    elif kind == "mpnet":
        bare = tf.MPNetModel(tf.MPNetConfig(**common, **SMALL))
    else:
        bare = tf.DistilBertModel(tf.DistilBertConfig(**common, dim=32, n_layers=2, n_heads=2, hidden_dim=64))
    parts = folder / "parts"
    bare.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    reader = Transformer(str(parts), max_seq_length=64)
    whole = SentenceTransformer(
        modules=[reader, Pooling(32, pooling_mode=pooling), Normalize()], prompts=prompts, device="cpu"
    )
    whole.save(str(folder / "whole"))
    shutil.rmtree(parts)
    return str(folder / "whole")


def by_torch(model: str, texts: list[str]) -> Vectors:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(model, device="cpu", local_files_only=True)
    return np.asarray(plain.encode(texts, prompt="", normalize_embeddings=True), dtype=np.float32)


def closest(one: Vectors, other: Vectors) -> float:
    return float((one * other).sum(axis=1).min())


@pytest.mark.parametrize(
    ("kind", "pooling"),
    [("bert", "cls"), ("xlm-roberta", "mean"), ("mpnet", "mean"), ("distilbert", "max"), ("bert", "lasttoken")],
)
def test_a_model_of_another_kind_gives_its_own_vectors(tmp_path: Path, kind: str, pooling: str) -> None:
    model = make_model(tmp_path, kind, pooling)
    embedder = SentenceEmbedders(tmp_path / "models")(model)
    assert embedder.dim == 32
    assert closest(embedder.embed_passages(TEXTS), by_torch(model, TEXTS)) > 0.99
    assert closest(embedder.embed_queries(TEXTS), by_torch(model, TEXTS)) > 0.99


@pytest.mark.parametrize("name", ["passage", "document"])
@pytest.mark.parametrize("is_fast", [True, False])
def test_what_a_model_wants_before_a_text_is_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_fast: bool
) -> None:
    model = make_model(tmp_path, "bert", prompts={"query": "ask: ", name: "tell: "})
    embedder = SentenceEmbedders(tmp_path / "models")(model)
    if not is_fast:
        monkeypatch.setitem(sys.modules, "openvino", None)
    assert embedder.dim == 32
    assert isinstance(embedder._loaded, OpenVinoEncoder) == is_fast
    asked, told = by_torch(model, ["ask: invoice", "tell: invoice"])
    assert embedder.embed_queries(["invoice"])[0] @ asked > 0.999
    assert embedder.embed_passages(["invoice"])[0] @ told > 0.999
    assert asked @ told < 0.999
    next_start = SentenceEmbedders(tmp_path / "models")(model)
    assert next_start.embed_queries(["invoice"])[0] @ asked > 0.999
    assert next_start.embed_passages(["invoice"])[0] @ told > 0.999


@pytest.mark.parametrize(
    ("folder", "is_e5"),
    [("multilingual-e5-small", True), ("e5-base-v2", True), ("multilingual-e5-large-instruct", False), ("the5", False)],
)
def test_models_of_the_e5_family_get_their_prompts_though_they_do_not_ask(
    tmp_path: Path, folder: str, is_e5: bool
) -> None:
    model = Path(make_model(tmp_path, "bert")).rename(tmp_path / folder)
    embedder = SentenceEmbedders(tmp_path / "models")(str(model))
    plain, prompted = by_torch(str(model), ["invoice", "query: invoice"])
    assert embedder.embed_queries(["invoice"])[0] @ (prompted if is_e5 else plain) > 0.999


def test_a_model_of_the_hub_is_fetched_and_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    fetched = models / "models--somebody--small"
    model = make_model(tmp_path, "bert")
    shutil.copytree(model, fetched / "snapshots" / "0f0f")
    (fetched / "refs").mkdir()
    (fetched / "refs" / "main").write_text("0f0f")
    first = SentenceEmbedders(models)("somebody/small").embed_passages(TEXTS)
    assert closest(first, by_torch(model, TEXTS)) > 0.99
    monkeypatch.setattr(sentence_embedder, "read_model", None)
    assert closest(SentenceEmbedders(models)("somebody/small").embed_passages(TEXTS), first) > 0.999


def test_a_conversion_that_computes_something_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenVinoEncoder, "_run", lambda self, tokens, runner: np.ones((len(tokens), 32), np.float32))
    model = make_model(tmp_path, "bert")
    embedder = SentenceEmbedder(model, tmp_path / "models")
    assert closest(embedder.embed_passages(TEXTS), by_torch(model, TEXTS)) > 0.99
    assert isinstance(embedder._loaded, TorchEncoder)
    assert not list((tmp_path / "models").rglob("*.xml"))  # nor kept for the next start


MOMENTS = (
    "The invoice showed the wrong currency three months in a row.",
    "Every time we export to a spreadsheet it takes half an hour.",
    "We get the same newsletter several times a week and it drives us mad.",
    "A lower price for schools would settle the matter.",
    "We plan to move the warehouse to another city next spring.",
    "Our security team will not look at it without single sign on.",
)


def best_moment(folder: Path, model: str, question: str, mode: Mode) -> str:
    """Return what the first moment says that a search with this model finds."""
    workshop = Workshop(folder)
    keeper = IndexKeeper(FaissIndexes(), folder / "real")
    embedders = SentenceEmbedders(folder / "models")
    service = SearchService(workshop.database, embedders, model, keeper, SqliteFullText(), SettableClock(NOON))
    for text in MOMENTS:
        interview = workshop.add(text, findable=False, language="en")
        service.embed(interview, lambda share: None)
        service.index(interview)
    found = service.search(SearchRequest(question, mode)).results
    workshop.database.close()
    return found[0].text.removeprefix("Ann: ")


@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
def test_a_question_finds_the_moment_in_other_words(tmp_path: Path, mode: Mode) -> None:
    question = "why do people complain about too many emails?"
    assert best_moment(tmp_path, DEFAULT_MODEL, question, mode) == MOMENTS[2]


_MULTILINGUAL = os.environ.get("EARSHOT_TEST_MULTILINGUAL_MODEL", "")


@pytest.mark.multilingual
@pytest.mark.skipif(
    not _MULTILINGUAL,
    reason="no multilingual model here: fetch one, for example intfloat/multilingual-e5-small, and give its folder in "
    "EARSHOT_TEST_MULTILINGUAL_MODEL",
)
@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("Was sagen die Kunden über falsche Rechnungen?", 0),
        ("Warum dauert der Export so lange?", 1),
        ("Beschwerden über zu viele E-Mails", 2),
        ("Gibt es einen Rabatt für Schulen?", 3),
    ],
)
def test_a_german_question_finds_the_english_moment(tmp_path: Path, question: str, place: int, mode: Mode) -> None:
    assert best_moment(tmp_path, _MULTILINGUAL, question, mode) == MOMENTS[place]
