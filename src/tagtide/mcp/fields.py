"""The table of the fence: every key that an answer may hold, and what its texts must look like."""

from __future__ import annotations

from enum import Enum, StrEnum, auto

from tagtide.core.alert_terms import AlertReason
from tagtide.core.backtest import Preset
from tagtide.core.conditions import Kind
from tagtide.core.detect import Direction
from tagtide.core.explain.parts import Doubt
from tagtide.core.metrics import Anomaly, ViralBasis
from tagtide.core.planning import Phase
from tagtide.core.rules import Incident, Measure
from tagtide.models import (
    AlertState,
    CounterSource,
    DeliveryState,
    Job,
    Reason,
    Role,
    Rule,
    Status,
)


class Look(Enum):
    """What a text must look like to stay bare."""

    #: An id of TikTok's.
    NUMBER = auto()
    #: An id of ours.
    TOKEN = auto()
    INSTANT = auto()
    DATE = auto()
    WEEK = auto()
    #: A value of one of our enumerations.
    WORD = auto()
    ZONE = auto()
    CURRENCY = auto()
    CAMPAIGN = auto()
    HASHTAG = auto()
    VIDEO_URL = auto()
    #: The public page of a watched hashtag, or of a video by its id.
    PAGE = auto()


_ENUMERATIONS: tuple[type[StrEnum], ...] = (
    AlertReason, AlertState, Anomaly, CounterSource, DeliveryState, Direction, Doubt, Incident, Job,
    Kind, Measure, Phase, Preset, Reason, Role, Rule, Status, ViralBasis,
)  # fmt: skip

#: Every word of ours that may stand bare where a word is expected.
WORDS = frozenset(member.value for one in _ENUMERATIONS for member in one) | {
    "schedule", "catch_up", "manual", "agent", "campaign", "views", "engagement",
    # Settings of rules.
    "new_videos", "growth", "viral_factor", "false_alarms",
}  # fmt: skip

#: Keys with texts that may stay bare.
BARE: dict[str, Look] = {
    **dict.fromkeys(("video_id", "top_video_id", "hashtag_id"), Look.NUMBER),
    **dict.fromkeys(("alert_id", "mute_id", "notification_id"), Look.TOKEN),
    **dict.fromkeys(
        (
            "acked_at", "as_of", "at", "balance_read_at", "created_at", "ended_at", "fired_at",
            "finished_at", "first_seen_at", "high_priority_at", "last_fired_at", "muted_until",
            "next_run_at", "now", "opened_at", "paused_at", "previous_at", "read_at", "read_since",
            "read_until", "resolved_at", "since", "slot_at", "started_at", "told_at", "until",
            "updated_at",
        ),
        Look.INSTANT,
    ),
    **dict.fromkeys(("date", "starts_on", "ends_on"), Look.DATE),
    "week": Look.WEEK,
    **dict.fromkeys(
        (
            "anomaly", "basis", "condition", "direction", "doubt", "from", "incident", "job",
            "kind", "measure", "next_job", "phase", "reason", "role", "rule", "rules", "setting",
            "sorted_by", "state", "status", "to", "trigger",
        ),
        Look.WORD,
    ),
    "timezone": Look.ZONE,
    "currency": Look.CURRENCY,
    "campaign": Look.CAMPAIGN,
    **dict.fromkeys(("hashtag", "hashtags", "hashtags_failed", "leader", "near"), Look.HASHTAG),
    "url": Look.PAGE,
}  # fmt: skip

#: Keys whose texts, if they have any, always stand behind the fence.
_OTHERS = frozenset({
    # What strangers and people write.
    "acked_by", "ack_note", "author_nickname", "author_username", "by", "card", "counter", "detail",
    "explanation", "tier",
    "found_in", "mute_reason", "note", "plan", "reason_text", "sentence", "summary", "title", "why",
    # Objects and lists.
    "age_score", "alerts", "balance", "blocks", "co_hashtags", "creator_tiers",
    "earned_media_value", "lines", "near_miss_hashtags", "posting_hours", "rated_creators",
    "receipts", "share_of_voice", "events", "views", "by_campaign", "campaigns", "competitors",
    "compared_with",
    "coverage", "created", "creators", "curve", "data", "emerging", "engagement_rate_distribution",
    "episodes", "failed_runs", "forecast", "high_priority", "histogram", "history", "known", "new",
    "new_in_run", "outcomes", "over", "pattern", "presets", "price", "priority_videos", "quantiles",
    "readings", "result", "run", "runs", "since_report", "standout_videos", "top", "top_creators",
    "top_videos", "top_videos_by_views", "unseen", "videos", "viral_videos", "without", "credits",
    # Numbers and yes or no.
    "accepts_per_hashtag_month", "age_hours", "age_scored_videos", "anomaly_score",
    "author_followers", "avg_engagement", "avg_engagement_rate", "avg_views", "calls", "chance",
    "change", "comment_count", "completeness", "corrected", "credits_agreed", "credits_allowed",
    "credits_at_most", "credits_per_day", "credits_remaining", "credits_used", "days", "days_left",
    "dead_letters", "delta", "elapsed_hours", "emerging_sample", "enabled", "engagement",
    "engagement_growth_24h", "engagement_known", "engagement_rate", "engagement_unknown",
    "engagement_change", "engagement_videos", "rolling_points",
    "failures", "feed", "fired", "fires", "fires_more_often", "firing", "flaps", "forecast_per_day",
    "further_messages", "gained", "hashtag_months", "hashtags_compared", "hashtags_read",
    "hashtags_watched", "high", "high_priority_videos", "hours", "in_hand", "is_flapping", "is_new",
    "is_paused", "judged", "left_out", "like_count", "low", "mark", "mean_of_others",
    "median_engagement_rate", "money_at_most", "money_spent", "new_videos", "new_videos_24h",
    "new_videos_existing", "new_videos_existing_high", "new_videos_existing_low", "new_videos_held",
    "new_videos_seen", "new_views", "new_views_24h", "others", "page_budget", "pages", "peak",
    "pending_runs", "per_hashtag_month", "pooled_engagement_rate", "price_per_credit", "rank",
    "rates_known", "rates_unknown", "ratio", "rolling_average", "rolling_weeks", "run_id",
    "same_caption", "save_count", "scaled", "share", "share_count", "shown", "spent_this_month",
    "spent_today", "stands_out", "taken_in_hand", "thinned", "threshold", "times", "told", "total",
    "total_comments", "total_engagement", "total_likes", "total_saves", "total_shares",
    "total_videos", "total_views", "truncated", "unconfirmed", "unique_creators", "value",
    "video_change", "video_change_ratio", "video_count", "videos_before", "videos_existing",
    "videos_held", "videos_per_hour", "videos_seen", "view_change", "view_change_7d",
    "view_change_margin", "view_change_ratio", "view_count", "view_growth_24h",
    "view_growth_fallen", "view_growth_videos", "views_known", "views_per_hour", "views_unknown",
    "viral_judged", "within_ten_minutes", "z", "age_adjusted_z", "enough",
    "amount", "best_from_hour", "count", "engagement_rate_high", "engagement_rate_low",
    "from_hour", "median_views", "own", "own_share", "share_above_median", "to_hour",
    "competitors_counted", "competitors_partial", "competitors_missing",
    # Tiers of creators.
    "nano", "micro", "mid", "macro", "mega", "unknown",
    # Parts of a distribution.
    "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p5", "p1",
})  # fmt: skip

#: Every key that an answer may hold.
KEYS = frozenset(BARE) | _OTHERS
