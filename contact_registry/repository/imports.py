"""Imports of history and what became of their rows."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, exists, or_
from sqlmodel import Session, col, select

from contact_registry.tables_of_lists import ImportedLine
from contact_registry.tables_of_record import HistoryImport, HistoryImportRow


def import_rows(session: Session, import_id: str) -> list[HistoryImportRow]:
    """Return the rows of an import, in the order of the file."""
    query = select(HistoryImportRow).where(col(HistoryImportRow.import_id) == import_id)
    return list(session.exec(query.order_by(col(HistoryImportRow.row))))


def recent_imports(session: Session, limit: int) -> list[HistoryImport]:
    """Return imports, newest first."""
    query = select(HistoryImport).order_by(col(HistoryImport.created_at).desc(), col(HistoryImport.id).desc())
    return list(session.exec(query.limit(limit)))


def lines_of(session: Session, import_id: str) -> dict[int, list[str]]:
    """Return the lines of an imported file that are kept, by their number."""
    query = select(ImportedLine.line, ImportedLine.cells).where(col(ImportedLine.import_id) == import_id)
    return {line: list(cells) for line, cells in session.exec(query)}


def has_lines_before(session: Session, before: datetime) -> bool:
    """Return whether lines are kept of files that were imported before this."""
    query = select(ImportedLine.import_id).join(HistoryImport, col(HistoryImport.id) == col(ImportedLine.import_id))
    return session.exec(query.where(col(HistoryImport.created_at) < before).limit(1)).first() is not None


def forget_lines_before(session: Session, before: datetime) -> int:
    """Delete the lines of files that were imported before this; return how many."""
    old = select(HistoryImport.id).where(col(HistoryImport.created_at) < before)
    result = session.connection().execute(delete(ImportedLine).where(col(ImportedLine.import_id).in_(old)))
    return int(result.rowcount)


def forget_lines_of(session: Session, contact: str, match_keys: Iterable[str]) -> None:
    """Delete the lines that were the contact's or have these addresses, given as match keys without a +tag."""
    theirs = exists().where(
        col(HistoryImportRow.import_id) == col(ImportedLine.import_id),
        col(HistoryImportRow.row) == col(ImportedLine.line),
        col(HistoryImportRow.contact_id) == contact,
    )
    addressed = col(ImportedLine.match_key).in_(sorted(match_keys))
    session.connection().execute(delete(ImportedLine).where(or_(addressed, theirs)))
