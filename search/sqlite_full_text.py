"""Words in SQLite FTS5, for what must stand there as it is: stemmed (Porter), blind to letter case and accents.

The index takes its text from `passage` and is kept by triggers, so it commits and rolls back with the
passages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Connection, select, text
from sqlmodel import Session, col

from core.tables import Interview, Passage
from core.visibility import Viewer, is_visible_to
from search.query_words import has_word
from search.values import PassagePlace

TOKENIZER = "porter unicode61 remove_diacritics 2"

_STATEMENTS = (
    "CREATE VIRTUAL TABLE passage_words USING fts5(text, content='passage', content_rowid='id', "
    f"tokenize='{TOKENIZER}')",
    "CREATE TRIGGER passage_words_insert AFTER INSERT ON passage BEGIN "
    "INSERT INTO passage_words(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER passage_words_delete AFTER DELETE ON passage BEGIN "
    "INSERT INTO passage_words(passage_words, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER passage_words_update AFTER UPDATE OF id, text ON passage BEGIN "
    "INSERT INTO passage_words(passage_words, rowid, text) VALUES ('delete', old.id, old.text); "
    "INSERT INTO passage_words(rowid, text) VALUES (new.id, new.text); END",
    # what was in there before, when the tables are older than the index
    "INSERT INTO passage_words(passage_words) VALUES ('rebuild')",
    "CREATE TRIGGER interview_leaves_index AFTER DELETE ON interview BEGIN "
    "DELETE FROM index_change WHERE interview_id = old.id; "
    "INSERT INTO index_change(interview_id) VALUES (old.id); END",
)


def create_full_text(connection: Connection) -> None:
    """Create the words' index and the triggers that keep it and the change log. Called by a migration.

    Nothing happens on another database than SQLite. A migration that makes `passage` or `interview` anew
    (Alembic's batch mode) drops the triggers with the table and has to create them again.
    """
    if connection.dialect.name == "sqlite":
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)


class SqliteFullText:
    """The FullText port on FTS5."""

    def find_phrases(self, session: Session, phrases: Sequence[str], viewer: Viewer) -> list[PassagePlace]:
        expression = " AND ".join(_quoted(phrase) for phrase in phrases if has_word(phrase))
        place = col(Passage.interview_id), col(Passage.first_segment), col(Passage.last_segment)
        found = select(*place).join(Interview, col(Interview.id) == col(Passage.interview_id))
        if expression:
            matching = text("passage.id IN (SELECT rowid FROM passage_words WHERE passage_words MATCH :expression)")
            found = found.where(matching.bindparams(expression=expression))
        rows = session.execute(found.where(is_visible_to(viewer)))
        return [PassagePlace(interview_id, first, last) for interview_id, first, last in rows]

    def rebuild(self, session: Session) -> None:
        session.execute(text("INSERT INTO passage_words(passage_words) VALUES ('rebuild')"))


def hold_phrases(texts: Sequence[str], phrases: Sequence[str]) -> list[bool]:
    """Return for each text whether all `phrases` stand in it, as the words' index would say."""
    expression = " AND ".join(_quoted(phrase) for phrase in phrases if has_word(phrase))
    if not expression:
        return [True] * len(texts)
    matching = {place for place, _ in _marked(texts, expression)}
    return [place in matching for place in range(len(texts))]


def highlight(texts: Sequence[str], parts: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
    """Return for each text the [from, to) character offsets of the words and phrases `parts`, in order, by stem.

    FTS5 itself marks them, in a database in memory, so a mark is exactly what the words' index would match.
    """
    expression = " OR ".join(_quoted(part) for part in parts if has_word(part))
    marked = dict(_marked(texts, expression)) if expression else {}
    return [_offsets(marked[place]) if place in marked else () for place in range(len(texts))]


def _marked(texts: Sequence[str], expression: str) -> list[tuple[int, str]]:
    """Return the place of each matching text, and the text with characters 2 and 3 around its matches."""
    memory = sqlite3.connect(":memory:")
    try:
        memory.execute(f"CREATE VIRTUAL TABLE marked USING fts5(text, tokenize='{TOKENIZER}')")
        memory.executemany("INSERT INTO marked(rowid, text) VALUES (?, ?)", enumerate(texts))
        return memory.execute(
            "SELECT rowid, highlight(marked, 0, char(2), char(3)) FROM marked WHERE marked MATCH ?", (expression,)
        ).fetchall()
    finally:
        memory.close()


def _quoted(part: str) -> str:
    # a quoted string, in which FTS5 knows no operator: what people type is never read as syntax
    return '"' + part.replace("\0", " ").replace('"', '""') + '"'


def _offsets(marked: str) -> tuple[tuple[int, int], ...]:
    """Turn text with characters 2 and 3 around its matches into offsets in the text without them."""
    spans: list[tuple[int, int]] = []
    position = start = 0
    for character in marked:
        if character == "\x02":
            start = position
        elif character == "\x03":
            spans.append((start, position))
        else:
            position += 1
    return tuple(spans)
