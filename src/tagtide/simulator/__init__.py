"""The data API as a local server: a living world, its protocol, its faults, and replays.

For the demo, for tests, for benchmarks, and for trying alerts on before a campaign starts. Works
without a key and without a network.
"""

from tagtide.simulator.faults import FAULTS, FaultPlan, FaultRule, load_scenario
from tagtide.simulator.server import Call, SimulatorServer
from tagtide.simulator.simclock import SimClock
from tagtide.simulator.world import World
from tagtide.simulator.worlds import (
    DEMO_COMPETITORS,
    DEMO_OWN,
    Story,
    demo_story,
    demo_world,
    make_world,
)

__all__ = [
    "DEMO_COMPETITORS",
    "DEMO_OWN",
    "FAULTS",
    "Call",
    "FaultPlan",
    "FaultRule",
    "SimClock",
    "SimulatorServer",
    "Story",
    "World",
    "demo_story",
    "demo_world",
    "load_scenario",
    "make_world",
]
