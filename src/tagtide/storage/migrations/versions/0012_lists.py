"""Indexes of single pages: alerts about a video, messages about an alert."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INDEXES = (
    ("alert", "video_id"),
    ("outbox", "alert_id"),
)


def upgrade() -> None:
    """Add the indexes."""
    for table, column in _INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
