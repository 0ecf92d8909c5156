"""startup: what a person waits for before anything happens.

Hypothesis: `tagtide --help` costs a few times an empty interpreter and `tagtide track` on ten
hashtags is dominated by imports, not by its ten calls.

Method: whole processes, from start to exit, in turn (empty, help, track, empty ...), medians; the
interpreter of the virtual environment without further options. `track` reads ten hashtags from a
local server without latency into a database that exists. What the imports of `track` cost is read
once from ``-X importtime`` and summed by distribution.

Control: ``python -c pass`` of the same interpreter in the same round.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.apiserver import api_server, hashtag_name
from bench.figures import Figure, Result, timed

HASHTAGS = 10
_PYTHON = [sys.executable]
_TAGTIDE = [str(Path(sys.executable).with_name("tagtide"))]
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)")


def run(*, quick: bool) -> Result:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder, api_server(page="small") as server:
        environment = _environment(Path(folder), server.url)
        _set_up(environment)
        commands = {
            "empty": [*_PYTHON, "-c", "pass"],
            "help": [*_TAGTIDE, "--help"],
            "track": [*_TAGTIDE, "track", "--json"],
        }
        seconds = _rounds(commands, environment, 5 if quick else 15)
        imports = _imports([*_PYTHON, "-X", "importtime", *_TAGTIDE, "track"], environment)
    empty = seconds["empty"]
    figures = [
        _ratio("`tagtide --help`", seconds["help"], empty, target=10),
        _ratio(f"`tagtide track`, {HASHTAGS} hashtags", seconds["track"], empty, target=80),
    ]
    print_imports(imports)
    return Result(name="startup", figures=figures, facts={"seconds": seconds, "imports": imports})


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(folder),
        "TAGTIDE_API_URL": url,
        "TAGTIDE_DATABASE_URL": f"sqlite:///{folder / 'startup.db'}",
        "TAGTIDE_API__PLAN": "growth",
    }


def _set_up(environment: dict[str, str]) -> None:
    named = [part for n in range(HASHTAGS) for part in ("--hashtag", hashtag_name(n))]
    _finish([*_TAGTIDE, "campaign", "add", "Bench", *named], environment)
    _finish([*_TAGTIDE, "track"], environment)


def _finish(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed: {done.stderr}")


def _rounds(
    commands: dict[str, list[str]], environment: dict[str, str], rounds: int
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(timed(lambda command=command: _finish(command, environment)))
    return seconds


def _ratio(name: str, seconds: list[float], empty: list[float], *, target: float) -> Figure:
    own, base = statistics.median(seconds), statistics.median(empty)
    return Figure(
        name=name,
        value=own / base,
        target=target,
        at_most=True,
        against=f"{own * 1000:.0f} ms to `python -c pass`, {base * 1000:.1f} ms; medians of "
        f"{len(seconds)}",
    )


def _imports(command: Sequence[str], environment: dict[str, str]) -> dict[str, float]:
    """Milliseconds of own import time by distribution, largest first."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    spent: defaultdict[str, int] = defaultdict(int)
    for own, module in _IMPORT.findall(done.stderr):
        top = module.partition(".")[0].lstrip("_")
        spent["standard library" if top in sys.stdlib_module_names else top] += int(own)
    return dict(sorted(((k, v / 1000) for k, v in spent.items()), key=lambda kv: -kv[1]))


def print_imports(imports: dict[str, float]) -> None:
    """The largest as a table."""
    print("\n| imports of `tagtide track` | ms |\n|---|---|")
    for name, milliseconds in list(imports.items())[:14]:
        print(f"| {name} | {milliseconds:.0f} |")
