"""A verdict for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.messages.blocks import (
    Block,
    BulletList,
    Cell,
    Column,
    Heading,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.core.proof.verify import Differs, State, Verdict

_STATES = {
    State.HOLDS: ("holds", Tone.UP),
    State.BROKEN: ("broken", Tone.DOWN),
    State.ABSENT: ("none", Tone.MUTED),
    State.UNPROVEN: ("not told", Tone.WARN),
}
_SHOWN = 20


def verdict_blocks(verdict: Verdict) -> list[Block]:
    """What holds and what does not."""
    return [
        Heading(_title(verdict), level=1),
        Paragraph(_lead(verdict), lead=True),
        _checks(verdict),
        *_changed(verdict),
        *_differs(verdict.differs),
        *_figures(verdict),
        Note(f"Head: {verdict.head}"),
    ]


def _title(verdict: Verdict) -> str:
    if verdict.records is None:
        return "Proof capsule"
    header = verdict.records.header
    on = f.date_text(header.as_of, ZoneInfo(header.timezone))
    return f"{f.clean_text(header.campaign, 80)}: proof capsule, {on}"


def _lead(verdict: Verdict) -> str:
    if verdict.good and verdict.is_signed_by_given:
        return "It holds: it is what was signed, and every figure follows from the readings in it."
    if verdict.good:
        return (
            "It holds in itself: every figure follows from the readings in it, and the page shows "
            "no other. Compare the head with the one that you were given."
        )
    if any(check.state is State.BROKEN for check in verdict.checks):
        return "It does not hold. Do not rely on what it shows."
    return "It is whole, but not all that it shows could be proven here."


def _checks(verdict: Verdict) -> Table:
    columns = (Column("Check"), Column("Result"), Column("What it says"))
    rows = tuple(
        (
            Cell(check.name.capitalize()),
            Cell(_STATES[check.state][0], tone=_STATES[check.state][1]),
            Cell(check.statement),
        )
        for check in verdict.checks
    )
    return Table("Checks", columns, rows)


def _changed(verdict: Verdict) -> list[Block]:
    if not verdict.changed:
        return []
    shown = verdict.changed[:_SHOWN]
    items = [Cell(f"Entry {c.entry}: {c.problem}: {c.what}", foreign=True) for c in shown]
    more = len(verdict.changed) - len(shown)
    rest = [Cell(f"{more} more with --json.")] if more else []
    return [Heading("Entries that are not as sealed"), BulletList((*items, *rest))]


def _differs(differs: Sequence[Differs]) -> list[Block]:
    if not differs:
        return []
    columns = (Column("Figure"), Column("The file says"), Column("The readings give"))
    rows = tuple(
        (
            Cell(f.clean_text(d.key, 40), foreign=True),
            Cell(_short(d.stated), foreign=True),
            Cell(_short(d.worked_out), foreign=True),
        )
        for d in differs[:_SHOWN]
    )
    return [Table("Figures that do not follow", columns, rows)]


def _figures(verdict: Verdict) -> list[Block]:
    rows = tuple(
        (Cell(key.replace("_", " ").capitalize()), Cell(_short(figure.value)))
        for key, figure in verdict.worked.items()
        if figure.value is None or isinstance(figure.value, int | float)
    )
    if not rows:
        return []
    columns = (Column("Figure"), Column("Value", Kind.NUMBER))
    return [Table("Figures, worked out from the readings", columns, rows)]


def _short(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f.whole(value)
    return f.clean_text(json.dumps(value, ensure_ascii=False), 60)
