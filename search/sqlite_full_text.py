"""Words in SQLite FTS5: ranked by BM25, stemmed (Porter), blind to letter case and accents.

The index takes its text from `passage` and is kept by triggers, so it commits and rolls back with the
passages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, Float, select, text
from sqlmodel import Session, col

from core.tables import Interview, Passage
from search.query_words import QueryWords, read_query
from search.repository import findable
from search.values import Hit, SearchFilters

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

    def search(self, session: Session, query: str, limit: int, filters: SearchFilters) -> list[Hit]:
        hits: dict[int, Hit] = {}
        for expression in match_expressions(read_query(query)):
            if len(hits) < limit:
                for hit in _matches(session, expression, limit, filters):
                    hits.setdefault(hit.passage_id, hit)
        return list(hits.values())[:limit]

    def rebuild(self, session: Session) -> None:
        session.execute(text("INSERT INTO passage_words(passage_words) VALUES ('rebuild')"))


def match_expressions(words: QueryWords) -> list[str]:
    """Return FTS5 expressions, strictest first; none when nothing is asked for.

    Each part is a quoted string, in which FTS5 knows no operator, so what people type is never read as
    syntax; a part of several tokens ("AB-1234", "don't") is a phrase.
    """
    phrases = [_quoted(phrase) for phrase in words.phrases]
    singles = [_quoted(word) for word in words.words]
    stages = [" AND ".join([*phrases, *singles])]
    if len(singles) > 1:
        stages.append(" AND ".join([*phrases, f"({' OR '.join(singles)})"]))
    if phrases and singles:
        stages.append(" AND ".join(phrases))
    return [stage for stage in stages if stage]


def highlight(texts: Sequence[str], query: str) -> list[tuple[tuple[int, int], ...]]:
    """Return for each text the [from, to) character offsets of the words of `query`, in order, by stem.

    FTS5 itself marks them, in a database in memory, so a mark is exactly what the words' index would match.
    """
    words = read_query(query)
    wanted = " OR ".join(_quoted(part) for part in (*words.phrases, *words.words))
    if not wanted:
        return [() for _ in texts]
    memory = sqlite3.connect(":memory:")
    try:
        memory.execute(f"CREATE VIRTUAL TABLE marked USING fts5(text, tokenize='{TOKENIZER}')")
        memory.executemany("INSERT INTO marked(rowid, text) VALUES (?, ?)", enumerate(texts))
        rows = memory.execute(
            "SELECT rowid, highlight(marked, 0, char(2), char(3)) FROM marked WHERE marked MATCH ?", (wanted,)
        ).fetchall()
    finally:
        memory.close()
    marked = dict(rows)
    return [_offsets(marked[place]) if place in marked else () for place in range(len(texts))]


def _matches(session: Session, expression: str, limit: int, filters: SearchFilters) -> list[Hit]:
    # MATERIALIZED: SQLite asks the words' index once and then looks each match up, never the other way round
    matched = (
        text(
            "SELECT rowid AS passage_id, -bm25(passage_words) AS score FROM passage_words "
            "WHERE passage_words MATCH :expression"
        )
        .bindparams(expression=expression)
        .columns(passage_id=BigInteger, score=Float)
        .cte("matched")
        .prefix_with("MATERIALIZED")
    )
    rows = session.execute(
        select(matched.c.passage_id, matched.c.score)
        .join(Passage, col(Passage.id) == matched.c.passage_id)
        .join(Interview, col(Interview.id) == Passage.interview_id)
        .where(*findable(filters))
        .order_by(matched.c.score.desc(), matched.c.passage_id)
        .limit(limit)
    )
    return [Hit(passage_id, score) for passage_id, score in rows]


def _quoted(part: str) -> str:
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
