"""Takes an interview out of search for good: vectors, counted cells, words. Withdrawal and erasure call, in `app`.

Every other process drops it at its next look, since the change is logged; the words' index is swept afterwards.
"""

from __future__ import annotations

from sqlalchemy import CursorResult, delete, text
from sqlmodel import Session, col

from search import repository
from search.tables import IndexedInterview, WindowVector


def remove_interview(session: Session, interview_id: str) -> int:
    """Remove what is found of the interview and return how many vectors that were."""
    removed = session.execute(delete(WindowVector).where(col(WindowVector.interview_id) == interview_id))
    session.execute(delete(IndexedInterview).where(col(IndexedInterview.interview_id) == interview_id))
    repository.record_change(session, interview_id)
    assert isinstance(removed, CursorResult)
    return removed.rowcount


def sweep_words(session: Session) -> None:
    """Merge the words' index, which until then only marks what was deleted (https://sqlite.org/fts5.html#optimize)."""
    if session.connection().dialect.name == "sqlite":
        session.execute(text("INSERT INTO passage_words(passage_words) VALUES ('optimize')"))
