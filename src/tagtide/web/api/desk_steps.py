"""Steps on the review desk as the API takes them: what each needs, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.desk import RightsChannel
from tagtide.core.desk.parse import LONGEST_EVIDENCE, LONGEST_NOTE, MOST_LABELS
from tagtide.services.context import DeskPolicy
from tagtide.services.desk import (
    Decide,
    RequestTyped,
    RightTyped,
    assigning,
    labelling,
    moving,
    noting,
    undoing,
)

_MOST = 50
Short = Annotated[str, Field(max_length=200)]
Channels = Annotated[
    list[Annotated[RightsChannel, Field(strict=False)]],
    Field(max_length=len(RightsChannel)),
]
When = Annotated[str | None, Field(max_length=40)]
Territory = Annotated[
    str | None, Field(max_length=2_000, description="Country codes (FR,DE), EU, or world.")
]


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Move(_Step):
    note: str = Field("", max_length=LONGEST_NOTE, description="For the history.")


class Shortlist(_Move):
    """Keep it in view."""

    step: Literal["shortlist"]


class Reopen(_Move):
    """Back to new, as if nobody had judged it."""

    step: Literal["reopen"]


class Decline(_Move):
    """It is not used: the creator or we said no."""

    step: Literal["decline"]


class Ask(_Move):
    """The creator was asked for rights; the text with these terms is kept in the history."""

    step: Literal["ask"]
    channels: Channels = []
    territory: Territory = None
    duration: When = Field(None, description="A span such as 90d or 1y, or none for no end.")
    fee: Short | None = Field(None, description='What is offered: "150 EUR", "two hoodies".')
    is_paid: bool | None = None


class Grant(_Move):
    """The creator gave a right; once more granted adds another one."""

    step: Literal["grant"]
    channels: Channels = Field(min_length=1)
    territory: Territory = None
    edits: bool | None = None
    is_paid: bool | None = None
    fee: Short | None = Field(None, description='What is paid: "150 EUR", "two hoodies".')
    granted: When = Field(None, description="When it was given; now without it.")
    expires: When = Field(None, description="A span such as 1y, or a day, to its end.")
    evidence: list[Annotated[str, Field(max_length=LONGEST_EVIDENCE)]] = Field(
        [], max_length=2, description="The words of the reply, its https address, or both."
    )
    evidence_at: When = Field(None, description="When the reply was written.")
    spark_code: str | None = Field(None, max_length=500, repr=False)
    spark_expires: When = Field(None, description="30d, 60d, 90d or 365d; needed with a code.")


class Revoke(_Move):
    """The creator took rights back."""

    step: Literal["revoke"]
    rights: list[Annotated[int, Field(ge=1, le=10**9)]] = Field(
        [], max_length=_MOST, description="Numbers of the rights; empty is all that stand."
    )


class WriteNote(_Step):
    """Write into the history."""

    step: Literal["note"]
    note: str = Field(min_length=1, max_length=LONGEST_NOTE)


class Label(_Step):
    """Put labels on, take labels off."""

    step: Literal["label"]
    add: list[Short] = Field([], max_length=MOST_LABELS)
    remove: list[Short] = Field([], max_length=MOST_LABELS)


class Assign(_Step):
    """Say who looks after it."""

    step: Literal["assign"]
    assignee: Short | None = Field(description="Null is nobody.")


class Undo(_Step):
    """Take back the newest step that counts; the history keeps both."""

    step: Literal["undo"]


Step = Annotated[
    Shortlist | Reopen | Decline | Ask | Grant | Revoke | WriteNote | Label | Assign | Undo,
    Field(discriminator="step"),
]

_STATES = {"shortlist": "shortlisted", "reopen": "new", "decline": "declined"}


def decide_by(step: Any, by: str, policy: DeskPolicy) -> Decide:
    """What a step makes of a video. Raises `InvalidInput`."""
    return _DECIDES[step.step](step, by, policy)


def _move(step: Shortlist | Reopen | Decline, by: str, _: DeskPolicy) -> Decide:
    return moving(_STATES[step.step], by=by, text=step.note)


def _ask(step: Ask, by: str, policy: DeskPolicy) -> Decide:
    typed = RequestTyped(
        channels=tuple(step.channels),
        territory=step.territory,
        duration=step.duration,
        fee=step.fee,
        is_paid=step.is_paid,
    )
    return moving("asked", by=by, text=step.note, request=typed, policy=policy)


def _grant(step: Grant, by: str, _: DeskPolicy) -> Decide:
    right = RightTyped(
        channels=tuple(step.channels),
        territory=step.territory,
        edits=step.edits,
        is_paid=step.is_paid,
        fee=step.fee,
        granted=step.granted,
        expires=step.expires,
        evidence=tuple(step.evidence),
        evidence_at=step.evidence_at,
        spark_code=step.spark_code,
        spark_expires=step.spark_expires,
    )
    return moving("granted", by=by, text=step.note, right=right)


def _revoke(step: Revoke, by: str, _: DeskPolicy) -> Decide:
    return moving("revoked", by=by, text=step.note, revoked=step.rights)


def _assign(step: Assign, by: str, _: DeskPolicy) -> Decide:
    return assigning(step.assignee, by=by)


_DECIDES: dict[str, Callable[[Any, str, DeskPolicy], Decide]] = {
    "shortlist": _move,
    "reopen": _move,
    "decline": _move,
    "ask": _ask,
    "grant": _grant,
    "revoke": _revoke,
    "note": lambda step, by, _: noting(step.note, by=by),
    "label": lambda step, by, _: labelling(step.add, step.remove, by=by),
    "assign": _assign,
    "undo": lambda _step, by, _: undoing(by=by),
}
