"""The review desk and the rights ledger: where a video stands, what may be done with it, and why.

Everything is decided here from the history of an item: its steps are only ever added, and taking
one back is one more of them. `docs/desk.md` draws the states.
"""

from tagtide.core.desk.clearance import Clearance, Cleared, cleared
from tagtide.core.desk.life import (
    assign,
    label,
    move,
    move_reason,
    note,
    replay,
    state_at,
    undo,
)
from tagtide.core.desk.terms import (
    Decision,
    DeskItem,
    DeskReason,
    DeskState,
    Evidence,
    Fee,
    Right,
    RightsChannel,
    Step,
    StepKind,
)

__all__ = [
    "Clearance",
    "Cleared",
    "Decision",
    "DeskItem",
    "DeskReason",
    "DeskState",
    "Evidence",
    "Fee",
    "Right",
    "RightsChannel",
    "Step",
    "StepKind",
    "assign",
    "cleared",
    "label",
    "move",
    "move_reason",
    "note",
    "replay",
    "state_at",
    "undo",
]
