"""When jobs run: cron expressions with a time zone, and what to make up for after down-time.

Two kinds of expression, as in Debian's cron. *Fixed* ones name hour and minute ("0 8 * * *"): they
run once for each matching time on the wall clock; a time that the clocks skip runs at the first
instant after the gap, a time that comes twice runs the first time. *Running* ones have a star in
the hour or in the minute ("*/15 * * * *"): they run whenever the wall clock matches. To be anchored
in UTC ("every 6 h" is four times on every day) an expression ends in its zone: "0 */6 * * * UTC".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from tagtide.core.formats import clean_text
from tagtide.core.names import nearest
from tagtide.errors import InvalidInput
from tagtide.models import Campaign, Job

COLLECT = "0 8 * * *"
TRACK = "0 */6 * * * UTC"
REPORT_WEEKLY = "0 9 * * 1 UTC"
REPORT_DAILY = "30 8 * * *"
REPORT_CAMPAIGN = "45 8 * * *"
#: Only the first of these after the end of a campaign counts.
REPORT_WRAPUP = "0 10 * * *"

#: Schedule of each job where neither installation nor campaign has one of its own.
DEFAULTS: dict[Job, str] = {
    Job.COLLECT: COLLECT,
    Job.TRACK: TRACK,
    Job.REPORT_DAILY: REPORT_DAILY,
    Job.REPORT_CAMPAIGN: REPORT_CAMPAIGN,
    Job.REPORT_WEEKLY: REPORT_WEEKLY,
    Job.REPORT_WRAPUP: REPORT_WRAPUP,
}

_SHORTEST = 5
_HINT = (
    'Five fields (minute, hour, day, month, weekday) and perhaps a zone: "0 8 * * * Europe/Paris".'
)
#: A day that every valid expression has a match after; any would do.
_ANY_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock has no zone


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression in a time zone. Makes instants; does NOT know what ran."""

    #: Five fields.
    expression: str
    #: IANA name.
    zone: str

    @classmethod
    def parse(cls, text: str, default_zone: str) -> Schedule:
        """Read five fields and, optionally, a zone that overrides ``default_zone``.

        Raises `InvalidInput` for fields that are not cron, an unknown zone, an expression that
        never matches, and anything more often than every five minutes.
        """
        fields = text.split()
        zone = default_zone
        if len(fields) == 6 and fields[-1][0].isalpha():
            zone = fields.pop()
        if len(fields) != 5:
            _refuse(text, f"has {len(fields)} fields instead of five")
        check_zone(zone)
        schedule = cls(" ".join(fields), zone)
        schedule._check(text)
        return schedule

    def __str__(self) -> str:
        return f"{self.expression} {self.zone}"

    def next_after(self, instant: datetime) -> datetime:
        """The first slot after ``instant``, in UTC."""
        if self._is_fixed:
            return self._next_fixed(instant)
        return self._next_running(instant)

    def previous_at_or_before(self, instant: datetime) -> datetime | None:
        """The newest slot up to and including ``instant``; None if there was none in 40 years."""
        span = timedelta(hours=1)
        while span < timedelta(days=40 * 366):
            found = self.slots_between(instant - span, instant)
            if found:
                return found[-1]
            span *= 2
        return None

    def slots_between(self, after: datetime, until: datetime) -> list[datetime]:
        """Slots in (after, until], in order."""
        slots = []
        slot = self.next_after(after)
        while slot <= until:
            slots.append(slot)
            slot = self.next_after(slot)
        return slots

    @property
    def _is_fixed(self) -> bool:
        minute, hour, *_ = self.expression.split()
        return not minute.startswith("*") and not hour.startswith("*")

    def _next_fixed(self, instant: datetime) -> datetime:
        # Instants never decrease along the wall clock, so the first one past the instant is it.
        zone = ZoneInfo(self.zone)
        for wall in self._walls_after(_wall(instant, zone)):
            slot = first_instant(wall, zone)
            if slot > instant:
                return slot
        raise AssertionError(self.expression)

    def _next_running(self, instant: datetime) -> datetime:
        # While the offset stands, wall clock and time run alike. Where it changes, look again from
        # the change on, which may itself be a slot.
        zone = ZoneInfo(self.zone)
        after = instant
        while True:
            offset = _offset(after, zone)
            slot = (next(self._walls_after(_wall(after, zone))) - offset).replace(tzinfo=UTC)
            change = _offset_change(after, slot, zone)
            if change is None:
                return slot
            if self._matches(_wall(change, zone)):
                return change
            after = change

    def _matches(self, wall: datetime) -> bool:
        return next(self._walls_after(wall - timedelta(seconds=1))) == wall

    def _walls_after(self, wall: datetime) -> Iterator[datetime]:
        return CronSim(self.expression, wall)

    def _check(self, text: str) -> None:
        try:
            cron = CronSim(self.expression, _ANY_DAY)
            next(cron)
        except CronSimError as error:
            _refuse(text, f"is not a cron expression ({str(error).lower()})", error)
        except StopIteration as error:
            _refuse(text, "never matches", error)
        if _shortest_gap(cron.minutes, cron.hours) < _SHORTEST:
            _refuse(text, f"runs more often than every {_SHORTEST} minutes")


