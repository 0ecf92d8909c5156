"""An index from videos to the feeds in which they were seen."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_hashtag_video_video_key", "hashtag_video", ["video_key"], unique=False)
