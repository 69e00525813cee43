"""Random corpora with secrets, random people and questions, and the same corpora without what somebody may not see.

What may be seen is decided here in plain Python, apart from the SQL that is under test.
"""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, delete, select

from core.errors import AppError
from core.tables import Interview, Project
from core.visibility import Viewer
from search.ports import VectorIndexes
from search.values import Mode, SearchFilters, SearchRequest, SimilarRequest, SuggestionRequest
from tests.search.factories import NOON, Workshop

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
PROJECTS = ("atlas", "borealis", "cumulus", "dynamo")
TEAMS = ("design", "sales")
SOURCES = ("crm", "page")
TAGS = ("churn", "pilot")
SECRET_TAGS = ("layoffs", "meeting-hushed")
SPEAKERS = ("Ann Lee", "Ann Moss", "Bob", "Dr. Carla Diaz", "Zoë Xu")
SECRET_SPEAKERS = ("Ann Hush", "Bob Hush", "Mora Quiet")
_WORDS = """
invoice invoices wrong price pricing meeting export dashboard report login sign single slow crash error onboarding
email emails renewal contract team budget feature integration mobile offline search filter password account support
ticket answer waiting upgrade discount annual monthly seat license training video the and of to we they it was not
very really about with for never always because trial AB-12 invoice price meeting export
"""
WORDS = tuple(_WORDS.split())
SECRET_WORDS = ("zeppelin", "moonbeam", "merger", "QX-77", "layoff", "invoice", "price", "zeppelin")


