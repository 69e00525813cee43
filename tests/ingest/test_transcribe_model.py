"""The weights are where the setting says, or a sentence says what to do; never another model."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.fakes import FakeModelHub
from ingest.whisper_model import PRACTICE_MARKER, ModelLocation, NeedsModel, download_model, resolve_model

FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")


def model_folder(folder: Path, *, without: str = "", practice: bool = False) -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        if name != without:
            (folder / name).write_text("{}")
    if practice:
        (folder / PRACTICE_MARKER).write_text("{}")
    return folder


def test_a_folder_with_a_whole_model_is_used(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "our-whisper")
    assert resolve_model(str(folder), tmp_path) == ModelLocation(folder, "our-whisper", is_practice=False)


@pytest.mark.parametrize("missing", FILES)
def test_a_folder_that_lacks_a_file_is_refused_by_the_files_name(tmp_path: Path, missing: str) -> None:
    folder = model_folder(tmp_path / "m", without=missing)
    found = resolve_model(str(folder), tmp_path)
    assert isinstance(found, NeedsModel)
    assert missing in found.sentence
    assert not found.can_download


def test_a_named_model_is_found_in_the_models_folder(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "whisper-small")
    assert resolve_model("small", tmp_path) == ModelLocation(folder, "small", is_practice=False)


def test_a_named_model_that_is_not_there_says_where_to_put_it(tmp_path: Path) -> None:
    found = resolve_model("small", tmp_path)
    assert isinstance(found, NeedsModel)
    assert found.can_download
    assert "'small'" in found.sentence
    assert str(tmp_path / "whisper-small") in found.sentence
    assert "EARSHOT_WHISPER_MODEL" in found.sentence


def test_a_misspelt_name_lists_the_known_ones(tmp_path: Path) -> None:
    found = resolve_model("smal", tmp_path)
    assert isinstance(found, NeedsModel)
    assert "large-v3-turbo" in found.sentence
    assert not found.can_download


def test_one_model_is_never_taken_for_another(tmp_path: Path) -> None:
    model_folder(tmp_path / "whisper-tiny")
    assert isinstance(resolve_model("small", tmp_path), NeedsModel)


def test_the_practice_model_is_refused_unless_asked_for(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "practice_model", practice=True)
    refused = resolve_model(str(folder), tmp_path)
    assert isinstance(refused, NeedsModel)
    assert "practice model" in refused.sentence
    allowed = resolve_model(str(folder), tmp_path, allow_practice=True)
    assert allowed == ModelLocation(folder, "practice_model", is_practice=True)


def test_the_practice_model_is_refused_under_a_real_models_name_too(tmp_path: Path) -> None:
    model_folder(tmp_path / "whisper-small", practice=True)
    assert isinstance(resolve_model("small", tmp_path), NeedsModel)


def test_a_download_fills_the_models_folder_and_tells_how_far_it_is(tmp_path: Path) -> None:
    hub = FakeModelHub()
    seen: list[tuple[int, int]] = []
    found = download_model("small", tmp_path, lambda done, about: seen.append((done, about)), fetch=hub)
    assert found == ModelLocation(tmp_path / "whisper-small", "small", is_practice=False)
    assert seen[-1][0] > 0
    assert seen[-1][1] == 486_000_000
    assert download_model("small", tmp_path, fetch=hub) == found
    assert hub.fetched == ["small"]


def test_without_network_the_download_says_what_to_do(tmp_path: Path) -> None:
    found = download_model("small", tmp_path, fetch=FakeModelHub(online=False))
    assert isinstance(found, NeedsModel)
    assert "could not be fetched" in found.sentence
    assert "486 MB" in found.sentence
    assert found.can_download


def test_a_hub_id_is_kept_apart_from_the_known_names(tmp_path: Path) -> None:
    found = download_model("owner/faster-whisper-xyz", tmp_path, fetch=FakeModelHub())
    assert isinstance(found, ModelLocation)
    assert found.folder == tmp_path / "whisper-owner--faster-whisper-xyz"


def test_a_folder_is_never_downloaded(tmp_path: Path) -> None:
    hub = FakeModelHub()
    assert isinstance(download_model(str(tmp_path / "nowhere"), tmp_path, fetch=hub), NeedsModel)
    assert hub.fetched == []
