"""An Earshot for page tests: the real services over a temporary folder, with fakes where models would be."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session, SQLModel

from app.access.password_rules import PasswordHashes
from app.access.permissions import Role
from app.access.service import AccessService
from app.access.sessions import LOCAL_ADMINISTRATOR
from app.access.tables import User
from app.answers import AnswerService
from app.audit import AuditService
from app.erasure import PersonErasure
from app.main import create_app
from app.participation import ParticipationService
from app.services import Services
from app.withdrawal import WithdrawalService
from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointIn
from contact_registry.schemas_people import ContactIn
from contact_registry.service import RegistryService
from core import directory
from core.blobs import FolderBlobStore
from core.clock import SettableClock
from core.database import Database
from core.settings import Settings
from core.visibility import EVERYBODY
from ingest.fakes import FakeDiarizer, FakeSpeechDetector, FakeTranscriber, InlineJobs, RememberedJobs
from ingest.pipeline import PipelineParts
from ingest.ports import Jobs
from ingest.schemas import InterviewIn, InterviewOut
from ingest.service import IngestService
from ingest.uploads import UploadService
from search.fakes import FakeEmbedder, FakeVectorIndexes
from search.index_keeper import IndexKeeper
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText, create_full_text

MAX_UPLOAD_BYTES = 10_000_000
QUICK_HASHES = PasswordHashes(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
_TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


def build_services(folder: Path, *, works: bool = True) -> Services:
    """Return services that process interviews at once, or with `works` False only remember that they should."""
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'earshot.db'}",
        timezone="Europe/Prague",
        max_upload_bytes=MAX_UPLOAD_BYTES,
    )
    database, clock = Database(settings.db_url), SettableClock(NOON)
    keeper = IndexKeeper(FakeVectorIndexes(), folder / "index")
    search = SearchService(database, FakeEmbedder, "fake-words", keeper, SqliteFullText(), clock)
    blobs = FolderBlobStore(settings.recordings_dir)
    registry = RegistryService(database, clock, settings)
    participation = ParticipationService(database, clock, registry)
    parts = PipelineParts(
        database=database,
        clock=clock,
        blobs=blobs,
        detector=FakeSpeechDetector(),
        transcriber_for=lambda source: FakeTranscriber(),
        diarizer=FakeDiarizer(),
        passages=search,
        participation=participation,
    )
    jobs: Jobs = InlineJobs(parts) if works else RememberedJobs()
    ingest = IngestService(database, clock, blobs, jobs, settings, participation)
    uploads = UploadService(settings, ingest)
    withdrawal = WithdrawalService(database, clock, blobs, search, uploads)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        blobs=blobs,
        jobs=jobs,
        access=AccessService(database, clock, QUICK_HASHES),
        ingest=ingest,
        uploads=uploads,
        search=search,
        answers=AnswerService(search, participation, registry),
        registry=registry,
        participation=participation,
        audit=AuditService(database, clock),
        withdrawal=withdrawal,
        erasure=PersonErasure(database, clock, registry, search, jobs, withdrawal),
    )


@dataclass(frozen=True)
class World:
    """Services with a project, two teams, an interview and a contact; and browsers that visit them."""

    services: Services
    interview: InterviewOut
    contact_id: str

    def close(self) -> None:
        self.services.search.close()
        self.services.database.close()

    @cached_property
    def app(self) -> FastAPI:
        return create_app(self.services)

    def visitor(self) -> TestClient:
        """Return a browser that is not signed in and follows no redirect."""
        return TestClient(self.app, follow_redirects=False)

    def member(self) -> TestClient:
        """Return a browser that is signed in."""
        client = self.visitor()
        form = {"token": self.services.access.sessions.create_link(), "csrf_token": token_on(client, "/sign-in")}
        assert client.post("/sign-in", data=form).status_code == 303
        return client


def build_world(folder: Path) -> World:
    """Fill the folder with what a world holds, and return it."""
    services = build_services(folder)
    with services.database.writer_engine.begin() as connection:
        SQLModel.metadata.create_all(connection)
        create_full_text(connection)
    with services.database.write() as session:
        session.add(User(id=LOCAL_ADMINISTRATOR, name="Administrator", role=Role.ADMINISTRATOR, created_at=NOON))
        _put_names(session, services)
    contact = services.registry.add_contact(ContactIn(name="Jana Malá", emails=["jana@bakery.example"]), SYSTEM)
    services.registry.record(
        TouchpointIn(
            contact=contact.id,
            at=NOON - timedelta(days=10),
            team="sales",
            channel="phone",
            purpose="sales_call",
            status="completed",
        ),
        SYSTEM,
    )
    return World(services, services.ingest.add_interview(example_interview(), "sample", "system"), contact.id)


def copy_of(seed: World, folder: Path, *, works: bool = True) -> World:
    """Return a world of its own with what `seed` holds: quicker than building it again."""
    seed_folder = seed.services.settings.data_dir
    shutil.copytree(seed_folder, folder, dirs_exist_ok=True)
    return World(build_services(folder, works=works), seed.interview, seed.contact_id)


def _put_names(session: Session, services: Services) -> None:
    now = services.clock.now()
    directory.put_project(session, "mail", "E-mail study", now, EVERYBODY)
    directory.put_team(session, "research", "Research", now)
    directory.put_team(session, "sales", "Sales", now)


def example_interview(title: str = "What the bakery thinks of e-mail", **fields: object) -> InterviewIn:
    segments = [
        {"speaker": "Interviewer", "start_ms": 0, "end_ms": 4_000, "text": "How often do we write to you?"},
        {"speaker": "Jana", "start_ms": 4_200, "end_ms": 12_000, "text": "Four mails in one week, I nearly cancelled."},
        {"speaker": "Interviewer", "start_ms": 12_500, "end_ms": 15_000, "text": "What would be fine?"},
        {"speaker": "Jana", "start_ms": 15_400, "end_ms": 20_000, "text": "Once a quarter is fine."},
    ]
    given = {"title": title, "project": "mail", "tags": ["e-mail"], "participants": ["Jana"], "segments": segments}
    return InterviewIn.model_validate({**given, **fields})


def token_on(client: TestClient, path: str) -> str:
    """Return the form token that the page carries."""
    match = _TOKEN.search(client.get(path).text)
    assert match is not None, f"{path} has no form"
    return match[1]


class PageText(HTMLParser):
    """What a page says and holds: its title, its words, its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.title = ""
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._within and self._within[-1] == "title":
            self.title += data
        elif data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
