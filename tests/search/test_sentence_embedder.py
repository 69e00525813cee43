"""What is particular to the real model; its contract is in test_ports."""

import functools
import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import search.openvino_conversion as conversion
import search.sentence_embedder as adapter
from core.errors import Unavailable
from search.openvino_conversion import KeptConversions
from search.openvino_encoder import OpenVinoEncoder
from search.openvino_int8 import multiplies_integers_fastest
from search.sentence_embedder import DEFAULT_MODEL, SentenceEmbedder, SentenceEmbedders, default_folder
from search.torch_encoder import TorchEncoder, read_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the model is converted once for all tests."""
    return tmp_path_factory.mktemp("models")


def test_nothing_heavy_is_loaded_before_the_first_text() -> None:
    code = (
        "import sys; from pathlib import Path; import search.service, search.faiss_index;"
        "from search.sentence_embedder import SentenceEmbedders;"
        "SentenceEmbedders(Path('x'))('all-MiniLM-L6-v2').name;"
        "print(sorted({'torch', 'faiss', 'sentence_transformers', 'transformers'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_meaning_is_found_in_other_words(models: Path) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
    assert embedder.dim == 384
    (query,) = embedder.embed_queries(["customers are annoyed by repeated emails"])
    texts = [
        "They said they get the same newsletter three times a week and it drives them mad.",
        "The export to a spreadsheet takes several minutes.",
        "We plan to move the warehouse next spring.",
    ]
    assert int(np.argmax(embedder.embed_passages(texts) @ query)) == 0


def test_many_threads_may_ask_at_once(models: Path) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
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


ODD = ["", "!", "a " * 900, "yeah " * 300, "ha ha ha ha ha", "1 2 3 4 5 " * 40, "\u4f60\u597d " * 80]
USUAL = [f"customer number {number} asks for an export " * (number % 7 + 1) for number in range(40)]


@functools.cache
def torch_encoder() -> TorchEncoder:
    return TorchEncoder(read_model(DEFAULT_MODEL, str(default_folder()), None))


def by_torch(texts: list[str]) -> np.ndarray:
    return torch_encoder().encode_passages(texts)


def openvino_of(embedder: SentenceEmbedder) -> OpenVinoEncoder:
    """Return what runs the model, which has to be OpenVINO."""
    embedder.embed_queries(["hello"])
    assert isinstance(embedder._loaded, OpenVinoEncoder)
    return embedder._loaded


def units_of_integers() -> bool:
    return "avx512_vnni" in Path("/proc/cpuinfo").read_text().split()


@pytest.mark.parametrize("in_integers", [False, True] if units_of_integers() else [False])
def test_openvino_computes_what_torch_computes(
    models: Path, monkeypatch: pytest.MonkeyPatch, *, in_integers: bool
) -> None:
    monkeypatch.setattr(conversion, "multiplies_integers_fastest", lambda: in_integers)
    fast = SentenceEmbedders(models)(DEFAULT_MODEL)
    usual = (fast.embed_passages(USUAL) * by_torch(USUAL)).sum(axis=1)
    odd = (fast.embed_passages(ODD) * by_torch(ODD)).sum(axis=1)
    assert ("int8" in openvino_of(fast).precision) == in_integers
    assert usual.min() > (0.99 if in_integers else 0.999)
    assert odd.min() > (0.97 if in_integers else 0.999)


@pytest.mark.parametrize(
    ("units", "fastest"),
    [
        ("fma avx2", False),
        ("fma avx2 avx_vnni", True),
        ("avx512f avx512_vnni avx512_bf16", True),
        ("avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile amx_int8", False),
    ],
)
def test_integers_are_left_to_processors_that_multiply_them_fastest(tmp_path: Path, units: str, fastest: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"model name : one\nflags : {units}\n\nmodel name : one\nflags : {units}\n")
    assert multiplies_integers_fastest(cpuinfo) == fastest
    assert not multiplies_integers_fastest(tmp_path / "elsewhere")


def test_the_default_model_is_in_integers_where_these_are_fastest(models: Path) -> None:
    assert ("int8" in openvino_of(SentenceEmbedders(models)(DEFAULT_MODEL)).precision) == multiplies_integers_fastest()


def test_a_question_gets_the_vector_that_a_passage_of_the_same_words_gets(models: Path) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
    texts = [*USUAL[:5], "hello"]
    together = embedder.embed_queries(texts)
    assert np.allclose((together * embedder.embed_passages(texts)).sum(axis=1), 1, atol=1e-3)
    assert np.allclose(
        (together * np.concatenate([embedder.embed_queries([t]) for t in texts])).sum(axis=1), 1, atol=1e-3
    )


@pytest.mark.parametrize("words", [1, 12, 14, 15, 20, 22, 23, 40, 400])
def test_a_question_is_read_whole_however_long_it_is_and_whatever_stands_beside_it(models: Path, words: int) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
    said = "why do customers leave after a month and what would keep them here " * 40
    texts = [" ".join(said.split()[:words]), "leave", "after a month"]
    expected = by_torch(texts)
    for together in (texts[:1], texts[:2], texts):
        got = embedder.embed_queries(together)
        assert got.shape == (len(together), 384)
        assert (got * expected[: len(together)]).sum(axis=1).min() > 0.99


def test_a_question_does_not_wait_for_passages(models: Path) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
    encoder = openvino_of(embedder)
    answers: list[np.ndarray] = []
    asking = threading.Thread(target=lambda: answers.append(embedder.embed_queries(["hello"])), daemon=True)
    busy = [encoder._passages._free.get() for _ in range(encoder._passages.at_once)]  # as while passages are embedded
    asking.start()
    asking.join(timeout=60)
    for request in busy:
        encoder._passages._free.put(request)
    assert len(answers) == 1


def test_passages_of_several_at_once_get_their_own_vectors(models: Path) -> None:
    embedder = SentenceEmbedders(models)(DEFAULT_MODEL)
    texts = [f"{place} {text}" for place, text in enumerate(USUAL * 4)]
    alone = np.concatenate([embedder.embed_passages([text]) for text in texts])
    with ThreadPoolExecutor(3) as several:
        orders = [texts, texts[::-1], texts]
        first, backwards, last = several.map(embedder.embed_passages, orders)
    for together in (first, backwards[::-1], last):
        assert np.allclose((together * alone).sum(axis=1), 1, atol=2e-3)


def test_the_first_run_of_a_process_ends_however_its_threads_take_turns(models: Path) -> None:
    openvino_of(SentenceEmbedders(models)(DEFAULT_MODEL))
    code = (
        "import sys; sys.setswitchinterval(1e-5); from pathlib import Path;"
        "from search.sentence_embedder import SentenceEmbedders;"
        "SentenceEmbedders(Path(sys.argv[1]))('all-MiniLM-L6-v2').embed_passages(['a passage'] * 40)"
    )
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(models)], timeout=120, check=True, cwd=ROOT)


def test_nothing_to_embed_gives_no_rows(models: Path) -> None:
    assert SentenceEmbedders(models)(DEFAULT_MODEL).embed_passages([]).shape == (0, 384)


def test_the_model_is_converted_once_and_torch_is_never_in_the_memory_of_who_asks(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from search.sentence_embedder import SentenceEmbedders;"
        "embedder = SentenceEmbedders(Path(sys.argv[1]))('all-MiniLM-L6-v2');"
        "np.save(sys.argv[2], embedder.embed_passages(sys.stdin.read().splitlines()));"
        "print(sorted({'torch', 'sentence_transformers', 'transformers'} & set(sys.modules)))"
    )
    texts = [text.strip() for text in USUAL]
    vectors = tmp_path / "vectors.npy"
    made: list[int] = []
    for _ in ("first start", "next start"):
        command = [sys.executable, "-c", code, str(tmp_path), str(vectors)]
        ended = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, check=True, cwd=ROOT)
        assert ended.stdout.strip() == "[]"
        assert (np.load(vectors) * by_torch(texts)).sum(axis=1).min() > 0.99
        (graph,) = (tmp_path / "openvino").glob("*.xml")
        made.append(graph.stat().st_mtime_ns)
    assert made[0] == made[1]


def test_the_model_is_converted_here_where_no_other_process_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    openvino_of(SentenceEmbedders(tmp_path)(DEFAULT_MODEL))
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    openvino_of(SentenceEmbedders(tmp_path / "another")(DEFAULT_MODEL))


@pytest.mark.parametrize("damage", ["cut off", "not described", "described wrongly", "of another model"])
def test_a_conversion_that_cannot_be_trusted_is_made_anew(models: Path, tmp_path: Path, damage: str) -> None:
    expected = SentenceEmbedders(models)(DEFAULT_MODEL).embed_queries(["once more"])
    folder = tmp_path / "openvino"
    shutil.copytree(models / "openvino", folder)
    for description in folder.glob("*.json"):
        weights = description.with_suffix(".bin")
        if damage == "cut off":
            weights.write_bytes(weights.read_bytes()[:1000])
        elif damage == "not described":
            description.unlink()
        elif damage == "described wrongly":
            description.write_text("{")
        else:
            said = json.loads(description.read_text())
            said["expected"].reverse()
            description.write_text(json.dumps(said))
    assert np.allclose(SentenceEmbedders(tmp_path)(DEFAULT_MODEL).embed_queries(["once more"]), expected, atol=1e-3)
    assert KeptConversions(folder).find(Path(default_folder() or ""), in_integers=True) is not None
    assert {file.suffix for file in folder.iterdir()} == {".xml", ".bin", ".json"}  # and nothing half done


def test_other_weights_in_the_same_folder_are_converted_anew(tmp_path: Path) -> None:
    kept, model = KeptConversions(tmp_path / "kept"), tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"one")
    before = kept._file(model, in_integers=False)
    (model / "weights").write_bytes(b"two")
    assert kept._file(model, in_integers=False) != before


def test_torch_does_the_work_where_openvino_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    embedder = SentenceEmbedders(tmp_path)(DEFAULT_MODEL)
    assert embedder.embed_queries(["still here"]).shape == (1, 384)
    assert isinstance(embedder._loaded, TorchEncoder)


def test_openvino_is_kept_from_reporting_its_use() -> None:
    code = (
        "from search.openvino_conversion import without_telemetry; without_telemetry();"
        "from openvino.tools.ovc import telemetry_utils; print(telemetry_utils.tm.__name__)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "openvino.tools.ovc.telemetry_stub"
