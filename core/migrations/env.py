"""Alembic's entry: runs migrations over the application's own connection, one writer at a time."""

from alembic import context
from sqlmodel import SQLModel

from core.database import Database

database: Database = context.config.attributes["database"]

with database.writer_engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
