"""`tagtide detect` as a process: what a person types, and every kind of bad file."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tagtide.cli import main

START = datetime(2026, 3, 2, tzinfo=UTC)


def tagtide(*args: str, given: str | bytes = b"") -> tuple[int, str, str]:
    """The command in this process; `test_a_burst_...` runs it as one of its own."""
    data = given.encode() if isinstance(given, str) else given
    out, err, stdin = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["detect", *args])
    finally:
        sys.stdin = stdin
    return code, out.getvalue(), err.getvalue()


def as_process(*args: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tagtide", "detect", *args],
        capture_output=True,
        cwd=cwd,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def series(rows: int, burst_at: int | None = None, is_counter: bool = False, times: int = 8) -> str:
    random, total, lines = Random(3), 1_000, ["timestamp,value"]
    for row in range(rows):
        gain = random.randint(80, 120) * (times if row == burst_at else 1)
        total += gain
        at = START + timedelta(hours=row)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{total if is_counter else gain}")
    return "\n".join(lines) + "\n"


def rows_of(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


@pytest.mark.parametrize("is_counter", [False, True])
def test_a_burst_is_one_alert_with_a_sentence(tmp_path: Path, is_counter: bool) -> None:
    path = tmp_path / "series.csv"
    path.write_text(series(300, 250, is_counter))
    code, out, err = as_process(str(path), *(["--counter"] if is_counter else []), cwd=tmp_path)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "timestamp,value,anomaly_score,is_alert,reason"
    rows = rows_of(out)
    assert len(rows) == 300
    assert [number for number, row in enumerate(rows) if row["is_alert"] == "true"] == [250]
    assert all(0 <= float(row["anomaly_score"]) <= 1 for row in rows)
    assert "happens by chance" in rows[250]["reason"]
    assert rows[0]["timestamp"] == "2026-03-02 00:00:00"
    assert list(tmp_path.iterdir()) == [path], "no database, no configuration is made"


def test_json_says_the_same(tmp_path: Path) -> None:
    text = series(300, 250)
    code, out, _ = tagtide("-", "--json", given=text)
    body = json.loads(out)
    assert code == 0
    assert (body["alerts"], body["detector"], body["false_alarms"]) == (1, "statistical", 0.25)
    rows = body["rows"]
    assert rows[250]["is_alert"] is True
    assert rows[250]["timestamp"] == "2026-03-12T10:00:00Z"
    assert rows[250]["expected_low"] < rows[250]["expected"] < rows[250]["expected_high"]
    assert rows[0]["p"] is None
    plain = rows_of(tagtide("-", given=text)[1])
    assert [f"{row['anomaly_score']:.6f}" for row in rows] == [r["anomaly_score"] for r in plain]


def test_more_false_alarms_are_more_alerts_and_fixed_rules_can_be_asked() -> None:
    text = series(300, 250, times=2)
    alerts = [
        tagtide("-", "--false-alarms", f, given=text)[1].count(",true,") for f in ("0.02", "2")
    ]
    assert alerts == [0, 1]
    code, out, _ = tagtide("-", "--detector", "average", given=text)
    assert code == 0
    assert ",true," in out


@pytest.mark.parametrize(
    ("instants", "first"),
    [
        (["2026-03-02T00:00:00Z", "2026-03-02T06:00:00+05:00"], "2026-03-02T00:00:00Z"),
        (["2026-03-02", "2026-03-03"], "2026-03-02T00:00:00Z"),
        (["2026/03/02 00:00", "2026/03/02 01:00"], "2026-03-02T00:00:00Z"),
        (["1772409600", "1772413200"], "2026-03-02T00:00:00Z"),
        (["1772409600.5", "1772413200.5"], "2026-03-02T00:00:00Z"),
        (["1772409600000", "1772413200000"], "2026-03-02T00:00:00Z"),
        (
            ["Mon, 02 Mar 2026 00:00:00 GMT"] * 2,
            "2026-03-02T00:00:00Z",
        ),
        (["20260302T000000Z", "20260302T010000Z"], "2026-03-02T00:00:00Z"),
        (["2026-03-02 01:00:00+01:00", "2026-03-02 03:00:00+01:00"], "2026-03-02T00:00:00Z"),
    ],
)
def test_common_forms_of_instants(instants: list[str], first: str) -> None:
    text = "".join(f'"{at}",5\n' for at in instants)
    code, out, err = tagtide("-", "--json", given=text)
    assert (code, err) == (0, "")
    assert json.loads(out)["rows"][0]["timestamp"] == first


def reasons(text: str, *args: str) -> list[str]:
    code, out, _ = tagtide("-", *args, given=text)
    assert code == 0
    return [row["reason"] for row in rows_of(out)]


def test_what_is_unknown_is_not_judged() -> None:
    text = "".join(f"2026-03-0{n},{v}\n" for n, v in enumerate(["5", "", "NaN", "-3", "6"], 1))
    assert reasons(text)[1:4] == ["unknown"] * 3
    assert reasons(text.replace("-3", "0"), "--counter")[1:4] == ["unknown"] * 3


def test_a_second_reading_of_the_same_instant_is_ignored() -> None:
    text = "2026-03-01,5\n2026-03-02,6\n2026-03-02,600\n2026-03-03,6\n"
    assert reasons(text)[2] == "duplicate"


def test_a_file_out_of_order_is_put_in_order_and_a_stream_is_refused(tmp_path: Path) -> None:
    ordered = series(300, 250).splitlines(keepends=True)
    mixed = [ordered[0], *reversed(ordered[1:])]
    path = tmp_path / "mixed.csv"
    path.write_text("".join(mixed))
    code, out, err = tagtide(str(path))
    assert code == 0
    assert err.startswith("Line 3 is earlier than the line before; the rows were put in order.")
    assert out == tagtide("-", given="".join(ordered))[1]
    code, _, err = tagtide("-", given="".join(mixed))
    assert code == 2
    assert "line 3: '2026-03-14 10:00:00' is earlier than the line before" in err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "holds no rows"),
        (b"\n\n", "holds no rows"),
        (b"timestamp,value\n", "holds no rows"),
        (b"timestamp,value\n2026-03-01,5\n2026-03-02,lots\n", "line 3: 'lots' is not a number"),
        (b"2026-03-01,5\n2026-03-02,1e999\n", "line 2: '1e999' is not a number"),
        (b"2026-03-01,5\n2026-03-02,1_000\n", "line 2: '1_000' is not a number"),
        (b"2026-03-01,5\nsoon,6\n", "line 2: 'soon' is not an instant"),
        (b"2026-03-01,5\n2026-02-30,6\n", "line 2: '2026-02-30' is not an instant"),
        (b"2026-03-01,5\n1e30,6\n", "line 2: '1e30' is not an instant"),
        (b"2026-03-01,5\n2026-03-02\n", "line 2: 1 column where timestamp,value"),
        (b"2026-03-01,5\n2026-03-02,5,6\n", "line 2: 3 columns where timestamp,value"),
        (b"2026-03-01;5\n", "line 1: 1 column"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1: 1 column"),
        (b"\0" * 5000, "line 1: this is not a CSV file"),
        (b"x" * 1_000_000, "line 1: this is not a CSV file"),
        (b"<!doctype html>\n<html><body>Not found</body></html>\n", "line 1: 1 column"),
        (b'{"error": "no"}', "line 1: 1 column"),
    ],
)
def test_what_is_no_series_is_refused_with_the_line(given: bytes, said: str) -> None:
    code, out, err = tagtide("-", given=given)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not out.startswith("timestamp") or "line" in err


def test_a_missing_file_and_wrong_numbers(tmp_path: Path) -> None:
    code, _, err = tagtide(str(tmp_path / "nothing.csv"))
    assert (code, "there is no file" in err.lower()) == (1, True)
    assert tagtide(str(tmp_path))[0] == 2
    for wrong in ("0", "-1", "11", "nan", "many"):
        assert tagtide("-", "--false-alarms", wrong, given="2026-03-01,5\n")[0] == 2
    code, out, _ = tagtide("-", "--json", given="2026-03-01,five\n")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "invalid_input"


def test_columns_by_name_byte_order_mark_and_line_ends() -> None:
    text = "﻿id,value,timestamp\r\na,5,2026-03-01\r\nb,6,2026-03-02\r\n"
    code, out, _ = tagtide("-", given=text)
    assert code == 0
    assert [row["value"] for row in rows_of(out)] == ["5", "6"]


def test_rows_are_judged_as_they_come_and_memory_does_not_grow() -> None:
    """A stream is answered before it ends; what is kept does not depend on its length."""
    program = (
        "import resource, sys, io, itertools\n"
        "from tagtide.cli import main\n"
        "class Rows(io.TextIOBase):\n"
        "    def __init__(self): self.n = 0\n"
        "    def readline(self, size=-1):\n"
        "        self.n += 1\n"
        "        if self.n > int(sys.argv[1]): return ''\n"
        "        return f'{1700000000 + 300 * self.n},{100 + self.n % 7}\\n'\n"
        "    def reconfigure(self, **_): pass\n"
        "sys.stdin = Rows()\n"
        "sys.stdout = open('/dev/null', 'w')\n"
        "code = main(['detect', '-'])\n"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    used = []
    for rows in (3_000, 30_000):
        done = subprocess.run(
            [sys.executable, "-c", program, str(rows)], capture_output=True, text=True, check=True
        )
        code, memory = done.stderr.split()
        assert code == "0"
        used.append(int(memory))
    assert used[1] < used[0] + 3_000, "kilobytes"


def test_it_starts_fast() -> None:
    """Nothing heavy is imported: no database, no web, no HTTP client."""
    program = (
        "import sys; from tagtide.cli import main; main(['detect', '/dev/null']);"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'sqlalchemy', 'fastapi', 'pydantic', 'httpx2', 'rich', 'jinja2', 'dbos'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def levels(rows: int, jump_at: int) -> str:
    random, lines = Random(7), ["timestamp,value"]
    for row in range(rows):
        value = -4 + random.uniform(-1, 1) + (9 if row == jump_at else 0)
        lines.append(f"{START + timedelta(hours=row):%Y-%m-%d %H:%M:%S},{value:.2f}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("args", [(), ("--kind", "level"), ("--kind", "auto")])
def test_levels_are_told_by_what_they_show(args: tuple[str, ...]) -> None:
    text = levels(600, 500)
    rows = rows_of(tagtide("-", *args, given=text)[1])
    assert [number for number, row in enumerate(rows) if row["is_alert"] == "true"] == [500]
    assert "All but extremes lie between" in rows[500]["reason"]
    body = json.loads(tagtide("-", "--json", *args, given=text)[1])
    assert body["kind"] == "level"
    assert body["rows"][500]["expected_low"] < 0
    assert "unknown" in reasons(text, "--kind", "increments")


def test_counts_are_judged_as_increments_whether_that_is_said_or_not() -> None:
    text = series(300, 250)
    plain = tagtide("-", given=text)[1]
    assert plain == tagtide("-", "--kind", "increments", given=text)[1]
    assert json.loads(tagtide("-", "--json", given=text)[1])["kind"] == "increments"
    total = series(300, 250, is_counter=True)
    assert tagtide("-", "--counter", given=total) == tagtide("-", "--kind", "counter", given=total)


def test_kinds_that_contradict_are_refused() -> None:
    code, _, err = tagtide("-", "--counter", "--kind", "level", given=series(3))
    assert (code, "contradict" in err) == (2, True)
    code, _, err = tagtide("-", "--detector", "average", "--kind", "level", given=series(3))
    assert (code, "Leave --detector out" in err) == (2, True)
