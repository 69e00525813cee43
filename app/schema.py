"""Every table of the program, so that Alembic and the tests see the whole schema."""

from types import ModuleType

from sqlmodel import SQLModel

from app import participant_links, saved_searches, search_quality
from app.access import tables as access_tables
from app.api import repeats
from contact_registry import tables as registry_tables
from contact_registry import tables_of_lists, tables_of_record
from core import audit
from core import tables as core_tables
from ingest import tables as ingest_tables
from search import tables as search_tables

# importing a module registers its tables
TABLE_MODULES: tuple[ModuleType, ...] = (
    audit,
    core_tables,
    access_tables,
    participant_links,
    repeats,
    saved_searches,
    search_quality,
    ingest_tables,
    search_tables,
    registry_tables,
    tables_of_record,
    tables_of_lists,
)
metadata = SQLModel.metadata
