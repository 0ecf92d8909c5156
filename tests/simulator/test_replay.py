"""Recordings against the clock: revealed when they were made, counted independently."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulator_api import Api, Serve

from tagtide.errors import ConfigError
from tagtide.simulator.replay import Replay


def _item(number: int, created: datetime, views: int) -> dict[str, Any]:
    seconds = int(created.timestamp())
    return {
        "id": str(seconds << 32 | number),
        "desc": f"clip {number} #glow",
        "createTime": seconds,
        "author": {"id": "5", "uniqueId": "maker", "nickname": "Maker", "secUid": "MS4x"},
        "authorStats": {"followerCount": 1200, "heartCount": 5, "videoCount": 3},
        "stats": {"playCount": views, "diggCount": views // 10},
        "statsV2": {"playCount": str(views), "diggCount": str(views // 10)},
    }


DAY_ONE = datetime(2026, 2, 1, tzinfo=UTC)
ITEMS = [_item(n, DAY_ONE + timedelta(hours=7 * n), 1_000 * (n + 1)) for n in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One recording of each kind, one of them twice removed from the top, and something else."""
    challenge = {"id": "77", "title": "Glow", "desc": ""}
    stats = {"videoCount": "0", "viewCount": "123"}
    listing = {
        "challengeDetail": {"challengeInfo": {"challenge": challenge, "statsV2": stats}},
        "itemListPages": [{"itemList": ITEMS[20:]}, {"itemList": ITEMS[:20]}],
    }
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "glow.json.gz").write_bytes(gzip.compress(json.dumps(listing).encode()))
    (tmp_path / "views.csv").write_text(
        "tag,observed_at,view_count\nDew,2026-02-03 00:00:00,500\nDew,2026-02-02 00:00:00,400\n"
    )
    for n, (at, views) in enumerate((("2026-02-01T06:00:00Z", 10), ("2026-02-05T06:00:00Z", 20))):
        data = {"challengeInfo": {"challenge": {"id": "9", "title": "Live"}, "n": views}}
        _capture(tmp_path / f"{n}.json", "hashtag", {"hashtag_name": "live"}, at, {"data": data})
    _capture(
        tmp_path / "x.json", "video", {"video_id": "4"}, "2026-02-01T00:00:00Z",
        {"error": "gone", "credits_used": 1, "credits_remaining": 3}, status=404,
    )  # fmt: skip
    _capture(
        tmp_path / "y.json", "video", {"video_id": "5"}, "2026-02-01T00:00:00Z",
        {"base64": "PGh0bWw+"}, headers={"content-type": "text/html"},
    )  # fmt: skip
    (tmp_path / "notes.txt").write_text("not a recording")
    return tmp_path


def _capture(path: Path, endpoint: str, request: Any, at: str, body: Any, **extra: Any) -> None:
    exchange = {
        "endpoint": endpoint,
        "path": f"/api/v1/tiktok/{endpoint}",
        "request": request,
        "status": 200,
        "body": body,
        "recorded_at": at,
    }
    path.write_text(json.dumps(exchange | extra))


def _all_ids(api: Api, hashtag_id: str) -> list[str]:
    ids: list[str] = []
    cursor = "0"
    while True:
        page = api.tiktok("hashtag/videos", hashtag_id=hashtag_id, cursor=cursor, count=30).data
        ids += [item["id"] for item in page["itemList"]]
        assert isinstance(page["cursor"], str)
        cursor = page["cursor"]
        if not page["hasMore"]:
            return ids


@pytest.mark.parametrize("hours", [-1, 0, 6, 7, 100, 1_000])
def test_videos_appear_when_they_were_made_in_the_recorded_order(
    serve: Serve, folder: Path, hours: int
) -> None:
    at = DAY_ONE + timedelta(hours=hours)
    api = serve(Replay(folder), at=at)
    recorded = ITEMS[20:] + ITEMS[:20]
    assert _all_ids(api, "77") == [
        item["id"] for item in recorded if item["createTime"] <= at.timestamp()
    ]


def test_totals_are_as_recorded_or_summed_over_what_is_revealed(serve: Serve, folder: Path) -> None:
    at = DAY_ONE + timedelta(hours=15)
    recorded = serve(Replay(folder), at=at).tiktok("hashtag", hashtag_name="GLOW").data
    assert recorded["challengeInfo"]["statsV2"]["viewCount"] == "123"
    summed = serve(Replay(folder, summed_totals=True), at=at).tiktok("hashtag", hashtag_id="77")
    assert summed.data["challengeInfo"]["statsV2"] == {"videoCount": "3", "viewCount": "6000"}


@pytest.mark.parametrize(("day", "views"), [(1, None), (2, 400), (2.9, 400), (3, 500), (30, 500)])
def test_counters_say_their_last_observation(
    serve: Serve, folder: Path, day: float, views: int | None
) -> None:
    api = serve(Replay(folder), at=DAY_ONE + timedelta(days=day - 1))
    info = api.tiktok("hashtag", hashtag_name="dew").data["challengeInfo"]
    assert info.get("stats", {}).get("viewCount") == views
    if info:
        assert api.tiktok("hashtag", hashtag_id=info["challenge"]["id"]).data == {
            "challengeInfo": info, "statusCode": 0
        }  # fmt: skip


