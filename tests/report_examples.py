"""Reports made from small facts, for the tests of renderers and for the golden files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from report_facts import DAY, NOW, AVideo, counters, reading, totals_at
from tagtide.core.charts.campaign import Line
from tagtide.core.coverage import completeness
from tagtide.core.creators import RateEstimate, Tier
from tagtide.core.daily_gains import DailyGains
from tagtide.core.lift import Counted, measure_lift
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
)
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.collect import collect_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.messages.wrapup import wrapup_blocks
from tagtide.core.metrics import WEEK, KnownSum, known_sum
from tagtide.core.reports.campaign import CampaignFacts, build_campaign, build_daily
from tagtide.core.reports.collect import CollectedHashtag, CollectFacts, build_collect_summary
from tagtide.core.reports.creator import CreatorReport, GrantedRight, HeldVideo, InCampaign
from tagtide.core.reports.facts import HashtagFacts
from tagtide.core.reports.trend import Trend, share_of_voice
from tagtide.core.reports.weekly import WeeklyFacts, WeeklyHashtagFacts, build_weekly
from tagtide.core.reports.wrapup import (
    CampaignSpan,
    ClearedVideo,
    Coverage,
    HashtagCover,
    RightsObtained,
    SpentOn,
    WrapUpFacts,
    build_wrapup,
)
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    CampaignHashtag,
    Creator,
    HashtagOutcome,
    HashtagReading,
    Job,
    Reason,
    Role,
    Rule,
    Status,
    VideoReading,
)

OWN = CampaignHashtag(name="glowup")
SECOND = CampaignHashtag(name="glow_été")
RIVAL = CampaignHashtag(name="rivalskin", role=Role.COMPETITOR, feed=False)
CAMPAIGN = Campaign(name="Glow up", hashtags=(OWN, SECOND, RIVAL), timezone="Europe/Paris")

#: views, likes, comments, shares, saves, creator, followers, age in days, caption
_VIDEOS = (
    (
        4_200_000,
        310_000,
        9_100,
        14_800,
        40_100,
        "mira.skin",
        48_000,
        2,
        "Three steps, one glow #glowup #skintok",
    ),
    (
        612_000,
        41_300,
        1_020,
        2_200,
        6_100,
        "dr_lena",
        1_240_000,
        5,
        "A dermatologist reacts to #glowup",
    ),
    (98_400, 7_900, 240, 310, 880, "mira.skin", 48_000, 6, "What I use at night #glowup #skintok"),
    (77_100, 2_100, 90, 45, 130, "护肤日记", None, 9, "我的护肤日常 😀 #glowup #skintok"),
    (
        54_000,
        3_240,
        130,
        90,
        300,
        "jonas_k",
        3_400,
        3,
        "Day 30 of 30. It works, and here is what I would do differently #glowup",
    ),
    (31_500, 1_260, 44, 20, 71, "amelie", None, 8, "#glowup"),
    (18_900, 1_320, 61, 33, 90, "tomás", 910, 4, "antes / después"),
    (12_200, 480, 12, 6, 20, "skin.by.ru", 22_100, 11, "my honest review | no ad"),
    (9_700, 770, 25, 19, 60, "noor", None, 1, "first time trying this #glowup"),
    (4_100, 120, 3, 1, 4, "amelie", None, 12, "bathroom light, sorry"),
    (1_900, 95, 4, 0, 2, "kim", 140, 0, "quick one before school #glowup #skintok"),
    (310, 22, 1, 0, 0, "pat", 60, 0, "does anyone know if this is vegan"),
    (None, 5, 0, 0, 0, "lee", None, 0, "#glowup"),
)


def videos() -> list[AVideo]:
    return [
        AVideo(
            str(7_560_000_000_000_000_001 + index),
            counters(*numbers),
            author_key=name,
            author_username=name if name.isascii() else None,
            author_nickname=name,
            author_followers=followers,
            caption=caption,
            created_at=NOW - timedelta(days=age, hours=5),
            first_seen_at=NOW - timedelta(days=age),
            high_priority_at=_high(numbers),
        )
        for index, (*numbers, name, followers, age, caption) in enumerate(_VIDEOS)
    ]


def _high(numbers: list[int | None]):
    views, likes, comments, shares, _ = numbers
    return (
        NOW if views and views >= 10_000 and (likes + comments + shares) / views >= 0.05 else None
    )


def earlier(at=NOW - timedelta(hours=24, minutes=12), share: float = 0.7):
    held = [v for v in videos() if v.first_seen_at < at and v.counters.view_count]
    return {
        v.video_id: reading(
            v.video_id,
            at,
            replace(
                v.counters,
                view_count=int(v.counters.view_count * share),
                like_count=int(v.counters.like_count * share),
            ),
        )
        for v in held
    }


def outcome(name: str, status: Status = Status.OK, reason: Reason = Reason.NONE) -> HashtagOutcome:
    return HashtagOutcome(hashtag=name, status=status, reason=reason)


def _held():
    return completeness(
        31, totals_at("glowup", NOW - DAY, 1, 4_274), totals_at("glowup", NOW, 1, 4_321)
    )


def campaign_facts() -> CampaignFacts:
    alert = Alert(
        alert_id="a1",
        fingerprint="f",
        campaign_id=1,
        rule=Rule.NEW_VIDEOS,
        hashtag="glowup",
        video_id=None,
        state=AlertState.FIRING,
        opened_at=NOW,
        updated_at=NOW,
        resolved_at=None,
        value=312,
        threshold=200,
        peak=312,
        reason="#glowup gained 312 new videos in 6.1 h; the threshold is 200 per 6 h.",
        url="https://www.tiktok.com/tag/glowup",
    )
    return CampaignFacts(
        campaign=CAMPAIGN,
        as_of=NOW,
        videos=videos(),
        earlier=earlier(),
        hashtags=[
            HashtagFacts(
                hashtag=OWN,
                latest=totals_at("glowup", NOW, 12_345_678, 4_321),
                earlier=totals_at("glowup", NOW - DAY, 11_000_000, 4_274),
                outcome=outcome("glowup"),
                held=_held(),
            ),
            HashtagFacts(
                hashtag=SECOND,
                latest=totals_at("glow_été", NOW - 3 * DAY, 50_210),
                outcome=outcome("glow_été", Status.FAILED, Reason.UPSTREAM),
            ),
            HashtagFacts(
                hashtag=RIVAL,
                latest=totals_at("rivalskin", NOW, 39_100_000_000, None, 100_000_000),
                earlier=totals_at("rivalskin", NOW - DAY, 39_000_000_000, None, 100_000_000),
                outcome=outcome("rivalskin"),
            ),
        ],
        credits_used=9,
        price_per_credit=0.005,
        alerts=[alert],
    )


def weeks(name: str, *views: int, videos: int | None = None, unit: int = 1) -> list[HashtagReading]:
    return [
        totals_at(name, NOW - k * WEEK, v, None if videos is None else videos - 47 * k, unit)
        for k, v in enumerate(views)
    ]


def weekly_facts() -> WeeklyFacts:
    own = weeks(
        "glowup", 12_345_678, 8_200_000, 7_300_000, 6_350_000, 5_500_000, 4_700_000, videos=4_321
    )
    rival = weeks("rivalskin", *(39_100_000_000 - 10**8 * k for k in range(6)), unit=100_000_000)
    return WeeklyFacts(
        campaign=CAMPAIGN,
        as_of=NOW,
        videos=videos(),
        earlier=earlier(NOW - WEEK, 0.4),
        hashtags=[
            WeeklyHashtagFacts(hashtag=OWN, readings=own, outcome=outcome("glowup")),
            WeeklyHashtagFacts(
                hashtag=SECOND,
                readings=[totals_at("glow_été", NOW - WEEK, 50_210)],
                outcome=outcome("glow_été", Status.FAILED, Reason.UPSTREAM),
            ),
            WeeklyHashtagFacts(hashtag=RIVAL, readings=rival, outcome=outcome("rivalskin")),
        ],
    )


def collect_facts() -> CollectFacts:
    read = HashtagOutcome(
        hashtag="glowup",
        status=Status.OK,
        videos_seen=60,
        videos_new=31,
        new_views=1_412_345,
        pages=2,
        credits=2,
    )
    high = [v for v in videos() if v.high_priority_at]
    return CollectFacts(
        campaign="Glow up",
        timezone="Europe/Paris",
        run_id=7,
        at=NOW,
        hashtags=[
            CollectedHashtag(outcome=read, held=_held()),
            CollectedHashtag(
                outcome=replace(outcome("glow_été", Status.FAILED, Reason.UPSTREAM), credits=1)
            ),
        ],
        high_priority=high,
        newly_high_priority=frozenset({high[0].video_id}),
        credits_used=3,
        credits_remaining=47,
    )


def wrapup_facts(found: list[AVideo] | None = None, evil: str = "") -> WrapUpFacts:
    """A campaign of a week: the own hashtag gains half as much again, the control nothing."""
    first = date(2026, 11, 14)
    facts = replace(campaign_facts(), videos=found or videos())
    report = build_campaign(facts)
    began = datetime(2026, 11, 13, 23, tzinfo=UTC)
    names = ("glowup", "rivalskin")
    gains = {name: _daily(first, 1_000, 1_500 if name == "glowup" else 1_000) for name in names}
    lift = measure_lift(
        [Counted(hashtag="glowup", gains=gains["glowup"])],
        [
            Counted(hashtag=evil or "rivalskin", gains=gains["rivalskin"]),
            Counted(hashtag=evil or "unread", gains=NOTHING),
        ],
        first,
        first + 6 * DAY,
    )
    lines = tuple(
        (began + n * DAY, gain) for n, gain in ((1, 1_500), (2, 1_400), (3, 1_700), (6, 5_900))
    )
    own = Line(name="", base=1_000_000, gains=lines)
    rival = Line(name="#rivalskin", base=None, gains=((began + DAY, 9_000),))
    share = share_of_voice(own, [rival])
    return WrapUpFacts(
        report=report,
        span=CampaignSpan(
            since=began,
            until=NOW,
            first_day=first,
            last_day=first + 6 * DAY,
            starts_on=first,
            ends_on=first + 6 * DAY,
        ),
        hashtags=(*report.hashtags, *report.competitors),
        trend=Trend(
            since=began,
            until=NOW,
            own=2,
            views=(own, rival),
            videos=(own,),
            share_of_views=share,
            share_of_videos=None,
        ),
        lift=lift,
        rights=_rights_obtained(evil),
        alerts=[
            replace(a, reason=evil or a.reason, resolved_at=NOW + timedelta(hours=7))
            for a in facts.alerts
        ],
        spending=(
            SpentOn(job=Job.TRACK, calls=84, credits=84),
            SpentOn(job=None, calls=1, credits=0),
        ),
        coverage=Coverage(
            hashtags=(HashtagCover(hashtag=evil or "glowup", role=Role.OWN, days_read=6, days=7),),
            days_without=(date(2026, 11, 17),),
            runs={Status.OK: 26, Status.FAILED: 2},
            outcomes={Status.OK: 80, Status.FAILED: 4},
        ),
    )


def creator_report(text: str = "Glow up") -> CreatorReport:
    """As much as a page can be asked to hold, every text a stranger's."""
    held = [
        HeldVideo(
            video=replace(video, caption=text * 20, author_username="x" * 30),
            campaigns=(text, text),
            desk=((text, "granted"), (text, "shortlisted")),
            score=None,
        )
        for video in videos()
    ]
    stake = InCampaign(
        campaign=text,
        videos=12,
        views=KnownSum(123_456_789, 12, 1),
        high_priority_videos=3,
        rate=RateEstimate(rate=0.05, low=0.03, high=0.08, own_share=0.4, videos=12),
        crowd_rate=0.04,
        tier_rate=0.06,
        crowd_videos=1000,
        tier_videos=40,
    )
    right = GrantedRight(
        campaign=text,
        video_id=held[0].video.video_id,
        url="https://evil.example/",
        status="standing",
        channels=("organic", "ads", "spark", "website", "email", "retail", "print", "tv"),
        territory=("DE", "FR", "ES", "IT", "PL"),
        edits=True,
        granted_at=NOW,
        expires_at=NOW + 90 * DAY,
        spark_expires_at=NOW + 30 * DAY,
    )
    readings = [
        VideoReading(video_id="1", read_at=NOW - n * DAY, counters=held[0].video.counters)
        for n in range(30, 0, -1)
    ]
    return CreatorReport(
        creator=Creator(
            creator_key="k",
            sec_uid="sec",
            uid="1",
            username="x" * 30,
            nickname=text,
            region=text,
            follower_count=123_456,
        ),
        tier=Tier.MID,
        looks_like_another=True,
        within=text,
        timezone="Europe/Paris",
        as_of=NOW,
        videos=tuple(held),
        is_cut=True,
        views=known_sum(one.video.counters.view_count for one in held),
        engagement=known_sum(one.video.counters.engagement for one in held),
        engagement_rate=0.05,
        cadence=None,
        campaigns=(stake,) * 8,
        rights=(right,) * 9,
        curves={one.video.video_id: readings for one in held},
    )


