"""The lift of a campaign for people: what it is, what it rests on, what it does not say."""

from __future__ import annotations

from collections.abc import Sequence

from tagtide.core import formats as f
from tagtide.core.charts.lift import lift_chart
from tagtide.core.language import say, say_as, say_many
from tagtide.core.lift import BEFORE, Control, LeftOut, Lift, LiftReason, Unmeasured
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.core.messages.words import number_cell, percent_cell, ratio_cell, tag_cell, tone_of


def lift_blocks(lift: Lift | Unmeasured, zone_name: str) -> list[Block]:
    """The section of a report."""
    if isinstance(lift, Unmeasured):
        note = Note(unmeasured_text(lift), Tone.WARN)
        return [Heading(say("Lift")), note, *_left_out(lift.left_out)]
    caveats = say(
        "It does not say that the campaign is the cause: whatever else changed for these hashtags "
        "and not for the controls is in it, too. Competitors that ran campaigns of their own in "
        "these days are poor controls and make the lift look smaller."
    )
    return [
        Heading(say("Lift")),
        Paragraph(lift_sentence(lift)),
        lift_chart(lift, zone_name),
        Note(_rests_on(lift)),
        Note(caveats),
        _controls(lift.controls),
        *_left_out(lift.left_out),
    ]


def lift_figure(lift: Lift | Unmeasured) -> Figure:
    """The lift beside other figures."""
    if isinstance(lift, Unmeasured):
        return Figure(say("Lift"), f.DASH, "", say("not measured"))
    low, high = f.signed_percent(lift.ratio_low), f.signed_percent(lift.ratio_high)
    note = say("{low} to {high}", low=low, high=high)
    tone = tone_of(lift.ratio) if lift.is_clear else Tone.PLAIN
    return Figure(say("Lift"), f.signed_percent(lift.ratio), "", note, tone, number=lift.ratio)


def lift_sentence(lift: Lift) -> str:
    """What was found, with its interval."""
    found = say(
        "{change}, and from {low} to {high} nine times in ten.",
        change=f.signed_percent(lift.ratio),
        low=f.signed_percent(lift.ratio_low),
        high=f.signed_percent(lift.ratio_high),
    )
    gained = say(
        "{hashtags}: {gained} views were gained in the campaign, where {expected} ({least} to "
        "{most}) were to be expected {controls}.",
        hashtags=_named(lift.hashtags),
        gained=f.compact(lift.gained),
        expected=f.compact(lift.expected),
        least=f.compact(lift.expected_low),
        most=f.compact(lift.expected_high),
        controls=say_many(
            len(lift.controls),
            "from the days before and from {count} control hashtag over the same days",
            "from the days before and from {count} control hashtags over the same days",
        ),
    )
    if lift.is_clear:
        return f"{found} {gained}"
    unclear = say(
        "No lift can be told from chance. It may be that there was one, and that hashtags move too "
        "much by themselves to see it."
    )
    return f"{found} {gained} {unclear}"


def unmeasured_text(lift: Unmeasured) -> str:
    """Why there is no number."""
    match lift.reason:
        case LiftReason.NO_START:
            return say(
                "Lift was not measured: nobody said on which day the campaign began. Set its first "
                "day, or name it with --launched."
            )
        case LiftReason.NONE_CHOSEN:
            return say(
                "Lift was not measured: there is no hashtag to compare with. Give the campaign "
                "competitors, or name hashtags that were read with --control."
            )
        case LiftReason.NO_OWN:
            return say("Lift was not measured: no own hashtag says enough of both periods.")
        case LiftReason.NO_CONTROL:
            return say("Lift was not measured: no control hashtag says enough of both periods.")
    return say(
        "Lift was not measured. Each own hashtag says enough by itself, but of all of them "
        "together: {why}.",
        why=_lacking(lift.reason, lift.have, lift.need),
    )


def left_out_text(one: LeftOut) -> str:
    """Why a hashtag says too little."""
    return _lacking(one.reason, one.have, one.need)


def _lacking(reason: LiftReason, have: int, need: int) -> str:
    there, needed = f.whole(have), f.whole(need)
    match reason:
        case LiftReason.FEW_DAYS_BEFORE:
            return say(
                "too few days before the campaign are known: {have} of {need} needed",
                have=there,
                need=needed,
            )
        case LiftReason.LAST_WEEK_UNKNOWN:
            return say(
                "too little is known of the last week before the campaign: {have} of {need} days "
                "needed",
                have=there,
                need=needed,
            )
        case LiftReason.FEW_DAYS_WITHIN:
            return say(
                "too few days within the campaign are known: {have} of {need} needed",
                have=there,
                need=needed,
            )
        case LiftReason.FEW_VIEWS_BEFORE:
            return say(
                "too few views before the campaign: {have} of {need} needed",
                have=there,
                need=needed,
            )
    return say(
        "its counter is rounded too coarsely: it moved by {have} of {need} steps needed before the "
        "campaign",
        have=there,
        need=needed,
    )


def _named(hashtags: Sequence[str]) -> str:
    if len(hashtags) == 1:
        return f"#{f.clean_text(hashtags[0], 40)}"
    return say_many(len(hashtags), "{count} own hashtag", "{count} own hashtags")


def _rests_on(lift: Lift) -> str:
    first, last = lift.within
    return say(
        "Rests on {before} of {all_before} days before the campaign and {within} of {all_within} "
        "days within. Days that are not known are left out on both sides.",
        before=f.whole(lift.days_before),
        all_before=f.whole(BEFORE),
        within=f.whole(lift.days_within),
        all_within=f.whole((last - first).days + 1),
    )


def _controls(controls: Sequence[Control]) -> Table:
    columns = (
        Column(say("Control hashtag")),
        Column(say("Days before"), Kind.NUMBER),
        Column(say("Days within"), Kind.NUMBER),
        Column(say("Its own change"), Kind.CHANGE),
        Column(say("Weight"), Kind.NUMBER),
    )
    rows = tuple(
        (
            tag_cell(one.hashtag),
            number_cell(one.days_before),
            number_cell(one.days_within),
            ratio_cell(one.change),
            percent_cell(one.weight),
        )
        for one in controls
    )
    note = say(
        "A control weighs the more the steadier it was before; what is missing to 100 % is no "
        "change."
    )
    return Table(say("Controls of the lift"), columns, rows, note=note)


def _left_out(left_out: Sequence[LeftOut]) -> list[Block]:
    if not left_out:
        return []
    rows = tuple(
        (
            tag_cell(one.hashtag),
            Cell(say_as("hashtag", "own") if one.is_own else say_as("hashtag", "control")),
            Cell(left_out_text(one), tone=Tone.MUTED),
        )
        for one in left_out
    )
    columns = (Column(say("Hashtag")), Column(say_as("hashtag", "Part")), Column(say("Reason")))
    return [Table(say("Left out of the lift"), columns, rows)]
