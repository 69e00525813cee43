"""An interview's texts lie before its block"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite finds the end of a long row by reading through it: the texts of a moment, 31 KB on average, lay behind 166.
    # PostgreSQL keeps long values apart.
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "indexed_interview_in_order",
        sa.Column("interview_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("window_count", sa.Integer(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["interview_id"], ["interview.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("interview_id"),
    )
    op.execute(
        "INSERT INTO indexed_interview_in_order (interview_id, revision, window_count, texts, block) "
        "SELECT interview_id, revision, window_count, texts, block FROM indexed_interview ORDER BY rowid"
    )
    op.drop_table("indexed_interview")
    op.rename_table("indexed_interview_in_order", "indexed_interview")
