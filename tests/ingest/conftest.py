"""A workspace in a temporary folder with fakes behind every port; jobs run before a call returns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from core.blobs import FolderBlobStore
from core.clock import SettableClock
from core.database import Database
from core.directory import put_project
from core.settings import Settings
from core.visibility import ALL_SEEING
from ingest.fakes import (
    FakeDiarizer,
    FakePassageIndex,
    FakeSpeechDetector,
    FakeTranscriber,
    InlineJobs,
    RememberedJobs,
)
from ingest.pipeline import PipelineParts
from ingest.ports import Jobs
from ingest.schemas import InterviewOut, RecordingIn
from ingest.service import IngestService
from tests.media_factory import Samples, silence, tone, write_recording

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


@dataclass
class Workspace:
    settings: Settings
    clock: SettableClock
    database: Database
    blobs: FolderBlobStore
    transcriber: FakeTranscriber
    passages: FakePassageIndex
    parts: PipelineParts
    service: IngestService
    folder: Path

    def recording(self, sound: Samples, name: str = "call.wav") -> bytes:
        return write_recording(self.folder / name, sound).read_bytes()

    def add(self, data: bytes, name: str = "call.wav", sent: RecordingIn | None = None) -> tuple[InterviewOut, bool]:
        return self.service.add_recording([data], name, sent or RecordingIn(), "cli", "cli")

    def blob_files(self) -> list[Path]:
        return [path for path in self.settings.recordings_dir.rglob("*") if path.is_file()]


def speech(*loud_s: tuple[float, float], length_s: float = 6.0) -> Samples:
    """Silence with a loud stretch from second to second, which the fakes take for speech."""
    sound = silence(length_s)
    for start_s, end_s in loud_s:
        start, end = round(start_s * 16_000), round(end_s * 16_000)
        sound[start:end] = tone(end_s - start_s)[: end - start]
    return sound


@pytest.fixture
def build_workspace(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    built: list[Workspace] = []

    def build(*, inline: bool = True) -> Workspace:
        settings = Settings(data_dir=tmp_path / "data", max_upload_bytes=20_000_000)
        settings.data_dir.mkdir(parents=True)
        clock = SettableClock(NOON)
        database = Database(settings.db_url)
        SQLModel.metadata.create_all(database.writer_engine)
        with database.write() as session:
            put_project(session, "onboarding", "Onboarding", NOON, ALL_SEEING)
        blobs = FolderBlobStore(settings.recordings_dir)
        transcriber, passages = FakeTranscriber(), FakePassageIndex()
        parts = PipelineParts(
            database, clock, blobs, FakeSpeechDetector(), lambda _: transcriber, FakeDiarizer(), passages
        )
        jobs: Jobs = InlineJobs(parts) if inline else RememberedJobs()
        service = IngestService(database, clock, blobs, jobs, settings)
        built.append(Workspace(settings, clock, database, blobs, transcriber, passages, parts, service, tmp_path))
        return built[-1]

    yield build
    for workspace in built:
        workspace.database.close()


@pytest.fixture
def workspace(build_workspace: Callable[..., Workspace]) -> Workspace:
    return build_workspace()