def check_zone(zone: str) -> None:
    """Raise `InvalidInput`, with the nearest name, unless ``zone`` is an IANA time zone."""
    try:
        known = zone != "localtime" and ZoneInfo(zone) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        meant = _nearest_zone(zone)
        raise InvalidInput(
            f"“{clean_text(zone, 40)}” is not a time zone.",
            hint=f"Did you mean {meant}?" if meant else "Use an IANA name such as Europe/Paris.",
        )


def _nearest_zone(zone: str) -> str | None:
    by_case = {name.casefold(): name for name in sorted(available_timezones() - {"localtime"})}
    by_city = {name.rpartition("/")[2].casefold(): name for name in sorted(by_case.values())}
    wanted = zone.casefold().replace(" ", "_")
    for names in (by_case, by_city):
        found = nearest(wanted, names)
        if found:
            return names[found]
    return None


def _shortest_gap(minutes: set[int], hours: set[int]) -> int:
    """Minutes between the two closest times on the clock face."""
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    return min(later - earlier for earlier, later in pairwise([*times, times[0] + 24 * 60]))


def _refuse(text: str, why: str, cause: BaseException | None = None) -> NoReturn:
    raise InvalidInput(f"The schedule “{clean_text(text, 60)}” {why}.", hint=_HINT) from cause


# --- wall clock and time --------------------------------------------------------------------------


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the wall clock first shows a time, or the end of the gap that swallows it."""
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    # In a gap fold=1 resolves before it and fold=0 behind it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _offset_change(before, instant, zone) or instant


def _offset_change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant in (after, until] with another offset than at ``after``, to the second."""
    offset = _offset(after, zone)
    low = after
    while low < until:
        high = min(low + timedelta(hours=12), until)
        if _offset(high, zone) != offset:
            return _bisect_change(low, high, offset, zone)
        low = high
    return None


