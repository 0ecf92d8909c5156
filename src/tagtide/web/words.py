"""Words of the pages for the codes of the models, and the shapes of values in them."""

from __future__ import annotations

from datetime import datetime, timedelta

from tagtide.core import formats
from tagtide.models import AlertState, Charge, Delivery, Job, Reason, Role, Rule, Status
from tagtide.ports import NOT_SENT

_TIKTOK = "https://www.tiktok.com/"

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
#: One sign each, so that colour is never alone.
SIGNS = {
    Status.RUNNING: "…",
    Status.OK: "✓",
    Status.PARTIAL: "◐",
    Status.FAILED: "✕",
    Status.SKIPPED: "–",
}
TRIGGERS = {
    "schedule": "on schedule",
    "catch_up": "made up for after tagtide was not running",
    "manual": "started by hand",
}
ENDPOINTS = {
    "hashtag": "totals of a hashtag",
    "hashtag_videos": "page of a feed",
    "search_videos": "page of a search",
    "profile": "profile of a creator",
    "video": "one video",
    "usage": "balance (free)",
}
CHARGES = {
    Charge.RESERVED: "reserved",
    Charge.CHARGED: "charged",
    Charge.NOT_CHARGED: "not charged",
    Charge.UNKNOWN: "unknown",
}
STATES = {
    AlertState.PENDING: "pending",
    AlertState.FIRING: "firing",
    AlertState.RESOLVED: "resolved",
}
ROLES = {Role.OWN: "own", Role.COMPETITOR: "competitor"}
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


def note_text(note: str) -> str:
    """The note of a ledger row in words."""
    if note == NOT_SENT:
        return "never sent"
    return REASONS.get(Reason(note), "") if note in {*Reason} else note.replace("_", " ")


def tiktok_only(address: str) -> str:
    """The address if it leads to TikTok, else nothing: no other place is ever linked."""
    return address if address.startswith(_TIKTOK) else ""


def about(delivery: Delivery) -> str:
    """What a message was about, in a line."""
    alert = delivery.notification.payload.get("alert")
    reason = alert.get("reason") if isinstance(alert, dict) else None
    return str(reason or delivery.notification.payload.get("message") or "several alerts")


#: By what browsers say of themselves; the first that fits, because they all claim to be others too.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
    "curl": "curl",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser(agent: str) -> str:
    """What people call a browser by what it says of itself: ``Firefox on Linux``."""
    name = next((name for sign, name in _BROWSERS.items() if sign in agent), None)
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), None)
    if name is None:
        return formats.clean_text(agent, 40) or "not said"
    return f"{name} on {system}" if system else name
