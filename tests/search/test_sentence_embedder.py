"""What is particular to the real model; its contract is in test_ports."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import search.sentence_embedder as adapter
from core.errors import Unavailable
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedders


def test_nothing_heavy_is_loaded_before_the_first_text() -> None:
    code = (
        "import sys; from pathlib import Path; import search.service, search.faiss_index;"
        "from search.sentence_embedder import SentenceEmbedders;"
        "SentenceEmbedders(Path('x'))('all-MiniLM-L6-v2').name;"
        "print(sorted({'torch', 'faiss', 'sentence_transformers', 'transformers'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == "[]"


def test_meaning_is_found_in_other_words(tmp_path: Path) -> None:
    embedder = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    assert embedder.dim == 384
    (query,) = embedder.embed_queries(["customers are annoyed by repeated emails"])
    texts = [
        "They said they get the same newsletter three times a week and it drives them mad.",
        "The export to a spreadsheet takes several minutes.",
        "We plan to move the warehouse next spring.",
    ]
    assert int(np.argmax(embedder.embed_passages(texts) @ query)) == 0


def test_many_threads_may_ask_at_once(tmp_path: Path) -> None:
    embedder = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    expected = embedder.embed_queries(["hello there"])
    answers: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: answers.append(embedder.embed_queries(["hello there"]))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(np.allclose(answer, expected, atol=1e-5) for answer in answers)


def test_other_weights_than_the_published_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_DEFAULT_WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(Unavailable) as raised:
        SentenceEmbedders(tmp_path)(DEFAULT_MODEL).embed_queries(["x"])
    assert raised.value.code == "embedding_model_missing"


def test_a_model_that_is_nowhere_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "not-a-model").mkdir()
    with pytest.raises(Unavailable, match="EARSHOT_EMBEDDING_MODEL") as raised:
        SentenceEmbedders(tmp_path)(str(tmp_path / "not-a-model")).embed_passages(["x"])
    assert raised.value.code == "embedding_model_missing"


def test_openvino_computes_what_torch_computes(tmp_path: Path) -> None:
    texts = [f"customer number {number} asks for an export " * (number % 7 + 1) for number in range(40)]
    texts += ["", "a " * 900]
    fast = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    slow = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    slow.dim  # noqa: B018 - reads the model
    slow._fast = None
    cosines = (fast.embed_passages(texts) * slow.embed_passages(texts)).sum(axis=1)
    assert fast._fast is not None
    assert cosines.min() > 0.999


def test_a_converted_model_is_read_at_the_next_start(tmp_path: Path) -> None:
    first = SentenceEmbedders(tmp_path)(DEFAULT_MODEL).embed_queries(["once more"])
    (graph,) = (tmp_path / "openvino").glob("*.xml")
    made = graph.stat().st_mtime_ns
    again = SentenceEmbedders(tmp_path)(DEFAULT_MODEL).embed_queries(["once more"])
    assert np.allclose(again, first, atol=1e-5)
    assert graph.stat().st_mtime_ns == made


def test_torch_does_the_work_where_openvino_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    embedder = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    assert embedder.embed_queries(["still here"]).shape == (1, 384)
    assert embedder._fast is None


def test_openvino_is_kept_from_reporting_its_use() -> None:
    code = (
        "import search.openvino_encoder as encoder; encoder._without_telemetry();"
        "from openvino.tools.ovc import telemetry_utils; print(telemetry_utils.tm.__name__)"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == "openvino.tools.ovc.telemetry_stub"
