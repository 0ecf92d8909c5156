"""The tables, once, for both engines. The migrations are tested to give exactly these.

Things of strangers (hashtags, creators, videos) have small integer keys; the readings, which are by
far the most rows, hold nothing but such keys and numbers. The newest counters stand on the rows of
`video` and `hashtag` as well, and sums per six hours in `hashtag_window`, so that no page has to go
through the history.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    event,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

from tagtide.models import CounterSource

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Whole microseconds since the epoch. Raises `ValueError` for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - EPOCH) // _MICROSECOND


def micros_of(span: timedelta) -> int:
    """Whole microseconds of it."""
    return span // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant, aware, in UTC."""
    return EPOCH + timedelta(microseconds=micros)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as BIGINT microseconds since the epoch: exact and compact everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002, D102 - the interface of SQLAlchemy
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102 - the interface of SQLAlchemy
        return None if value is None else from_micros(value)


#: Never renumber: the numbers are in the rows.
_SOURCE_NUMBERS = {
    CounterSource.STATS_V2: 1,
    CounterSource.STATS: 2,
    CounterSource.CHALLENGE_STATS: 3,
    CounterSource.CH_INFO: 4,
    CounterSource.STATISTICS: 5,
}
_SOURCES = {number: source for source, number in _SOURCE_NUMBERS.items()}
#: The field behind a number.
source_of = _SOURCES.__getitem__


