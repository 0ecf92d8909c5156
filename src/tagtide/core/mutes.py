"""Mutes: which alerts nobody is told about, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tagtide.core.formats import clean_text
from tagtide.errors import InvalidInput
from tagtide.models import Alert, Mute

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=366)
_HINT = "Give a span (45m, 12h, 3d, 2w) or an instant (2026-12-01T08:00, or with Z or +01:00)."


def mute_of(alert: Alert, mutes: Iterable[Mute], now: datetime) -> Mute | None:
    """The mute that keeps an alert from being told now; of several the one that lasts longest."""
    in_force = [m for m in mutes if m.ended_at is None and now < m.until and _covers(m, alert)]
    return max(in_force, key=lambda mute: mute.until, default=None)


def _covers(mute: Mute, alert: Alert) -> bool:
    named = (
        (mute.alert_id, alert.alert_id),
        (mute.campaign_id, alert.campaign_id),
        (mute.hashtag, alert.hashtag),
        (mute.rule, alert.rule),
    )
    wanted = [(mine, its) for mine, its in named if mine is not None]
    return bool(wanted) and all(mine == its for mine, its in wanted)


def parse_until(text: str, now: datetime, zone: str = "UTC") -> datetime:
    """The end of a mute: a span from ``now`` on, or an instant; one without an offset is in
    ``zone``.

    Raises `InvalidInput` for what is neither, has passed, or is more than a year away.
    """
    until = _span_from(text.strip().lower(), now) or _instant(text.strip(), zone)
    if until is None:
        raise InvalidInput(f"“{clean_text(text, 40)}” is no end of a mute.", hint=_HINT)
    if until <= now:
        raise InvalidInput(f"The mute would end at {_shown(until)}, which has passed.", hint=_HINT)
    if until - now > _LONGEST:
        raise InvalidInput(
            f"The mute would last until {_shown(until)}; a year is the most.",
            hint="Switch the rule off (`tagtide campaign edit`) where nobody wants to hear of it.",
        )
    return until


def _span_from(text: str, now: datetime) -> datetime | None:
    found = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text)
    if not found:
        return None
    return now + timedelta(**{_UNITS[found[2]]: int(found[1])})


def _instant(text: str, zone: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
    try:
        return aware.astimezone(UTC)
    except OverflowError:
        return None


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
