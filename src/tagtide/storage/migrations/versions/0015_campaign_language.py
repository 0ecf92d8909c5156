"""The language of a campaign's reports."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may be unknown."""
    op.add_column("campaign", sa.Column("language", sa.Text(), nullable=True))
