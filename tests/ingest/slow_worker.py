"""A worker process for the tests that kill it: real DBOS on SQLite, fakes that wait at a step while a file stands.

`FOLDER/hold-STEP` makes STEP wait; it then writes `FOLDER/held-STEP`. What was done is noted in `FOLDER/done.log`,
what was logged in `FOLDER/stderr.log`. `FOLDER/stop` ends the worker politely.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from core.blobs import FolderBlobStore
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from ingest.dbos_jobs import DbosJobs, DbosRuntime
from ingest.fakes import FakeDiarizer, FakePassageIndex, FakeSpeechDetector, FakeTranscriber
from ingest.pipeline import PipelineParts
from ingest.ports import OnDownload, OnPosition
from ingest.values import HeardWindow, ListeningOptions, SoundWindow

WINDOW_S = 2.0


class Notes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hold(self, step: str, look: Callable[[], None] = lambda: None) -> None:
        while (self.folder / f"hold-{step}").exists():
            (self.folder / f"held-{step}").touch()
            look()
            time.sleep(0.02)

    def note(self, line: str) -> None:
        with (self.folder / "done.log").open("a") as log:
            log.write(line + "\n")


class SlowTranscriber(FakeTranscriber):
    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self.notes = notes

    def prepare(self, on_download: OnDownload | None = None) -> None:
        pass

    def transcribe_window(
        self, window: SoundWindow, options: ListeningOptions, on_position: OnPosition | None = None
    ) -> HeardWindow:
        self.notes.note(f"transcribe {window.start_ms}")
        if window.start_ms > 0:  # the first window is stored before anything is held
            self.notes.hold("transcribe", lambda: on_position(window.start_ms) if on_position else None)
        return super().transcribe_window(window, options, on_position)


class SlowPassageIndex(FakePassageIndex):
    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self.notes = notes

    def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
        self.notes.note("embed")
        self.notes.hold("embed", lambda: on_progress(0.5))

    def index(self, interview_id: str) -> None:
        self.notes.note("index")
        self.notes.hold("index")


def main(folder: Path) -> None:
    with (folder / "stderr.log").open("a") as log:
        os.dup2(log.fileno(), 2)
    notes = Notes(folder)
    settings = Settings(data_dir=folder / "data")
    parts = PipelineParts(
        database=Database(settings.db_url),
        clock=SystemClock(),
        blobs=FolderBlobStore(settings.recordings_dir),
        detector=FakeSpeechDetector(),
        transcriber_for=lambda _: SlowTranscriber(notes),
        diarizer=FakeDiarizer(),
        passages=SlowPassageIndex(notes),
        window_s=WINDOW_S,
    )
    runtime = DbosRuntime(settings, DbosJobs(), lambda: parts, lambda: True, look_every_s=0.1)
    runtime.start()
    notes.note(f"started {os.getpid()}")
    while not (folder / "stop").exists():
        time.sleep(0.02)
    runtime.stop()
