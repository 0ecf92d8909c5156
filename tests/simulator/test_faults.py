"""Every fault as it is on the wire, the rules that say when, and the files they come from."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulator_api import NOW, Api, Got, Serve, read_all

from tagtide.errors import ConfigError
from tagtide.simulator import FAULTS, FaultPlan, FaultRule, World, load_scenario
from tagtide.simulator.protocol import ApiCall, Endpoint


def _one_page(api: Api) -> Got:
    return api.tiktok("hashtag/videos", hashtag_id=_ID, count=5)


def _totals(api: Api) -> Got:
    return api.tiktok("hashtag", hashtag_name="lumenglow")


_ID = "550867005006"

STATUSES = {
    "status_400": 400, "status_401": 401, "status_402": 402, "status_403": 403, "status_404": 404,
    "status_410": 410, "status_422": 422, "status_429": 429, "status_429_reset": 429,
    "status_429_bare": 429, "status_500": 500, "status_502_html": 502, "status_503": 503,
    "status_504": 504, "redirect": 302, "page2_fails": 200,
}  # fmt: skip


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_statuses(serve: Serve, world: World, fault: str, status: int) -> None:
    api = serve(world, FaultRule(fault=fault))
    got = _one_page(api)
    assert got.status == status
    assert api.server.charged == int(fault == "page2_fails")
    assert (api.server.calls[0].fault, api.server.calls[0].status) == (fault, status)


def test_what_the_statuses_say(serve: Serve, world: World) -> None:
    names = ("status_402", "status_404", "status_429", "status_429_reset", "status_429_bare",
             "status_502_html", "redirect")  # fmt: skip
    options = {"status_429": {"seconds": 30}, "status_429_reset": {"at": 1_770_000_000}}
    rules = [
        FaultRule(fault=name, nth=(1,), options=options.get(name, {}))
        for i, name in enumerate(names)
    ]
    api = serve(world, *rules)
    got = {name: _totals(api) for name in names}
    assert got["status_402"].json["credit_balance"] == 0
    assert got["status_404"].json["credits_used"] == 0
    assert got["status_429"].headers["Retry-After"] == "30"
    assert "Retry-After" not in got["status_429_reset"].headers
    assert got["status_429_reset"].headers["X-RateLimit-Reset"] == "1770000000"
    assert not {"Retry-After", "X-RateLimit-Reset"} & set(got["status_429_bare"].headers)
    assert got["status_502_html"].headers["Content-Type"] == "text/html"
    assert got["redirect"].headers["Location"].startswith("http://elsewhere")
    assert _totals(api).status == 200


def test_refuse_closes_without_a_byte(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="refuse"))
    with api.open("hashtag", {"hashtag_name": "lumenglow"}) as raw:
        assert read_all(raw) == b""
    assert api.server.charged == 0


def test_reset_sends_a_rst_and_is_billed(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="reset"))
    with api.open("hashtag", {"hashtag_name": "lumenglow"}) as raw, pytest.raises(ConnectionError):
        read_all(raw)
    assert api.server.charged == 1


def test_reset_mid_body_stops_inside_the_body(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="reset_mid_body"))
    with api.open("hashtag", {"hashtag_name": "lumenglow"}) as raw:
        received = bytearray()
        with pytest.raises(ConnectionError):
            _receive_into(received, raw)
    assert len(received.partition(b"\r\n\r\n")[2]) < _declared_length(received)


def _receive_into(received: bytearray, raw: socket.socket) -> None:
    while part := raw.recv(65_536):
        received += part


def test_timeout_answers_nothing_and_stays_in_flight(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="timeout", nth=(1,)), concurrency=1)
    with api.open("hashtag", {"hashtag_name": "lumenglow"}) as raw:
        raw.settimeout(0.3)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        assert _totals(api).status == 429
    assert api.server.charged == 1
    assert any(_totals(api).status == 200 for _ in range(50))


def test_drip_is_slow_but_whole(serve: Serve, world: World) -> None:
    rule = FaultRule(fault="drip", options={"bytes_per_second": 200})
    api = serve(world, rule)
    with api.open("hashtag", {"hashtag_name": "lumenglow"}) as raw:
        chunks = [raw.recv(65_536)]
        while not _is_whole(b"".join(chunks)):
            chunks.append(raw.recv(65_536))
    assert len(chunks) >= 5
    assert max(len(chunk) for chunk in chunks[1:]) <= 60


def _declared_length(answer: bytes | bytearray) -> int:
    found = re.search(rb"(?i)content-length: (\d+)", answer)
    assert found
    return int(found[1])


def _is_whole(answer: bytes) -> bool:
    return len(answer.partition(b"\r\n\r\n")[2]) >= _declared_length(answer)


def _not_json(got: Got) -> bool:
    try:
        json.loads(got.body)
    except ValueError:
        return True
    return False


BODIES: dict[str, Callable[[Got], bool]] = {
    "truncated_json": lambda got: _not_json(got) and len(got.body) > 100,
    "html_200": lambda got: got.body.startswith(b"<!doctype") and "html" in _type(got),
    "empty_200": lambda got: got.body == b"",
    "json_list_200": lambda got: got.json == [],
    "wrong_content_type": lambda got: _type(got) == "text/plain" and bool(got.data),
    "invalid_utf8": lambda got: _not_json(got) and b"\xff\xfe" in got.body,
    "bom": lambda got: got.body.startswith(b"\xef\xbb\xbf"),
    "huge_body": lambda got: len(got.body) > 2 << 20,
    "gzip_bomb": lambda got: (
        got.headers["Content-Encoding"] == "gzip"
        and len(gzip.decompress(got.body)) > 100 * len(got.body)
    ),
    "deep_json": lambda got: b"[" * 100_000 in got.body,
    "long_integer": lambda got: re.search(rb":9{5000}[,}]", got.body) is not None,
    "nan": lambda got: b":NaN" in got.body,
    "many_items": lambda got: len(got.data["aweme_list"]) == 1_000_000,
}


def _type(got: Got) -> str:
    return got.headers["Content-Type"]


@pytest.mark.parametrize("fault", BODIES)
def test_bodies_that_are_not_what_they_should_be(serve: Serve, world: World, fault: str) -> None:
    api = serve(world, FaultRule(fault=fault, options={"mib": 2}))
    got = _one_page(api)
    assert got.status == 200
    assert BODIES[fault](got)
    assert api.server.charged == 1


def _stats(got: Got) -> Any:
    return got.data["challengeInfo"]["statsV2"]


TOTALS: dict[str, Callable[[Any, Any], bool]] = {
    "wrong_types": lambda bad, _: isinstance(bad["statsV2"]["viewCount"], dict),
    "renamed_fields": lambda bad, _: "statsV2" not in bad and "statsV2_v9" in bad,
    "missing_stats": lambda bad, _: not {"stats", "statsV2"} & set(bad),
    "null_stats": lambda bad, _: bad["stats"] is None and bad["statsV2"] is None,
    "null_counters": lambda bad, _: bad["statsV2"] == {"videoCount": None, "viewCount": None},
    "negative_counters": lambda bad, good: (
        int(bad["statsV2"]["viewCount"]) == -int(good["statsV2"]["viewCount"])
    ),
    "int32_wrap": lambda bad, _: bad["stats"]["viewCount"] == -1_844_967_296,
    "zero_video_count": lambda bad, good: bad["statsV2"] == {**good["statsV2"], "videoCount": "0"},
    "rounded_only": lambda bad, good: bad == {k: v for k, v in good.items() if k != "statsV2"},
    "counter_reset": lambda bad, _: set(bad["statsV2"].values()) == {"0"},
    "counter_drop": lambda bad, good: (
        int(bad["statsV2"]["viewCount"]) == int(good["statsV2"]["viewCount"]) * 6 // 10
    ),
    "hashtag_id_change": lambda bad, good: (
        bad["challenge"]["id"] != good["challenge"]["id"]
        and bad["challenge"]["title"] == good["challenge"]["title"]
    ),
    "extra_fields": lambda bad, good: bad == good,
}


@pytest.mark.parametrize("fault", TOTALS)
def test_totals_that_lie(serve: Serve, world: World, demo: Api, fault: str) -> None:
    good = _totals(demo).data["challengeInfo"]
    got = _totals(serve(world, FaultRule(fault=fault)))
    assert TOTALS[fault](got.data["challengeInfo"], good)
    assert ("futureField" in got.data) == (fault == "extra_fields")


def _ids(got: Got) -> list[str]:
    return [record["aweme_id"] for record in got.data["aweme_list"]]


def test_records_that_lie(serve: Serve, world: World) -> None:
    names = ("missing_stats", "renamed_fields", "wrong_types", "int32_wrap")
    api = serve(world, *(FaultRule(fault=name, nth=(1,)) for i, name in enumerate(names)))
    missing, renamed, wrong, wrapped = (_one_page(api) for _ in names)
    assert "statistics" not in missing.data["aweme_list"][0]
    assert len(renamed.data["aweme_list_v9"]) == 5
    assert isinstance(wrong.data["aweme_list"], dict)
    assert wrapped.data["aweme_list"][0]["statistics"]["play_count"] < 0


def test_pages_that_lie(serve: Serve, world: World, demo: Api) -> None:
    def pages(fault: str) -> tuple[Got, Got]:
        api = serve(world, FaultRule(fault=fault))
        return _one_page(api), api.tiktok("hashtag/videos", hashtag_id=_ID, count=5, cursor="5")

    good = _ids(_one_page(demo))
    assert _ids(pages("duplicates_in_page")[0]) == [one for one in good for _ in range(2)]
    assert _ids(pages("duplicates_across_pages")[1])[:2] == good[:2]
    assert _ids(pages("out_of_order")[0]) == good[::-1]
    stuck = pages("cursor_stuck")[1].data
    assert (stuck["cursor"], stuck["has_more"]) == ("5", True)
    empty = pages("empty_page")[0].data
    assert (empty["aweme_list"], empty["has_more"], empty["cursor"]) == ([], True, 5)
    first, second = pages("page2_fails")
    assert (_ids(first), second.status) == (good, 500)


def test_has_more_forever_goes_round(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="has_more_forever"))
    late = api.tiktok("hashtag/videos", hashtag_id=_ID, count=5, cursor="90000").data
    assert (late["has_more"], late["cursor"]) == (True, 90_005)
    assert len(late["aweme_list"]) == 5


def test_stale_answers_are_old_and_repeats_never_change(serve: Serve, world: World) -> None:
    old = _totals(serve(world, at=NOW - timedelta(hours=6))).data
    assert _totals(serve(world, FaultRule(fault="stale"))).data == old
    api = serve(world, FaultRule(fault="stale_repeat"))
    first = _totals(api).data
    api.server.sim_clock.advance(timedelta(days=2))
    assert _totals(api).data == first


def test_the_table_above_knows_every_fault() -> None:
    connection = {"refuse", "reset", "reset_mid_body", "timeout", "drip"}
    pages = {"duplicates_in_page", "duplicates_across_pages", "cursor_stuck", "has_more_forever",
             "empty_page", "out_of_order", "stale", "stale_repeat"}  # fmt: skip
    assert connection | pages | set(STATUSES) | set(BODIES) | set(TOTALS) == set(FAULTS)
    assert all(fault.doc for fault in FAULTS.values())


def test_usage_can_fail_too_and_is_never_billed(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="status_503", endpoint="usage", times=1))
    assert api.request("GET", "/api/v1/usage").status == 503
    assert api.request("GET", "/api/v1/usage").json["credit_balance"] == 7_000
    api = serve(world, FaultRule(fault="truncated_json", endpoint="usage"))
    assert _not_json(api.request("GET", "/api/v1/usage"))
    assert api.server.charged == 0


def test_whether_a_fault_is_billed_is_part_of_the_rule(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="status_404", billed=True), credits=5)
    assert _totals(api).json == {
        "error": "Nothing found for that id.", "credits_used": 1, "credits_remaining": 4
    }  # fmt: skip
    api = serve(world, FaultRule(fault="reset", billed=False), credits=5)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _totals(api)
    assert api.server.balance == 5


def test_no_fault_is_billed_without_credits(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="null_stats"), credits=1)
    assert [_totals(api).status for _ in range(2)] == [200, 402]
    api = serve(world, FaultRule(fault="status_500"), credits=0)
    assert _totals(api).status == 500


# --- when -----------------------------------------------------------------------------------------


def _strikes(rule: FaultRule, calls: int = 12, **plan: Any) -> list[int]:
    faults = FaultPlan([rule], **plan)
    call = ApiCall(Endpoint.HASHTAG, {"hashtag_name": "glow"})
    return [
        n
        for n in range(1, calls + 1)
        if faults.match(call, "glow", NOW + timedelta(hours=n)) is not None
    ]


WHEN = [
    (FaultRule(fault="reset"), list(range(1, 13))),
    (FaultRule(fault="reset", nth=(2, 5)), [2, 5]),
    (FaultRule(fault="reset", every=4), [4, 8, 12]),
    (FaultRule(fault="reset", since=9), [9, 10, 11, 12]),
    (FaultRule(fault="reset", since=3, until=5), [3, 4, 5]),
    (FaultRule(fault="reset", since=3, times=2), [3, 4]),
    (FaultRule(fault="reset", since=NOW + timedelta(hours=10)), [10, 11, 12]),
    (FaultRule(fault="reset", until=NOW + timedelta(hours=3)), [1, 2]),
    (FaultRule(fault="reset", hashtag="glow", endpoint="hashtag", nth=(1,)), [1]),
    (FaultRule(fault="reset", hashtag="other"), []),
    (FaultRule(fault="reset", endpoint="video"), []),
]


@pytest.mark.parametrize(("rule", "expected"), WHEN)
def test_when_a_rule_strikes(rule: FaultRule, expected: list[int]) -> None:
    assert _strikes(rule) == expected


def test_chance_is_seeded() -> None:
    rule = FaultRule(fault="reset", probability=0.3)
    hits = _strikes(rule, calls=2_000, seed=5)
    assert hits == _strikes(rule, calls=2_000, seed=5)
    assert hits != _strikes(rule, calls=2_000, seed=6)
    assert 500 < len(hits) < 700


def test_a_rule_can_name_a_hashtag_for_its_feed_too(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="status_500", hashtag="lumenglow"))
    assert _one_page(api).status == 500
    assert api.tiktok("hashtag", hashtag_name="mylumen").status == 200
    assert api.tiktok("hashtag/videos", hashtag_id=world.id_of("mylumen")).status == 200


def test_a_scenario_file(tmp_path: Path) -> None:
    toml = tmp_path / "storm.toml"
    toml.write_text(
        """
        seed = 3
        [[rules]]
        endpoint = "hashtag/videos"
        fault = 429
        seconds = 2
        nth = 1
        [[rules]]
        fault = "502"
        from = 2026-03-01T11:00:00Z
        until = 2026-03-01T13:00:00Z
        charged = true
        """
    )
    plan = load_scenario(toml)
    first = plan.match(ApiCall(Endpoint.HASHTAG_VIDEOS, {}), None, NOW)
    second = plan.match(ApiCall(Endpoint.HASHTAG_VIDEOS, {}), None, NOW)
    assert first is not None
    assert second is not None
    assert (first.fault, first.option("seconds", 1), first.charged) == ("status_429", 2, False)
    assert (second.fault, second.charged) == ("status_502_html", True)
    assert plan.match(ApiCall(Endpoint.HASHTAG, {}), None, datetime(2026, 3, 2, tzinfo=UTC)) is None
    as_json = tmp_path / "storm.json"
    as_json.write_text(json.dumps({"rules": [{"fault": "drip", "from": "2026-03-01T11:00:00Z"}]}))
    drip = load_scenario(as_json).match(ApiCall(Endpoint.HASHTAG, {}), None, NOW)
    assert drip is not None
    assert drip.fault == "drip"


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("rules = 3", "list 'rules'"),
        ("x = ", "cannot be read"),
        ('[[rules]]\nfault = "earthquake"', "earthquake"),
        ("[[rules]]\nevery = 2", "'fault'"),
        ('[[rules]]\nfault = "drip"\nendpoint = "nowhere"', "nowhere"),
        ('[[rules]]\nfault = "drip"\nfrom = 2.5', "2.5"),
        ('[[rules]]\nfault = "drip"\nprobability = "often"', "often"),
    ],
)
def test_a_scenario_that_cannot_be_used_says_why(tmp_path: Path, text: str, about: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(about)):
        load_scenario(path)


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no fault"):
        FaultPlan([FaultRule(fault="nonsense")])


def test_a_fault_on_a_missing_thing_leaves_it_missing(serve: Serve, world: World) -> None:
    api = serve(world, FaultRule(fault="null_stats"))
    assert api.tiktok("video", video_id="1").status == 404
    with socket.create_connection((api.server.host, api.server.port), timeout=5):
        pass


def test_the_documentation_lists_every_fault() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
    listed = page.read_text(encoding="utf-8").partition("<!-- faults -->")[2]
    rows = [line for line in listed.splitlines() if line.startswith("| `")]
    billed = {True: "yes", False: "no"}
    for (name, fault), row in zip(FAULTS.items(), rows, strict=True):
        assert row == f"| `{name}` | {fault.doc} | {billed[fault.charged]} |"
