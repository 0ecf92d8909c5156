"""The review desk and the rights ledger."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HIGH_PRIORITY = sa.text("high_priority_at IS NOT NULL")


def upgrade() -> None:
    """Add empty tables; every video that is held is new on the desk of its campaign."""
    op.add_column("campaign", sa.Column("request", sa.Text(), nullable=True))
    op.create_index(
        "ix_campaign_video_high_priority",
        "campaign_video",
        ["campaign_id", "first_seen_at"],
        unique=False,
        sqlite_where=_HIGH_PRIORITY,
        postgresql_where=_HIGH_PRIORITY,
    )
    op.create_index("ix_video_creator_key", "video", ["creator_key"])
    _items_and_steps()
    _rights()
    _table("desk_label", [sa.Column("label", sa.Text(), nullable=False)], ["label"])
    _table(
        "desk_end",
        [_number(), _cause(), sa.Column("at", sa.BigInteger(), nullable=False)],
        ["number", "cause"],
    )
    op.create_index("ix_desk_end_campaign_id_at", "desk_end", ["campaign_id", "at"])
    told_at = sa.Column("told_at", sa.BigInteger(), nullable=False)
    stage = sa.Column("stage", sa.Integer(), autoincrement=False, nullable=False)
    _table("desk_reminder", [_number(), _cause(), stage, told_at], ["number", "cause", "stage"])
    op.create_table(
        "desk_reminder_day",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_desk_reminder_day_campaign_id"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "day", name="pk_desk_reminder_day"),
        sqlite_with_rowid=False,
    )


def _items_and_steps() -> None:
    _table(
        "desk_item",
        [
            sa.Column("state", sa.String(length=16), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("assignee", sa.Text(), nullable=True),
            sa.Column("asked_in", sa.Integer(), nullable=True),
            sa.Column("asked_at", sa.BigInteger(), nullable=True),
            sa.Column("ends_at", sa.BigInteger(), nullable=True),
            sa.Column("changed_at", sa.BigInteger(), nullable=False),
            sa.Column("changed_by", sa.Text(), nullable=False),
        ],
        [],
    )
    op.create_index("ix_desk_item_campaign_id_state", "desk_item", ["campaign_id", "state"])
    _table(
        "desk_step",
        [
            _number(),
            sa.Column("at", sa.BigInteger(), nullable=False),
            sa.Column("by", sa.Text(), nullable=False),
            sa.Column("kind", sa.String(length=16), nullable=False),
            sa.Column("from_state", sa.String(length=16), nullable=False),
            sa.Column("to_state", sa.String(length=16), nullable=False),
            sa.Column("note", sa.Text(), nullable=False),
            sa.Column("data", sa.JSON(), nullable=False),
        ],
        ["number"],
    )


def _rights() -> None:
    _table(
        "desk_right",
        [
            _number(),
            sa.Column("channels", sa.JSON(), nullable=False),
            sa.Column("territory", sa.JSON(), nullable=False),
            sa.Column("edits", sa.Boolean(), nullable=True),
            sa.Column("is_paid", sa.Boolean(), nullable=True),
            sa.Column("fee_amount", sa.Text(), nullable=True),
            sa.Column("fee_currency", sa.String(length=3), nullable=True),
            sa.Column("fee_note", sa.Text(), nullable=True),
            sa.Column("granted_at", sa.BigInteger(), nullable=False),
            sa.Column("expires_at", sa.BigInteger(), nullable=True),
            sa.Column("evidence_text", sa.Text(), nullable=True),
            sa.Column("evidence_url", sa.Text(), nullable=True),
            sa.Column("evidence_at", sa.BigInteger(), nullable=True),
            sa.Column("spark_code", sa.Text(), nullable=True),
            sa.Column("spark_expires_at", sa.BigInteger(), nullable=True),
            sa.Column("recorded_at", sa.BigInteger(), nullable=False),
            sa.Column("recorded_by", sa.Text(), nullable=False),
        ],
        ["number"],
    )


def _number() -> sa.Column[Any]:
    return sa.Column("number", sa.Integer(), autoincrement=False, nullable=False)


def _cause() -> sa.Column[Any]:
    return sa.Column("cause", sa.String(length=16), nullable=False)


def _table(name: str, columns: list[sa.Column[Any]], keys: list[str]) -> None:
    """A table about a video of a campaign, identified by these and by ``keys``."""
    video_key = sa.Column("video_key", _KEY, nullable=False)
    is_label = name == "desk_label"
    order = [*columns, video_key] if is_label else [video_key, *columns]
    primary = ["label", "video_key"] if is_label else ["video_key", *keys]
    op.create_table(
        name,
        sa.Column("campaign_id", _KEY, nullable=False),
        *order,
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=f"fk_{name}_campaign_id"),
        sa.ForeignKeyConstraint(["video_key"], ["video.id"], name=f"fk_{name}_video_key"),
        sa.PrimaryKeyConstraint("campaign_id", *primary, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )
