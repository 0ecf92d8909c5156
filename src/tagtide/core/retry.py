"""Whether a failed call is made again, and when the data API is left alone.

Only what cannot have been billed is repeated freely: each attempt may cost a credit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tagtide.errors import (
    AnswerLost,
    AuthenticationFailed,
    Charge,
    CreditsExhausted,
    RateLimited,
    Reason,
    SourceError,
    SourceUnavailable,
)

#: Seconds; the longest wait the API may ask for.
_LONGEST_WAIT = 15 * 60.0
#: Upper ends of the waits before the retries of a transient failure, in seconds.
_BACKOFF = (2.0, 8.0)
_LOST_RETRIES = 1


class RetryReason(StrEnum):
    """Why a call is made again, or not."""

    RATE_LIMITED = "rate_limited"
    UPSTREAM = "upstream"
    CONNECTION = "connection"
    ANSWER_LOST = "answer_lost"
    #: No more: repeating it is useless, or the run stops.
    PERMANENT = "permanent"
    #: No more: all its retries were used.
    RETRIES_USED = "retries_used"
    #: No more: the wait would pass the deadline.
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Retries made so far, by what they followed."""

    rate_limited: int = 0
    upstream: int = 0
    connection: int = 0
    answer_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """What to do after a failed attempt."""

    #: Seconds before the next attempt; None gives up.
    wait_seconds: float | None
    reason: RetryReason
    #: Counts to pass with the next failure.
    tries: Tries


def decide_retry(
    error: SourceError, tries: Tries, *, now_elapsed: float, deadline: float, chance: float
) -> RetryDecision:
    """Decide after a failed attempt.

    ``now_elapsed`` and ``deadline`` are seconds since the first attempt began; ``chance`` in [0, 1)
    spreads the waits. A wait that would pass the deadline is not begun. Does NOT look at budgets:
    the next attempt needs a reservation of its own.
    """
    decision = _decide(error, tries, chance)
    if decision.wait_seconds is None or now_elapsed + decision.wait_seconds <= deadline:
        return decision
    return RetryDecision(wait_seconds=None, reason=RetryReason.DEADLINE, tries=tries)


def stops_run(error: SourceError) -> Reason | None:
    """The reason to stop the whole run at once, or None: a bad key and an empty balance."""
    if isinstance(error, AuthenticationFailed):
        return Reason.AUTH
    return Reason.CREDITS if isinstance(error, CreditsExhausted) else None


def _decide(error: SourceError, tries: Tries, chance: float) -> RetryDecision:
    if isinstance(error, RateLimited):
        return _after_rate_limit(error, tries)
    if isinstance(error, AnswerLost):
        if tries.answer_lost >= _LOST_RETRIES:
            return _used(tries)
        following = replace(tries, answer_lost=tries.answer_lost + 1)
        return _again(_BACKOFF[0] * chance, RetryReason.ANSWER_LOST, following)
    if isinstance(error, SourceUnavailable) and error.detail != "certificate":
        return _after_outage(error, tries, chance)
    return RetryDecision(wait_seconds=None, reason=RetryReason.PERMANENT, tries=tries)


def _after_rate_limit(error: RateLimited, tries: Tries) -> RetryDecision:
    asked = error.retry_after
    wait = 2.0 ** min(tries.rate_limited, 10) if asked is None else max(0.0, asked)
    following = replace(tries, rate_limited=tries.rate_limited + 1)
    return _again(min(wait, _LONGEST_WAIT), RetryReason.RATE_LIMITED, following)


def _after_outage(error: SourceUnavailable, tries: Tries, chance: float) -> RetryDecision:
    if error.charge is Charge.NOT_CHARGED:
        reason, made = RetryReason.CONNECTION, tries.connection
        following = replace(tries, connection=made + 1)
    else:
        reason, made = RetryReason.UPSTREAM, tries.upstream
        following = replace(tries, upstream=made + 1)
    if made >= len(_BACKOFF):
        return _used(tries)
    return _again(_BACKOFF[made] * chance, reason, following)


def _again(wait: float, reason: RetryReason, tries: Tries) -> RetryDecision:
    return RetryDecision(wait_seconds=wait, reason=reason, tries=tries)


def _used(tries: Tries) -> RetryDecision:
    return RetryDecision(wait_seconds=None, reason=RetryReason.RETRIES_USED, tries=tries)


# --- circuit breaker ------------------------------------------------------------------------------

#: Failures that speak about the API, not about one hashtag.
_OUTAGE = frozenset({Reason.UPSTREAM, Reason.CONNECTION, Reason.TIMEOUT})
#: Outcomes in which the API has answered: it is alive.
_ANSWERED = frozenset(
    {
        Reason.NONE,
        Reason.UNCHANGED,
        Reason.PAGE_BUDGET,
        Reason.NOT_FOUND,
        Reason.BAD_REQUEST,
        Reason.UNDECODABLE,
        Reason.SCHEMA,
        Reason.OVERSIZE,
    }
)


@dataclass(slots=True)
class Breaker:
    """Leaves a failing API alone: opens after five failed hashtags in a row.

    While it is open, one hashtag a minute is let through as a probe; any hashtag that is answered
    closes it. Instants are seconds of a monotonic clock, given by the caller. One per process.
    """

    failures: int = 0
    #: When the last hashtag was let through although the breaker is open.
    probed_at: float | None = None

    opens_after: int = 5
    probe_seconds: float = 60.0

    @property
    def is_open(self) -> bool:
        """Whether hashtags are held back."""
        return self.failures >= self.opens_after

    def allows(self, now: float) -> bool:
        """Whether the next hashtag may be tried; counts as the probe when the breaker is open."""
        if not self.is_open:
            return True
        if self.probed_at is not None and now - self.probed_at < self.probe_seconds:
            return False
        self.probed_at = now
        return True

    def record(self, succeeded: bool, reason: Reason, now: float) -> None:
        """Note how a hashtag ended; ``succeeded`` is false when nothing of it could be read.

        Reasons of our own (budget, storage, pause) say nothing about the API and change nothing.
        """
        if reason in _ANSWERED:
            self.failures, self.probed_at = 0, None
        elif reason in _OUTAGE and not succeeded:
            self.failures += 1
            # The first probe comes a minute after the failure that opened it.
            self.probed_at = now
