"""From the history of an item to its state, and from a wish to the next step.

Pure functions of the steps, the rights and the instant. A refusal is a decision without a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tagtide.core.desk.terms import (
    Decision,
    DeskItem,
    DeskReason,
    DeskState,
    Right,
    Step,
    StepKind,
)

_NEW, _SHORTLISTED, _ASKED = DeskState.NEW, DeskState.SHORTLISTED, DeskState.ASKED
_GRANTED, _DECLINED = DeskState.GRANTED, DeskState.DECLINED
_EXPIRED, _REVOKED = DeskState.EXPIRED, DeskState.REVOKED

#: Where a person may move an item from each state. What is granted has one way out, so that a
#: right never stands on an item that says otherwise.
WAYS: dict[DeskState, frozenset[DeskState]] = {
    _NEW: frozenset({_SHORTLISTED, _ASKED, _GRANTED, _DECLINED}),
    _SHORTLISTED: frozenset({_NEW, _ASKED, _GRANTED, _DECLINED}),
    _ASKED: frozenset({_SHORTLISTED, _ASKED, _GRANTED, _DECLINED}),
    _GRANTED: frozenset({_GRANTED, _REVOKED}),
    _DECLINED: frozenset({_SHORTLISTED, _ASKED, _GRANTED}),
    _EXPIRED: frozenset({_SHORTLISTED, _ASKED, _GRANTED, _DECLINED}),
    _REVOKED: frozenset({_SHORTLISTED, _ASKED, _GRANTED, _DECLINED}),
}

#: Reasons that come with a step.
DONE = frozenset(
    {
        DeskReason.MOVED,
        DeskReason.ASKED_AGAIN,
        DeskReason.RIGHT_ADDED,
        DeskReason.RIGHT_REVOKED,
        DeskReason.NOTED,
        DeskReason.LABELLED,
        DeskReason.ASSIGNED,
        DeskReason.UNDONE,
    }
)


def move_reason(source: DeskState, target: DeskState) -> DeskReason:
    """Whether a move is allowed, and why or why not; the rights it takes are not looked at."""
    if target is _EXPIRED:
        return DeskReason.ONLY_TIME_EXPIRES
    if target in WAYS[source]:
        if source is target:
            return DeskReason.ASKED_AGAIN if target is _ASKED else DeskReason.RIGHT_ADDED
        return DeskReason.MOVED
    if source is target:
        return DeskReason.SAME_STATE
    return DeskReason.RIGHTS_STAND if source is _GRANTED else DeskReason.NOT_FROM_HERE


def state_at(item: DeskItem, now: datetime) -> DeskState:
    """The state, with what time has made of it."""
    if item.state is _GRANTED and not item.standing(now):
        return _EXPIRED
    return item.state


# --- the history ----------------------------------------------------------------------------------


def replay(steps: Iterable[Step], rights: Iterable[Right] = ()) -> DeskItem:
    """The item that its whole history makes; ``rights`` as they were recorded."""
    history = sorted(steps, key=lambda step: step.number)
    undone = frozenset(int(s.data["undoes"]) for s in history if s.kind is StepKind.UNDO)
    recorded = {right.number: right for right in rights}
    item = DeskItem(undone=undone)
    for step in history:
        if step.number not in undone and step.kind is not StepKind.UNDO:
            item = _take(item, step, recorded)
        item = replace(item, version=step.number, changed_at=step.at, changed_by=step.by)
    withdrawn = [replace(r, is_withdrawn=True) for n, r in recorded.items() if n in undone]
    everything = sorted([*item.rights, *withdrawn], key=lambda right: right.number)
    return replace(item, rights=tuple(everything))


def _take(item: DeskItem, step: Step, recorded: Mapping[int, Right]) -> DeskItem:
    if step.kind is StepKind.LABEL:
        kept = {*item.labels, *step.data.get("add", ())} - {*step.data.get("remove", ())}
        return replace(item, labels=tuple(sorted(kept)))
    if step.kind is StepKind.ASSIGN:
        return replace(item, assignee=step.data.get("assignee"))
    if step.kind is StepKind.NOTE:
        return item
    moved = replace(item, state=step.to_state, asked_in=None, asked_at=None)
    if step.to_state is _ASKED:
        moved = replace(moved, asked_in=step.number, asked_at=step.at)
    if step.kind is StepKind.GRANT:
        return replace(moved, rights=(*item.rights, recorded[step.number]))
    if step.kind is StepKind.REVOKE:
        ended = {int(number) for number in step.data.get("rights", ())}
        revoked = (_revoked(right, ended, step.at) for right in item.rights)
        return replace(moved, rights=tuple(revoked))
    return moved


def _revoked(right: Right, ended: set[int], at: datetime) -> Right:
    if right.number not in ended or right.revoked_at is not None:
        return right
    return replace(right, revoked_at=at)


# --- the next step --------------------------------------------------------------------------------


def move(
    item: DeskItem,
    to: DeskState,
    *,
    now: datetime,
    by: str,
    note: str = "",
    right: Right | None = None,
    revoked: Sequence[int] = (),
    data: Mapping[str, Any] | None = None,
) -> Decision:
    """Move an item; to *granted* with the right that was given, to *revoked* ending rights.

    Args:
        item: As `replay` gives it.
        to: Where to.
        now: The instant.
        by: Whose decision it is.
        note: For the history.
        right: What was granted; its number, instant and author are set here.
        revoked: Numbers of the rights that end; empty ends all that stand. Where others go on
            standing, the item stays granted.
        data: More for the history, such as the text of a request.
    """
    source = state_at(item, now)
    reason = move_reason(source, to)
    if reason not in DONE:
        return Decision(reason=reason, item=item, to=to)
    if to is _GRANTED:
        return _grant(item, source, reason, right, now=now, by=by, note=note)
    if right is not None:
        return Decision(reason=DeskReason.RIGHT_WITHOUT_GRANT, item=item, to=to)
    if to is _REVOKED:
        return _revoke(item, revoked, now=now, by=by, note=note)
    step = _step(item, StepKind.MOVE, source, to, now=now, by=by, note=note, data=data)
    return _taken(item, reason, step)


def _grant(
    item: DeskItem,
    source: DeskState,
    reason: DeskReason,
    right: Right | None,
    *,
    now: datetime,
    by: str,
    note: str,
) -> Decision:
    if right is None or not right.channels or not _is_future(right, now):
        return Decision(reason=DeskReason.NEEDS_RIGHT, item=item)
    step = _step(item, StepKind.GRANT, source, _GRANTED, now=now, by=by, note=note)
    given = replace(
        right,
        number=step.number,
        recorded_at=now,
        recorded_by=by,
        revoked_at=None,
        is_withdrawn=False,
    )
    return _taken(item, reason, step, given)


def _is_future(right: Right, now: datetime) -> bool:
    """A right that ends before it is recorded, or that begins later, makes nothing granted."""
    return right.stands_at(now)


def _revoke(
    item: DeskItem, numbers: Sequence[int], *, now: datetime, by: str, note: str
) -> Decision:
    standing = {right.number for right in item.standing(now)}
    ended = set(numbers) or standing
    if ended - standing:
        return Decision(reason=DeskReason.NO_SUCH_RIGHT, item=item)
    to = _GRANTED if standing - ended else _REVOKED
    data = {"rights": sorted(ended)}
    step = _step(item, StepKind.REVOKE, _GRANTED, to, now=now, by=by, note=note, data=data)
    return _taken(item, DeskReason.MOVED if to is _REVOKED else DeskReason.RIGHT_REVOKED, step)


def note(item: DeskItem, text: str, *, now: datetime, by: str) -> Decision:
    """Write something down; nothing else changes."""
    if not text:
        return Decision(reason=DeskReason.NOTHING_CHANGES, item=item)
    state = state_at(item, now)
    return _taken(
        item, DeskReason.NOTED, _step(item, StepKind.NOTE, state, state, now=now, by=by, note=text)
    )


def label(
    item: DeskItem, *, add: Iterable[str] = (), remove: Iterable[str] = (), now: datetime, by: str
) -> Decision:
    """Put labels on and take labels off; one that is named for both goes."""
    gone = sorted({*remove} & {*item.labels})
    came = sorted({*add} - {*item.labels} - {*remove})
    if not came and not gone:
        return Decision(reason=DeskReason.NOTHING_CHANGES, item=item)
    state = state_at(item, now)
    data = {"add": came, "remove": gone}
    step = _step(item, StepKind.LABEL, state, state, now=now, by=by, data=data)
    return _taken(item, DeskReason.LABELLED, step)


def assign(item: DeskItem, assignee: str | None, *, now: datetime, by: str) -> Decision:
    """Say who looks after it; None is nobody."""
    if assignee == item.assignee:
        return Decision(reason=DeskReason.NOTHING_CHANGES, item=item)
    state = state_at(item, now)
    data = {"assignee": assignee}
    step = _step(item, StepKind.ASSIGN, state, state, now=now, by=by, data=data)
    return _taken(item, DeskReason.ASSIGNED, step)


def undo(item: DeskItem, steps: Sequence[Step], *, now: datetime, by: str) -> Decision:
    """Take back the newest step that still counts: one more step, so nothing is lost.

    ``item`` must be what `replay` makes of ``steps``.
    """
    counts = [s for s in steps if s.kind is not StepKind.UNDO and s.number not in item.undone]
    if not counts:
        return Decision(reason=DeskReason.NOTHING_TO_UNDO, item=item)
    last = max(counts, key=lambda step: step.number)
    rights = [replace(right, revoked_at=None, is_withdrawn=False) for right in item.rights]
    data = {"undoes": last.number, "kind": last.kind.value}
    state = state_at(item, now)
    step = _step(item, StepKind.UNDO, state, state, now=now, by=by, data=data)
    after = replay([*steps, step], rights)
    # Where it stands now is known only after the replay.
    return Decision(
        reason=DeskReason.UNDONE,
        item=after,
        step=replace(step, to_state=state_at(after, now)),
    )


def _step(
    item: DeskItem,
    kind: StepKind,
    source: DeskState,
    to: DeskState,
    *,
    now: datetime,
    by: str,
    note: str = "",
    data: Mapping[str, Any] | None = None,
) -> Step:
    return Step(
        number=item.version + 1,
        at=now,
        by=by,
        kind=kind,
        from_state=source,
        to_state=to,
        note=note,
        data=dict(data or {}),
    )


def _taken(item: DeskItem, reason: DeskReason, step: Step, right: Right | None = None) -> Decision:
    recorded = {step.number: right} if right is not None else {}
    after = _take(item, step, recorded)
    after = replace(after, version=step.number, changed_at=step.at, changed_by=step.by)
    return Decision(reason=reason, item=after, step=step, right=right)
