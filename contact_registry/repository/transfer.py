"""Whole tables of the registry, read in a fixed order and written into empty ones."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlmodel import Session, SQLModel, col, select

from contact_registry.tables import (
    Account,
    AccountExternalId,
    Consent,
    Contact,
    ContactAddress,
    ContactExternalId,
    ContactSegment,
    Suppression,
    SuppressionToken,
    Touchpoint,
)
from contact_registry.tables_of_record import (
    BookingConflict,
    HistoryImport,
    HistoryImportRow,
    PolicyDraft,
    PolicySet,
    Purpose,
)
from core.tables import Team

# Each before those that refer to it. Not the answers to repeated requests: their keys belong to this workspace.
MODELS: tuple[type[SQLModel], ...] = (
    Team,
    Purpose,
    PolicySet,
    PolicyDraft,
    Account,
    AccountExternalId,
    Contact,
    ContactAddress,
    ContactSegment,
    ContactExternalId,
    Touchpoint,
    Suppression,
    SuppressionToken,
    Consent,
    BookingConflict,
    HistoryImport,
    HistoryImportRow,
)
_READ_AT_ONCE = 1000


def table_of(model: type[SQLModel]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel adds it at run time


def rows_of(session: Session, model: type[SQLModel]) -> Iterator[SQLModel]:
    """Yield every row by primary key; of contacts those that are redirects come last."""
    order: list[Any] = list(table_of(model).primary_key)
    if model is Contact:
        order.insert(0, col(Contact.merged_into).is_not(None))
    query = select(model).order_by(*order).execution_options(yield_per=_READ_AT_ONCE)
    for row in session.exec(query):
        yield row
        session.expunge(row)


def is_empty(session: Session) -> bool:
    """Return whether nothing but teams is on file."""
    return not any(session.exec(select(model).limit(1)).first() for model in MODELS if model is not Team)


def known_teams(session: Session) -> set[str]:
    return set(session.exec(select(Team.id)))


def insert_rows(session: Session, model: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table_of(model)), rows)
