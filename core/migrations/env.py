"""Alembic's entry: runs migrations over the application's own connection, one writer at a time."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeEngine

from core.database import Database, UtcDateTime

database: Database = context.config.attributes["database"]


def _render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger()"  # milliseconds since 1970
    if kind == "type" and isinstance(item, TypeEngine) and type(item).__name__ == "AutoString":
        return "sa.String()"
    return False


def _is_ours(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith("passage_words"))  # FTS5's own tables


with database.writer_engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes.get("metadata"),
        render_item=_render,
        include_object=_is_ours,
        render_as_batch=True,
        compare_type=False,
    )
    with context.begin_transaction():
        context.run_migrations()
