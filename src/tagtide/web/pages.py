"""Facts as HTML. Jinja2 escapes every value; the templates hold no ``safe``."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tagtide.core import formats
from tagtide.core.names import hashtag_url
from tagtide.core.planning import Phase, balance_warning
from tagtide.core.reports.facts import alert_why
from tagtide.models import Alert, Delivery, Job, Reason, Role, Rule, Status
from tagtide.web.overview import CampaignView, HashtagLine, Overview

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
_TIKTOK = "https://www.tiktok.com/"
_LONGEST = 300

JOBS = {
    Job.COLLECT: "Collection",
    Job.TRACK: "Tracking",
    Job.REPORT_DAILY: "Daily report",
    Job.REPORT_CAMPAIGN: "Campaign report",
    Job.REPORT_WEEKLY: "Weekly report",
}
RULES = {
    Rule.NEW_VIDEOS: "New videos",
    Rule.GROWTH: "Growth",
    Rule.VIRAL_VIDEO: "Viral video",
    Rule.STATISTICAL: "Out of the usual",
    Rule.SELF: "tagtide itself",
}
STATUSES = {
    Status.RUNNING: "under way",
    Status.OK: "done",
    Status.PARTIAL: "partly done",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
}
#: Why, in words of people; the other codes read well with spaces.
REASONS = {
    Reason.NONE: "",
    Reason.NOT_FOUND: "nothing there to read",
    Reason.UPSTREAM: "the data API had an error",
    Reason.CONNECTION: "the data API could not be reached",
    Reason.TIMEOUT: "the data API did not answer in time",
    Reason.RATE_LIMITED: "too many calls at once",
    Reason.CREDITS: "no credits left",
    Reason.BUDGET: "the budget is spent",
    Reason.AUTH: "the key was refused",
    Reason.DOWNTIME: "tagtide was not running",
    Reason.STORAGE: "the database could not be written",
    Reason.INTERNAL: "a fault of tagtide; the log has the details",
    Reason.SHARED: "read with another campaign",
}


def render_overview(overview: Overview) -> str:
    """The whole page."""
    template = _environment().get_template("overview.html.j2")
    return template.render(o=overview, now=overview.now, Role=Role, Phase=Phase)


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The style of every page."""
    return (_FOLDER / "tagtide.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "about": about,
        "ago": ago,
        "change": formats.change,
        "clean": lambda text: formats.clean_text(text, _LONGEST),
        "compact": formats.compact,
        "direction": direction,
        "headline": headline,
        "hashtag_url": hashtag_url,
        "instant": lambda at, zone: formats.instant_text(at, ZoneInfo(zone)),
        "iso": formats.iso_utc,
        "job": JOBS.__getitem__,
        "reason": reason_text,
        "rule": RULES.__getitem__,
        "why": alert_why,
        "signed_whole": formats.signed_whole,
        "span": formats.span_of_hours,
        "status": STATUSES.__getitem__,
        "tiktok": tiktok_only,
        "whole": formats.whole,
        "credits_note": credits_note,
        "top_videos": top_videos,
    }
    return environment


def ago(at: datetime | None, now: datetime) -> str:
    """How long before ``now``, or how long until then: ``3 h ago``, ``in 20 min``."""
    if at is None:
        return formats.DASH
    if abs(at - now) < timedelta(seconds=5):
        return "now"
    return f"{formats.span(now - at)} ago" if at < now else f"in {formats.span(at - now)}"


def direction(value: float | None) -> str:
    """Name of the style of a change."""
    return "up" if value and value > 0 else "down" if value and value < 0 else "level"


def reason_text(reason: Reason) -> str:
    """A reason in words."""
    return REASONS.get(reason, reason.value.replace("_", " "))


def tiktok_only(address: str) -> str:
    """The address if it leads to TikTok, else nothing: no other place is ever linked."""
    return address if address.startswith(_TIKTOK) else ""


def top_videos(alert: Alert) -> list[dict[str, Any]]:
    """Facts of the alert's largest videos; what does not look like them is left out."""
    found = alert.data.get("top_videos")
    videos = found if isinstance(found, list) else []
    return [v for v in videos if isinstance(v, dict) and isinstance(v.get("url"), str)][:3]


def about(delivery: Delivery) -> str:
    """What a message was about, in a line."""
    alert = delivery.notification.payload.get("alert")
    reason = alert.get("reason") if isinstance(alert, dict) else None
    return str(reason or delivery.notification.payload.get("message") or "several alerts")


def headline(view: CampaignView, now: datetime) -> str:
    """What changed, in a sentence."""
    if view.phase is Phase.UPCOMING:
        return f"Starts on {view.campaign.starts_on}."
    own = [line for line in view.hashtags if line.hashtag.role is Role.OWN]
    if not any(line.state.latest for line in own):
        soonest = min((run.at for run in view.next_runs if run.at), default=None)
        wait = f" The first reading comes {ago(soonest, now)}." if soonest else ""
        return f"Nothing has been read yet.{wait}"
    best = max(own, key=_gained)
    if best.change is None or best.change.new_views is None:
        return "There is one reading so far; the next one shows what changes."
    return _gain(best)


def _gained(line: HashtagLine) -> int:
    return (line.change.new_views if line.change else None) or -1


def _gain(line: HashtagLine) -> str:
    change = line.change
    assert change is not None
    videos = ""
    if change.new_videos:
        videos = f" and {formats.counted(change.new_videos, 'video')}"
    hours = formats.span_of_hours(change.elapsed_hours)
    views = formats.compact(change.new_views)
    return f"#{line.hashtag.name} gained {views} views{videos} in {hours}."


def credits_note(overview: Overview) -> str:
    """Spending of the day in a sentence."""
    spent = overview.today.charged + overview.today.unknown
    money = spent * overview.price_per_credit
    text = f"{formats.counted(spent, 'credit')} today ({money:,.2f} {overview.currency})"
    warning = balance_warning(spent, overview.allowed_today, "today's credits")
    return f"{text}. {warning}" if warning else f"{text}."
