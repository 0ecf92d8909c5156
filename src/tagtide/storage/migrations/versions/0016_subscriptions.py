"""Reports on schedule: subscriptions, their messages, and the files that go with messages."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.add_column("outbox", sa.Column("mail_to", sa.Text(), nullable=True))
    op.create_table(
        "subscription",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("mail_to", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_subscription_campaign_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subscription"),
        sa.UniqueConstraint("fingerprint", name="uq_subscription_fingerprint"),
    )
    op.create_index("ix_subscription_campaign_id", "subscription", ["campaign_id"], unique=False)
    op.create_table(
        "subscription_message",
        sa.Column("subscription_id", _KEY, nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("unsubscribe_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_subscription_message_subscription_id"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "slot_at", name="pk_subscription_message"),
        sa.UniqueConstraint("unsubscribe_hash", name="uq_subscription_message_unsubscribe_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message_content",
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name="pk_message_content"),
    )
    op.create_table(
        "message_file",
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("shows", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_hash"],
            ["message_content.content_hash"],
            name="fk_message_file_content_hash",
        ),
        sa.PrimaryKeyConstraint("notification_id", "number", name="pk_message_file"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_message_file_content_hash", "message_file", ["content_hash"], unique=False)
