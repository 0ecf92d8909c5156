"""Reports in which as much is said as can be, and languages that are made for a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from report_examples import (
    CAMPAIGN,
    campaign_facts,
    creator_report,
    outcome,
    weekly_facts,
    wrapup_facts,
)
from report_facts import NOW, AVideo, counters, totals_at
from tagtide.core.charts.campaign import Line
from tagtide.core.language import Language
from tagtide.core.lift import LeftOut, LiftReason, Unmeasured
from tagtide.core.messages import Block
from tagtide.core.messages.appendix import (
    FullTable,
    campaign_appendix,
    creator_appendix,
    weekly_appendix,
    wrapup_appendix,
)
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.creator import creator_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.messages.wrapup import wrapup_blocks
from tagtide.core.reports.campaign import (
    CampaignFacts,
    CampaignReport,
    build_campaign,
    build_daily,
)
from tagtide.core.reports.creator import CreatorReport
from tagtide.core.reports.events import CampaignEvent, EventKind
from tagtide.core.reports.trend import TREND, Trend, share_of_voice
from tagtide.core.reports.weekly import WeeklyHashtagFacts, WeeklyReport, build_weekly
from tagtide.core.reports.wrapup import WrapUp, WrapUpFacts, build_wrapup
from tagtide.models import CampaignHashtag, Reason, Rule, Status

#: Days of readings, of which the newest two are not a week apart.
_UNEVEN = (0, 5, 12, 19, 26, 33)
_FOLLOWERS = (None, 500, 20_000, 300_000, 700_000, 2_000_000)
#: What strangers and the installation say, and what has a name: it is the same in every language.
NAMES = frozenset(
    (
        *("de", "fr", "es", "it", "pl", "x" * 30),
        *("glow", "up", "glowup", "glow_été", "rivalskin", "skintok", "glowpu", "third", "fourth"),
        *("fifth", "tiktok", "europe", "paris", "usd", "creator", "hot", "one", "two", "mira"),
        *("skin", "dr_lena", "jonas_k", "amelie", "tomás", "noor", "kim", "pat", "lee"),
    )
)


def _trend(own_gain: int, rival_gain: int, base: int | None) -> Trend:
    since = NOW - TREND

    def line(name: str, gain: int, level: int | None) -> Line:
        days = [since + timedelta(days=day) for day in range(1, 29)]
        return Line(name=name, base=level, gains=tuple((at, gain) for at in days))

    views = (line("", own_gain, base), line("#rivalskin", rival_gain, base and base * 4))
    videos = (line("", 12, None), line("#rivalskin", 12, None))
    return Trend(
        since=since,
        until=NOW,
        own=2,
        views=views,
        videos=videos,
        share_of_views=share_of_voice(views[0], views[1:]),
        share_of_videos=share_of_voice(videos[0], videos[1:]),
        events=_events(since),
    )


def _events(since: datetime) -> tuple[CampaignEvent, ...]:
    (alert,) = wrapup_facts().alerts
    days = [since + timedelta(days=day) for day in range(6)]
    return (
        CampaignEvent(at=days[0], kind=EventKind.BEGAN),
        CampaignEvent(at=days[1], kind=EventKind.CORRECTION),
        CampaignEvent(at=days[2], kind=EventKind.CORRECTION, hashtag="rivalskin"),
        CampaignEvent(at=days[3], kind=EventKind.ALERT, hashtag="glowup", alert=alert),
        CampaignEvent(at=days[4], kind=EventKind.ALERT, alert=alert),
        CampaignEvent(at=days[5], kind=EventKind.ENDED),
    )


def _crowd() -> list[AVideo]:
    """So many that hours are compared, with creators of every tier and two that take off."""
    many = [
        AVideo(
            str(8_000_000_000_000_000_000 + k),
            counters((900 + k if k % 3 else 100 + k) * 10, 500 + k, k, k // 3, k // 2),
            author_key=f"c{k % 30}",
            author_username=f"creator{k % 30}",
            author_followers=_FOLLOWERS[k % 6],
            caption=f"#glowup #skintok #glowpu nr {k}",
            created_at=NOW.replace(hour=18 if k % 3 else 8) - timedelta(days=4 + k % 9),
            first_seen_at=NOW - timedelta(days=4 + k % 9),
        )
        for k in range(140)
    ]
    young = [
        AVideo(
            str(9_000_000_000_000_000_000 + views),
            counters(views, views // 20, 40, 30, 20),
            author_key=name,
            author_username=name,
            caption="hot",
            created_at=NOW - timedelta(hours=9),
            first_seen_at=NOW - timedelta(hours=8),
            high_priority_at=NOW,
        )
        for views, name in ((2_100_000, "hot.one"), (90_000, "hot.two"))
    ]
    return [*many, *young]


def _weekly(name: str, *views: int, days: Sequence[int] = ()) -> WeeklyHashtagFacts:
    apart = days or [7 * k for k in range(len(views))]
    readings = [
        totals_at(name, NOW - timedelta(days=day), count, 900)
        for day, count in zip(apart, views, strict=True)
    ]
    return WeeklyHashtagFacts(
        hashtag=CampaignHashtag(name=name), readings=readings, outcome=outcome(name)
    )


def _poor_wrapup() -> WrapUpFacts:
    """Before its end, without a lift, and with more of everything than is shown."""
    facts = wrapup_facts()
    lacking = [
        LeftOut(hashtag="third", is_own=True, reason=reason, have=1, need=14)
        for reason in (
            LiftReason.FEW_DAYS_BEFORE,
            LiftReason.LAST_WEEK_UNKNOWN,
            LiftReason.FEW_DAYS_WITHIN,
            LiftReason.FEW_VIEWS_BEFORE,
            LiftReason.FEW_STEPS_BEFORE,
        )
    ]
    unmeasured = Unmeasured(
        reason=LiftReason.FEW_DAYS_BEFORE, left_out=tuple(lacking), have=1, need=14
    )
    (alert,) = facts.alerts
    return replace(
        facts,
        span=replace(facts.span, ends_on=None),
        lift=unmeasured,
        alerts=[replace(alert, rule=rule, resolved_at=None) for rule in Rule] * 3,
        rights=replace(facts.rights, cleared=facts.rights.cleared * 9),
    )


AnyReport = CampaignReport | WeeklyReport | WrapUp | CreatorReport


def reports() -> dict[str, AnyReport]:
    """Every kind of report, told at length, and briefly because little is known."""
    facts, weekly = campaign_facts(), weekly_facts()
    rich = replace(
        facts,
        videos=[*facts.videos, *_crowd()],
        trend=_trend(40_000, 30_000, 5_000_000),
        alerts=list(facts.alerts) * 7,
    )
    failed = replace(facts.hashtags[1], outcome=outcome("x", Status.PARTIAL, Reason.PAGE_BUDGET))
    poor = replace(
        facts,
        earlier={},
        price_per_credit=None,
        alerts=(),
        trend=_trend(10, 30_000, None),
        hashtags=[replace(failed, latest=None), *facts.hashtags[2:]],
    )
    unusual = [
        _weekly("third", *(10**7 - 10**5 * day for day in _UNEVEN), days=_UNEVEN),
        _weekly("fourth", 9_000_000, 8_999_000, *range(8_000_000, 4_000_000, -1_000_000)),
        _weekly("fifth"),
    ]
    return {
        "daily": build_daily(rich),
        "campaign": build_campaign(rich),
        "campaign_poor": build_campaign(poor),
        "empty": build_daily(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=[])),
        "weekly": build_weekly(
            replace(
                weekly,
                hashtags=[*weekly.hashtags, *unusual],
                videos=_crowd(),
                trend=_trend(40_000, 30_000, None),
            )
        ),
        "wrapup": build_wrapup(wrapup_facts()),
        "wrapup_poor": build_wrapup(_poor_wrapup()),
        "creator": creator_report(),
        "weekly_first": build_weekly(
            replace(weekly, hashtags=[_weekly("third", 9_000_000)], videos=[], earlier={})
        ),
    }


def blocks_of(report: AnyReport) -> list[Block]:
    """Told in the language of the moment."""
    if isinstance(report, WeeklyReport):
        return weekly_blocks(report)
    if isinstance(report, WrapUp):
        return wrapup_blocks(report)
    if isinstance(report, CreatorReport):
        return creator_blocks(report)
    return daily_blocks(report) if report.kind == "daily" else campaign_blocks(report)


def appendix_of(report: AnyReport) -> tuple[FullTable, ...]:
    if isinstance(report, WeeklyReport):
        return weekly_appendix(report)
    if isinstance(report, WrapUp):
        return wrapup_appendix(report)
    if isinstance(report, CreatorReport):
        return creator_appendix(report)
    return campaign_appendix(report)


# --- a language that marks what it says -----------------------------------------------------------

OPEN, CLOSE = "⟦", "⟧"
#: Not said to people, but what axes and figures are made by.
_FORMS = ("look of figures", "clock", "date on an axis (d3)")


class _Marks:
    """Brackets around every sentence, not around the values in it."""

    def gettext(self, message: str, /) -> str:
        inside = message.replace("{", f"{CLOSE}{{").replace("}", f"}}{OPEN}")
        return f"{OPEN}{inside}{CLOSE}"

    def pgettext(self, context: str, message: str, /) -> str:
        if context in _FORMS:
            return message
        if "months" in context:
            return " ".join(map(self.gettext, message.split()))
        return self.gettext(message)

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        return self.gettext(one if count == 1 else many)


PSEUDO = Language("qps", _Marks())
