"""How a channel's far end is treated after it took a message, or did not.

A failing endpoint is left alone as a whole: one attempt at a time, at growing distances, whatever
waits behind it. How long a message is tried counts from its creation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tagtide.errors import DeliveryError
from tagtide.models import Endpoint

#: Seconds after the first failures in a row; then every half hour.
FIRST_WAITS = (5.0, 30.0, 120.0, 600.0, 1800.0)
LATER_WAIT = 1800.0
#: Share by which a wait varies.
JITTER = 0.2
#: Longest wait that a receiver may ask for, in seconds.
LONGEST_ASKED = 3600.0
#: A message is given up when it has waited this long ...
GIVE_UP_AFTER = timedelta(hours=76)
#: ... of which it was really tried for at least this long: a process that was down for a week has
#: given nobody a chance.
LAST_CHANCE = timedelta(hours=1)
#: Attempts after which a receiver that says no to a message is believed.
REFUSALS = 4
#: Failures in a row that make an outage; at its end everything that was tried is due at once.
OUTAGE = 3
#: The operator is told of an endpoint that has failed for so long.
TELL_AFTER = timedelta(minutes=30)
#: After a message was refused, others go first.
_STEP_ASIDE = timedelta(seconds=1)


class Ending(StrEnum):
    """What one attempt means for its message."""

    SENT = "sent"
    #: Tried again later.
    DELAYED = "delayed"
    #: Given up.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """State of the endpoint and of the message after an attempt."""

    endpoint: Endpoint
    ending: Ending
    #: When a delayed message is due again.
    due_at: datetime | None = None
    #: Everything that was tried before is due at once: an outage is over.
    releases: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a message has been through."""

    attempts: int
    #: Its creation, or when it was replayed.
    queued_at: datetime
    first_failed_at: datetime | None = None


def after_acceptance(endpoint: Endpoint) -> Aftermath:
    """The receiver has taken the message: whatever was wrong is over."""
    healthy = replace(
        endpoint,
        failing_since=None,
        failures=0,
        failed_at=None,
        next_attempt_at=None,
        last_error=None,
    )
    releases = endpoint.failures >= OUTAGE
    return Aftermath(endpoint=healthy, ending=Ending.SENT, releases=releases)


def after_failure(
    endpoint: Endpoint,
    tried: Tried,
    error: DeliveryError,
    now: datetime,
    chance: float,
) -> Aftermath:
    """The receiver has not taken the message.

    Args:
        endpoint: As it was before the attempt.
        tried: What the message has been through, this attempt included.
        error: What was met.
        now: The instant.
        chance: In [0, 1), for the jitter.
    """
    if error.disables:
        disabled = replace(endpoint, disabled_at=now, last_error=str(error))
        # The message is not at fault; it goes out when a person has set the address right.
        return Aftermath(endpoint=disabled, ending=Ending.DELAYED, due_at=now)
    if error.permanent:
        return Aftermath(endpoint=endpoint, ending=Ending.DEAD)
    failures = endpoint.failures + 1
    again = now + timedelta(seconds=retry_wait(failures, error.retry_after, chance))
    failing = replace(
        endpoint,
        failing_since=endpoint.failing_since or now,
        failures=failures,
        failed_at=now,
        next_attempt_at=again,
        last_error=str(error),
    )
    is_refused = error.refused and tried.attempts >= REFUSALS
    if is_refused or has_had_its_time(tried.queued_at, tried.first_failed_at, now):
        return Aftermath(endpoint=failing, ending=Ending.DEAD)
    if not error.refused:
        return Aftermath(endpoint=failing, ending=Ending.DELAYED, due_at=again)
    return Aftermath(endpoint=failing, ending=Ending.DELAYED, due_at=again + _STEP_ASIDE)


def has_had_its_time(
    queued_at: datetime, failing_since: datetime | None, failed_at: datetime | None
) -> bool:
    """Whether a message is to be given up: an attempt failed after all the time it was promised."""
    if failing_since is None or failed_at is None:
        return False
    return failed_at - queued_at > GIVE_UP_AFTER and failed_at - failing_since >= LAST_CHANCE


def retry_wait(failures: int, asked: float | None, chance: float) -> float:
    """Seconds until the next attempt: the ladder with jitter, or longer if the receiver asks to."""
    step = failures - 1
    base = FIRST_WAITS[step] if 0 <= step < len(FIRST_WAITS) else LATER_WAIT
    wait = base * (1 + JITTER * (2 * chance - 1))
    return wait if asked is None else max(wait, min(asked, LONGEST_ASKED))


def tells_operator(endpoint: Endpoint, now: datetime) -> bool:
    """Whether people should hear of it on other channels."""
    since = endpoint.failing_since
    return endpoint.disabled_at is not None or (since is not None and now - since >= TELL_AFTER)
