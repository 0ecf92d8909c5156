"""How the readers of a campaign write numbers and the time of day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns that may be unknown."""
    op.add_column("campaign", sa.Column("numbers", sa.Text(), nullable=True))
    op.add_column("campaign", sa.Column("clock", sa.Text(), nullable=True))
