"""Runs on schedule: which slot is due, who works on it, what happens after a kill.

`planning` decides, `work` executes one slot, `service` holds the loops together, and `engine` is
the only module that knows DBOS. Importing this package imports none of DBOS.
"""

from tagtide.jobs.by_hand import RunsByHand
from tagtide.jobs.health import Condition, Health, Readiness
from tagtide.jobs.planning import Slot, due_slot
from tagtide.jobs.service import Service, ServicePlan, Timing, instance, refuse_unshared

__all__ = [
    "Condition",
    "Health",
    "Readiness",
    "RunsByHand",
    "Service",
    "ServicePlan",
    "Slot",
    "Timing",
    "due_slot",
    "instance",
    "refuse_unshared",
]
