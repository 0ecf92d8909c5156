"""``tagtide detect``: a detector on any ``timestamp,value`` series; needs no configuration."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click

from tagtide.cli.series import Row, read_rows
from tagtide.core.detect import (
    DETECTORS,
    OF_LEVELS,
    Automatic,
    Detector,
    Finding,
    Settings,
    explain,
    make_detector,
)
from tagtide.core.formats import iso_utc
from tagtide.errors import InvalidInput, NotFound

#: What the values are, as in `--kind`.
_KINDS = ("auto", "increments", "counter", "level")
_LEVEL, _AUTOMATIC = OF_LEVELS
_COLUMNS = ("timestamp", "value", "anomaly_score", "is_alert", "reason")


@click.command()
@click.argument("file", metavar="FILE.csv")
@click.option(
    "--counter", "is_counter", is_flag=True, help="Values are readings of a running total."
)
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default=_KINDS[0],
    show_default=True,
    help="What the values are; auto takes them for increments until they show to be levels.",
)
@click.option(
    "--false-alarms",
    metavar="F",
    type=click.FloatRange(min=0, min_open=True, max=10),
    default=0.25,
    show_default=True,
    help="Expected false incidents per month.",
)
@click.option("--detector", type=click.Choice(DETECTORS), default=DETECTORS[0], show_default=True)
@click.option("--name", default="The series", show_default=True, help="Its name in the reasons.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def detect(
    file: str,
    is_counter: bool,
    kind: str,
    false_alarms: float,
    detector: str,
    name: str,
    as_json: bool,
) -> None:
    """Find rises and falls in a series of timestamp,value rows; `-` reads standard input.

    Values are increments; with --counter, readings of a running total; with --kind level, a
    temperature, a load, a price. What has fractions or negative values, or hardly moves, is taken
    for levels as soon as that is seen. Timestamps without a zone are UTC. Prints a row per row
    with an anomaly_score from 0 to 1; is_alert is true where an incident begins or becomes far
    worse. The only number to choose is how many false incidents a month are acceptable.
    """
    if false_alarms != false_alarms:  # noqa: PLR0124 - not a number
        raise InvalidInput("--false-alarms is not a number")
    kind = _kind_of(kind, is_counter, detector)
    settings = Settings(false_alarms=false_alarms, is_counter=kind == "counter")
    judge = make_detector({"auto": _AUTOMATIC, "level": _LEVEL}.get(kind, detector), settings)
    with _opened(file) as stream:
        rows = read_rows(stream, "standard input" if file == "-" else file, may_sort=file != "-")
        judged = ((row, judge.observe(row.point())) for row in rows)
        if as_json:
            _print_json(judged, judge, kind, detector, false_alarms, name)
        else:
            _print_csv(judged, name)


def _kind_of(kind: str, is_counter: bool, detector: str) -> str:
    """What the values are, of the two ways to say it; the fixed rules know no levels."""
    if is_counter:
        if kind not in {"auto", "counter"}:
            raise InvalidInput(f"--counter and --kind {kind} contradict each other")
        return "counter"
    if detector == DETECTORS[0]:
        return kind
    if kind == "level":
        raise InvalidInput(
            f"--detector {detector} is a rule of increments",
            hint="Leave --detector out for levels.",
        )
    return "increments" if kind == "auto" else kind


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == "-":
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        with open(file, encoding="utf-8-sig", errors="replace", newline="") as stream:  # noqa: PTH123
            yield stream
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error


def _reason(finding: Finding, name: str) -> str:
    """A sentence for what a person should see; one word for all other rows."""
    return explain(finding, name, "units") if finding.is_alert else finding.reason.value


def _print_csv(judged: Iterable[tuple[Row, Finding]], name: str) -> None:
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    for number, (row, finding) in enumerate(judged):
        if number == 0:
            write(_COLUMNS)
        write(
            (
                row.timestamp,
                row.text,
                f"{finding.score:.6f}",
                "true" if finding.is_alert else "false",
                _reason(finding, name),
            )
        )


def _print_json(
    judged: Iterable[tuple[Row, Finding]],
    judge: Detector,
    kind: str,
    detector: str,
    false_alarms: float,
    name: str,
) -> None:
    """One object, written row by row so that a long series needs no memory."""
    head = {"detector": detector if kind != "level" else _LEVEL, "false_alarms": false_alarms}
    out: Callable[[str], Any] = sys.stdout.write
    alerts = 0
    separator = json.dumps(head)[:-1] + ', "rows": [\n'
    for row, finding in judged:
        alerts += finding.is_alert
        out(separator + json.dumps(_as_json(row, finding, name), ensure_ascii=False))
        separator = ",\n"
    if isinstance(judge, Automatic):
        kind = "level" if judge.is_level else "increments"
    out(f'\n], "alerts": {alerts}, "kind": "{kind}"}}\n')


def _as_json(row: Row, finding: Finding, name: str) -> dict[str, Any]:
    usual = finding.usual if finding.is_alert else None
    return {
        "timestamp": iso_utc(row.at),
        "value": row.value,
        "anomaly_score": round(finding.score, 6),
        "is_alert": finding.is_alert,
        "reason": finding.reason.value,
        "phase": finding.phase.value or None,
        "direction": finding.direction.value if finding.direction else None,
        "p": finding.p,
        "since": iso_utc(finding.since) if finding.since else None,
        "observed": finding.observed,
        "expected": finding.expected,
        "expected_low": usual[0] if usual else None,
        "expected_high": usual[1] if usual else None,
        "sentence": explain(finding, name, "units") if finding.is_alert else None,
    }