NOTHING = DailyGains(days={}, step=1, read_on=frozenset())


def _daily(first: date, before: float, within: float) -> DailyGains:
    days = {first + n * DAY: within if n >= 0 else before for n in range(-56, 7) if n != 3}
    return DailyGains(days=days, step=1, read_on=frozenset(days))


def _rights_obtained(evil: str) -> RightsObtained:
    def one(video_id: str, until: datetime | None) -> ClearedVideo:
        return ClearedVideo(
            video_id=video_id,
            url=evil or f"https://www.tiktok.com/@mira.skin/video/{video_id}",
            author_username=evil or "mira.skin",
            author_nickname=evil,
            channels=("organic", "website"),
            territory=("DE", "FR") if until else ("WORLD",),
            until=until,
        )

    return RightsObtained(
        at=NOW,
        states={"new": 9, "asked": 1, "granted": 2, "declined": 1},
        cleared=(one("7560000000000000001", NOW + 90 * DAY), one("7560000000000000002", None)),
    )


BLOCKS: dict[str, list[Block]] = {
    "daily": daily_blocks(build_daily(campaign_facts())),
    "campaign": campaign_blocks(build_campaign(campaign_facts())),
    "weekly": weekly_blocks(build_weekly(weekly_facts())),
    "collect": collect_blocks(build_collect_summary(collect_facts())),
    "wrapup": wrapup_blocks(build_wrapup(wrapup_facts())),
    "first_day": daily_blocks(
        build_daily(
            replace(campaign_facts(), earlier={}, hashtags=(), alerts=(), videos=videos()[:3])
        )
    ),
    "empty": daily_blocks(build_daily(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=[]))),
}

