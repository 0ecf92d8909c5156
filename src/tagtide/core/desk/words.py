"""The desk in words for a person."""

from __future__ import annotations

from collections.abc import Callable

from tagtide.core.desk.clearance import WORLD, Clearance
from tagtide.core.desk.terms import DeskReason, DeskState, Fee, RightsChannel, Step, StepKind
from tagtide.core.formats import DASH, clean_text

#: What is done in each channel, as a creator would put it.
CHANNEL_WORDS = {
    RightsChannel.ORGANIC: "our social media accounts",
    RightsChannel.ADS: "paid ads",
    RightsChannel.SPARK: "Spark Ads with your post",
    RightsChannel.WEBSITE: "our website and shop",
    RightsChannel.EMAIL: "our e-mails",
    RightsChannel.RETAIL: "screens and shelves in shops",
    RightsChannel.PRINT: "print",
    RightsChannel.TV: "television",
    RightsChannel.OUTDOOR: "outdoor advertising",
    RightsChannel.PRESS: "press work",
}

_REFUSED = {
    DeskReason.SAME_STATE: "It is {source} already.",
    DeskReason.NOT_FROM_HERE: "What is {source} cannot become {target}.",
    DeskReason.RIGHTS_STAND: "Its rights stand: revoke them before it becomes {target}.",
    DeskReason.NEEDS_RIGHT: "To be granted it needs a right: at least one channel, and an end that "
    "has not passed.",
    DeskReason.RIGHT_WITHOUT_GRANT: "A right belongs to the state granted, not to {target}.",
    DeskReason.ONLY_TIME_EXPIRES: "A right expires by itself at its end; to end it now, revoke it.",
    DeskReason.NO_SUCH_RIGHT: "It has no such right that stands.",
    DeskReason.NOTHING_CHANGES: "That would change nothing.",
    DeskReason.NOTHING_TO_UNDO: "There is nothing to undo.",
}
_CLEARANCES = {
    Clearance.CLEARED: "cleared",
    Clearance.SPARK_CODE_EXPIRED: "the Spark code has expired",
    Clearance.NO_SPARK_CODE: "there is no Spark code",
    Clearance.OTHER_TERRITORY: "not in that territory",
    Clearance.TERRITORY_UNKNOWN: "the right does not say where it holds",
    Clearance.OTHER_CHANNEL: "not in that channel",
    Clearance.NOT_YET: "not yet granted then",
    Clearance.EXPIRED: "the right has expired",
    Clearance.REVOKED: "the right was revoked",
    Clearance.NO_RIGHT: "no right was granted",
}


def refusal(reason: DeskReason, source: DeskState, target: DeskState | None = None) -> str:
    """Why nothing was done, a sentence."""
    return _REFUSED[reason].format(source=source.value, target=(target or source).value)


def clearance_words(reason: Clearance) -> str:
    """The answer of `cleared`, as a part of a sentence."""
    return _CLEARANCES[reason]


def channels_words(channels: tuple[RightsChannel, ...]) -> str:
    """Channels as a list in a sentence."""
    names = [CHANNEL_WORDS[channel] for channel in channels]
    if len(names) < 2:
        return names[0] if names else DASH
    return f"{', '.join(names[:-1])} and {names[-1]}"


def territory_words(territory: tuple[str, ...]) -> str:
    """Where a right holds."""
    if WORLD in territory:
        return "worldwide"
    return ", ".join(territory) if territory else DASH


def fee_words(fee: Fee | None, is_paid: bool | None) -> str:
    """What is paid: ``150.00 EUR``, ``two hoodies``, ``unpaid``, or a dash."""
    if fee is not None and fee.amount is not None:
        return f"{fee.amount} {fee.currency or ''}".strip()
    if fee is not None and fee.note:
        return clean_text(fee.note, 200)
    return DASH if is_paid is None else "paid" if is_paid else "unpaid"


def step_words(step: Step, *, is_undone: bool = False) -> str:
    """What a step did, in a few words."""
    told = _STEPS[step.kind](step)
    return f"{told} (taken back)" if is_undone else told


def _label_words(step: Step) -> str:
    parts = [f"+{clean_text(name, 40)}" for name in step.data.get("add", ())]
    parts += [f"-{clean_text(name, 40)}" for name in step.data.get("remove", ())]
    return f"labels {' '.join(parts)}"


def _assign_words(step: Step) -> str:
    name = step.data.get("assignee")
    return f"assigned to {clean_text(name, 100)}" if name else "assigned to nobody"


def _revoke_words(step: Step) -> str:
    numbers = ", ".join(str(number) for number in step.data.get("rights", ()))
    return f"{_moved(step)}, right {numbers}"


def _moved(step: Step) -> str:
    return f"{step.from_state.value} > {step.to_state.value}"


_STEPS: dict[StepKind, Callable[[Step], str]] = {
    StepKind.MOVE: _moved,
    StepKind.GRANT: lambda step: f"{_moved(step)}, right {step.number}",
    StepKind.REVOKE: _revoke_words,
    StepKind.NOTE: lambda _step: "note",
    StepKind.LABEL: _label_words,
    StepKind.ASSIGN: _assign_words,
    StepKind.UNDO: lambda step: f"undid step {step.data.get('undoes')} ({_moved(step)})",
}
