"""The statistical detector on stored hashtags: states that go on, and the pool they share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from tagtide.core.detect.base import StateMismatch
from tagtide.core.detect.calibration import SHIPPED, Calibration, pooled
from tagtide.core.statistical_rule import HashtagDetector, HashtagFinding, counter_states
from tagtide.models import HashtagReading
from tagtide.ports import DetectorPool, DetectorState
from tagtide.services.context import Context

#: History that a detector without a state learns from first.
WARM_UP = timedelta(days=90)
#: A pool is remade when it is older.
_POOL_AGE = timedelta(hours=24)


async def calibration(context: Context) -> Calibration:
    """The newest pool; the shipped table before the first one, or when it cannot be read."""
    pool = await context.store.detector_pool()
    if pool is None:
        return SHIPPED
    try:
        return Calibration.from_state(dict(pool.body))
    except (KeyError, ValueError, TypeError):
        return SHIPPED


async def observe(
    context: Context,
    reading: HashtagReading,
    knobs: Iterable[float],
    pool: Calibration,
) -> tuple[dict[float, HashtagFinding], tuple[DetectorState, ...]]:
    """Judge one new reading for each setting of the knob; return the states to be written with it.

    A detector without a usable state first learns, in silence, from what is stored.
    """
    stored = await context.store.detector_states(reading.hashtag)
    findings: dict[float, HashtagFinding] = {}
    states = []
    for false_alarms in dict.fromkeys(knobs):
        detector = await _detector(context, reading, false_alarms, stored.get(false_alarms), pool)
        findings[false_alarms] = detector.observe(reading)
        states.append(
            DetectorState(
                hashtag=reading.hashtag,
                false_alarms=false_alarms,
                read_at=reading.read_at,
                body=detector.state(),
            )
        )
    return findings, tuple(states)


async def _detector(
    context: Context,
    reading: HashtagReading,
    false_alarms: float,
    stored: DetectorState | None,
    pool: Calibration,
) -> HashtagDetector:
    if stored is not None:
        try:
            return HashtagDetector(reading.hashtag, false_alarms, pool, stored.body)
        except StateMismatch:
            # Of another version of tagtide: the readings are all there to learn from again.
            pass
    detector = HashtagDetector(reading.hashtag, false_alarms, pool)
    until = reading.read_at - timedelta(microseconds=1)
    for earlier in await context.store.hashtag_readings(
        reading.hashtag, reading.read_at - WARM_UP, until
    ):
        detector.observe(earlier)
    return detector


async def refresh_pool(context: Context) -> bool:
    """Make the next version of the pool when the newest is a day old; say whether it was made.

    Safe to call from several processes: one of them makes it.
    """
    newest = await context.store.detector_pool()
    now = context.clock.now()
    if newest is not None and now - newest.made_at < _POOL_AGE:
        return False
    states = await context.store.all_detector_states()
    if not states:
        return False
    version = newest.version + 1 if newest is not None else 1
    one_each = {state.hashtag: state for state in states}
    counters = [c for state in one_each.values() for c in counter_states(state.body)]
    body = pooled(counters, str(version)).state()
    return await context.store.put_detector_pool(
        DetectorPool(version=version, made_at=now, body=body)
    )
