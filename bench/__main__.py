"""``python -m bench list | all | NAME... [--quick] [--best-of N]``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from bench.figures import Result, keep, machine, show

#: In the order in which `all` runs them.
NAMES = (
    "startup",
    "store",
    "headroom",
    "seed_loop",
    "cycle",
    "latest",
    "pages",
    "virality",
    "lift",
    "delivery",
    "desk",
    "reports",
    "proof",
    "detection",
)
#: Parts of a benchmark, which run only when they are named.
PARTS = tuple(
    f"detection.{part}" for part in ("null", "bursts", "hashtags", "levels", "series", "speed")
)


def module_of(name: str) -> ModuleType:
    """The module of a benchmark; its docstring says what is measured against what."""
    return importlib.import_module(f"bench.{name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; 1 when a figure misses its target."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=["list"], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="less work, more noise")
    parser.add_argument("--best-of", type=int, default=1, metavar="N", help="keep the best run")
    given = parser.parse_args(arguments)
    if given.names == ["list"]:
        print(
            "\n".join(
                (module_of(name).__doc__ or "").partition("\n")[0] for name in (*NAMES, *PARTS)
            )
        )
        return 0
    names = list(NAMES) if given.names == ["all"] else given.names
    if unknown := set(names) - {*NAMES, *PARTS}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    results = [_best(name, quick=given.quick, rounds=given.best_of) for name in names]
    return int(any(f.reached is False for result in results for f in result.figures))


def _best(name: str, *, quick: bool, rounds: int) -> Result:
    """The run whose first figure is best: noise of other programs only ever makes it worse."""
    runs = [module_of(name).run(quick=quick) for _ in range(rounds)]
    chosen = min(runs, key=_badness)
    print(f"\n{show(chosen)}\n({machine()}, best of {rounds}, {keep(chosen)})", flush=True)
    return chosen


def _badness(result: Result) -> float:
    first = result.figures[0]
    return first.value if first.at_most else -first.value


if __name__ == "__main__":
    sys.exit(main())
