"""Interviews made without ingest: each text becomes one segment and one passage."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, SQLModel, col, delete

from core.clock import SettableClock
from core.database import Database
from core.ids import new_id
from core.tables import Interview, InterviewTag, Passage, Project, Segment, Team
from search.fakes import FakeEmbedder, FakeVectorIndexes
from search.index_keeper import MEMORY_BYTES, IndexKeeper
from search.ports import VectorIndexes
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText, create_full_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_database(file: Path) -> Database:
    database = Database(f"sqlite:///{file}")
    with database.writer_engine.begin() as connection:
        SQLModel.metadata.create_all(connection)
        create_full_text(connection)
    return database


@dataclass
class Workshop:
    """A search over one database and one index folder, with fakes for the model and, unless told, the index."""

    folder: Path
    indexes: VectorIndexes = field(default_factory=FakeVectorIndexes)
    model: str = "fake-words"
    save_after: int = 5000
    memory_bytes: int = MEMORY_BYTES

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "earshot.db"
        self.database = Database(f"sqlite:///{file}") if file.exists() else make_database(file)
        self.embedders: dict[str, FakeEmbedder] = {}
        self.keeper = IndexKeeper(self.indexes, self.folder / "index", self.save_after, self.memory_bytes)
        self.service = SearchService(
            self.database, self.embedder, self.model, self.keeper, SqliteFullText(), SettableClock(NOON)
        )

    def embedder(self, name: str) -> FakeEmbedder:
        return self.embedders.setdefault(name, FakeEmbedder(name))

    def restart(self, **changes: Any) -> "Workshop":
        """Return a workshop over the same folder, as a new process would see it."""
        return Workshop(self.folder, **{"indexes": self.indexes, "model": self.model, **changes})

    def restart_in(self, folder: Path) -> "Workshop":
        """Return a workshop over another folder that was filled with a copy of this database."""
        return Workshop(folder, self.indexes, self.model)

    def add(self, *texts: str, findable: bool = True, **fields: Any) -> str:
        """Store an interview, and embed and index it unless told not to; `speakers` gives one for each text."""
        speakers = fields.pop("speakers", ["Ann"] * len(texts))
        tags = fields.pop("tags", [])
        interview = Interview(
            id=new_id("int"),
            **{"source": "test", "title": "Talk", "status": "ready", "created_at": NOON, "updated_at": NOON, **fields},
        )
        with self.database.write() as session:
            session.add(interview)
            session.flush()
            session.add_all(InterviewTag(interview_id=interview.id, tag=tag) for tag in tags)
            _put_texts(session, interview.id, texts, speakers)
        if findable:
            self.make_findable(interview.id)
        return interview.id

    def add_each(self, *texts: str, **fields: Any) -> list[str]:
        """Store an interview for each text: short texts of one interview would be one moment."""
        return [self.add(text, **fields) for text in texts]

    def make_findable(self, interview_id: str) -> None:
        self.service.embed(interview_id, lambda share: None)
        self.service.index(interview_id)

    def replace_texts(self, interview_id: str, *texts: str) -> None:
        """Do what ingest does when the transcript changed: other segments, other passages, not indexed yet."""
        with self.database.write() as session:
            session.get_one(Interview, interview_id).revision += 1
            session.exec(delete(Passage).where(col(Passage.interview_id) == interview_id))
            session.exec(delete(Segment).where(col(Segment.interview_id) == interview_id))
            _put_texts(session, interview_id, texts, ["Ann"] * len(texts))

    def set_status(self, interview_id: str, status: str) -> None:
        with self.database.write() as session:
            session.get_one(Interview, interview_id).status = status

    def delete(self, interview_id: str) -> None:
        with self.database.write() as session:
            session.exec(delete(Interview).where(col(Interview.id) == interview_id))

    def put_project(self, slug: str) -> None:
        with self.database.write() as session:
            session.add(Project(id=slug, name=slug, created_at=NOON))

    def put_team(self, slug: str) -> None:
        with self.database.write() as session:
            session.add(Team(id=slug, name=slug, created_at=NOON))


def _put_texts(session: Session, interview_id: str, texts: Sequence[str], speakers: Sequence[str]) -> None:
    for ordinal, (text, speaker) in enumerate(zip(texts, speakers, strict=True)):
        start_ms, end_ms = ordinal * 1000, ordinal * 1000 + 900
        session.add(
            Segment(
                interview_id=interview_id, ordinal=ordinal, speaker=speaker, start_ms=start_ms, end_ms=end_ms, text=text
            )
        )
        session.add(
            Passage(
                interview_id=interview_id,
                ordinal=ordinal,
                first_segment=ordinal,
                last_segment=ordinal,
                start_ms=start_ms,
                end_ms=end_ms,
                speakers=[speaker],
                text=text,
                content_hash=hashlib.sha256(text.encode()).hexdigest(),
            )
        )
