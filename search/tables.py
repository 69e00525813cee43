"""Search's own tables: vectors beside their passages, the log of changes an index follows, and the model in
use.

The words' index is no table model: `sqlite_full_text.create_full_text` makes it, with triggers, in a
migration.
"""

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel


class PassageVector(SQLModel, table=True):
    """One passage as one model sees it: `dim` float32 numbers, little-endian, L2-normalised."""

    __tablename__ = "passage_vector"

    passage_id: int = Field(primary_key=True, foreign_key="passage.id", ondelete="CASCADE")
    model: str = Field(primary_key=True)
    dim: int
    content_hash: str = Field(index=True)  # of the passage's text: an equal text is not embedded again
    vector: bytes = Field(sa_type=LargeBinary)


class IndexChange(SQLModel, table=True):
    """Interview `interview_id` changed for the index; a later change of it replaces the row, so the log stays
    short.

    `index()` writes it in the transaction that makes an interview findable, a trigger when one is deleted.
    """

    __tablename__ = "index_change"
    __table_args__ = {"sqlite_autoincrement": True}  # a number is never given twice: an index file remembers it

    seq: int | None = Field(default=None, primary_key=True)
    interview_id: str = Field(unique=True)  # no foreign key: the row outlives the interview


class SearchState(SQLModel, table=True):
    """The one row that says whose vectors answer questions. Another `generation` makes every index file
    void.
    """

    __tablename__ = "search_state"

    id: int = Field(primary_key=True)  # always 1
    model: str
    generation: str