def test_exchanges_come_by_time_and_by_id_as_well(serve: Serve, folder: Path) -> None:
    api = serve(Replay(folder), at=DAY_ONE)
    assert api.tiktok("hashtag", hashtag_name="live").data["challengeInfo"] == {}
    for hours, expected in ((6, 10), (95, 10), (102, 20), (999, 20)):
        api.server.sim_clock.set(DAY_ONE + timedelta(hours=hours))
        for request in ({"hashtag_name": "live"}, {"hashtag_name": "LIVE"}, {"hashtag_id": "9"}):
            assert api.tiktok("hashtag", **request).data["challengeInfo"]["n"] == expected


def test_exchanges_can_come_one_after_the_other(serve: Serve, folder: Path) -> None:
    api = serve(Replay(folder, sequential=True), at=DAY_ONE)
    got = [api.tiktok("hashtag", hashtag_name="live").data["challengeInfo"]["n"] for _ in range(3)]
    assert got == [10, 20, 20]


def test_recorded_failures_are_failures_again(serve: Serve, folder: Path) -> None:
    api = serve(Replay(folder), at=DAY_ONE, credits=50)
    gone = api.tiktok("video", video_id="4")
    assert (gone.status, gone.json["credits_remaining"]) == (404, 49)
    html = api.tiktok("video", video_id="5")
    assert (html.status, html.body, html.headers["Content-Type"]) == (200, b"<html>", "text/html")


def test_search_people_and_single_videos(serve: Serve, folder: Path) -> None:
    api = serve(Replay(folder), at=DAY_ONE + timedelta(days=10))
    found = api.tiktok("search/videos", keyword="glow", publish_time="1", sort_type="1").data
    since = (DAY_ONE + timedelta(days=9)).timestamp()
    assert [item["id"] for item in found["itemList"]] == [
        item["id"] for item in reversed(ITEMS) if since <= item["createTime"] <= since + 86_400
    ]
    user = api.tiktok("profile", username="maker").data["user"]
    assert (user["sec_uid"], user["follower_count"]) == ("MS4x", 1200)
    assert api.tiktok("profile", sec_user_id="MS4x").data["user"] == user
    detail = api.tiktok("video", video_id=ITEMS[3]["id"]).data
    assert detail["itemInfo"]["itemStruct"] == ITEMS[3]
    assert api.tiktok("video", video_id=ITEMS[39]["id"]).status == 404
    assert api.tiktok("profile", username="nobody").status == 404


def test_what_cannot_be_replayed_is_said(tmp_path: Path, folder: Path) -> None:
    assert [path.name for path in Replay(folder).skipped] == ["notes.txt"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="holds nothing"):
        Replay(empty)
    with pytest.raises(ConfigError, match="no folder"):
        Replay(tmp_path / "nowhere")
    (empty / "bad.json").write_text("{")
    with pytest.raises(ConfigError, match=r"bad\.json"):
        Replay(empty)


# --- real recordings ------------------------------------------------------------------------------


def test_the_real_campaign_day_by_day(serve: Serve, shared_data: Path) -> None:
    source = shared_data / "replay_campaign"
    api = serve(Replay(source), at=datetime(2020, 5, 20, tzinfo=UTC), credits=10_000)
    for path in sorted(source.glob("*.json.gz")):
        raw = json.loads(gzip.decompress(path.read_bytes()))
        challenge = raw["challengeDetail"]["challengeInfo"]["challenge"]
        items = [item for page in raw["itemListPages"] for item in page["itemList"]]
        assert api.tiktok("hashtag", hashtag_name=challenge["title"]).data == raw["challengeDetail"]
        for day in (datetime(2020, 5, 28, tzinfo=UTC), datetime(2020, 6, 1, 12, tzinfo=UTC)):
            api.server.sim_clock.set(day)
            expected = [item["id"] for item in items if item["createTime"] <= day.timestamp()]
            assert 20 < len(expected) < len(items)
            assert _all_ids(api, challenge["id"]) == expected
    api.server.sim_clock.set(datetime(2021, 1, 1, tzinfo=UTC))
    assert len(_all_ids(api, challenge["id"])) == len(items)


def test_the_real_hashtags_and_campaign_hours(serve: Serve, shared_data: Path) -> None:
    many = serve(Replay(shared_data / "replay_hashtags"), credits=10_000)
    comedy = many.tiktok("hashtag", hashtag_name="comedy").data["challengeInfo"]
    assert comedy["statsV2"]["viewCount"] == "1665800000000"
    path = shared_data / "campaign_views_hourly" / "campaign_hashtags_hourly.csv"
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["challenge_name"] == "Soccer"]
    hourly = serve(Replay(path.parent))
    for row in rows[:: len(rows) // 7]:
        at = datetime.fromisoformat(row["observed_at"])
        past = [r for r in rows if datetime.fromisoformat(r["observed_at"]) <= at]
        newest = max(past, key=lambda r: datetime.fromisoformat(r["observed_at"]))
        hourly.server.sim_clock.set(at)
        info = hourly.tiktok("hashtag", hashtag_name="soccer").data["challengeInfo"]
        assert info["challenge"]["id"] == row["challenge_id"]
        assert info["stats"]["viewCount"] == int(newest["views"])


def test_four_years_of_real_counters(serve: Serve, shared_data: Path) -> None:
    api = serve(Replay(shared_data / "hashtag_views_3h"), at=datetime(2025, 3, 1, tzinfo=UTC))
    info = api.tiktok("hashtag", hashtag_name="forwhomthebelletolls").data["challengeInfo"]
    assert 861_500 <= info["stats"]["viewCount"] <= 13_300_000
    api.server.sim_clock.set(datetime(2024, 12, 1, tzinfo=UTC))
    early = api.tiktok("hashtag", hashtag_name="forwhomthebelletolls").data["challengeInfo"]
    assert early == {}
