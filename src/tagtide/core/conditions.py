"""What can be wrong with tagtide itself, judged from what is stored; each gives a verdict.

An incident has no threshold to double: it begins, goes on and is over. What is not known, or has
a cause that people are told of anyway, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tagtide.core.formats import clean_text, counted, decimal, instant_text, percent, span, whole
from tagtide.core.planning import balance_warning
from tagtide.core.rules import Incident, RuleState, Verdict
from tagtide.core.schedule import Schedule
from tagtide.models import Reason, Rule, Status

#: A job is silent when so many of its slots, and this time, passed without a successful run.
_SILENT_SLOTS, _SILENT_TIME = 3, timedelta(hours=3)
#: What the run of the last of these slots has to end.
_GRACE = timedelta(hours=1)
#: Credits are low when they last for fewer days.
_LOW_DAYS = 3.0
#: Share of unreadable answers above which the format has changed.
_FORMAT_SHARE = 0.2
#: How far back answers are counted for that.
FORMAT_WINDOW = timedelta(hours=1)
_WENT_WELL = frozenset({Status.OK, Status.PARTIAL})


class Kind(StrEnum):
    """What a condition is about; the first part of its name."""

    AUTH = "auth"
    CREDITS = "credits"
    CREDITS_LOW = "credits_low"
    FORMAT = "format"
    COLLECTOR = "collector"
    #: With the name of the hashtag behind it.
    HASHTAG = "hashtag"
    #: With the name of the channel behind it.
    CHANNEL = "channel"
    #: With the host behind them.
    DISK = "disk"
    DATABASE = "db"
    CLOCK = "clock"

    def of(self, subject: str) -> str:
        """The condition of one thing."""
        return f"{self.value}:{subject}"


#: What to do about each, one sentence.
HINTS: dict[str, str] = {
    Kind.AUTH: "Set a valid SCAVIO_API_KEY and run `tagtide doctor`; until then nothing is read.",
    Kind.CREDITS: "Add credits at the provider; monitoring goes on by itself once there are some.",
    Kind.CREDITS_LOW: "Add credits, or read less: `tagtide credits` says what each campaign costs.",
    Kind.FORMAT: "Look for a newer tagtide; nothing that was not understood has been stored.",
    Kind.COLLECTOR: "See that `tagtide serve` or your cron job runs; `tagtide doctor` says more.",
    Kind.HASHTAG: "Check its spelling; `tagtide campaign edit CAMPAIGN --resume NAME` tries it at "
    "once, --drop NAME gives it up.",
    Kind.CHANNEL: "Correct its address in the configuration; `tagtide doctor` checks it.",
    Kind.DISK: "Free some space on the disk of the database; reading goes on by itself.",
    Kind.DATABASE: "Look at the database server; nothing that was paid for is lost.",
    Kind.CLOCK: "Set the clock of the machine right; nothing is planned until time has caught up.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """How one job of one campaign has been going."""

    campaign: str
    job: str
    schedule: Schedule
    #: From when on it was to run.
    since: datetime
    #: Start of the newest run that read something, and status of the newest run that has ended.
    succeeded_at: datetime | None
    newest: Status | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRecord:
    """What there is, and what is needed."""

    #: None when the provider never said.
    left: int | None
    left_at: datetime | None
    spent_this_month: int
    per_day: float
    warn_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAnswer:
    """The newest answer of the data API that says something about key and credits."""

    #: ``ok``, or the reason of the failure.
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A condition with what is to be said about it."""

    condition: str
    verdict: Verdict


def hint_for(condition: str) -> str:
    """What to do about a condition; empty for one that is not of `Kind`."""
    return HINTS.get(condition.partition(":")[0], "")


def firing(
    condition: str, message: str, *, value: float = 1.0, threshold: float = 1.0, hint: str = ""
) -> Verdict:
    """It is wrong; ``hint`` is by default what is to be done about its kind."""
    hint = hint or hint_for(condition)
    return _verdict(Incident.GOES_ON, message, value, threshold, hint)


def over(message: str, *, value: float = 0.0, threshold: float = 1.0) -> Verdict:
    """It is right again."""
    return _verdict(Incident.OVER, message, value, threshold, "")


def _verdict(
    incident: Incident, message: str, value: float, threshold: float, hint: str
) -> Verdict:
    return Verdict(
        rule=Rule.SELF,
        state=incident.state,
        value=value,
        threshold=threshold,
        reason=message,
        data={"hint": hint},
        incident=incident,
    )


def _unknown(message: str) -> Verdict:
    return Verdict(
        rule=Rule.SELF, state=RuleState.UNJUDGED, value=None, threshold=1.0, reason=message
    )


def judge_key(answer: LastAnswer | None) -> Verdict:
    """Whether the key is accepted, by the newest answer that tells."""
    if answer is None:
        return _unknown("The data API has not answered yet.")
    if answer.note == Reason.AUTH:
        return firing(Kind.AUTH, f"The data API refuses the key (since {_at(answer.at)}).")
    return over("The data API accepts the key again.")


