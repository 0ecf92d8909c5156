"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: SQLite numbers rows by itself only in a column that is INTEGER to the letter.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table of the first version."""
    op.create_table(
        "balance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("credits_remaining", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_balance"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("page_budget", sa.Integer(), nullable=False),
        sa.Column("credits_per_day", sa.Integer(), nullable=True),
        sa.Column("schedules", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
    )
    op.create_index(
        "uq_campaign_name_in_service",
        "campaign",
        ["name"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "creator",
        sa.Column("id", Key, nullable=False),
        sa.Column("creator_key", sa.Text(), nullable=False),
        sa.Column("sec_uid", sa.Text(), nullable=True),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("nickname", sa.Text(), nullable=True),
        sa.Column("follower_count", sa.BigInteger(), nullable=True),
        sa.Column("video_count", sa.BigInteger(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_creator"),
        sa.UniqueConstraint("creator_key", name="uq_creator_creator_key"),
    )
    op.create_table(
        "hashtag",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tiktok_id", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refusals", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "failure_reason", sa.String(length=32), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("view_source", sa.SmallInteger(), nullable=True),
        sa.Column("view_unit", sa.BigInteger(), nullable=True),
        sa.Column("video_count", sa.BigInteger(), nullable=True),
        sa.Column("video_source", sa.SmallInteger(), nullable=True),
        sa.Column("video_unit", sa.BigInteger(), nullable=True),
        sa.Column("run_id", Key, nullable=True),
        sa.Column("payload_hash", sa.String(length=64), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hashtag"),
        sa.UniqueConstraint("name", name="uq_hashtag_name"),
    )
    op.create_table(
        "outbox",
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("given_up_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("notification_id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "worker",
        sa.Column("executor_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name="pk_worker"),
    )
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("campaign_id", Key, nullable=False),
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
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_alert_campaign_id"),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alert"),
    )
    op.create_index("ix_alert_opened_at", "alert", ["opened_at"], unique=False)
    op.create_index(
        "uq_alert_firing",
        "alert",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("state = 'firing'"),
        postgresql_where=sa.text("state = 'firing'"),
    )
    op.create_table(
        "campaign_hashtag",
        sa.Column("campaign_id", Key, nullable=False),
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("feed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_hashtag_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_campaign_hashtag_hashtag_key"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "hashtag_key", name="pk_campaign_hashtag"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_campaign_hashtag_hashtag_key", "campaign_hashtag", ["hashtag_key"], unique=False
    )
    op.create_table(
        "hashtag_reading",
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("tiktok_id", sa.Text(), nullable=True),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("view_source", sa.SmallInteger(), nullable=True),
        sa.Column("view_unit", sa.BigInteger(), nullable=True),
        sa.Column("video_count", sa.BigInteger(), nullable=True),
        sa.Column("video_source", sa.SmallInteger(), nullable=True),
        sa.Column("video_unit", sa.BigInteger(), nullable=True),
        sa.Column("run_id", Key, nullable=True),
        sa.Column("payload_hash", sa.String(length=64), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_hashtag_reading_hashtag_key"
        ),
        sa.PrimaryKeyConstraint("hashtag_key", "read_at", name="pk_hashtag_reading"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hashtag_window",
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("window_at", sa.BigInteger(), nullable=False),
        sa.Column("first_read_at", sa.BigInteger(), nullable=True),
        sa.Column("first_view_count", sa.BigInteger(), nullable=True),
        sa.Column("first_video_count", sa.BigInteger(), nullable=True),
        sa.Column("last_read_at", sa.BigInteger(), nullable=True),
        sa.Column("last_view_count", sa.BigInteger(), nullable=True),
        sa.Column("last_video_count", sa.BigInteger(), nullable=True),
        sa.Column("readings", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("new_videos", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("view_gain", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_hashtag_window_hashtag_key"
        ),
        sa.PrimaryKeyConstraint("hashtag_key", "window_at", name="pk_hashtag_window"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report",
        sa.Column("campaign_id", Key, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_report_campaign_id"),
        sa.PrimaryKeyConstraint("campaign_id", "kind", "day", name="pk_report"),
    )
    op.create_table(
        "run",
        sa.Column("id", Key, nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", Key, nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("credits", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_run_campaign_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("job", "campaign_id", "slot_at", name="uq_run_job_campaign_id_slot_at"),
    )
    op.create_table(
        "video",
        sa.Column("id", Key, nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("creator_key", Key, nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("is_photo", sa.Boolean(), nullable=False),
        sa.Column("is_ad", sa.Boolean(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("music_id", sa.Text(), nullable=True),
        sa.Column("hashtags", sa.JSON(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("like_count", sa.BigInteger(), nullable=True),
        sa.Column("comment_count", sa.BigInteger(), nullable=True),
        sa.Column("share_count", sa.BigInteger(), nullable=True),
        sa.Column("save_count", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["creator_key"], ["creator.id"], name="fk_video_creator_key"),
        sa.PrimaryKeyConstraint("id", name="pk_video"),
        sa.UniqueConstraint("video_id", name="uq_video_video_id"),
    )
    op.create_table(
        "campaign_video",
        sa.Column("campaign_id", Key, nullable=False),
        sa.Column("video_key", Key, nullable=False),
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("high_priority_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_video_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_campaign_video_hashtag_key"
        ),
        sa.ForeignKeyConstraint(["video_key"], ["video.id"], name="fk_campaign_video_video_key"),
        sa.PrimaryKeyConstraint("campaign_id", "video_key", name="pk_campaign_video"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_campaign_video_campaign_id_first_seen_at",
        "campaign_video",
        ["campaign_id", "first_seen_at"],
        unique=False,
    )
    op.create_table(
        "hashtag_video",
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("video_key", Key, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hashtag_key"], ["hashtag.id"], name="fk_hashtag_video_hashtag_key"
        ),
        sa.ForeignKeyConstraint(["video_key"], ["video.id"], name="fk_hashtag_video_video_key"),
        sa.PrimaryKeyConstraint("hashtag_key", "video_key", name="pk_hashtag_video"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        sa.Column("id", Key, nullable=False),
        sa.Column("run_id", Key, nullable=True),
        sa.Column("campaign_id", Key, nullable=True),
        sa.Column("hashtag_key", Key, nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("reserved_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("credits_remaining", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_ledger_campaign_id"),
        sa.ForeignKeyConstraint(["hashtag_key"], ["hashtag.id"], name="fk_ledger_hashtag_key"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_ledger_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )
    op.create_index(
        "ix_ledger_budget",
        "ledger",
        ["reserved_at", "state", "credits", "campaign_id"],
        unique=False,
    )
    op.create_index("ix_ledger_run_id", "ledger", ["run_id"], unique=False)
    op.create_table(
        "run_hashtag",
        sa.Column("run_id", Key, nullable=False),
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("videos_seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("videos_new", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("new_views", sa.BigInteger(), nullable=True),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("credits", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hashtag_key"], ["hashtag.id"], name="fk_run_hashtag_hashtag_key"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_hashtag_run_id"),
        sa.PrimaryKeyConstraint("run_id", "hashtag_key", name="pk_run_hashtag"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_video",
        sa.Column("run_id", Key, nullable=False),
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("video_key", Key, nullable=False),
        sa.ForeignKeyConstraint(["hashtag_key"], ["hashtag.id"], name="fk_run_video_hashtag_key"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_video_run_id"),
        sa.ForeignKeyConstraint(["video_key"], ["video.id"], name="fk_run_video_video_key"),
        sa.PrimaryKeyConstraint("run_id", "hashtag_key", "video_key", name="pk_run_video"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slot",
        sa.Column("id", Key, nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("hashtag_key", Key, nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("run_id", Key, nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("videos_new", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("new_views", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credits", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["hashtag_key"], ["hashtag.id"], name="fk_slot_hashtag_key"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_slot_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slot"),
        sa.UniqueConstraint(
            "job", "hashtag_key", "slot_at", name="uq_slot_job_hashtag_key_slot_at"
        ),
    )
    op.create_index("ix_slot_run_id", "slot", ["run_id"], unique=False)
    op.create_table(
        "video_reading",
        sa.Column("video_key", Key, nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("like_count", sa.BigInteger(), nullable=True),
        sa.Column("comment_count", sa.BigInteger(), nullable=True),
        sa.Column("share_count", sa.BigInteger(), nullable=True),
        sa.Column("save_count", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["video_key"], ["video.id"], name="fk_video_reading_video_key"),
        sa.PrimaryKeyConstraint("video_key", "read_at", name="pk_video_reading"),
        sqlite_with_rowid=False,
    )
