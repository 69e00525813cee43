"""`column in (many values)` with the whole list as one parameter, on SQLite and on PostgreSQL.

A statement that spells out a thousand parameters costs more to write down than to run; this one is built once,
whatever the length, and both databases still walk the column's index.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class TextList(TypeDecorator[Sequence[str]]):
    """A list of texts as one bound value: an array on PostgreSQL, JSON elsewhere."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _Listed(FunctionElement[str]):
    """The values of a bound list, one per row."""

    name = "listed"
    inherit_cache = True


@compiles(_Listed)
def _from_json(element: _Listed, compiler: SQLCompiler, **options: Any) -> str:
    values = compiler.process(element.clauses, **options)  # a placeholder, never a value
    return f"(SELECT value FROM json_each({values}))"  # noqa: S608


@compiles(_Listed, "postgresql")
def _from_array(element: _Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **options)}))"


def in_list(column: Any, name: str) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the texts bound to the parameter `name`."""
    condition: ColumnElement[bool] = column.bool_op("IN")(_Listed(bindparam(name, type_=TextList())))
    return condition
