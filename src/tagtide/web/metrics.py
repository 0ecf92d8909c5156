"""Figures for Prometheus: from the store and from this process, made anew at each scrape.

Labels are names of jobs, states, reasons, endpoints and channels: a bounded set. Nothing of
strangers, no campaign, no secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tagtide.bootstrap import App
from tagtide.core.periods import start_of_day
from tagtide.errors import StorageError
from tagtide.jobs import Condition, Health
from tagtide.models import Charge, DeliveryState

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"

Rows = Iterable[tuple[tuple[str, ...], float]]


async def exposition(app: App, health: Health) -> bytes:
    """All figures in the text format. While the database is away, those of the process alone."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    of_store: list[Any] = []
    try:
        of_store = await _of_store(app)
    except StorageError:
        health.database_errors += 1
    families = [*_of_process(app, health), *of_store]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gathered(families))
    return generate_latest(registry)


class _Gathered:
    """Hands out what was gathered beforehand: the library collects synchronously."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> Iterator[Any]:
        yield from self._families


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(f"tagtide_{name}", text, labels=labels), rows)


def _counter(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Any:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(f"tagtide_{name}", text, labels=labels), rows)


def _filled(family: Any, rows: Rows) -> Any:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


def _of_process(app: App, health: Health) -> Iterator[Any]:
    runs = [((j.value, s.value, r.value), n) for (j, s, r), n in health.runs.items()]
    yield _counter("runs", "Scheduled runs that ended.", ("job", "status", "reason"), runs)
    skipped = [((j.value, r.value), n) for (j, r), n in health.skipped.items()]
    yield _counter("slots_skipped", "Slots that were not run.", ("job", "reason"), skipped)
    yield _counter("db_errors", "Failures of the database.", (), [((), health.database_errors)])
    late = [((job.value,), seconds) for job, seconds in health.lateness.items()]
    yield _gauge("slot_lateness_seconds", "Delay of the newest run's start.", ("job",), late)
    if health.ticked is not None:
        age = app.context.clock.monotonic() - health.ticked
        yield _gauge("scheduler_tick_age_seconds", "Since the last look.", (), [((), age)])
    pings = [((outcome,), count) for outcome, count in health.pings.items()]
    yield _counter("deadman_pings", "Signs of life sent outward.", ("outcome",), pings)
    wrong = [((c.value,), float(c in health.conditions)) for c in Condition]
    yield _gauge("condition", "1 while something is wrong.", ("condition",), wrong)


async def _of_store(app: App) -> list[Any]:
    store, now = app.store, app.context.clock.now()
    midnight = start_of_day(now)
    lines = await store.spending(midnight, "endpoint")
    totals = await store.spent(midnight)
    firing = Counter(alert.rule.value for alert in await store.firing())
    balance = await store.balance()
    states = {
        Charge.CHARGED: totals.charged,
        Charge.UNKNOWN: totals.unknown,
        Charge.RESERVED: totals.reserved,
    }
    return [
        _gauge(
            "calls_today",
            "Calls of the data API since midnight UTC.",
            ("endpoint",),
            [((line.key,), line.calls) for line in lines],
        ),
        _gauge(
            "endpoint_credits_today",
            "Credits since midnight UTC; unknown: billed or not.",
            ("endpoint", "state"),
            [
                ((line.key, state), value)
                for line in lines
                for state, value in (("charged", line.credits), ("unknown", line.unknown))
            ],
        ),
        _gauge(
            "credits_today",
            "Credits since midnight UTC by state of the ledger.",
            ("state",),
            [((state.value,), value) for state, value in states.items()],
        ),
        _gauge(
            "calls_not_charged_today",
            "Calls that cost nothing.",
            (),
            [((), totals.not_charged_calls)],
        ),
        _gauge(
            "credits_left",
            "Balance as the provider last said.",
            (),
            [((), balance.credits_remaining)] if balance else [],
        ),
        _gauge("alerts_firing", "Alerts.", ("rule",), [((r,), n) for r, n in firing.items()]),
        *await _of_deliveries(app),
    ]


async def _of_deliveries(app: App) -> list[Any]:
    store, now = app.store, app.context.clock.now()
    counts = await store.delivery_counts()
    names = {*app.context.channels, *(c.channel for c in counts)}
    number = {(c.channel, c.state): c.count for c in counts}
    oldest = {c.channel: c.oldest_at for c in counts if c.state is DeliveryState.WAITING}
    endpoints = {e.channel: e for e in await store.endpoints()}
    failing = [n for n in names if n in endpoints and endpoints[n].failing_since is not None]
    disabled = [n for n in names if n in endpoints and endpoints[n].disabled_at is not None]
    return [
        _gauge(
            "outbox",
            "Messages by channel and state; dead ones were given up.",
            ("channel", "state"),
            [((n, s.value), number.get((n, s), 0)) for n in sorted(names) for s in DeliveryState],
        ),
        _gauge(
            "outbox_oldest_seconds",
            "Age of the oldest message that waits.",
            ("channel",),
            [((n,), (now - at).total_seconds()) for n, at in sorted(oldest.items())],
        ),
        _gauge(
            "endpoint",
            "1 while a channel's endpoint is failing, or disabled.",
            ("channel", "state"),
            [
                ((name, state), float(name in those))
                for name in sorted(names)
                for state, those in (("failing", failing), ("disabled", disabled))
            ],
        ),
    ]
