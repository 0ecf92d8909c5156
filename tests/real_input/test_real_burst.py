"""Ten days of a real campaign, collected day by day, against figures worked out independently."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import independent
import pytest
from replaying import Watch, replaying, watching

from tagtide.models import AlertState, Campaign, Rule, RuleSettings, Status
from tagtide.services.report import report_campaign, report_daily, report_weekly
from tagtide.services.track import TrackedHashtag, TrackResult

DAY, SLOT = timedelta(days=1), timedelta(hours=6)
#: Videos per slot; the default of 200 is never reached by what these files hold.
THRESHOLD = 50
#: The reports round for people: rates to six digits, means to two.
RATE, MEAN = 1e-6, 0.01


@dataclass(frozen=True)
class Day:
    """What one midnight brought."""

    at: datetime
    seen: int
    new: int
    daily: dict[str, Any]
    #: Videos whose viral alert is firing.
    firing: set[str | None]


async def lived(
    folder: Path, source: Path, start: datetime, days: int
) -> tuple[list[Day], dict[str, dict[str, Any]]]:
    """Collect at each midnight, report, and make the three reports at the end."""
    with replaying(source, start, "--credits", "100000") as server:
        async with watching(folder, server.url, start, server) as watch:
            tags = sorted(independent.listings(source))
            campaign = await watch.add("burst", tags, page_budget=100)
            lives = [await _day(watch, campaign, start + n * DAY) for n in range(days + 1)]
            context = watch.app.context
            made = {
                "campaign": (await report_campaign(context, campaign)).as_dict(),
                "daily": (await report_daily(context, campaign)).as_dict(),
                "weekly": (await report_weekly(context, campaign)).as_dict(),
            }
            return lives, made


async def _day(watch: Watch, campaign: Campaign, at: datetime) -> Day:
    watch.set_clock(at)
    result = await watch.collect(campaign)
    assert result.status is Status.OK, result.outcomes
    report = await report_daily(watch.app.context, campaign)
    return Day(
        at,
        sum(o.videos_seen for o in result.outcomes),
        sum(o.videos_new for o in result.outcomes),
        report.as_dict(),
        {alert.video_id for alert in await watch.app.store.firing(campaign.campaign_id)},
    )


def check(stated: dict[str, Any], videos: dict[str, independent.Item]) -> None:
    """One report against the files."""
    expected = independent.figures(videos)
    for name in (
        "total_videos", "unique_creators", "total_views", "total_likes", "total_comments",
        "total_shares", "total_engagement",
    ):  # fmt: skip
        assert stated[name] == expected[name], name
    assert stated["total_saves"] is None, "the files say nothing about saves"
    for name in ("avg_views", "avg_engagement"):
        assert stated[name] == pytest.approx(expected[name], abs=MEAN)
    for name in ("avg_engagement_rate", "median_engagement_rate", "pooled_engagement_rate"):
        assert stated[name] == pytest.approx(expected[name], abs=RATE)
    distribution = stated["engagement_rate_distribution"]
    assert distribution["quantiles"] == pytest.approx(expected["quantiles"], abs=RATE)
    bins = distribution["histogram"]
    assert [b["videos"] for b in bins] == independent.histogram(videos, [b["from"] for b in bins])
    assert {v["video_id"] for v in stated["high_priority"]} == independent.high_priority(videos)
    assert {v["video_id"] for v in stated["viral_videos"]} == independent.viral(videos)
    _check_rankings(stated, videos)


def _check_rankings(stated: dict[str, Any], videos: dict[str, independent.Item]) -> None:
    top = [v["engagement"] for v in stated["top_videos"]]
    assert top == [
        independent.engagement(videos[vid])
        for vid in independent.top(videos, independent.engagement)
    ]
    creators = [(c["author_username"], c["total_views"]) for c in stated["top_creators"]]
    assert creators == independent.top_creators(videos)
    followers = {c["author_username"]: c["author_followers"] for c in stated["top_creators"]}
    for item in videos.values():
        assert followers.get(item["author"]["uniqueId"], 1) is not None


def check_days(source: Path, folder: Path, days: int) -> list[Day]:
    tags = independent.listings(source)
    start = independent.densest_run(independent.held(tags), 10)
    lives, made = asyncio.run(lived(folder, source, start, days))
    per_day = independent.made_per_day(independent.held(tags))
    for before, day in zip([None, *lives], lives, strict=False):
        videos = independent.held(tags, day.at)
        assert day.seen == len(videos)
        check(day.daily, videos)
        # An episode lasts until its video is below half the bar, so that more may be firing.
        assert day.firing <= independent.viral(videos, factor=5)
        # What has had months to gather its views is large, and no news.
        quiet = independent.viral(videos) - day.firing
        assert all(videos[vid]["createTime"] < (day.at - 30 * DAY).timestamp() for vid in quiet)
        assert len(quiet) <= 2
        if before is None:
            assert day.new == len(videos)
            continue
        assert day.new == day.daily["new_videos_24h"] == per_day[before.at]
        # The files hold each video's counters once, so that nothing may seem to grow.
        assert day.daily["view_growth_24h"] == 0
        assert day.daily["view_growth_videos"] == before.seen
        assert day.daily["compared_with"]["hours"] == 24.0
        assert day.daily["since_report"]["total_videos"] == per_day[before.at]
    check(made["campaign"], independent.held(tags, lives[-1].at))
    assert {h["hashtag"] for h in made["weekly"]["hashtags"]} == set(tags)
    for line in made["weekly"]["hashtags"]:
        assert line["anomaly"] == "not_enough_history"
        mine = independent.held({"": tags[line["hashtag"]]}, lives[-1].at)
        assert line["engagement"] == sum(map(independent.engagement, mine.values()))
        if days >= 7:
            # The earlier reading lies within half a week of the instant a week ago.
            both = independent.held({"": tags[line["hashtag"]]}, lives[-1].at - 4 * DAY)
            assert line["engagement_videos"] == len(both)
    return lives


async def tracked(folder: Path, source: Path, start: datetime, slots: int) -> list[TrackResult]:
    """Track every six hours, with the sums over the videos so far as the hashtags' totals."""
    with replaying(source, start, "--summed-totals") as server:
        async with watching(folder, server.url, start, server) as watch:
            tags = sorted(independent.listings(source))
            # Each time the bar is passed is an episode of its own, as the files are counted.
            rules = RuleSettings(new_videos=THRESHOLD, reopen_hours=0)
            campaign = await watch.add("burst", tags, rules=rules)
            results = []
            for n in range(slots + 1):
                watch.set_clock(start + n * SLOT)
                results.append(await watch.track(campaign))
            return results