def _bisect_change(low: datetime, high: datetime, offset: timedelta, zone: ZoneInfo) -> datetime:
    low = low.replace(microsecond=0)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if _offset(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


# --- after down-time ------------------------------------------------------------------------------


class CatchUpReason(StrEnum):
    """Why there is, or is not, something to make up for."""

    #: Nothing was missed.
    NOTHING_MISSED = "nothing_missed"
    #: The newest missed slot is still worth running.
    NEWEST_MISSED = "newest_missed"
    #: Everything that was missed is too old.
    TOO_OLD = "too_old"
    #: The job never ran: it begins with its next slot.
    NEVER_RAN = "never_ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """What to do about missed slots."""

    #: The slot to run now; None for none.
    run: datetime | None
    #: Missed slots that are not made up for: ``skipped: downtime``.
    skipped: int
    reason: CatchUpReason


def decide_catch_up(
    schedule: Schedule, last_slot: datetime | None, now: datetime, minimum_hours: float = 6
) -> CatchUp:
    """At most one run: the newest missed slot, if younger than one period or ``minimum_hours``.

    ``last_slot`` is the newest that was started. The period is the distance of the newest missed
    slot from the one before it: what ran at 6, 7 and 8 is not made up for at night.
    """
    if last_slot is None:
        return CatchUp(run=None, skipped=0, reason=CatchUpReason.NEVER_RAN)
    missed = schedule.slots_between(last_slot, now)
    if not missed:
        return CatchUp(run=None, skipped=0, reason=CatchUpReason.NOTHING_MISSED)
    newest = missed[-1]
    before = schedule.previous_at_or_before(newest - timedelta(seconds=1))
    period = newest - before if before is not None else timedelta()
    if now - newest < max(period, timedelta(hours=minimum_hours)):
        return CatchUp(run=newest, skipped=len(missed) - 1, reason=CatchUpReason.NEWEST_MISSED)
    return CatchUp(run=None, skipped=len(missed), reason=CatchUpReason.TOO_OLD)


# --- in words -------------------------------------------------------------------------------------

_DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_DAY_CODES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def describe(schedule: Schedule) -> str:
    """The schedule in words for the common forms, else the expression and its zone."""
    minute, hour, day, month, weekday = schedule.expression.upper().split()
    if (day, month) != ("*", "*"):
        return str(schedule)
    if weekday == "*":
        every = _every(minute, hour)
        if every:
            return every if schedule.zone == "UTC" else f"{every} ({schedule.zone})"
    who = "daily" if weekday == "*" else _day_names(weekday)
    if who and minute.isdigit() and hour.isdigit():
        return f"{who} at {int(hour):02}:{int(minute):02} {schedule.zone}"
    return str(schedule)


def _every(minute: str, hour: str) -> str | None:
    if hour == "*" and (step := _step(minute, 60)):
        return f"every {step} minutes"
    if not minute.isdigit():
        return None
    past = f" at minute {int(minute)}" if int(minute) else ""
    if hour == "*":
        return f"every hour{past}"
    step = _step(hour, 24)
    return f"every {step} hours{past}" if step else None


def _step(field: str, whole: int) -> int | None:
    """Step of ``*/n`` where it divides the whole, so that "every n" is true at the seam too."""
    step = field.removeprefix("*/")
    if step == field or not step.isdigit():
        return None
    return int(step) if 1 < int(step) < whole and whole % int(step) == 0 else None


def _day_names(weekday: str) -> str | None:
    if weekday in {"1-5", "MON-FRI"}:
        return "weekdays"
    names = []
    for part in weekday.split(","):
        code = _DAY_CODES.index(part) if part in _DAY_CODES else None
        number = int(part) % 7 if part.isdigit() else code
        if number is None:
            return None
        names.append(_DAYS[number])
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def effective_schedule(campaign: Campaign, job: Job, defaults: Mapping[Job, str]) -> Schedule:
    """The campaign's own schedule of a job, else the installation's, in the campaign's zone.

    Raises `InvalidInput` when it cannot be read.
    """
    return _parsed(campaign.schedules.get(job) or defaults[job], campaign.timezone)


def wrapup_slot(campaign: Campaign, schedule: Schedule) -> datetime | None:
    """When the end of a campaign is reported: the first slot after its last day, None without."""
    if campaign.ends_on is None:
        return None
    after = datetime.combine(campaign.ends_on + timedelta(days=1), time())
    end = first_instant(after, ZoneInfo(campaign.timezone))
    return schedule.next_after(end - timedelta(seconds=1))


def rhythm_of(job: Job, schedule: Schedule) -> str:
    """When a job runs, in words."""
    if job is Job.REPORT_WRAPUP:
        return f"once after the campaign, at the first of: {describe(schedule)}"
    return describe(schedule)


@lru_cache(maxsize=4096)
def _parsed(text: str, zone: str) -> Schedule:
    """Schedules are looked at every few seconds and change every few months."""
    return Schedule.parse(text, zone)
