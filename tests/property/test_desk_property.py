"""What must hold for the desk whatever is done to it, and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.desk import (
    Decision,
    DeskItem,
    DeskState,
    Right,
    RightsChannel,
    Step,
    assign,
    cleared,
    label,
    move,
    note,
    replay,
    state_at,
    undo,
)
from tagtide.core.desk.life import DONE, WAYS

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANNELS = (RightsChannel.ORGANIC, RightsChannel.SPARK)


@st.composite
def actions(draw: st.DrawFn) -> tuple[str, object, int]:
    kind = draw(
        st.sampled_from(["move", "move", "grant", "grant", "revoke", "undo", "undo", "label",
                         "note", "assign"])
    )  # fmt: skip
    value: object = None
    if kind == "move":
        value = draw(st.sampled_from(DeskState))
    elif kind == "grant":
        value = (
            draw(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True)),
            draw(st.none() | st.integers(1, 40)),
            draw(st.none() | st.integers(1, 40)),
        )
    elif kind == "revoke":
        value = draw(st.lists(st.integers(1, 8), max_size=2))
    elif kind in {"label", "assign"}:
        value = draw(st.sampled_from(["a", "b"]))
    return kind, value, draw(st.integers(0, 20))


def decide(item: DeskItem, steps: list[Step], kind: str, value: object, now: datetime) -> Decision:
    if kind == "grant":
        channels, hours, code_hours = value  # type: ignore[misc]
        right = Right(
            channels=tuple(channels),
            granted_at=now,
            expires_at=None if hours is None else now + hours * HOUR,
            spark_code=None if code_hours is None else "#a-code",
            spark_expires_at=None if code_hours is None else now + code_hours * HOUR,
        )
        return move(item, DeskState.GRANTED, now=now, by="a", right=right)
    if kind == "revoke":
        return move(item, DeskState.REVOKED, now=now, by="a", revoked=value)  # type: ignore[arg-type]
    if kind == "undo":
        return undo(item, steps, now=now, by="a")
    if kind == "label":
        return label(item, add=[str(value)], now=now, by="a")
    if kind == "assign":
        return assign(item, str(value), now=now, by="a")
    if kind == "note":
        return note(item, "n", now=now, by="a")
    return move(item, value, now=now, by="a")  # type: ignore[arg-type]


def facts(item: DeskItem) -> tuple[object, ...]:
    """Everything but the history's own traces."""
    standing = tuple(right for right in item.rights if not right.is_withdrawn)
    return item.state, standing, item.labels, item.assignee, item.asked_in, item.asked_at


@given(st.lists(actions(), max_size=14))
def test_the_history_only_grows_and_says_everything(script: list[tuple[str, object, int]]) -> None:
    item, now = DeskItem(), START
    steps: list[Step] = []
    rights: list[Right] = []
    #: What the item was before each step that still counts.
    earlier: list[DeskItem] = []
    for kind, value, hours in script:
        now += hours * HOUR
        before, known = item, tuple(steps)
        decision = decide(item, steps, kind, value, now)
        assert (decision.step is not None) == (decision.reason in DONE)
        if decision.step is None:
            assert decision.item == before
            continue
        steps.append(decision.step)
        if decision.right is not None:
            rights.append(decision.right)
        item = decision.item
        # Append-only, without gaps, and enough to make the item again.
        assert tuple(steps[:-1]) == known
        assert [s.number for s in steps] == list(range(1, len(steps) + 1))
        assert item.version == len(steps)
        assert replay(steps, rights) == item
        assert item.state is not DeskState.EXPIRED
        if kind == "undo":
            assert facts(item) == facts(earlier.pop())
        else:
            earlier.append(before)
        check_clearance(item, now)


def check_clearance(item: DeskItem, now: datetime) -> None:
    for at in (now, now + 5 * HOUR, now + 100 * HOUR):
        for channel in CHANNELS:
            answer = cleared(item, channel, at)
            if not answer.is_cleared:
                continue
            assert state_at(item, at) is DeskState.GRANTED
            right = answer.right
            assert right is not None
            assert not right.is_withdrawn
            assert channel in right.channels
            assert right.granted_at <= at
            assert right.expires_at is None or at < right.expires_at
            assert right.revoked_at is None or at < right.revoked_at
            if channel is RightsChannel.SPARK:
                assert right.spark_expires_at is not None
                assert at < right.spark_expires_at
            if answer.until is not None:
                assert cleared(item, channel, answer.until - timedelta(microseconds=1)).is_cleared


@given(st.lists(actions(), max_size=10), st.integers(0, 2_000))
def test_nothing_is_cleared_after_everything_was_revoked(
    script: list[tuple[str, object, int]], later: int
) -> None:
    item, now = DeskItem(), START
    steps: list[Step] = []
    for kind, value, hours in [*script, ("revoke", [], 0)]:
        now += hours * HOUR
        decision = decide(item, steps, kind, value, now)
        item = decision.item
        steps += [decision.step] if decision.step else []
    if state_at(item, now) is DeskState.REVOKED:
        for channel in CHANNELS:
            assert not cleared(item, channel, now + later * HOUR).is_cleared


def test_every_state_can_be_left_and_reached() -> None:
    assert all(WAYS.values())
    reached = {target for ways in WAYS.values() for target in ways}
    assert reached == set(DeskState) - {DeskState.EXPIRED}
