"""Whatever comes, whenever, to whatever receiver: no message is lost, told twice or dropped."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tagtide.core.dispatch import (
    INTERRUPTING,
    BeginDigests,
    DispatchPolicy,
    DispatchQueue,
    Fold,
    GiveUp,
    Hold,
    Send,
    SendDigest,
    Wait,
    Waiting,
    next_step,
)
from tagtide.core.endpoints import GIVE_UP_AFTER, Ending, Tried, after_acceptance, after_failure
from tagtide.core.quiet import QuietHours, parse_digest
from tagtide.errors import DeliveryError
from tagtide.models import Endpoint

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
FAILURES = {
    "down": DeliveryError("down"),
    "refuses": DeliveryError("no", refused=True),
    "busy": DeliveryError("busy", retry_after=300),
    "unsendable": DeliveryError("broken", permanent=True),
}


@dataclass
class Model:
    """An outbox, a receiver with a will of its own, and a clock, without any store."""

    policy: DispatchPolicy
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(channel="c"))
    waiting: dict[str, Waiting] = field(default_factory=dict)
    accepted: list[tuple[str, str, datetime]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    #: Message that tells another one, by that one.
    told_in: dict[str, str] = field(default_factory=dict)
    attempts: list[datetime] = field(default_factory=list)
    now: datetime = START
    made: int = 0

    def write(self, kind: str, alert_id: str | None, age: timedelta = timedelta()) -> str:
        self.made += 1
        name = f"m{self.made:05}"
        at = self.now - age
        self.waiting[name] = Waiting(
            notification_id=name,
            kind=kind,
            alert_id=alert_id,
            created_at=at,
            due_at=at,
            queued_at=at,
        )
        return name

    def work(self, failure: DeliveryError | None, chance: float) -> Wait:
        """Do everything that can be done now; the receiver fails so, or accepts."""
        for _ in range(20_000):
            order = sorted(self.waiting.values(), key=lambda w: (w.created_at, w.notification_id))
            sent = [(kind, at) for _, kind, at in self.accepted if at > self.now - WEEK]
            queue = DispatchQueue(endpoint=self.endpoint, waiting=order, sent=sent)
            step = next_step(queue, self.policy, self.now)
            match step:
                case Wait():
                    return step
                case Hold(notification_ids=ids):
                    assert ids
                    for one in ids:
                        assert not self.waiting[one].is_held
                        self.waiting[one] = replace(self.waiting[one], is_held=True)
                case GiveUp(notification_ids=ids):
                    for one in ids:
                        assert self.now - self.waiting.pop(one).queued_at >= GIVE_UP_AFTER
                        self.dead.add(one)
                case BeginDigests(at=at):
                    self.endpoint = replace(self.endpoint, digest_at=at)
                case SendDigest(slot=slot, notification_ids=ids):
                    self.endpoint = replace(self.endpoint, digest_at=slot)
                    self.tell_in(self.write("digest", None), ids)
                case Fold(notification_ids=ids):
                    fold = self.write("fold", None)
                    self.tell_in(fold, ids)
                    self.attempt(fold, failure, chance)
                case Send(notification_id=one):
                    self.attempt(one, failure, chance)
        raise AssertionError("it does not come to rest")

    def tell_in(self, teller: str, ids: tuple[str, ...]) -> None:
        for one in ids:
            # It may have arrived: it must not come again under another id.
            assert self.waiting.pop(one).attempts == 0
            self.told_in[one] = teller

    def attempt(self, one: str, failure: DeliveryError | None, chance: float) -> None:
        message = self.waiting[one]
        message = replace(message, attempts=message.attempts + 1)
        self.attempts.append(self.now)
        if failure is None:
            after = after_acceptance(self.endpoint)
        else:
            tried = Tried(
                attempts=message.attempts,
                queued_at=message.queued_at,
                first_failed_at=message.first_failed_at,
            )
            after = after_failure(self.endpoint, tried, failure, self.now, chance)
        self.endpoint = after.endpoint
        del self.waiting[one]
        match after.ending:
            case Ending.SENT:
                self.accepted.append((one, message.kind, self.now))
            case Ending.DEAD:
                self.dead.add(one)
            case Ending.DELAYED:
                assert after.due_at is not None
                first = message.first_failed_at or self.now
                self.waiting[one] = replace(message, due_at=after.due_at, first_failed_at=first)
        if after.releases:
            for name, other in self.waiting.items():
                if other.attempts:
                    self.waiting[name] = replace(other, due_at=min(other.due_at, self.now))

    def fate(self, one: str) -> str:
        places = {
            "waiting": one in self.waiting,
            "dead": one in self.dead,
            "sent": any(name == one for name, _, _ in self.accepted),
            "told": one in self.told_in,
        }
        (fate,) = [name for name, holds in places.items() if holds]
        return self.fate(self.told_in[one]) if fate == "told" else fate


policies = st.builds(
    DispatchPolicy,
    weekly_budget=st.none() | st.integers(0, 5),
    quiet=st.none() | st.just(QuietHours.parse("22:00-08:00 Europe/Paris")),
    digest=st.none() | st.just(parse_digest("09:00 Europe/Paris")),
    pace=st.sampled_from([timedelta(), timedelta(seconds=1)]),
    per_hour=st.none() | st.integers(1, 20),
)
#: Seconds that pass, how many messages are written then, and how the receiver is.
stories = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.4, 1.0, 3.0, 40.0, 600.0, 7200.0, 90_000.0]),
        st.integers(0, 15),
        st.sampled_from([None, None, None, *FAILURES]),
    ),
    min_size=1,
    max_size=60,
)


def play(
    policy: DispatchPolicy, story: list[tuple[float, int, str | None]], seed: int
) -> tuple[Model, list[str]]:
    model, chance = Model(policy), random.Random(seed)
    written: list[str] = []
    for seconds, count, failure in story:
        model.now += timedelta(seconds=seconds)
        for _ in range(count):
            kind = chance.choice(["firing", "firing", "update", "resolved", "self", "report"])
            alert = None if kind in {"self", "report"} else f"a{chance.randrange(10)}"
            written.append(model.write(kind, alert))
        model.work(FAILURES[failure] if failure else None, chance.random())
    return model, written


@given(policies, stories, st.integers(0, 99))
@settings(max_examples=100)
def test_every_message_has_one_fate_and_all_arrive_at_a_receiver_that_is_well(
    policy: DispatchPolicy, story: list[tuple[float, int, str | None]], seed: int
) -> None:
    model, written = play(policy, story, seed)
    for one in written:
        model.fate(one)
    assert len({name for name, _, _ in model.accepted}) == len(model.accepted)
    # From now on the receiver takes everything: two days see every hour, night and digest.
    lost = {one for one in written if model.fate(one) == "dead"}
    for _ in range(49 * 6):
        model.now += timedelta(minutes=10)
        model.work(None, 0.5)
    held = {w.notification_id for w in model.waiting.values() if w.is_held}
    fates = Counter(model.fate(one) for one in written)
    assert fates["dead"] == len(lost)
    assert set(model.waiting) == held == set()
    assert fates["sent"] == len(written) - len(lost)


@given(policies, stories, st.integers(0, 99))
@settings(max_examples=100)
def test_limits_hold_in_every_window(
    policy: DispatchPolicy, story: list[tuple[float, int, str | None]], seed: int
) -> None:
    model, _ = play(policy, story, seed)
    ordinary = [(kind, at) for _, kind, at in model.accepted if kind not in {"self", "digest"}]
    every = sorted(at for _, _, at in model.accepted)
    for earlier, later in pairwise(every):
        assert later - earlier >= policy.pace
    for _, at in ordinary:
        if policy.per_hour is not None:
            within = [x for _, x in ordinary if at - HOUR < x <= at]
            assert len(within) <= policy.per_hour
        if policy.quiet is not None:
            assert not policy.quiet.is_quiet(at)
        if policy.weekly_budget is not None:
            spent = [k for k, x in ordinary if at - WEEK < x <= at and k in INTERRUPTING]
            assert len(spent) <= policy.weekly_budget


@given(
    st.integers(1, 40),
    st.integers(60, 200 * 60),
    st.sampled_from(["down", "busy"]),
    st.integers(0, 99),
)
@settings(max_examples=40)
def test_an_outage_is_followed_within_the_hour_and_is_left_alone_while_it_lasts(
    count: int, minutes: int, failure: str, seed: int
) -> None:
    model, chance = Model(DispatchPolicy()), random.Random(seed)
    written: dict[str, datetime] = {}
    end = START + timedelta(minutes=minutes)
    while model.now < end:
        if len(written) < count:
            written[model.write("firing", f"a{len(written)}")] = model.now
        wait = model.work(FAILURES[failure], chance.random())
        soon = model.now + timedelta(minutes=20)
        model.now = min(wait.until or soon, soon, end)
    for at in model.attempts:
        assert sum(at <= x < at + timedelta(minutes=1) for x in model.attempts) <= 3
    while model.now < end + HOUR:
        model.now += timedelta(minutes=1)
        model.work(None, chance.random())
    for one, at in written.items():
        fate = model.fate(one)
        if end - at <= GIVE_UP_AFTER:
            assert fate == "sent"
        else:
            assert fate in {"sent", "dead"}
    assert not model.waiting
    assert len([x for x in model.accepted if x[2] >= end]) <= 14 + 10
