"""Exit codes of runs: 0 done, 1 failed, 3 partly done, 4 budget or credits."""

from __future__ import annotations

from collections.abc import Sequence

from tagtide.models import Reason, Status


def run_exit_code(results: Sequence[tuple[Status, Reason]]) -> int:
    """One code for the runs of a command.

    Budget or credits that ended a run win, since that is what a script must react to; then whether
    everything, nothing or a part was done.
    """
    if any(reason in {Reason.BUDGET, Reason.CREDITS} for _, reason in results):
        return 4
    statuses = {status for status, _ in results}
    if statuses <= {Status.OK}:
        return 0
    return 3 if statuses & {Status.OK, Status.PARTIAL} else 1
