"""Endpoints with a lease and a breaker, digests, replayed dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WAITING = sa.text("sent_at IS NULL AND given_up_at IS NULL AND folded_into IS NULL")
_SENT = sa.text("sent_at IS NOT NULL")


def upgrade() -> None:
    """Move the lease from the message to its endpoint; what was leased is simply sent again."""
    op.drop_index("ix_outbox_unsent", "outbox")
    op.drop_column("outbox", "lease_until")
    op.add_column("outbox", sa.Column("folded_into", sa.String(length=64), nullable=True))
    op.add_column(
        "outbox",
        sa.Column("is_held", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("outbox", sa.Column("first_failed_at", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("replayed_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["channel", "due_at"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_outbox_sent",
        "outbox",
        ["channel", "sent_at"],
        unique=False,
        sqlite_where=_SENT,
        postgresql_where=_SENT,
    )
    op.create_table(
        "endpoint",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("digest_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_endpoint"),
    )
