"""Long lists being worked on and what came of them; and the lines of imported files. All of it is gone after a week."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from core.database import utc_column


class RegistryJob(SQLModel, table=True):
    """A list too long to be answered at once. It is worked on piece by piece; `done` rows are answered for good.

    `asker` is the `Actor` that asked, so that the answer is confined as theirs would have been. `worker` holds the job
    until `held_until` and then anybody may take it.
    """

    __tablename__ = "registry_job"
    __table_args__ = (Index("ix_registry_job_owner", "owner", "created_at"),)

    id: str = Field(primary_key=True)
    kind: str  # batch_check | csv_check | import | csv_import | simulation
    owner: str  # id of the user or key
    asker: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    asked: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    status: str = Field(index=True)  # queued | running | done | failed
    total: int
    done: int = 0
    head: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    import_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    worker: str | None = None
    held_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    attempts: int = 0  # begun without a piece being finished since
    created_at: datetime = Field(sa_column=utc_column(index=True))
    started_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class RegistryJobInput(SQLModel, table=True):
    """What was sent: the file, or the items as JSON."""

    __tablename__ = "registry_job_input"

    job_id: str = Field(primary_key=True, foreign_key="registry_job.id", ondelete="CASCADE")
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RegistryJobPart(SQLModel, table=True):
    """The answers to the rows from `start` on."""

    __tablename__ = "registry_job_part"

    job_id: str = Field(primary_key=True, foreign_key="registry_job.id", ondelete="CASCADE")
    start: int = Field(primary_key=True)
    rows: str = ""  # JSON objects with commas between
    rest: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    lines: str = ""  # of the CSV file


class RegistryJobPerson(SQLModel, table=True):
    """An address in the list, as a match key without its +tag, so that erasing its person finds the job."""

    __tablename__ = "registry_job_person"
    __table_args__ = (Index("ix_registry_job_person_key", "match_key"),)

    job_id: str = Field(primary_key=True, foreign_key="registry_job.id", ondelete="CASCADE")
    match_key: str = Field(primary_key=True)


class ImportedLine(SQLModel, table=True):
    """A line of an imported file as it was sent, for the outcome file; line 0 is the heading.

    Lines of people who had asked for erasure are never here. `match_key` is as in `RegistryJobPerson`.
    """

    __tablename__ = "imported_line"
    __table_args__ = (Index("ix_imported_line_key", "match_key"),)

    import_id: str = Field(primary_key=True, foreign_key="history_import.id", ondelete="CASCADE")
    line: int = Field(primary_key=True)
    match_key: str | None = None
    cells: list[str] = Field(sa_column=Column(JSON, nullable=False))
