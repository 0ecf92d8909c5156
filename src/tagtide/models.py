"""The nouns of tagtide as frozen dataclasses; `docs/glossary.md` defines the words.

Every instant is an aware `datetime` in UTC. Every counter is a whole number or None, and None means
unknown: it is never written as 0. Rates are fractions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from tagtide.errors import Charge as Charge
from tagtide.errors import Reason as Reason

T = TypeVar("T")


class Job(StrEnum):
    """What a run does; the first part of a slot's key."""

    COLLECT = "collect"
    TRACK = "track"
    REPORT_DAILY = "report_daily"
    REPORT_CAMPAIGN = "report_campaign"
    REPORT_WEEKLY = "report_weekly"
    #: Once, after the end of a campaign.
    REPORT_WRAPUP = "report_wrapup"


class Status(StrEnum):
    """Outcome of a hashtag in a run, and of a run as a whole."""

    RUNNING = "running"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


class Role(StrEnum):
    """Whose hashtag it is."""

    OWN = "own"
    COMPETITOR = "competitor"


class CounterSource(StrEnum):
    """The payload field a counter came from. Values of different sources are never subtracted."""

    STATS_V2 = "statsV2"
    STATS = "stats"
    CHALLENGE_STATS = "challenge.stats"
    CH_INFO = "ch_info"
    STATISTICS = "statistics"


class Rule(StrEnum):
    """What raised an alert."""

    NEW_VIDEOS = "new_videos"
    GROWTH = "growth"
    VIRAL_VIDEO = "viral_video"
    #: Rule C: the detector, which says itself when an incident begins, escalates and is over.
    STATISTICAL = "statistical"
    #: tagtide about itself: no key, no credits, no runs. Of no campaign, and never switched off.
    SELF = "self"


#: Rules a campaign can have.
CAMPAIGN_RULES = tuple(rule for rule in Rule if rule is not Rule.SELF)


class AlertState(StrEnum):
    """Where an episode stands."""

    #: It holds, but not yet for as long as the rule asks for; nobody is told.
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


