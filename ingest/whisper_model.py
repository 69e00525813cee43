"""Knows where Whisper's weights are: in a folder, in the models folder under a name, or not there yet.

In: the setting `EARSHOT_WHISPER_MODEL` and the models folder. Out: a `ModelLocation`, or `NeedsModel` with a
sentence that says what to do. Never another model than the one asked for. Called by the transcriber, `earshot
doctor` and the job that waits in `needs_model`; looking costs a few file checks and loads nothing.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.ports import OnDownload

# Present in the project's practice model alone; see tools/ for how it is trained.
PRACTICE_MARKER = "earshot_practice.json"

# faster-whisper's names and about how many megabytes each fetches, for progress and for the sentence.
_KNOWN_MB = {
    **dict.fromkeys(("tiny", "tiny.en"), 78),
    **dict.fromkeys(("base", "base.en"), 148),
    **dict.fromkeys(("small", "small.en"), 486),
    **dict.fromkeys(("medium", "medium.en"), 1531),
    **dict.fromkeys(("large-v1", "large-v2", "large-v3", "large"), 3091),
    **dict.fromkeys(("large-v3-turbo", "turbo"), 1621),
    "distil-small.en": 336,
    "distil-medium.en": 792,
    **dict.fromkeys(("distil-large-v2", "distil-large-v3", "distil-large-v3.5"), 1516),
}
# How often the models folder is measured during a download.
_LOOK_EVERY_S = 0.5

# Fetches the named model into a folder; raises OSError when the hub cannot be reached.
Fetch = Callable[[str, Path], None]


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """Weights that are complete on this machine. `name` is what transcripts record."""

    folder: Path
    name: str
    is_practice: bool


@dataclass(frozen=True, slots=True)
class NeedsModel:
    """No usable weights yet. `sentence` says why and what to do; `can_download`: trying to fetch them makes
    sense.
    """

    sentence: str
    can_download: bool = False


def resolve_model(model: str, models_dir: Path, *, allow_practice: bool = False) -> ModelLocation | NeedsModel:
    """Find the weights that `model` (a known name, a hub id or a folder) stands for, without any network."""
    if model in _KNOWN_MB or _is_hub_id(model):
        return _resolve_named(model, models_dir, allow_practice)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return NeedsModel(
            f"EARSHOT_WHISPER_MODEL is {model!r}, which is neither a folder here nor a known model. "
            f"Known names: {', '.join(_KNOWN_MB)}."
        )
    missing = _missing_files(folder)
    if missing:
        return NeedsModel(
            f"EARSHOT_WHISPER_MODEL is the folder {model!r}, which lacks {' and '.join(missing)}. "
            "It must hold a Whisper model in CTranslate2 format with its tokenizer.json."
        )
    return _unless_practice(folder, folder.name, allow_practice)


def download_model(
    model: str, models_dir: Path, on_download: OnDownload | None = None, fetch: Fetch | None = None
) -> ModelLocation | NeedsModel:
    """Fetch the weights of `model` if they are missing, telling `on_download` how far it has come.

    An interrupted download goes on where it stopped. What cannot be fetched is answered with NeedsModel.
    """
    found = resolve_model(model, models_dir)
    if isinstance(found, ModelLocation) or not found.can_download:
        return found
    folder = _named_folder(model, models_dir)
    folder.mkdir(parents=True, exist_ok=True)
    watcher = _FolderWatcher(folder, _KNOWN_MB.get(model, 0) * 1_000_000, on_download)
    try:
        with watcher:
            (fetch or _fetch_from_hub)(model, folder)
    except OSError as error:
        return NeedsModel(
            f"The Whisper model {model!r} is not here and could not be fetched "
            f"({type(error).__name__}). {_what_to_do(model, models_dir)}",
            can_download=True,
        )
    return resolve_model(model, models_dir)


def _resolve_named(model: str, models_dir: Path, allow_practice: bool) -> ModelLocation | NeedsModel:
    folder = _named_folder(model, models_dir)
    if folder.is_dir() and not _missing_files(folder):
        return _unless_practice(folder, model, allow_practice)
    return NeedsModel(
        f"The Whisper model {model!r} is not on this machine yet. {_what_to_do(model, models_dir)}",
        can_download=True,
    )


def _what_to_do(model: str, models_dir: Path) -> str:
    size = f" (about {_KNOWN_MB[model]} MB)" if model in _KNOWN_MB else ""
    return (
        f"Connect this machine to the internet once{size} and retry, copy the model's files into "
        f"{_named_folder(model, models_dir)}, or set EARSHOT_WHISPER_MODEL to a folder that holds a model."
    )


def _unless_practice(folder: Path, name: str, allow_practice: bool) -> ModelLocation | NeedsModel:
    is_practice = (folder / PRACTICE_MARKER).is_file()
    if is_practice and not allow_practice:
        return NeedsModel(
            "EARSHOT_WHISPER_MODEL points to Earshot's practice model, which knows only the sample sentences "
            "and cannot transcribe real recordings. Set it to a real model, for example 'small'."
        )
    return ModelLocation(folder=folder, name=name, is_practice=is_practice)


def _missing_files(folder: Path) -> list[str]:
    # Without tokenizer.json faster-whisper would ask the hub for one, so it is required here.
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any((folder / f"vocabulary.{ending}").is_file() for ending in ("json", "txt")):
        missing.append("vocabulary.json")
    return missing


def _named_folder(model: str, models_dir: Path) -> Path:
    return models_dir / f"whisper-{model.replace('/', '--')}"


def _is_hub_id(model: str) -> bool:
    """An owner and a name, as in "owner/faster-whisper-xyz", unless such a folder stands here."""
    owner, slash, name = model.partition("/")
    plain = bool(slash and owner and name) and "/" not in name and not owner.startswith((".", "~"))
    return plain and "\\" not in model and not Path(model).exists()


def _fetch_from_hub(model: str, folder: Path) -> None:
    import faster_whisper
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with warnings.catch_warnings():
            # faster-whisper 1.2 passes an option that the hub's client no longer uses.
            warnings.filterwarnings("ignore", message=".*local_dir_use_symlinks.*")
            faster_whisper.download_model(model, output_dir=str(folder))
    except HfHubHTTPError as error:
        raise ConnectionError(str(error)) from error


class _FolderWatcher:
    """Reports a folder's size while it is filled, whichever way the hub's client fetches files."""

    def __init__(self, folder: Path, about_bytes: int, on_download: OnDownload | None) -> None:
        self._folder = folder
        self._about_bytes = about_bytes
        self._on_download = on_download
        self._done = threading.Event()
        self._stopped_by: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name="whisper-download", daemon=True)

    def __enter__(self) -> None:
        if self._on_download is not None:
            self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        # Whoever listens may raise to end the work; a download cannot be broken off, so it ends after it.
        if self._stopped_by is not None and kind is None:
            raise self._stopped_by

    def _watch(self) -> None:
        assert self._on_download is not None
        most = 0
        while True:
            finished = self._done.wait(_LOOK_EVERY_S)
            most = max(most, _size_bytes(self._folder))
            try:
                self._on_download(most, max(self._about_bytes, most) if self._about_bytes else 0)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                self._stopped_by = error
                return
            if finished:
                return


def _size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # a temporary file was renamed meanwhile
            continue
    return total