def judge_credits(answer: LastAnswer | None, record: CreditRecord) -> Verdict:
    """Whether there is any credit left."""
    refused = answer is not None and answer.note == Reason.CREDITS
    is_newer = record.left_at is not None and (answer is None or record.left_at > answer.at)
    if record.left == 0 or (refused and not (is_newer and record.left)):
        need = f" {_need(record)}" if record.per_day else ""
        return firing(Kind.CREDITS, f"There are no credits left at the data API.{need}", value=0.0)
    if record.left is None and answer is None:
        return _unknown("The balance is not known.")
    left = f": {counted(record.left, 'credit')}" if record.left else ""
    return over(f"There are credits again{left}.")


def judge_credits_low(record: CreditRecord) -> Verdict:
    """Whether the credits will end soon. None left at all is another condition."""
    left = record.left
    if not left:
        return _unknown("The balance is not known, or there is none.")
    days = left / record.per_day if record.per_day else None
    said = balance_warning(
        record.spent_this_month,
        record.spent_this_month + left,
        "the credits of this month",
        record.warn_at,
    )
    if days is not None and days < _LOW_DAYS:
        lasts = f"{counted(left, 'credit')} will last for {decimal(days)} days. {_need(record)}"
        return firing(Kind.CREDITS_LOW, lasts, value=days, threshold=_LOW_DAYS)
    if said is not None:
        return firing(Kind.CREDITS_LOW, said, value=float(left), threshold=float(left))
    return over(f"{counted(left, 'credit')} are left, which is enough for now.", value=float(left))


def _need(record: CreditRecord) -> str:
    return f"The schedules of all campaigns need {whole(record.per_day)} a day."


def judge_format(read: int, unreadable: int, details: Iterable[str]) -> Verdict:
    """Whether the data API answers in another form: by what was read within `FORMAT_WINDOW`."""
    if not read:
        return _unknown("Nothing was read lately.")
    share = unreadable / read
    if share <= _FORMAT_SHARE:
        said = "The data API answers in a known form again."
        return over(said, value=share, threshold=_FORMAT_SHARE)
    what = "; ".join(sorted({clean_text(d, 200) for d in details if d})[:3])
    said = (
        f"{unreadable} of {counted(read, 'hashtag')} read within an hour ({percent(share)}) were "
        f"answered in a form that tagtide does not know.{f' {what}' if what else ''}"
    )
    return firing(Kind.FORMAT, said, value=share, threshold=_FORMAT_SHARE)


def judge_collector(
    records: Sequence[JobRecord], now: datetime, *, is_scheduler: bool, is_held: bool
) -> Verdict:
    """Whether jobs have stopped bringing anything.

    Args:
        records: Jobs of running campaigns.
        now: The instant.
        is_scheduler: This process plans runs, so that one which never came is a failure too. Where
            another program starts them, only runs that failed tell.
        is_held: Runs are held back for a reason that people are told of.
    """
    if is_held:
        return _unknown("Runs are held back.")
    silent = [r for r in records if _is_overdue(r, now)]
    wrong = [r for r in silent if is_scheduler or r.newest not in {None, *_WENT_WELL}]
    if wrong:
        longest = min(wrong, key=lambda r: r.succeeded_at or r.since)
        quiet = now - (longest.succeeded_at or longest.since)
        others = f" and {counted(len(wrong) - 1, 'other job')}" if wrong[1:] else ""
        said = (
            f"No run of {longest.job} for {longest.campaign}{others} has brought anything for "
            f"{span(quiet)}."
        )
        hours = quiet.total_seconds() / 3600
        due = _due_by(longest) - (longest.succeeded_at or longest.since)
        allowed = due.total_seconds() / 3600
        return firing(Kind.COLLECTOR, said, value=hours, threshold=allowed)
    if silent or not records:
        return _unknown("Nothing was to run, or it is not known whether it should have.")
    return over("Runs bring readings again.")


def _is_overdue(record: JobRecord, now: datetime) -> bool:
    return now >= _due_by(record)


def _due_by(record: JobRecord) -> datetime:
    """When a job that brings nothing has missed enough of its slots."""
    last = slot = record.succeeded_at or record.since
    for _ in range(_SILENT_SLOTS):
        slot = record.schedule.next_after(slot)
    return max(slot, last + _SILENT_TIME) + _GRACE


def judge_hashtags(
    paused: Iterable[tuple[str, Reason]], open_conditions: Iterable[str]
) -> list[Found]:
    """Which hashtags are paused; one that is not any more, or not watched, is over."""
    found = [
        Found(
            condition=Kind.HASHTAG.of(name),
            verdict=firing(
                Kind.HASHTAG,
                f"#{name} is paused: the data API has refused it again and again "
                f"({reason.value or 'no reason given'}). It is tried once a day.",
            ),
        )
        for name, reason in paused
    ]
    still = {f.condition for f in found}
    prefix = Kind.HASHTAG.of("")
    return found + [
        Found(
            condition=condition,
            verdict=over(f"#{condition.removeprefix(prefix)} is not paused any more."),
        )
        for condition in open_conditions
        if condition.startswith(prefix) and condition not in still
    ]


def _at(instant: datetime) -> str:
    return f"{instant_text(instant, UTC)} UTC"
