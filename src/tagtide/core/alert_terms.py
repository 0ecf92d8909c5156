"""The words of an alert's life: what becomes of it, why, and how slow a rule is to fire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tagtide.core.rules import Verdict
from tagtide.models import Alert, AlertEvent, Mute, Pending, Rule, RuleSettings

_AT_ONCE = Pending()


class AlertAction(StrEnum):
    """What becomes of the alert."""

    #: Nothing; there is nothing to write.
    NONE = "none"
    #: It holds, but the rule asks for more before it fires.
    WAIT = "wait"
    #: It did not hold for as long as the rule asks for.
    LAPSE = "lapse"
    #: A new episode fires.
    RAISE = "raise"
    #: An episode that had ended fires again.
    REOPEN = "reopen"
    #: It fires unchanged; people did not know.
    TELL = "tell"
    #: It has doubled, or escalated.
    UPDATE = "update"
    #: It is over.
    RESOLVE = "resolve"
    #: It went on and off, and is quiet now.
    SETTLE = "settle"
    #: As it was, perhaps with new figures to write; nobody is told.
    KEEP = "keep"


#: Actions that a run reports as its alerts.
REPORTED = frozenset(
    {
        AlertAction.RAISE,
        AlertAction.REOPEN,
        AlertAction.TELL,
        AlertAction.UPDATE,
        AlertAction.RESOLVE,
        AlertAction.SETTLE,
    }
)
#: Kind of `Notification` of what people hear of.
KINDS = {
    AlertAction.RAISE: "firing",
    AlertAction.REOPEN: "firing",
    AlertAction.TELL: "firing",
    AlertAction.UPDATE: "update",
    AlertAction.RESOLVE: "resolved",
    AlertAction.SETTLE: "resolved",
}


class AlertReason(StrEnum):
    """Why."""

    THRESHOLD_PASSED = "threshold_passed"
    #: The rule that keeps book itself says so.
    INCIDENT_OPENED = "incident_opened"
    #: It holds for the first time, or for another run; not yet for as long as asked for.
    NOT_YET = "not_yet"
    HELD = "held"
    NOT_HELD = "not_held"
    REOPENED = "reopened"
    FLAPS = "flaps"
    DOUBLED = "doubled"
    ESCALATED = "escalated"
    #: It fires and nobody knows: a mute has ended, or nobody has it in hand any more.
    MUTE_ENDED = "mute_ended"
    STILL_FIRING = "still_firing"
    BELOW_THRESHOLD = "below_threshold"
    BELOW_HALF = "below_half"
    INCIDENT_OVER = "incident_over"
    EXPIRED = "expired"
    #: Its rule is off, or its hashtag or campaign is not watched any more.
    NOT_WATCHED = "not_watched"
    QUIET_AGAIN = "quiet_again"
    #: A person has it in hand.
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    #: A partial or failed run decides nothing.
    RUN_NOT_OK = "run_not_ok"
    #: Too little is known.
    UNJUDGED = "unjudged"
    #: Clear, but not by the measure that raised it: that one is unknown now.
    OTHER_MEASURE = "other_measure"
    #: It fires, but has not been clear since its last episode expired.
    NOT_CLEAR_SINCE = "not_clear_since"
    #: Nothing fires and nothing is open.
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDecision:
    """An action, the alert to write (None: nothing), and why."""

    action: AlertAction
    alert: Alert | None
    reason: AlertReason
    #: Its line in the history: always when the state changes or people are told.
    event: AlertEvent | None = None
    #: ``firing``, ``update`` or ``resolved`` where people are to be told, else None.
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How slow a rule is to fire, and how soon a new episode may begin."""

    pending: Pending = _AT_ONCE
    #: What fires again within this time of its end is the same episode.
    reopen: timedelta = timedelta(hours=RuleSettings().reopen_hours)

    @classmethod
    def of(cls, settings: RuleSettings, rule: Rule) -> Lifecycle:
        """That of one rule of a campaign."""
        reopen = timedelta(hours=settings.reopen_hours)
        return cls(pending=settings.pending(rule), reopen=reopen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What every step of one decision rests on."""

    verdict: Verdict
    now: datetime
    lifecycle: Lifecycle = Lifecycle()
    mutes: tuple[Mute, ...] = ()
