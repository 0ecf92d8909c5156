"""Indexes of the first page: what became high priority, what ran, since an instant."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PRIORITY = sa.text("high_priority_at IS NOT NULL")


def upgrade() -> None:
    """Add the two indexes."""
    op.create_index(
        "ix_campaign_video_priority",
        "campaign_video",
        ["high_priority_at"],
        unique=False,
        sqlite_where=_PRIORITY,
        postgresql_where=_PRIORITY,
    )
    op.create_index("ix_run_started_at", "run", ["started_at"], unique=False)
