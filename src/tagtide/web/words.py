"""Words of the pages for the codes of the models, and the shapes of values in them."""

from __future__ import annotations

from datetime import datetime, timedelta

from tagtide.core import formats
from tagtide.core.alert_terms import AlertReason
from tagtide.core.rules import Measure
from tagtide.models import (
    AlertState,
    Charge,
    Delivery,
    DeliveryState,
    Job,
    Reason,
    Role,
    Rule,
    Status,
)
from tagtide.ports import NOT_SENT

_TIKTOK = "https://www.tiktok.com/"

JOBS = {
    Job.COLLECT: "Collection",
    Job.TRACK: "Tracking",
    Job.REPORT_DAILY: "Daily report",
    Job.REPORT_CAMPAIGN: "Campaign report",
    Job.REPORT_WEEKLY: "Weekly report",
    Job.REPORT_WRAPUP: "End of campaign",
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
MEASURES = {
    Measure.VIEWS: "views",
    Measure.VIDEO_COUNT: "new videos",
    Measure.VIDEOS_SEEN: "new videos seen",
    Measure.ENGAGEMENT: "likes, comments and shares",
}
#: Why an alert changed.
CHANGES = {
    AlertReason.THRESHOLD_PASSED: "passed its threshold",
    AlertReason.INCIDENT_OPENED: "left its usual range",
    AlertReason.NOT_YET: "holds, but not yet for as long as the rule asks for",
    AlertReason.HELD: "held for as long as the rule asks for",
    AlertReason.NOT_HELD: "did not hold for as long as the rule asks for",
    AlertReason.REOPENED: "is back",
    AlertReason.FLAPS: "goes on and off",
    AlertReason.DOUBLED: "has doubled",
    AlertReason.ESCALATED: "has become a bigger thing",
    AlertReason.MUTE_ENDED: "still fires after its mute ended",
    AlertReason.STILL_FIRING: "still fires",
    AlertReason.BELOW_THRESHOLD: "is below its threshold",
    AlertReason.BELOW_HALF: "is far below its threshold",
    AlertReason.INCIDENT_OVER: "is back in its usual range",
    AlertReason.EXPIRED: "is too old to be news",
    AlertReason.NOT_WATCHED: "is not watched any more",
    AlertReason.QUIET_AGAIN: "is quiet after going on and off",
    AlertReason.ACKNOWLEDGED: "was taken in hand",
    AlertReason.MUTED: "was muted",
    AlertReason.UNMUTED: "was unmuted",
}
DELIVERIES = {
    DeliveryState.WAITING: "waits to be sent",
    DeliveryState.SENT: "sent",
    DeliveryState.FOLDED: "told in another message",
    DeliveryState.DEAD: "given up",
}
KINDS = {
    "firing": "that it fires",
    "update": "that it has grown",
    "resolved": "that it is over",
    "fold": "several alerts in one",
    "digest": "the daily digest",
    "self": "about tagtide itself",
    "report": "a report on schedule",
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


def figure(value: float) -> str:
    """A figure of a rule: a fraction or a multiple with decimals, a count without."""
    if abs(value) < 100 and value != int(value):
        return formats.decimal(value, 2)
    return formats.compact(value)


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


def change_text(reason: str) -> str:
    """Why an alert changed, in words; a code that is not known reads well with spaces."""
    found = {code.value: text for code, text in CHANGES.items()}
    return found.get(reason, reason.replace("_", " "))


def tiktok_only(address: str) -> str:
    """The address if it leads to TikTok, else nothing: no other place is ever linked."""
    return address if address.startswith(_TIKTOK) else ""


def about(delivery: Delivery) -> str:
    """What a message was about, in a line."""
    payload = delivery.notification.payload
    alert = payload.get("alert")
    reason = alert.get("reason") if isinstance(alert, dict) else None
    return str(reason or payload.get("message") or payload.get("title") or "several alerts")


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
