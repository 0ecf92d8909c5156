"""The nouns of the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class DeskState(StrEnum):
    """Where a video stands on the desk of a campaign."""

    #: Nobody has judged it yet: the state of every video that was never touched.
    NEW = "new"
    SHORTLISTED = "shortlisted"
    #: Its creator was asked for rights.
    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    #: Every right that was granted has passed its end. Never stored: the clock says it.
    EXPIRED = "expired"
    #: The creator took the rights back.
    REVOKED = "revoked"


class StepKind(StrEnum):
    """What a line of the history is."""

    MOVE = "move"
    #: A right was recorded.
    GRANT = "grant"
    #: Rights end before their time.
    REVOKE = "revoke"
    NOTE = "note"
    LABEL = "label"
    ASSIGN = "assign"
    #: An earlier step does not count any more.
    UNDO = "undo"


class DeskReason(StrEnum):
    """Why a step was taken, or why it was not."""

    MOVED = "moved"
    ASKED_AGAIN = "asked_again"
    #: A right beside those that stand.
    RIGHT_ADDED = "right_added"
    RIGHT_REVOKED = "right_revoked"
    NOTED = "noted"
    LABELLED = "labelled"
    ASSIGNED = "assigned"
    UNDONE = "undone"
    # --- refused ---
    SAME_STATE = "same_state"
    NOT_FROM_HERE = "not_from_here"
    #: It is granted: its rights must be revoked before anything else.
    RIGHTS_STAND = "rights_stand"
    #: Granted means that there is a right, with a scope.
    NEEDS_RIGHT = "needs_right"
    #: A right was given with a move to another state.
    RIGHT_WITHOUT_GRANT = "right_without_grant"
    #: Only the clock makes a right expire.
    ONLY_TIME_EXPIRES = "only_time_expires"
    NO_SUCH_RIGHT = "no_such_right"
    NOTHING_CHANGES = "nothing_changes"
    NOTHING_TO_UNDO = "nothing_to_undo"


class RightsChannel(StrEnum):
    """Where a video may be used. The list is closed."""

    ORGANIC = "organic"
    ADS = "ads"
    #: The creator's own post as an ad, which takes a code of TikTok's.
    SPARK = "spark"
    WEBSITE = "website"
    EMAIL = "email"
    RETAIL = "retail"
    PRINT = "print"
    TV = "tv"
    OUTDOOR = "outdoor"
    PRESS = "press"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What was agreed to be paid."""

    #: Digits with a point, as text: money is no floating-point number.
    amount: str | None = None
    #: ISO 4217; only with an amount.
    currency: str | None = None
    #: What is no sum of money: "two hoodies".
    note: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether it says that nothing is paid."""
        return self.amount is not None and not self.amount.strip("0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How anyone can tell that a right was given."""

    #: The reply, word for word.
    text: str = ""
    #: Where it stands; https.
    url: str | None = None
    #: When the creator wrote it.
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What the creator of a video has allowed."""

    #: Of the step that recorded it; 0 until then.
    number: int = 0
    channels: tuple[RightsChannel, ...]
    #: Country codes, ``EU`` or ``WORLD``; empty is not stated.
    territory: tuple[str, ...] = ()
    #: Whether it may be cut, captioned, cropped; None is not stated.
    edits: bool | None = None
    #: None is not stated.
    is_paid: bool | None = None
    fee: Fee | None = None
    granted_at: datetime
    #: None has no end.
    expires_at: datetime | None = None
    evidence: Evidence | None = None
    #: Whoever has it can advertise with the creator's post: never in a log, a list or a message.
    spark_code: str | None = field(default=None, repr=False)
    #: Known wherever there is a code.
    spark_expires_at: datetime | None = None
    recorded_at: datetime | None = None
    recorded_by: str = ""
    #: Set by `replay`: when it was revoked.
    revoked_at: datetime | None = None
    #: Set by `replay`: the step that recorded it was taken back.
    is_withdrawn: bool = False

    def ends_at(self) -> datetime | None:
        """When it ends, by its date or because it was revoked; None has no end."""
        ends = [at for at in (self.expires_at, self.revoked_at) if at is not None]
        return min(ends, default=None)

    def stands_at(self, at: datetime) -> bool:
        """Whether it was given and has not ended, whatever its scope."""
        end = self.ends_at()
        return not self.is_withdrawn and self.granted_at <= at and (end is None or at < end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the history of an item; never changed."""

    #: Counts up from 1 without gaps.
    number: int
    at: datetime
    by: str
    kind: StepKind
    from_state: DeskState
    to_state: DeskState
    note: str = ""
    #: JSON types only; never a Spark code.
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskItem:
    """A video on the desk of a campaign, as its history makes it."""

    #: As the newest step left it; `state_at` says what time has made of it.
    state: DeskState = DeskState.NEW
    rights: tuple[Right, ...] = ()
    assignee: str | None = None
    labels: tuple[str, ...] = ()
    #: The step in which it was last asked for, while it waits for an answer.
    asked_in: int | None = None
    asked_at: datetime | None = None
    #: Number of the newest step; 0 without any.
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str | None = None
    #: Steps that do not count any more.
    undone: frozenset[int] = frozenset()

    def standing(self, at: datetime) -> tuple[Right, ...]:
        """The rights that stand at an instant."""
        return tuple(right for right in self.rights if right.stands_at(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of an item; without a step nothing does, for the reason."""

    reason: DeskReason
    item: DeskItem
    step: Step | None = None
    #: Recorded with the step.
    right: Right | None = None
    #: Where it could not be moved to.
    to: DeskState | None = None
