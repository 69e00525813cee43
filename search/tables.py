"""Search's own tables: an interview as it is indexed, its windows' vectors, the log of changes, the model in use.

The words' index is no table model: `sqlite_full_text.create_full_text` makes it, with triggers, in a migration.
"""

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel


class IndexedInterview(SQLModel, table=True):
    """One revision of an interview, cut and counted: what every process's index and every answer is made of.

    While a newer revision is worked on this one is found, whole; then it is replaced in one step.
    """

    __tablename__ = "indexed_interview"

    interview_id: str = Field(primary_key=True, foreign_key="interview.id", ondelete="CASCADE")
    revision: int
    window_count: int
    # every answer reads texts: SQLite reads through what lies before them
    texts: bytes = Field(sa_type=LargeBinary)  # `pack_texts`
    block: bytes = Field(sa_type=LargeBinary)  # `pack_block`


class WindowVector(SQLModel, table=True):
    """A window of cells as one model sees it: `dim` float32 numbers, little-endian, L2-normalised."""

    __tablename__ = "window_vector"
    __table_args__ = (
        UniqueConstraint("interview_id", "revision", "model", "ordinal", name="uq_window_vector_place"),
        {"sqlite_autoincrement": True},  # an id that was deleted is never given again: it may stand in an index file
    )

    id: int | None = Field(default=None, primary_key=True)  # also the vector's id in the index
    interview_id: str = Field(foreign_key="interview.id", ondelete="CASCADE")
    revision: int
    model: str
    ordinal: int
    dim: int
    content_hash: str = Field(index=True)  # sha256 of the window's text: an equal text is not embedded again
    vector: bytes = Field(sa_type=LargeBinary)


class IndexChange(SQLModel, table=True):
    """Interview `interview_id` changed for the index; a later change of it replaces the row, so the log stays short.

    `index()` writes it in the transaction that makes an interview findable, a trigger when one is deleted.
    """

    __tablename__ = "index_change"
    __table_args__ = {"sqlite_autoincrement": True}  # a number is never given twice: an index file remembers it

    seq: int | None = Field(default=None, primary_key=True)
    interview_id: str = Field(unique=True)  # no foreign key: the row outlives the interview


class SearchState(SQLModel, table=True):
    """The one row that says whose vectors answer questions. Another `generation` makes every index file void."""

    __tablename__ = "search_state"

    id: int = Field(primary_key=True)  # always 1
    model: str
    generation: str