def check_slots(source: Path, folder: Path, slots: int) -> list[tuple[str, datetime]]:
    """New videos per slot are those the files hold, and rule A fires where they pass its bar."""
    tags = independent.listings(source)
    start = independent.densest_run(independent.held(tags), 10)
    results = asyncio.run(tracked(folder, source, start, slots))
    gained: dict[str, list[tuple[datetime, int]]] = {name: [] for name in tags}
    opened = []
    for n, result in enumerate(results):
        at = start + n * SLOT
        for line in result.hashtags:
            mine = {line.outcome.hashtag: tags[line.outcome.hashtag]}
            now, then = independent.held(mine, at), independent.held(mine, at - SLOT)
            gained[line.outcome.hashtag].append((at, len(now) - len(then)))
            _check_slot(line, now, len(now) - len(then) if n else None)
        opened += [
            (str(a.hashtag), a.opened_at)
            for a in result.alerts
            if a.rule is Rule.NEW_VIDEOS and a.state is AlertState.FIRING and a.opened_at == at
        ]
    expected = [
        (name, at)
        for name, slot in gained.items()
        for at in independent.episodes(slot[1:], THRESHOLD)
    ]
    assert sorted(opened) == sorted(expected)
    return sorted(opened, key=lambda found: found[1])


def _check_slot(line: TrackedHashtag, now: dict[str, independent.Item], gained: int | None) -> None:
    assert line.reading is not None
    assert line.change is not None
    assert line.reading.video_count == len(now)
    assert line.reading.view_count == independent.figures(now)["total_views"]
    assert line.change.new_videos == gained
    if gained is not None:
        assert line.change.elapsed_hours == 6.0
        assert line.change.videos_per_hour == pytest.approx(gained / 6)


@pytest.mark.prove
def test_new_videos_every_six_hours(shared_data: Path, tmp_path: Path) -> None:
    found = check_slots(shared_data / "replay_campaign", tmp_path, 40)
    assert [(tag, f"{at:%d %b}") for tag, at in found] == [
        ("justiceforgeorgefloyd", "29 May"),
        ("justiceforgeorgefloyd", "30 May"),
        ("justiceforgeorgefloyd", "31 May"),
        ("blacklivesmatter", "02 Jun"),
        ("justiceforgeorgefloyd", "03 Jun"),
        ("justiceforgeorgefloyd", "04 Jun"),
    ]


def test_three_days_of_the_burst(shared_data: Path, tmp_path: Path) -> None:
    lives = check_days(shared_data / "replay_campaign", tmp_path, 3)
    assert lives[0].at == datetime(2020, 5, 28, tzinfo=UTC)


@pytest.mark.prove
def test_ten_days_of_the_burst(shared_data: Path, tmp_path: Path) -> None:
    lives = check_days(shared_data / "replay_campaign", tmp_path, 10)
    assert sum(day.new for day in lives) == lives[-1].daily["total_videos"]
