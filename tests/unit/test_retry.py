"""Which failed calls are made again, after how long, and when an API is left alone."""

from __future__ import annotations

import pytest

from tagtide.core.retry import Breaker, RetryReason, Tries, decide_retry, stops_run
from tagtide.errors import (
    AnswerLost,
    AuthenticationFailed,
    Charge,
    CreditsExhausted,
    ItemNotFound,
    RateLimited,
    Reason,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    UnexpectedResponse,
)


def refused(detail: str = "connect") -> SourceUnavailable:
    return SourceUnavailable(charge=Charge.NOT_CHARGED, reason=Reason.CONNECTION, detail=detail)


def waits(error: SourceError, *, deadline: float = 900, chance: float = 0.5) -> list[float]:
    """Waits until it gives up, at most 30 of them."""
    found: list[float] = []
    tries = Tries()
    while len(found) < 30:
        decision = decide_retry(
            error, tries, now_elapsed=sum(found), deadline=deadline, chance=chance
        )
        if decision.wait_seconds is None:
            break
        found.append(decision.wait_seconds)
        tries = decision.tries
    return found


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceUnavailable(status=503), [1, 4]),
        (refused(), [1, 4]),
        (refused("tls"), [1, 4]),
        (refused("certificate"), []),
        (AnswerLost(), [1]),
        (RateLimited(), [1, 2, 4, 8, 16, 32, 64, 128, 256]),
        (RateLimited(retry_after=300), [300, 300, 300]),
        (RateLimited(retry_after=7_200), [900]),
        (ItemNotFound(), []),
        (RequestRefused(), []),
        (UnexpectedResponse(), []),
        (AuthenticationFailed(), []),
        (CreditsExhausted(), []),
        (SourceError(), []),
    ],
)
def test_waits(error: SourceError, expected: list[float]) -> None:
    assert waits(error) == expected


def test_jitter_spreads_over_the_whole_wait() -> None:
    assert waits(SourceUnavailable(), chance=0.0) == [0, 0]
    assert waits(SourceUnavailable(), chance=0.75) == [1.5, 6]


def test_rate_limits_do_not_use_up_the_retries_of_an_outage() -> None:
    tries = Tries(rate_limited=40)
    decision = decide_retry(SourceUnavailable(), tries, now_elapsed=0, deadline=900, chance=0.5)
    assert decision.reason is RetryReason.UPSTREAM
    assert decision.tries == Tries(rate_limited=40, upstream=1)


@pytest.mark.parametrize(
    ("error", "tries", "elapsed", "reason"),
    [
        (ItemNotFound(), Tries(), 0, RetryReason.PERMANENT),
        (SourceUnavailable(), Tries(upstream=2), 0, RetryReason.RETRIES_USED),
        (AnswerLost(), Tries(answer_lost=1), 0, RetryReason.RETRIES_USED),
        (RateLimited(retry_after=10), Tries(), 895, RetryReason.DEADLINE),
    ],
)
def test_giving_up_says_why_and_counts_nothing(
    error: SourceError, tries: Tries, elapsed: float, reason: RetryReason
) -> None:
    decision = decide_retry(error, tries, now_elapsed=elapsed, deadline=900, chance=0.5)
    assert (decision.wait_seconds, decision.reason, decision.tries) == (None, reason, tries)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationFailed(), Reason.AUTH),
        (CreditsExhausted(), Reason.CREDITS),
        (RateLimited(), None),
        (SourceUnavailable(), None),
        (ItemNotFound(), None),
    ],
)
def test_a_bad_key_and_an_empty_balance_stop_the_run(
    error: SourceError, reason: Reason | None
) -> None:
    assert stops_run(error) is reason


def broken_breaker() -> Breaker:
    breaker = Breaker()
    for second in range(5):
        assert breaker.allows(second)
        breaker.record(False, Reason.UPSTREAM, second)
    return breaker


def test_the_breaker_opens_after_five_failures_and_probes_once_a_minute() -> None:
    breaker = broken_breaker()
    assert [breaker.allows(at) for at in (4, 63.9, 64, 65, 123.9, 124)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    breaker.record(True, Reason.NONE, 125)
    assert breaker.allows(125)


def test_a_failed_probe_waits_another_minute() -> None:
    breaker = broken_breaker()
    assert breaker.allows(64)
    breaker.record(False, Reason.TIMEOUT, 90)
    assert not breaker.allows(149)
    assert breaker.allows(150)


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.UNDECODABLE, Reason.SCHEMA])
def test_an_answer_of_any_kind_closes_the_breaker(reason: Reason) -> None:
    breaker = broken_breaker()
    breaker.record(False, reason, 10)
    assert not breaker.is_open


@pytest.mark.parametrize("reason", [Reason.BUDGET, Reason.PAUSED, Reason.BREAKER, Reason.STORAGE])
def test_our_own_reasons_say_nothing_about_the_api(reason: Reason) -> None:
    breaker = broken_breaker()
    breaker.record(True, reason, 10)
    breaker.record(False, reason, 10)
    assert breaker.is_open
    fresh = Breaker()
    for second in range(9):
        fresh.record(False, reason, second)
    assert not fresh.is_open