class SecretWorld:
    """A search over a dozen random interviews, of which some are nobody's business."""

    def __init__(self, folder: Path, seed: int, indexes: VectorIndexes) -> None:
        self.random = random.Random(seed)
        self._folder = folder
        self._copies = 0
        self.workshop = Workshop(folder / "whole", indexes)
        for slug in PROJECTS:
            self.workshop.put_project(slug)
        for slug in TEAMS:
            self.workshop.put_team(slug)
        restricted = self.random.sample(PROJECTS, self.random.choice((1, 2, 2, 3, 4)))
        with self.workshop.database.write() as session:
            for slug in restricted:
                session.get_one(Project, slug).is_restricted = True
        # now and then nothing at all is open to all
        self._projects = restricted if self.random.random() < 0.15 else [None, *PROJECTS]
        for _ in range(self.random.randint(6, 14)):
            self.add()

    def add(self) -> None:
        pick = self.random
        project = pick.choice(self._projects)
        with self.workshop.database.read() as session:
            found = session.get(Project, project) if project else None
        is_secret = found is not None and found.is_restricted
        words = WORDS + (SECRET_WORDS * 4 if is_secret else ())
        voices = pick.sample(SPEAKERS + (SECRET_SPEAKERS if is_secret else ()), 3)
        texts = [" ".join(pick.choices(words, k=pick.randint(3, 60))) for _ in range(pick.choice((0, 1, 4, 12, 25)))]
        self.workshop.add(
            *texts,
            speakers=[pick.choice(voices) for _ in texts],
            project_id=project,
            team_id=pick.choice((None, *TEAMS)),
            source=pick.choice(SOURCES),
            tags=pick.sample(TAGS + (SECRET_TAGS if is_secret else ()), pick.randint(0, 2)),
            language=pick.choice((None, "en", "de")),
            recorded_at=NOON + timedelta(days=pick.randint(-9, 9)),
            recording_sha256=pick.choice((None, "ab")),
            is_quotable=pick.random() > 0.15,
            withdrawn_at=NOON if pick.random() < 0.08 else None,
            status=pick.choice(("ready",) * 9 + ("indexing", "failed", "cancelled", "needs_model")),
        )

    def change(self) -> None:
        """Do something after which somebody may see more or less than a moment ago."""
        pick = self.random
        with self.workshop.database.write() as session:
            interview = pick.choice(session.exec(select(Interview)).all())
            action = pick.choice(("restrict", "move", "object", "withdraw", "delete", "grow"))
            if action == "restrict":
                project = session.get_one(Project, pick.choice(PROJECTS))
                project.is_restricted = not project.is_restricted
            elif action == "move":
                interview.project_id = pick.choice((None, *PROJECTS))
            elif action == "object":
                interview.is_quotable = not interview.is_quotable
            elif action == "withdraw":
                interview.withdrawn_at = NOON
            elif action == "delete":
                session.delete(interview)
        if action == "grow":
            self.add()

    def viewer(self) -> Viewer:
        pick = self.random
        return Viewer(
            sees_all=pick.random() < 0.1,
            projects=frozenset(pick.sample(PROJECTS, pick.choice((0, 0, 1, 1, 2, 4)))),
            reads_unquotable=pick.random() < 0.3,
            only_source=pick.choice((None, None, None, *SOURCES)),
        )

    def request(self, viewer: Viewer) -> SearchRequest:
        pick = self.random
        chosen: dict[str, Any] = {}
        for name, choices in (
            ("project", PROJECTS),
            ("team", TEAMS),
            ("speaker", SPEAKERS + SECRET_SPEAKERS),
            ("tag", TAGS + SECRET_TAGS),
            ("from_at", (NOON,)),
            ("to_at", (NOON,)),
            ("language", ("en", "de")),
            ("kind", ("recording", "transcript")),
        ):
            if pick.random() < 0.08:
                chosen[name] = pick.choice(choices)
        return SearchRequest(
            self._query(),
            pick.choice(MODES),
            pick.choice((1, 3, 10, 50)),
            SearchFilters(**chosen),
            viewer,
            is_grouped=pick.random() < 0.2,
            with_facets=pick.random() < 0.5,
        )

    def similar(self, viewer: Viewer) -> SimilarRequest:
        with self.workshop.database.read() as session:
            interview = self.random.choice(session.exec(select(Interview.id)).all())
        first = self.random.randint(0, 5)
        return SimilarRequest(interview, first, first + self.random.randint(0, 3), self.random.choice((1, 5)), viewer)

    def beginning(self, viewer: Viewer) -> SuggestionRequest:
        word = self.random.choice((*WORDS, *SECRET_WORDS, *SPEAKERS, *SECRET_SPEAKERS, *PROJECTS, *TAGS, *SECRET_TAGS))
        lead = self.random.choice(("", "", "invoice ", "wrong price "))
        return SuggestionRequest(lead + word[: self.random.randint(1, 5)], 20, viewer)

    def _query(self) -> str:
        pick = self.random
        words = pick.choices((*WORDS, *SECRET_WORDS), k=pick.randint(1, 4))
        shape = pick.choice(("words", "question", "phrase", "slip", "beginning", "without", "narrow"))
        if shape == "question":
            return f"What did {pick.choice(('Ann', 'Ann Lee', 'Bob', 'Mora', 'Diaz'))} say about the {' '.join(words)}?"
        if shape == "phrase":
            return f'{words[0]} "{" ".join(words[1:] or words)}"'
        if shape == "slip":
            return " ".join(self._slip(word) for word in words)
        if shape == "beginning":
            return f"{words[0]} {words[-1][:4]}*"
        if shape == "without":
            return f'{" ".join(words)} {pick.choice(("-zeppelin", "-invoice", "-pri*"))} -"wrong price"'
        if shape == "narrow":
            name = pick.choice(("Ann", "Hush", "Bob", "Mora Quiet"))
            rest = pick.choice(
                ("tag:churn", "after:2026-03-01", "before:2026-03-05", f"project:{pick.choice(PROJECTS)}")
            )
            return f'{" ".join(words)} speaker:"{name}" {rest}'
        return " ".join(words)

    def _slip(self, word: str) -> str:
        """Return the word with two neighbouring letters swapped."""
        place = self.random.randrange(1, max(2, len(word) - 1))
        return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]

    def without_secrets(self, viewer: Viewer) -> Workshop:
        """Return a search over a copy from which everything is deleted that `viewer` may not find."""
        self._copies += 1
        folder = self._folder / f"copy-{self._copies}"
        folder.mkdir()
        with (
            closing(sqlite3.connect(self._folder / "whole" / "earshot.db")) as source,
            closing(sqlite3.connect(folder / "earshot.db")) as copy,
        ):
            source.backup(copy)
        workshop = self.workshop.restart_in(folder)
        with workshop.database.write() as session:
            _delete_secrets(session, viewer)
        return workshop

    def close(self) -> None:
        self.workshop.database.close()


def _delete_secrets(session: Session, viewer: Viewer) -> None:
    secret = {
        project.id
        for project in session.exec(select(Project))
        if project.is_restricted and not viewer.sees_all and project.id not in viewer.projects
    }
    for interview in session.exec(select(Interview)):
        is_there = interview.status in ("ready", "received", "transcribing", "indexing")
        objects = not interview.is_quotable or interview.withdrawn_at is not None
        is_foreign = viewer.only_source is not None and interview.source != viewer.only_source
        if not is_there or objects or is_foreign or interview.project_id in secret:
            session.delete(interview)
    session.flush()
    session.exec(delete(Project).where(col(Project.id).in_(secret)))


def answer(workshop: Workshop, request: SearchRequest | SimilarRequest | SuggestionRequest) -> Any:
    """Return the answer without the time it took, or the error's code."""
    try:
        if isinstance(request, SearchRequest):
            return replace(workshop.service.search(request), took_ms=0.0)
        if isinstance(request, SimilarRequest):
            return workshop.service.similar(request)
        return workshop.service.suggest(request)
    except AppError as error:
        return error.code
