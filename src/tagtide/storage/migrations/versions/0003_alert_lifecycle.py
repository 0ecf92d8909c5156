"""The life of an alert: pending, acknowledged, muted, with a history; alerts of no campaign."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: SQLite numbers rows by itself only in a column that is INTEGER to the letter.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

#: What was on by default, and what is now.
_RULES_BEFORE = {"new_videos", "growth", "viral_video"}
_RULE_ADDED = "statistical"


def upgrade() -> None:
    """Extend the alerts, begin their history, and switch the new rule on where all were."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_alerts()
    else:
        op.alter_column("alert", "campaign_id", existing_type=Key, nullable=True)
        for column in _new_columns():
            op.add_column("alert", column)
        op.drop_index("uq_alert_firing", "alert")
    op.create_index(
        "uq_alert_open",
        "alert",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("state != 'resolved'"),
        postgresql_where=sa.text("state != 'resolved'"),
    )
    # People were told of every alert there was, and of the end of those that ended.
    op.execute("UPDATE alert SET fired_at = opened_at, version = 1")
    op.execute("UPDATE alert SET told_at = opened_at WHERE state = 'firing'")
    _create_history()
    _create_mutes()
    _switch_on(_RULE_ADDED)


def _new_columns() -> Sequence[sa.Column[Any]]:
    return (
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("fired_at", sa.BigInteger(), nullable=True),
        sa.Column("pending_since", sa.BigInteger(), nullable=True),
        sa.Column("pending_runs", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("flaps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_flapping", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("acked_at", sa.BigInteger(), nullable=True),
        sa.Column("acked_by", sa.Text(), nullable=True),
        sa.Column("ack_note", sa.Text(), nullable=True),
        sa.Column("acked_severity", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )


def _rebuild_alerts() -> None:
    """SQLite cannot make a column optional: the rows move to a new table."""
    op.drop_index("uq_alert_firing", "alert")
    op.drop_index("ix_alert_opened_at", "alert")
    op.rename_table("alert", "alert_before")
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("campaign_id", Key, nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("hashtag", sa.Text(), nullable=True),
        sa.Column("video_id", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("peak", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        *_new_columns(),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_alert_campaign_id"),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alert"),
    )
    kept = (
        "alert_id, fingerprint, campaign_id, rule, hashtag, video_id, state, opened_at, "
        "updated_at, resolved_at, value, threshold, peak, reason, url, data"
    )
    op.execute(f"INSERT INTO alert ({kept}) SELECT {kept} FROM alert_before")  # noqa: S608 - constants
    op.drop_table("alert_before")
    op.create_index("ix_alert_opened_at", "alert", ["opened_at"], unique=False)


def _create_history() -> None:
    op.create_table(
        "alert_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=True),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.alert_id"], name="fk_alert_event_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_event"),
    )
    op.create_index("ix_alert_event_alert_id", "alert_event", ["alert_id"], unique=False)


def _create_mutes() -> None:
    op.create_table(
        "mute",
        sa.Column("mute_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=True),
        sa.Column("campaign_id", Key, nullable=True),
        sa.Column("hashtag", sa.Text(), nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.alert_id"], name="fk_mute_alert_id"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_mute_campaign_id"),
        sa.PrimaryKeyConstraint("mute_id", name="pk_mute"),
    )
    op.create_index("ix_mute_until", "mute", ["until"], unique=False)


def _switch_on(rule: str) -> None:
    """A campaign that had every rule on has every rule on; one that chose keeps its choice."""
    campaign = sa.table("campaign", sa.column("id", Key), sa.column("rules", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(campaign)).all():
        rules = json.loads(row.rules) if isinstance(row.rules, str) else row.rules
        if set(rules.get("enabled", ())) == _RULES_BEFORE:
            changed = {**rules, "enabled": [*rules["enabled"], rule]}
            connection.execute(
                campaign.update().where(campaign.c.id == row.id).values(rules=changed)
            )
