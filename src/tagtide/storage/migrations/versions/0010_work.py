"""Indexes of the pages about runs and credits: what is under way, runs of a campaign, unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OPEN = sa.text("finished_at IS NULL")
_UNKNOWN = sa.text("state = 'unknown'")


def upgrade() -> None:
    """Add the indexes."""
    op.create_index(
        "ix_run_open",
        "run",
        ["started_at"],
        unique=False,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("ix_run_campaign_id", "run", ["campaign_id"], unique=False)
    op.create_index(
        "ix_ledger_unknown",
        "ledger",
        ["id"],
        unique=False,
        sqlite_where=_UNKNOWN,
        postgresql_where=_UNKNOWN,
    )