class SourceNumber(TypeDecorator[CounterSource]):
    """The field a counter came from, as a small number, because every reading holds one."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: CounterSource | None, dialect: Dialect) -> int | None:  # noqa: ARG002, D102 - the interface of SQLAlchemy
        return None if value is None else _SOURCE_NUMBERS[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> CounterSource | None:  # noqa: ARG002, D102 - the interface of SQLAlchemy
        return None if value is None else source_of(value)


#: SQLite numbers rows by itself only in a column that is INTEGER to the letter.
Key = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str, target: str, *, primary: bool = False, optional: bool = False) -> Column[int]:
    return Column(name, Key, ForeignKey(target), primary_key=primary, nullable=optional)


def _total(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _counters() -> tuple[Column[Any], ...]:
    names = ("view_count", "like_count", "comment_count", "share_count", "save_count")
    return (*(Column(name, BigInteger) for name in names), Column("source", SourceNumber))


def _totals() -> tuple[Column[Any], ...]:
    return (
        Column("view_count", BigInteger),
        Column("view_source", SourceNumber),
        Column("view_unit", BigInteger),
        Column("video_count", BigInteger),
        Column("video_source", SourceNumber),
        Column("video_unit", BigInteger),
        Column("run_id", Key),
        Column("payload_hash", String(64)),
        Column("flags", JSON),
    )


# --- what is watched ------------------------------------------------------------------------------


def _partial_index(
    name: str, *columns: Column[Any], where: ColumnElement[bool] | TextClause, unique: bool = False
) -> None:
    """An index of the rows that meet a condition.

    What PostgreSQL is told waits until tables are created there: to name a dialect is to import it,
    and every start would pay for it.
    """
    index = Index(name, *columns, unique=unique, sqlite_where=where)

    @event.listens_for(index.table, "before_create")
    def _(_table: Table, connection: Connection, **_more: Any) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_options["postgresql"]["where"] = where


campaign = Table(
    "campaign",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("rules", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("page_budget", Integer, nullable=False),
    Column("credits_per_day", Integer),
    Column("schedules", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: Set when it is taken out of service; the row stays for its runs and its ledger.
    Column("removed_at", Instant),
    #: How its readers write; NULL takes what a channel is set to.
    Column("numbers", Text),
    Column("clock", Text),
    #: Wording of the request for rights; NULL takes ours.
    Column("request", Text),
    #: Of its reports; NULL takes the installation's.
    Column("language", Text),
)
_partial_index(
    "uq_campaign_name_in_service",
    campaign.c.name,
    unique=True,
    where=campaign.c.removed_at.is_(None),
)

hashtag = Table(
    "hashtag",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    #: The id at TikTok, once known.
    Column("tiktok_id", Text),
    _total("failures"),
    #: Failures in a row that say "there is no such hashtag".
    _total("refusals"),
    Column("failure_reason", String(32), nullable=False, server_default=text("''")),
    Column("paused_at", Instant),
    #: The newest reading; None before the first.
    Column("read_at", Instant),
    *_totals(),
    UniqueConstraint("name"),
)

campaign_hashtag = Table(
    "campaign_hashtag",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("hashtag_key", "hashtag.id", primary=True),
    Column("position", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("threshold", Integer),
    Column("feed", Boolean, nullable=False),
    Index(None, "hashtag_key"),
    sqlite_with_rowid=False,
)

# --- what was seen --------------------------------------------------------------------------------

creator = Table(
    "creator",
    metadata,
    Column("id", Key, primary_key=True),
    Column("creator_key", Text, nullable=False),
    Column("sec_uid", Text),
    Column("uid", Text),
    Column("username", Text),
    Column("nickname", Text),
    Column("follower_count", BigInteger),
    Column("video_count", BigInteger),
    Column("verified", Boolean),
    Column("region", Text),
    UniqueConstraint("creator_key"),
)

video = Table(
    "video",
    metadata,
    Column("id", Key, primary_key=True),
    Column("video_id", Text, nullable=False),
    _key("creator_key", "creator.id"),
    Column("caption", Text, nullable=False),
    Column("created_at", Instant),
    Column("duration", Float),
    Column("is_photo", Boolean, nullable=False),
    Column("is_ad", Boolean),
    Column("region", Text),
    Column("music_id", Text),
    Column("hashtags", JSON, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    #: The newest reading.
    Column("read_at", Instant, nullable=False),
    *_counters(),
    UniqueConstraint("video_id"),
    Index(None, "creator_key"),
    Index(None, "created_at"),
)

video_reading = Table(
    "video_reading",
    metadata,
    _key("video_key", "video.id", primary=True),
    Column("read_at", Instant, primary_key=True),
    *_counters(),
    sqlite_with_rowid=False,
)

hashtag_reading = Table(
    "hashtag_reading",
    metadata,
    _key("hashtag_key", "hashtag.id", primary=True),
    Column("read_at", Instant, primary_key=True),
    Column("tiktok_id", Text),
    *_totals(),
    sqlite_with_rowid=False,
)

#: Sums of six hours, cut at 0, 6, 12 and 18 h UTC.
hashtag_window = Table(
    "hashtag_window",
    metadata,
    _key("hashtag_key", "hashtag.id", primary=True),
    Column("window_at", Instant, primary_key=True),
    Column("first_read_at", Instant),
    Column("first_view_count", BigInteger),
    Column("first_video_count", BigInteger),
    Column("last_read_at", Instant),
    Column("last_view_count", BigInteger),
    Column("last_video_count", BigInteger),
    _total("readings"),
    #: Videos seen for the first time in the hashtag's feed.
    _total("new_videos"),
    #: Growth of views of known videos between this sighting in the feed and the one before.
    Column("view_gain", BigInteger, nullable=False, server_default=text("0")),
    #: Growth of the counters since the last reading before, as far as it is news; sums of these
    #: are what a page shows of many hashtags over time.
    Column("view_change", BigInteger, nullable=False, server_default=text("0")),
    Column("video_change", BigInteger, nullable=False, server_default=text("0")),
    #: Falls of the view counter by more than a twentieth, left out of the growth.
    _total("corrections"),
    sqlite_with_rowid=False,
)

#: Growth of a campaign's own hashtags together, in the same six hours, while they were its own.
campaign_window = Table(
    "campaign_window",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    Column("window_at", Instant, primary_key=True),
    #: Floating-point: a sum of hostile counters is larger than an integer.
    Column("view_change", Float, nullable=False),
    Column("video_change", Float, nullable=False),
    _total("corrections"),
    #: How many hashtags were read.
    _total("hashtags"),
    sqlite_with_rowid=False,
)

hashtag_video = Table(
    "hashtag_video",
    metadata,
    _key("hashtag_key", "hashtag.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Index(None, "video_key"),
    sqlite_with_rowid=False,
)

campaign_video = Table(
    "campaign_video",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    #: Where it was seen first.
    _key("hashtag_key", "hashtag.id"),
    Column("first_seen_at", Instant, nullable=False),
    Column("high_priority_at", Instant),
    Index(None, "campaign_id", "first_seen_at"),
    sqlite_with_rowid=False,
)
_partial_index(
    "ix_campaign_video_priority",
    campaign_video.c.high_priority_at,
    where=campaign_video.c.high_priority_at.is_not(None),
)
_HIGH_PRIORITY = text("high_priority_at IS NOT NULL")
Index(
    "ix_campaign_video_high_priority",
    campaign_video.c.campaign_id,
    campaign_video.c.first_seen_at,
    sqlite_where=_HIGH_PRIORITY,
    postgresql_where=_HIGH_PRIORITY,
)

# --- what was done --------------------------------------------------------------------------------

run = Table(
    "run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("job", String(32), nullable=False),
    _key("campaign_id", "campaign.id"),
    Column("slot_at", Instant, nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    _total("credits"),
    UniqueConstraint("job", "campaign_id", "slot_at"),
    Index(None, "started_at"),
    Index(None, "campaign_id"),
)
_OPEN = text("finished_at IS NULL")
Index("ix_run_open", run.c.started_at, sqlite_where=_OPEN, postgresql_where=_OPEN)

slot = Table(
    "slot",
    metadata,
    Column("id", Key, primary_key=True),
    Column("job", String(32), nullable=False),
    _key("hashtag_key", "hashtag.id"),
    Column("slot_at", Instant, nullable=False),
    #: The run that owns it now.
    _key("run_id", "run.id"),
    Column("lease_until", Instant, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("cursor", Text, nullable=False, server_default=text("'0'")),
    _total("pages"),
    _total("videos_new"),
    Column("new_views", BigInteger, nullable=False, server_default=text("0")),
    #: Charged to runs that owned it before.
    _total("credits"),
    Column("done_at", Instant),
    UniqueConstraint("job", "hashtag_key", "slot_at"),
    Index(None, "run_id"),
)

run_hashtag = Table(
    "run_hashtag",
    metadata,
    _key("run_id", "run.id", primary=True),
    _key("hashtag_key", "hashtag.id", primary=True),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    _total("videos_seen"),
    _total("videos_new"),
    Column("new_views", BigInteger),
    _total("pages"),
    _total("credits"),
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: What a run saw, so that it can go on after an interruption and report on itself.
run_video = Table(
    "run_video",
    metadata,
    _key("run_id", "run.id", primary=True),
    _key("hashtag_key", "hashtag.id", primary=True),
    _key("video_key", "video.id", primary=True),
    sqlite_with_rowid=False,
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Key, primary_key=True),
    _key("run_id", "run.id", optional=True),
    _key("campaign_id", "campaign.id", optional=True),
    _key("hashtag_key", "hashtag.id", optional=True),
    Column("endpoint", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("credits", Integer, nullable=False),
    Column("reserved_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("credits_remaining", BigInteger),
    Column("note", Text, nullable=False, server_default=text("''")),
    Index(None, "run_id"),
    #: Covers the sum that every reservation makes.
    Index("ix_ledger_budget", "reserved_at", "state", "credits", "campaign_id"),
)
_UNKNOWN = text("state = 'unknown'")
Index(
    "ix_ledger_unknown",
    ledger.c.id,
    sqlite_where=_UNKNOWN,
    postgresql_where=_UNKNOWN,
)

#: One row: what the provider said last.
balance = Table(
    "balance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("credits_remaining", BigInteger, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("plan", Text),
)

# --- what people are told -------------------------------------------------------------------------

alert = Table(
    "alert",
    metadata,
    Column("alert_id", String(64), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    _key("campaign_id", "campaign.id", optional=True),
    Column("rule", String(32), nullable=False),
    Column("hashtag", Text),
    Column("video_id", Text),
    Column("state", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("value", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("peak", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("condition", Text),
    Column("fired_at", Instant),
    Column("pending_since", Instant),
    _total("pending_runs"),
    Column("told_at", Instant),
    _total("flaps"),
    Column("is_flapping", Boolean, nullable=False, server_default=false()),
    Column("acked_at", Instant),
    Column("acked_by", Text),
    Column("ack_note", Text),
    Column("acked_severity", Float),
    #: Counts the decisions; one that rests on an older row is refused.
    _total("version"),
    Index(None, "opened_at"),
    Index(None, "campaign_id", "opened_at"),
    Index(None, "video_id"),
)
_partial_index(
    "uq_alert_open",
    alert.c.fingerprint,
    unique=True,
    where=alert.c.state != text("'resolved'"),
)

#: The history of alerts; rows are only ever added.
alert_event = Table(
    "alert_event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("alert_id", String(64), ForeignKey("alert.alert_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("told", Boolean, nullable=False),
    Column("by", Text),
    Column("note", Text, nullable=False),
    Index(None, "alert_id"),
)

mute = Table(
    "mute",
    metadata,
    Column("mute_id", String(64), primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("alert_id", String(64), ForeignKey("alert.alert_id")),
    _key("campaign_id", "campaign.id", optional=True),
    Column("hashtag", Text),
    Column("rule", String(32)),
    #: Taken back before its time.
    Column("ended_at", Instant),
    Index(None, "until"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("notification_id", String(64), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("alert_id", String(64)),
    Column("kind", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("payload", JSON, nullable=False),
    _total("attempts"),
    Column("sent_at", Instant),
    Column("given_up_at", Instant),
    Column("last_error", Text),
    #: The message that tells this one too.
    Column("folded_into", String(64)),
    Column("is_held", Boolean, nullable=False, server_default=false()),
    Column("first_failed_at", Instant),
    #: From here on, instead of from its creation, a replayed message has its time.
    Column("replayed_at", Instant),
    #: A mail address in place of the channel's own.
    Column("mail_to", Text),
    Index(None, "alert_id"),
)
_WAITING = text("sent_at IS NULL AND given_up_at IS NULL AND folded_into IS NULL")
_SENT = text("sent_at IS NOT NULL")
_partial_index(
    "ix_outbox_waiting",
    outbox.c.channel,
    outbox.c.due_at,
    where=_WAITING,
)
_partial_index(
    "ix_outbox_sent",
    outbox.c.channel,
    outbox.c.sent_at,
    where=_SENT,
)

#: The far end of each channel; whoever sends to it holds its lease.
endpoint = Table(
    "endpoint",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("failing_since", Instant),
    _total("failures"),
    Column("failed_at", Instant),
    Column("next_attempt_at", Instant),
    Column("disabled_at", Instant),
    Column("last_error", Text),
    Column("digest_at", Instant),
    Column("lease_until", Instant),
    _total("fence"),
)

#: What the statistical detector has learned, by hashtag and setting of its knob.
detector_state = Table(
    "detector_state",
    metadata,
    _key("hashtag_key", "hashtag.id", primary=True),
    Column("false_alarms", Float, primary_key=True),
    Column("read_at", Instant, nullable=False),
    Column("body", JSON, nullable=False),
    sqlite_with_rowid=False,
)

#: What the hashtags have in common; versions are added, never changed.
detector_pool = Table(
    "detector_pool",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("made_at", Instant, nullable=False),
    Column("body", JSON, nullable=False),
)

report = Table(
    "report",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    Column("kind", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("body", JSON, nullable=False),
    #: The same for people: the blocks it was shown as; NULL for one of an older version.
    Column("document", JSON(none_as_null=True)),
)

#: Reports that were handed out by a link: a copy, so that they stay what they were.
share = Table(
    "share",
    metadata,
    Column("id", Key, primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    _key("campaign_id", "campaign.id"),
    Column("kind", String(32), nullable=False),
    Column("day", Date, nullable=False),
    Column("title", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("opened", Integer, nullable=False),
    Column("opened_at", Instant),
    UniqueConstraint("secret_hash"),
)
Index(None, share.c.campaign_id)

# --- reports on schedule --------------------------------------------------------------------------

subscription = Table(
    "subscription",
    metadata,
    Column("id", Key, primary_key=True),
    Column("person", Text, nullable=False),
    _key("campaign_id", "campaign.id"),
    Column("kind", String(32), nullable=False),
    Column("channel", Text, nullable=False),
    Column("files", JSON, nullable=False),
    #: NULL goes to whom the channel goes; forgotten when it is stopped.
    Column("mail_to", Text),
    #: Keeps two of the same kind apart as long as both go on; NULL once it was stopped.
    Column("fingerprint", String(64)),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text),
    UniqueConstraint("fingerprint"),
)
Index(None, subscription.c.campaign_id)

#: Which slot of a subscription has its message: what keeps it from being written twice.
subscription_message = Table(
    "subscription_message",
    metadata,
    _key("subscription_id", "subscription.id", primary=True),
    Column("slot_at", Instant, primary_key=True),
    #: A row of `outbox`, as long as that is kept.
    Column("notification_id", String(64), nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("unsubscribe_hash", String(64)),
    UniqueConstraint("unsubscribe_hash"),
    sqlite_with_rowid=False,
)

#: Bytes that go with messages, each once.
message_content = Table(
    "message_content",
    metadata,
    Column("content_hash", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

#: The files of a message, in order; they go with its row in `outbox`.
message_file = Table(
    "message_file",
    metadata,
    Column("notification_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    #: What a picture within the text shows; NULL for a file beside it.
    Column("shows", Text),
    Column("content_hash", String(64), ForeignKey("message_content.content_hash"), nullable=False),
    sqlite_with_rowid=False,
)
Index(None, message_file.c.content_hash)

# --- the desk -------------------------------------------------------------------------------------

#: Where a video stands, made of its steps; no row is a video that nobody has touched.
desk_item = Table(
    "desk_item",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("state", String(16), nullable=False),
    #: Number of its newest step; one that rests on an older one is refused.
    Column("version", Integer, nullable=False),
    Column("assignee", Text),
    Column("asked_in", Integer),
    Column("asked_at", Instant),
    #: When its last right ends; NULL has no end.
    Column("ends_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    Index(None, "campaign_id", "state"),
    sqlite_with_rowid=False,
)

#: The history of the desk; rows are only ever added.
desk_step = Table(
    "desk_step",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_with_rowid=False,
)

#: What creators have allowed, under the number of the step; rows are only ever added.
desk_right = Table(
    "desk_right",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("channels", JSON, nullable=False),
    Column("territory", JSON, nullable=False),
    Column("edits", Boolean),
    Column("is_paid", Boolean),
    #: As text, since it is money.
    Column("fee_amount", Text),
    Column("fee_currency", String(3)),
    Column("fee_note", Text),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("evidence_text", Text),
    Column("evidence_url", Text),
    Column("evidence_at", Instant),
    Column("spark_code", Text),
    Column("spark_expires_at", Instant),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    sqlite_with_rowid=False,
)

desk_label = Table(
    "desk_label",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    Column("label", Text, primary_key=True),
    _key("video_key", "video.id", primary=True),
    sqlite_with_rowid=False,
)

#: What of an item ends when, made of its steps.
desk_end = Table(
    "desk_end",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("cause", String(16), primary_key=True),
    Column("at", Instant, nullable=False),
    Index(None, "campaign_id", "at"),
    sqlite_with_rowid=False,
)

#: What people were reminded of, so that they hear it once.
desk_reminder = Table(
    "desk_reminder",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    _key("video_key", "video.id", primary=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("cause", String(16), primary_key=True),
    #: Days before the end, or without an answer.
    Column("stage", Integer, primary_key=True, autoincrement=False),
    Column("told_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

#: Days on which people were reminded, in the campaign's zone.
desk_reminder_day = Table(
    "desk_reminder_day",
    metadata,
    _key("campaign_id", "campaign.id", primary=True),
    Column("day", Date, primary_key=True),
    Column("told_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# --- who works ------------------------------------------------------------------------------------

worker = Table(
    "worker",
    metadata,
    Column("executor_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
)

# --- what was asked over the API ------------------------------------------------------------------

#: A repeated request is answered with what was answered then.
request = Table(
    "request",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    #: NULL while it is under way.
    Column("status", Integer),
    Column("body", Text, nullable=False),
    Column("location", Text),
    Index(None, "created_at"),
)

# --- who may look and change ----------------------------------------------------------------------

user_account = Table(
    "user_account",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    #: NULL once the user is removed.
    Column("password_hash", Text),
    Column("created_at", Instant, nullable=False),
    Column("password_at", Instant, nullable=False),
    Column("login_at", Instant),
    #: The row stays for the history.
    Column("removed_at", Instant),
)
Index(
    "uq_user_account_name_in_use",
    user_account.c.name,
    unique=True,
    sqlite_where=user_account.c.removed_at.is_(None),
    postgresql_where=user_account.c.removed_at.is_(None),
)

session = Table(
    "session",
    metadata,
    Column("id", Key, primary_key=True),
    _key("user_id", "user_account.id"),
    #: SHA-256 of what the browser holds, in hexadecimal; tokens alike.
    Column("secret_hash", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    UniqueConstraint("secret_hash"),
)
Index("ix_session_user_id", session.c.user_id)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    #: NULL for one that belongs to the installation.
    _key("user_id", "user_account.id", optional=True),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("used_at", Instant),
    UniqueConstraint("secret_hash"),
    UniqueConstraint("user_id", "name"),
)

#: Passwords that were wrong, or are being looked at, of the last minutes.
login_attempt = Table(
    "login_attempt",
    metadata,
    Column("id", Key, primary_key=True),
    #: Of the name as it was typed, because it may be a password.
    Column("name_hash", String(64), nullable=False),
    Column("address", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_login_attempt_name_hash_at", login_attempt.c.name_hash, login_attempt.c.at)
Index("ix_login_attempt_address_at", login_attempt.c.address, login_attempt.c.at)

#: Lines are only ever added.
account_event = Table(
    "account_event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("act", String(32), nullable=False),
    Column("by", Text, nullable=False),
    _key("user_id", "user_account.id", optional=True),
    Column("user_name", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("ix_account_event_user_id", account_event.c.user_id)

#: The token that stands on the console until there is a user; at most one row.
set_up = Table(
    "set_up",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("secret_hash", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
)

#: When each person last looked at what is new.
looked = Table(
    "looked",
    metadata,
    Column("who", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("before", Instant),
)