_EVIL = "</bdi><script>alert(1)</script>[x](https://evil.example/)|`\x1b[2J\u202e\n# h"


def _hostile() -> list[AVideo]:
    return [
        replace(
            video,
            caption=_EVIL * 20,
            author_username=f"../{_EVIL}",
            author_nickname=_EVIL,
            hashtag=_EVIL,
        )
        for video in videos()
    ]


HOSTILE_BLOCKS: dict[str, list[Block]] = {
    "daily": daily_blocks(build_daily(replace(campaign_facts(), videos=_hostile()))),
    "weekly": weekly_blocks(build_weekly(replace(weekly_facts(), videos=_hostile()))),
    "wrapup": wrapup_blocks(build_wrapup(wrapup_facts(_hostile(), _EVIL))),
    "collect": collect_blocks(
        build_collect_summary(replace(collect_facts(), high_priority=_hostile()[:3]))
    ),
}


def every_kind() -> list[Block]:
    table = Table(
        "A table",
        (Column("Column"), Column("Trend", Kind.SPARKLINE), Column("No.", Kind.NUMBER)),
        ((Cell("cell", foreign=True), Cell("", values=(0.0, None, 5.0)), Cell("3")),),
        note="remark on the table",
    )
    return [
        Heading("Title", level=1),
        Paragraph("Lead.", lead=True),
        Paragraph("Body."),
        KeyFigures((Figure("Label", "1.2 M", "↑ +5", "rests on"),)),
        table,
        Table("Nothing", (Column("Column"),), (), empty="Nothing here."),
        BulletList((Cell("item"),)),
        Link("Open", "https://www.tiktok.com/tag/glow"),
        Sparkline("Curve", (0.0, 1.0, None, 3.0)),
        Note("remark"),
        Note("warning", Tone.WARN),
    ]
