"""39 real hashtags through the command line: the installed program against independent figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import independent
import pytest
from replaying import config, replaying

NOW = datetime(2023, 1, 1, tzinfo=UTC)
#: One video was recorded under two hashtags with 100 shares between the two sightings; which of
#: the sightings is the later one depends on which answer came first.
SHARES_BETWEEN_SIGHTINGS = 100


def said(folder: Path, source: Path) -> dict[str, Any]:
    """What the command printed, as JSON; the other formats are read by people."""
    with replaying(source, NOW) as server:
        path = config(folder, server.url)

        def run(*words: str) -> str:
            return _tagtide(folder, path, *words)

        tags = [f"--hashtag={name}" for name in independent.listings(source)]
        run("campaign", "add", "many", *tags, "--timezone", "Europe/Paris")
        found: dict[str, Any] = {
            name: json.loads(run(name, "--json")) for name in ("collect", "track")
        }
    for kind in ("daily", "weekly"):
        found[kind] = json.loads(run("report", kind, "--json"))
    found["weekly.text"] = run("report", "weekly")
    return found


def _tagtide(folder: Path, path: Path, *words: str) -> str:
    command = [sys.executable, "-m", "tagtide", "--config", str(path), *words]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("TAGTIDE_", "SCAVIO_"))}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environ, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def test_39_hashtags_through_the_command_line(shared_data: Path, tmp_path: Path) -> None:
    # One test, so that the store is made once.
    source = shared_data / "replay_hashtags"
    stated, tags = said(tmp_path, source), independent.listings(source)
    check_that_a_video_counts_once(stated, tags)
    check_the_tracked_totals(stated, tags)
    check_the_daily_report(stated, tags)
    check_what_each_video_stands_under(stated, tags)
    check_that_the_weekly_report_claims_no_change(stated, tags)


def check_that_a_video_counts_once(
    stated: dict[str, Any], tags: dict[str, independent.Listing]
) -> None:
    first = stated["collect"]
    assert len(first["hashtags"]) == len(tags) == 39
    for line in first["hashtags"]:
        listing = tags[line["hashtag"]]
        assert (line["status"], line["videos_seen"]) == ("ok", len(listing.items))
    videos = independent.held(tags)
    sightings = sum(len(listing.items) for listing in tags.values())
    assert independent.listed_twice(tags) == 35
    assert sum(line["videos_seen"] for line in first["hashtags"]) == sightings == 780
    assert sum(line["videos_new"] for line in first["hashtags"]) == len(videos) == 741
    assert sum(line["new_views"] for line in first["hashtags"]) == sum(
        independent.counter(item, "playCount") for item in videos.values()
    )
    assert {v["video_id"] for v in first["high_priority"]} == independent.high_priority(videos)
    # Once for the id, once for the page.
    assert first["credits_used"] == 78


def check_the_tracked_totals(stated: dict[str, Any], tags: dict[str, independent.Listing]) -> None:
    for line in stated["track"]["readings"]:
        listing = tags[line["hashtag"]]
        assert (line["hashtag_id"], line["view_count"]) == (listing.hashtag_id, listing.views)
        assert line["view_source"] == "statsV2"
        assert (line["new_views"], line["views_per_hour"]) == (0, 0)
        # "0" in every file, which is no count of videos.
        assert (line["video_count"], line["new_videos"]) == (None, None)
    assert stated["track"]["alerts"] == []


def check_the_daily_report(stated: dict[str, Any], tags: dict[str, independent.Listing]) -> None:
    report, videos = stated["daily"], independent.held(tags)
    expected = independent.figures(videos)
    for name in ("total_videos", "unique_creators", "total_views", "total_likes", "total_comments"):
        assert report[name] == expected[name], name
    for name in ("total_shares", "total_engagement"):
        assert abs(report[name] - expected[name]) in {0, SHARES_BETWEEN_SIGHTINGS}
    for name in ("avg_engagement_rate", "median_engagement_rate", "pooled_engagement_rate"):
        assert report[name] == pytest.approx(expected[name], abs=1e-6)
    quantiles = report["engagement_rate_distribution"]["quantiles"]
    assert quantiles == pytest.approx(expected["quantiles"], abs=1e-6)
    assert {h["hashtag"]: h["view_count"] for h in report["hashtags"]} == {
        name: listing.views for name, listing in tags.items()
    }
    assert report["viral_videos"] == []
    assert report["top_creators"][0]["total_views"] == independent.top_creators(videos, 1)[0][1]
    # Everything was read for the first time within this minute: nothing is a day old.
    assert report["new_videos_24h"] == len(videos)
    assert report["compared_with"] is None


def check_what_each_video_stands_under(
    stated: dict[str, Any], tags: dict[str, independent.Listing]
) -> None:
    under: dict[str, set[str]] = {}
    for name, listing in tags.items():
        for item in listing.items:
            under.setdefault(item["id"], set()).add(name)
    assert {v["video_id"]: set(v["hashtags"]) for v in stated["daily"]["videos"]} == under


def check_that_the_weekly_report_claims_no_change(
    stated: dict[str, Any], tags: dict[str, independent.Listing]
) -> None:
    lines = stated["weekly"]["hashtags"]
    assert [line["hashtag"] for line in lines] == sorted(
        tags, key=lambda name: (-tags[name].views, name)
    )
    assert {line["anomaly"] for line in lines} == {"not_enough_history"}
    # The two readings lie seconds apart.
    assert "this week is not known" in stated["weekly.text"]
    assert [name for name in tags if f"#{name[:14]}" not in stated["weekly.text"]] == []
