"""Phrases in SQLite FTS5, for what must stand there as it is: stemmed (Porter), blind to letter case and accents.

The index takes its text from `passage` and is kept by triggers, so it commits and rolls back with the
passages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, select, text
from sqlmodel import Session, col

from core.tables import Interview, Passage
from core.visibility import Viewer, is_visible_to
from search.query_words import has_word
from search.values import PassagePlace
from search.words import fold, is_unspaced

TOKENIZER = "porter unicode61 remove_diacritics 2"

_WORD = re.compile(r"[^\W_]+")

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
        asked = [phrase for phrase in phrases if has_word(phrase)]
        unspaced = [phrase for phrase in asked if any(map(is_unspaced, phrase))]
        expression = " AND ".join(_quoted(fold(phrase)) for phrase in asked if phrase not in unspaced)
        place = col(Passage.interview_id), col(Passage.first_segment), col(Passage.last_segment)
        found = select(*place).join(Interview, col(Interview.id) == col(Passage.interview_id))
        if expression:
            matching = text("passage.id IN (SELECT rowid FROM passage_words WHERE passage_words MATCH :expression)")
            found = found.where(matching.bindparams(expression=expression))
        # FTS5 holds what is written without spaces to be one word: the text itself is looked through
        found = found.where(*(col(Passage.text).like(_like(phrase)) for phrase in unspaced))
        rows = session.execute(found.where(is_visible_to(viewer)))
        return [PassagePlace(interview_id, first, last) for interview_id, first, last in rows]

    def rebuild(self, session: Session) -> None:
        session.execute(text("INSERT INTO passage_words(passage_words) VALUES ('rebuild')"))


def _quoted(part: str) -> str:
    # a quoted string, in which FTS5 knows no operator: what people type is never read as syntax
    return '"' + part.replace("\0", " ").replace('"', '""') + '"'


def _like(phrase: str) -> str:
    """Return a pattern of LIKE that holds wherever the phrase stands: anything may be between its words."""
    return f"%{'%'.join(_WORD.findall(phrase))}%"
