"""What the statistical detector has learned."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: SQLite numbers rows by itself only in a column that is INTEGER to the letter.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the states of detectors and the pool they share."""
    op.create_table(
        "detector_state",
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("false_alarms", sa.Float(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_detector_state_hashtag_key"
        ),
        sa.PrimaryKeyConstraint("hashtag_key", "false_alarms", name="pk_detector_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detector_pool",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_detector_pool"),
    )
