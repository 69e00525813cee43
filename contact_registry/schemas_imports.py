"""What programs send and read about lists of people: CSV check and CSV import, row by row."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from contact_registry.instants import Instant
from contact_registry.local_times import DateFormat
from contact_registry.schemas import BatchItemOut, GivenSource, Id, Input

MAX_ROWS = 10_000  # more are a job
MAX_JOB_ROWS = 100_000


class SuspectedOut(BaseModel):
    """A row whose address differs only by its +tag from that of an earlier row, or of somebody on file."""

    index: int
    row: int | None = None  # the earlier row's index
    contact: str | None = None


class CsvCheckOut(BaseModel):
    """How the file was read, how many people have which badge, and one line per row (`index` 0 is row 1).

    Suspected duplicates are for somebody to look at: each is answered as a person of their own.
    """

    encoding: str
    delimiter: str
    columns: list[str]
    email_column: str
    policy_version: int
    checked_at: str
    counts: dict[str, int]
    rows: list[BatchItemOut]
    suspected_duplicates: list[SuspectedOut] = []


class ImportIn(Input):
    """Rows as dictionaries. Each is judged alone; its fields are those of `ImportRowIn`."""

    rows: list[dict[str, Any]] = Field(max_length=MAX_JOB_ROWS)
    source: GivenSource | None = Field(
        default=None, description="Namespace of external_id; the caller's own by default."
    )
    dry_run: bool = False
    file_name: str | None = Field(default=None, max_length=200)


class HistoryFile(Input):
    """How a file of history is read: by whoever takes it in at once, and by the job that a long one becomes."""

    defaults: dict[str, str] = Field(default={}, description="Fields of rows where no column says them.")
    tz: str | None = Field(default=None, description="Zone of times without one; the workspace's by default.")
    encoding: str | None = Field(default=None, description="Guessed when left out.")
    order: DateFormat = "iso"
    source: GivenSource | None = None
    dry_run: bool = False
    file_name: str | None = None
    columns: dict[str, str] | None = Field(
        default=None, description='A field\'s column where its heading does not say, or is misleading; "" for none.'
    )


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