# --- what is watched ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pending:
    """How long a rule must hold before it fires; both must be reached, zero is at once."""

    #: Runs in a row that judged it and found it to hold.
    runs: int = 0
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """Thresholds of a campaign; the defaults are those of requirements 1 to 4."""

    #: Rule A: new videos per window.
    new_videos: int = 200
    #: Rule B: growth in the window as a fraction; 0.5 is +50 %.
    growth: float = 0.5
    #: Rule B judges a video count from this base on ...
    growth_min_videos: int = 50
    #: ... and views or engagement from this one on.
    growth_min_views: int = 10_000
    #: Hours of the window of rules A and B.
    window_hours: float = 6.0
    #: A viral video has more than this many times the mean of the others.
    viral_factor: float = 10.0
    #: Other videos needed before a viral video can be judged.
    viral_min_others: int = 10
    high_priority_rate: float = 0.05
    high_priority_views: int = 10_000
    #: Weekly changes averaged in the weekly report.
    rolling_weeks: int = 4
    #: Rule C: false incidents expected per hashtag and month; its one knob.
    false_alarms: float = 0.25
    #: An alert ends below this share of its threshold.
    resolve_below: float = 0.5
    #: What fires again within so many hours of its end is the same episode; 0 is always a new one.
    reopen_hours: float = 24.0
    #: How long each rule must hold before it fires.
    new_videos_for_runs: int = 0
    new_videos_for_hours: float = 0.0
    growth_for_runs: int = 0
    growth_for_hours: float = 0.0
    viral_video_for_runs: int = 0
    viral_video_for_hours: float = 0.0
    statistical_for_runs: int = 0
    statistical_for_hours: float = 0.0
    #: Rules that raise alerts.
    enabled: tuple[Rule, ...] = CAMPAIGN_RULES

    def pending(self, rule: Rule) -> Pending:
        """How long a rule must hold before it fires."""
        runs = getattr(self, f"{rule.value}_for_runs", 0)
        return Pending(runs, getattr(self, f"{rule.value}_for_hours", 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignHashtag:
    """One hashtag of a campaign."""

    #: NFC, casefolded, without ``#``.
    name: str
    role: Role = Role.OWN
    #: Rule A threshold of this hashtag; None takes the campaign's.
    threshold: int | None = None
    #: Read its feed in `collect`. Own hashtags: yes; competitors: only when asked.
    feed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A brand's hashtags beside its competitors', and how to watch them."""

    #: 0 until stored.
    campaign_id: int = 0
    name: str
    hashtags: tuple[CampaignHashtag, ...]
    #: IANA name.
    timezone: str = "UTC"
    #: How its readers write numbers, a key of `core.language.NUMBERS`, and the time of day,
    #: "24h" or "12h"; None takes what the channel is set to.
    numbers: str | None = None
    clock: str | None = None
    #: Of its reports, as `tagtide.languages` names it; None takes the installation's.
    language: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    rules: RuleSettings = RuleSettings()
    #: Names of the channels alerts go to; empty means every configured channel.
    channels: tuple[str, ...] = ()
    #: Feed pages per hashtag and run.
    page_budget: int = 2
    #: Credits per day of the campaign's zone; None is no limit of its own.
    credits_per_day: int | None = None
    #: Cron expression per job, where it differs from the installation's; the zone is the campaign's
    #: unless the expression ends in one ("0 9 * * 1 UTC").
    schedules: dict[Job, str] = field(default_factory=dict)
    #: Wording of the request for rights (`core.desk.request`); None takes ours.
    request: str | None = None
    created_at: datetime | None = None

    def own(self) -> tuple[CampaignHashtag, ...]:
        """The brand's hashtags."""
        return tuple(h for h in self.hashtags if h.role is Role.OWN)

    def competitors(self) -> tuple[CampaignHashtag, ...]:
        """The competitors' hashtags."""
        return tuple(h for h in self.hashtags if h.role is Role.COMPETITOR)


# --- what the source says -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """A decoded answer of the data API and what it cost."""

    value: T
    credits_used: int | None
    credits_remaining: int | None
    #: SHA-256 of the ``data`` part, to notice the same answer twice.
    payload_hash: str
    #: Names of quality problems met while decoding, e.g. ``view_count:negative``.
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagTotals:
    """Counters of a hashtag as one answer stated them."""

    hashtag_id: str
    #: As the API spells it; identity is the id.
    title: str
    view_count: int | None
    view_source: CounterSource | None
    #: Display unit: the true value lies within one unit of the stated one; 1 is exact.
    view_unit: int
    video_count: int | None
    video_source: CounterSource | None
    video_unit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """An author. Identity is ``creator_key``, never a display name."""

    #: ``sec_uid``, else ``uid:`` + uid, else ``@`` + username.
    creator_key: str
    sec_uid: str | None
    uid: str | None
    username: str | None
    #: Stranger's text, at most 64 characters.
    nickname: str | None
    #: None where the feed does not fill it in (it says 0).
    follower_count: int | None = None
    video_count: int | None = None
    verified: bool | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What does not change about a video."""

    #: Decimal digits.
    video_id: str
    creator: Creator
    #: Stranger's text, at most 4,000 characters.
    caption: str
    created_at: datetime | None
    #: Seconds.
    duration: float | None = None
    is_photo: bool = False
    is_ad: bool | None = None
    region: str | None = None
    music_id: str | None = None
    #: Names in the caption's hashtag marks, normalised, in order, without repeats.
    hashtags: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The public page, rebuilt from handle and id; never an address from the payload."""
        return video_url(self.video_id, self.creator.username)


def video_url(video_id: str, username: str | None) -> str:
    """Public page of a video; TikTok resolves the id under any handle."""
    return f"https://www.tiktok.com/@{username or '_'}/video/{video_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCounters:
    """Counters of a video at one sighting."""

    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    source: CounterSource

    @property
    def engagement(self) -> int | None:
        """likes + comments + shares; unknown when one of them is."""
        if self.like_count is None or self.comment_count is None or self.share_count is None:
            return None
        return self.like_count + self.comment_count + self.share_count

    @property
    def engagement_rate(self) -> float | None:
        """engagement / views as a fraction; unknown when views are 0 or unknown."""
        if not self.view_count or self.engagement is None:
            return None
        return self.engagement / self.view_count


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSeen:
    """A video and its counters as one answer stated them."""

    video: Video
    counters: VideoCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPage:
    """One page of a feed or a search, in the API's order."""

    videos: tuple[VideoSeen, ...]
    #: For the next request; None when the API gave none.
    cursor: str | None
    has_more: bool
    #: Records that could not be read, with the reason; the others are kept.
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Answer of the free usage endpoint."""

    plan: str | None
    credit_balance: int | None
    searches_used: int | None = None
    period_start: datetime | None = None


# --- what is kept ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagReading:
    """Counters of a hashtag at one instant."""

    hashtag: str
    hashtag_id: str | None
    read_at: datetime
    view_count: int | None
    view_source: CounterSource | None
    view_unit: int
    video_count: int | None
    video_source: CounterSource | None
    video_unit: int
    run_id: int | None = None
    payload_hash: str = ""
    flags: tuple[str, ...] = ()


class HashtagLevel(NamedTuple):
    """The counters of a reading without where it came from: one of thousands, hence so small."""

    hashtag_id: str | None
    read_at: datetime
    view_count: int | None
    view_source: CounterSource | None
    view_unit: int
    video_count: int | None
    video_source: CounterSource | None
    video_unit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoReading:
    """Counters of a video at one instant."""

    video_id: str
    read_at: datetime
    counters: VideoCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job for one campaign."""

    run_id: int
    job: Job
    campaign_id: int
    #: The scheduled instant, or the instant a run by hand was started.
    slot_at: datetime
    #: ``schedule``, ``catch_up``, ``manual`` or ``agent``.
    trigger: str
    started_at: datetime
    finished_at: datetime | None
    status: Status
    reason: Reason = Reason.NONE
    credits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagOutcome:
    """How one hashtag ended in one run."""

    hashtag: str
    status: Status
    reason: Reason = Reason.NONE
    videos_seen: int = 0
    videos_new: int = 0
    #: Views of the new videos plus growth of the known ones, as far as known.
    new_views: int | None = None
    pages: int = 0
    credits: int = 0
    #: One sentence for a person, already free of strangers' control characters.
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode of a rule on one thing: raised once, updated when it grows, resolved."""

    alert_id: str
    #: What makes two alerts the same episode: campaign, rule, hashtag or video.
    fingerprint: str
    #: None for what tagtide says about itself.
    campaign_id: int | None
    rule: Rule
    hashtag: str | None
    video_id: str | None
    state: AlertState
    #: When it began to hold.
    opened_at: datetime
    updated_at: datetime
    #: When it ended; while it is pending again, when it ended before.
    resolved_at: datetime | None
    value: float
    threshold: float
    #: Largest value of the episode so far.
    peak: float
    #: One sentence, for a person.
    reason: str
    #: The page to open next.
    url: str
    #: Facts behind the sentence: span, deltas, top videos.
    data: dict[str, Any] = field(default_factory=dict)
    #: What is wrong with tagtide itself, e.g. ``auth``; only with `Rule.SELF`.
    condition: str | None = None
    #: When it fired first; None as long as it was only pending.
    fired_at: datetime | None = None
    #: Since when it holds, and in how many runs, while it is pending.
    pending_since: datetime | None = None
    pending_runs: int = 0
    #: When people were last told that it is on; None while they do not know.
    told_at: datetime | None = None
    #: How often it fired again after it had ended.
    flaps: int = 0
    #: It goes on and off: people know, and hear of it again when it has grown or is quiet.
    is_flapping: bool = False
    #: Somebody has seen it and looks after it. Written by what a person does alone.
    acked_at: datetime | None = None
    acked_by: str | None = None
    ack_note: str | None = None
    #: How far above its threshold it was then.
    acked_severity: float | None = None
    #: Counts the decisions written; a decision that rests on an older one is refused.
    version: int = field(default=0, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether the episode goes on."""
        return self.state is not AlertState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One line of an alert's history; never changed."""

    alert_id: str
    at: datetime
    #: None before its first line.
    from_state: AlertState | None
    to_state: AlertState
    #: Why: a value of `core.alerts.AlertReason`.
    reason: str
    #: Whether people were told.
    told: bool = False
    #: The person behind it; None when a rule decided.
    by: str | None = None
    #: What the person said, or why nobody was told.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """No messages until an instant about the alerts that match all that is named."""

    mute_id: str
    created_at: datetime
    until: datetime
    by: str
    reason: str = ""
    alert_id: str | None = None
    campaign_id: int | None = None
    hashtag: str | None = None
    rule: Rule | None = None
    #: Taken back before its time.
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFile:
    """A file that goes with a message: the same bytes at every attempt."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    #: What a picture within the text shows; None for a file beside it.
    shows: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message on its way to one channel: a row of the outbox."""

    #: Sent as idempotency key; the same at every attempt.
    notification_id: str
    channel: str
    alert_id: str | None
    #: About an alert ``firing``, ``update`` or ``resolved``; ``fold`` for several of these in one,
    #: ``digest`` for the daily one, ``self`` for what tagtide says about itself, ``desk`` for
    #: reminders, ``report`` for a report on schedule.
    kind: str
    created_at: datetime
    due_at: datetime
    payload: dict[str, Any]
    attempts: int = 0
    #: A mail address in place of the channel's own.
    to: str | None = field(default=None, repr=False)
    #: Read when it is sent.
    files: tuple[MessageFile, ...] = ()


class DeliveryState(StrEnum):
    """Where a message stands."""

    #: Not accepted yet; it will be tried.
    WAITING = "waiting"
    SENT = "sent"
    #: Told in another message, whose state counts.
    FOLDED = "folded"
    #: Given up: a dead letter, which can be replayed.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message and what became of it."""

    notification: Notification
    state: DeliveryState
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    #: The message that tells this one too.
    folded_into: str | None = None
    #: Kept for the digest: the channel's budget of interruptions is spent.
    is_held: bool = False
    #: What its newest failed attempt met.
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The far end of a channel: whether it takes messages, and who is sending to it."""

    channel: str
    #: Begin of the failures that have not ended; None while it takes messages.
    failing_since: datetime | None = None
    #: Failed attempts in a row.
    failures: int = 0
    #: The newest of them.
    failed_at: datetime | None = None
    #: Nothing is sent before this.
    next_attempt_at: datetime | None = None
    #: Set when the address is no longer in use; until a person enables it again.
    disabled_at: datetime | None = None
    #: What the newest failed attempt met; None while it takes messages.
    last_error: str | None = None
    #: Instant of the newest daily digest that was looked after.
    digest_at: datetime | None = None
    #: Whoever sends holds the endpoint until then.
    lease_until: datetime | None = None
    #: Grows with each owner; one with an older number cannot write.
    fence: int = 0
