"""Pages of a campaign: growth per six hours, reports for people, and indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: What is stored already: the growth since the last six hours before that were read.
_FILL = """
UPDATE hashtag_window SET {name}_change = COALESCE((
  SELECT CASE WHEN hashtag_window.last_{name}_count < earlier.last_{name}_count * 0.95 THEN 0
              ELSE hashtag_window.last_{name}_count - earlier.last_{name}_count END
  FROM hashtag_window AS earlier
  WHERE earlier.hashtag_key = hashtag_window.hashtag_key
    AND earlier.window_at < hashtag_window.window_at AND earlier.last_{name}_count > 0
  ORDER BY earlier.window_at DESC LIMIT 1), 0)
WHERE last_{name}_count > 0
"""
_CORRECTIONS = """
UPDATE hashtag_window SET corrections = 1
WHERE last_view_count > 0 AND last_view_count < 0.95 * (
  SELECT earlier.last_view_count FROM hashtag_window AS earlier
  WHERE earlier.hashtag_key = hashtag_window.hashtag_key
    AND earlier.window_at < hashtag_window.window_at AND earlier.last_view_count > 0
  ORDER BY earlier.window_at DESC LIMIT 1)
"""
_ADD_UP = """
INSERT INTO campaign_window
  (campaign_id, window_at, view_change, video_change, corrections, hashtags)
SELECT held.campaign_id, read.window_at, SUM(CAST(read.view_change AS FLOAT)),
       SUM(CAST(read.video_change AS FLOAT)), SUM(read.corrections), COUNT(*)
FROM campaign_hashtag AS held JOIN hashtag_window AS read ON read.hashtag_key = held.hashtag_key
WHERE held.role = 'own' AND read.readings > 0
GROUP BY held.campaign_id, read.window_at
"""

_ADDED = (
    ("view_change", sa.BigInteger()),
    ("video_change", sa.BigInteger()),
    ("corrections", sa.Integer()),
)


def upgrade() -> None:
    """Add the columns, fill those of the rollup, add the indexes."""
    zero = sa.text("0")
    for name, kind in _ADDED:
        op.add_column("hashtag_window", sa.Column(name, kind, nullable=False, server_default=zero))
    op.add_column("report", sa.Column("document", sa.JSON(none_as_null=True), nullable=True))
    for name in ("view", "video"):
        op.execute(sa.text(_FILL.format(name=name)))
    op.execute(sa.text(_CORRECTIONS))
    op.create_table(
        "campaign_window",
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("window_at", sa.BigInteger(), nullable=False),
        sa.Column("view_change", sa.Float(), nullable=False),
        sa.Column("video_change", sa.Float(), nullable=False),
        sa.Column("corrections", sa.Integer(), nullable=False, server_default=zero),
        sa.Column("hashtags", sa.Integer(), nullable=False, server_default=zero),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_window_campaign_id"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "window_at", name="pk_campaign_window"),
        sqlite_with_rowid=False,
    )
    op.execute(sa.text(_ADD_UP))
    op.create_index("ix_video_created_at", "video", ["created_at"], unique=False)
    op.create_index("ix_alert_campaign_id_opened_at", "alert", ["campaign_id", "opened_at"])
