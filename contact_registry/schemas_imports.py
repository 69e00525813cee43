"""What programs send and read about lists of people: CSV check and CSV import, row by row."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from contact_registry.instants import Instant
from contact_registry.schemas import GivenSource, Id, Input

MAX_ROWS = 10_000


class ImportIn(Input):
    """Rows as dictionaries. Each is judged alone; its fields are those of `ImportRowIn`."""

    rows: list[dict[str, Any]] = Field(max_length=MAX_ROWS)
    source: GivenSource | None = Field(
        default=None, description="Namespace of external_id; the caller's own by default."
    )
    dry_run: bool = False
    file_name: str | None = Field(default=None, max_length=200)


class ImportRowOut(BaseModel):
    row: int
    outcome: Literal["created", "updated", "unchanged", "duplicate_in_file", "suppressed", "contact_only", "error"]
    contact: Id | None = None
    touchpoint: Id | None = None
    error: str | None = None
    message: str | None = None


class ImportOut(BaseModel):
    id: str | None  # None for a dry run
    status: str
    file_name: str | None = None
    counts: dict[str, int]
    rows: list[ImportRowOut]
    new_conflicts: list[str] = []
    created_at: Instant
