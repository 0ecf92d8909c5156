"""The benchmarks can be started: imports, list, and a server that serves what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.__main__ import NAMES, PARTS, main, module_of  # noqa: E402 - bench is not installed
from bench.apiserver import PAGE_SIZES, SizedPages, api_server, hashtag_id  # noqa: E402
from bench.figures import Figure, Result, show  # noqa: E402

from tagtide.clock import SystemClock  # noqa: E402
from tagtide.simulator.protocol import ApiCall, Data, Endpoint, envelope  # noqa: E402
from tagtide.tiktok.wire import decode_body, decode_video_page  # noqa: E402


@pytest.mark.parametrize("name", [*(n for n in NAMES if n != "detection"), *PARTS])
def test_every_benchmark_says_what_it_measures_against_what(name: str) -> None:
    text = module_of(name).__doc__ or ""
    assert text.startswith(f"{name}: ")
    assert all(part in text for part in ("Hypothesis:", "Method:", "Control:"))


def test_list_names_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [*NAMES, *PARTS]


def test_an_unknown_name_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no benchmark nonsense" in done.stderr


@pytest.mark.parametrize("page", ["200k", "2.3M"])
def test_pages_have_the_stated_size_and_can_be_read(page: str) -> None:
    call = ApiCall(Endpoint.HASHTAG_VIDEOS, {"hashtag_id": hashtag_id(7), "cursor": "30"})
    answer = SizedPages(PAGE_SIZES[page]).answer(SystemClock().now(), call)
    assert isinstance(answer, Data)
    assert 0.95 < len(answer.json) / PAGE_SIZES[page] < 1.05
    body = envelope(answer.json, response_time=1, credits_used=1, credits_remaining=1)
    read = decode_video_page(decode_body(body)).value
    assert len({v.video.video_id for v in read.videos}) == 30
    assert (read.cursor, read.has_more, read.rejected) == ("60", True, ())


def test_the_server_runs_as_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with api_server(page="small") as server:
        request = urllib.request.Request(
            f"{server.url}/api/v1/tiktok/hashtag",
            data=json.dumps({"hashtag_id": hashtag_id(1)}).encode(),
            headers={"Authorization": "Bearer sk_test_local"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["data"]["challengeInfo"]["challenge"]["title"] == "bench1"
        assert server.state()["calls"] == 1


@pytest.mark.parametrize(
    ("value", "at_most", "reached"), [(9.0, True, True), (11.0, True, False), (11.0, False, True)]
)
def test_a_missed_target_is_said(value: float, at_most: bool, reached: bool) -> None:
    figure = Figure(name="x", value=value, target=10, at_most=at_most)
    assert figure.reached is reached
    assert ("missed" in show(Result(name="x", figures=[figure]))) is not reached
