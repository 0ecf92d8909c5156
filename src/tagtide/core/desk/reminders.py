"""What people are reminded of: rights and codes that end soon, requests without an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tagtide.core.desk.clearance import WORLD
from tagtide.core.desk.terms import DeskItem, Right
from tagtide.core.formats import clean_text, counted, date_text, iso_utc
from tagtide.core.messages.notification import VERSION
from tagtide.core.periods import zone_or_utc
from tagtide.models import video_url

#: How long before an end people are told, once each.
STAGES = (timedelta(days=3), timedelta(days=14))
#: How far ahead anything is looked for.
HORIZON = max(STAGES)
#: Lines of one message; what does not fit is counted, and comes with the next.
MOST_LINES = 25


class Cause(StrEnum):
    """What a reminder is about."""

    RIGHT_ENDS = "right_ends"
    SPARK_CODE_ENDS = "spark_code_ends"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that may be worth a reminder."""

    cause: Cause
    video_id: str
    author_username: str | None
    #: The step that granted the right, or that asked.
    number: int
    #: When it ends; of a request, when it was made.
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One line of a message: told once for a thing and a stage."""

    due: Due
    #: Days before the end, or days without an answer.
    stage: int

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What makes two reminders the same."""
        return self.due.cause.value, self.due.video_id, self.due.number, self.stage


def reminders(
    found: Sequence[Due],
    told: frozenset[tuple[str, str, int, int]],
    now: datetime,
    unanswered: timedelta,
) -> list[Reminder]:
    """What people have not been told yet, the most urgent first."""
    wanted = [reminder for due in found if (reminder := _reminder(due, now, unanswered))]
    fresh = [reminder for reminder in wanted if reminder.key not in told]
    return sorted(fresh, key=lambda r: (r.due.cause is Cause.UNANSWERED, r.due.at, r.key))


def _reminder(due: Due, now: datetime, unanswered: timedelta) -> Reminder | None:
    if due.cause is Cause.UNANSWERED:
        waited = now - due.at
        return Reminder(due=due, stage=unanswered.days) if waited >= unanswered else None
    left = due.at - now
    if left <= timedelta():
        return None
    # Of two stages that have come the nearer one: who is told "3 days" need not hear "14 days".
    stage = next((stage for stage in STAGES if left <= stage), None)
    return None if stage is None else Reminder(due=due, stage=stage.days)


def reminder_payload(
    lines: Sequence[Reminder], campaign: str, timezone: str, now: datetime, more: int = 0
) -> dict[str, Any]:
    """The message: `docs/webhook.schema.json` describes it. Never holds a Spark code."""
    return {
        "version": VERSION,
        "type": "desk.reminder",
        "campaign": campaign,
        "timezone": timezone,
        "items": [_item(line, timezone, now) for line in lines],
        "more": more,
    }


def _item(reminder: Reminder, timezone: str, now: datetime) -> dict[str, Any]:
    due = reminder.due
    return {
        "cause": due.cause.value,
        "video_id": due.video_id,
        "author_username": due.author_username,
        "at": iso_utc(due.at),
        "reason": _sentence(due, timezone, now),
        "url": video_url(due.video_id, due.author_username),
    }


def _sentence(due: Due, timezone: str, now: datetime) -> str:
    whose = f"@{clean_text(due.author_username, 64)}" if due.author_username else "a video"
    on = date_text(due.at, zone_or_utc(timezone))
    days = abs(due.at - now).days
    if due.cause is Cause.UNANSWERED:
        return f"{whose} was asked on {on} and has not answered for {counted(days, 'day')}."
    what = "The right" if due.cause is Cause.RIGHT_ENDS else "The Spark code"
    return f"{what} of {whose} ends on {on}, in {counted(days, 'day')}."


# --- what ends ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A right or a Spark code that ends."""

    cause: Cause
    number: int
    at: datetime


def ends_of(item: DeskItem) -> tuple[End, ...]:
    """What of an item ends by its date; not what a longer right goes on allowing."""
    rights = [r for r in item.rights if not r.is_withdrawn and r.revoked_at is None]
    found: list[End] = []
    for right in rights:
        if right.expires_at is not None and not any(_goes_on(other, right) for other in rights):
            found.append(End(cause=Cause.RIGHT_ENDS, number=right.number, at=right.expires_at))
        if _code_ends_first(right) and not any(_code_goes_on(other, right) for other in rights):
            assert right.spark_expires_at is not None
            end = End(cause=Cause.SPARK_CODE_ENDS, number=right.number, at=right.spark_expires_at)
            found.append(end)
    return tuple(sorted(found, key=lambda end: (end.at, end.number, end.cause)))


def last_end_of(item: DeskItem) -> datetime | None:
    """When the last right that was not revoked ends; None has no end, or there is none."""
    rights = [r for r in item.rights if not r.is_withdrawn and r.revoked_at is None]
    ends = [right.expires_at for right in rights]
    known = [end for end in ends if end is not None]
    return max(known, default=None) if len(known) == len(ends) else None


def _goes_on(other: Right, right: Right) -> bool:
    if right.expires_at is None or not _allows_as_much(other, right):
        return False
    return other.expires_at is None or other.expires_at > right.expires_at


def _allows_as_much(other: Right, right: Right) -> bool:
    channels = set(other.channels) >= set(right.channels)
    return channels and (WORLD in other.territory or set(other.territory) >= set(right.territory))


def _code_ends_first(right: Right) -> bool:
    code_end = right.spark_expires_at
    return code_end is not None and (right.expires_at is None or code_end < right.expires_at)


def _code_goes_on(other: Right, right: Right) -> bool:
    mine, its = right.spark_expires_at, other.spark_expires_at
    return mine is not None and its is not None and its > mine
