"""Imports of history and what became of their rows."""

from sqlmodel import Session, col, select

from contact_registry.tables_of_record import HistoryImport, HistoryImportRow


def import_rows(session: Session, import_id: str) -> list[HistoryImportRow]:
    """Return the rows of an import, in the order of the file."""
    query = select(HistoryImportRow).where(col(HistoryImportRow.import_id) == import_id)
    return list(session.exec(query.order_by(col(HistoryImportRow.row))))


def recent_imports(session: Session, limit: int) -> list[HistoryImport]:
    """Return imports, newest first."""
    query = select(HistoryImport).order_by(col(HistoryImport.created_at).desc(), col(HistoryImport.id).desc())
    return list(session.exec(query.limit(limit)))
