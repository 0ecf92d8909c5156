"""What the recorded payloads say, worked out a second time and in the plainest way.

Shares no code with tagtide: json, gzip, csv and statistics only, so that a figure on which both
agree rests on two readings of the files. Run it to see the figures:

    python tests/real_input/independent.py FOLDER
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any, NamedTuple

Item = dict[str, Any]


class Listing(NamedTuple):
    """One recorded hashtag."""

    hashtag_id: str
    title: str
    views: int
    items: list[Item]


# --- hashtags with their videos -------------------------------------------------------------------


def listings(folder: Path) -> dict[str, Listing]:
    """Every hashtag of a folder by its name."""
    found = {}
    for path in sorted(folder.glob("*.json.gz")):
        with gzip.open(path) as file:
            raw = json.load(file)
        info = raw["challengeDetail"]["challengeInfo"]
        items = [item for page in raw["itemListPages"] for item in page["itemList"]]
        challenge = info["challenge"]
        views = int(info["statsV2"]["viewCount"])
        found[challenge["title"]] = Listing(challenge["id"], challenge["title"], views, items)
    return found


def held(tags: dict[str, Listing], until: datetime | None = None) -> dict[str, Item]:
    """Videos by id, each once however many hashtags it stands under, made up to an instant."""
    last = until.timestamp() if until else float("inf")
    return {
        item["id"]: item
        for listing in tags.values()
        for item in listing.items
        if item["createTime"] <= last
    }


def listed_twice(tags: dict[str, Listing]) -> int:
    """Videos that stand under more than one hashtag."""
    under = Counter(vid for t in tags.values() for vid in {item["id"] for item in t.items})
    return sum(times > 1 for times in under.values())


def counter(item: Item, name: str) -> int:
    return int(item["statsV2"][name])


def engagement(item: Item) -> int:
    return sum(counter(item, name) for name in ("diggCount", "commentCount", "shareCount"))


def figures(videos: dict[str, Item]) -> dict[str, Any]:
    """Totals, means, rates and quantiles, under the names of the report's JSON."""
    items = list(videos.values())
    views = sum(counter(i, "playCount") for i in items)
    total = sum(engagement(i) for i in items)
    rates = [engagement(i) / counter(i, "playCount") for i in items if counter(i, "playCount")]
    cuts = quantiles(rates, n=20, method="inclusive")
    return {
        "total_videos": len(items),
        "unique_creators": len({i["author"]["secUid"] for i in items}),
        "total_views": views,
        "total_likes": sum(counter(i, "diggCount") for i in items),
        "total_comments": sum(counter(i, "commentCount") for i in items),
        "total_shares": sum(counter(i, "shareCount") for i in items),
        "total_engagement": total,
        "avg_views": views / len(items),
        "avg_engagement": total / len(items),
        "avg_engagement_rate": mean(rates),
        "median_engagement_rate": median(rates),
        "pooled_engagement_rate": total / views,
        "quantiles": {f"p{5 * (n + 1)}": cuts[n] for n in (1, 4, 9, 14, 17)},
    }


def histogram(videos: dict[str, Item], edges: list[float]) -> list[int]:
    """Videos per bin of the engagement rate; the last bin is open."""
    counts = [0] * len(edges)
    for item in videos.values():
        rate = engagement(item) / counter(item, "playCount")
        counts[max(place for place, edge in enumerate(edges) if rate >= edge)] += 1
    return counts


def high_priority(videos: dict[str, Item], rate: float = 0.05, views: int = 10_000) -> set[str]:
    return {
        vid
        for vid, item in videos.items()
        if counter(item, "playCount") >= views
        and engagement(item) >= rate * counter(item, "playCount")
    }


def viral(videos: dict[str, Item], factor: float = 10.0) -> set[str]:
    """Videos with more than ``factor`` times the mean of the others, by views or engagement."""
    found = set()
    for size in (lambda i: counter(i, "playCount"), engagement):
        total = sum(size(item) for item in videos.values())
        for vid, item in videos.items():
            if size(item) > factor * (total - size(item)) / (len(videos) - 1):
                found.add(vid)
    return found


def top(videos: dict[str, Item], size: Any, count: int = 5) -> list[str]:
    return sorted(videos, key=lambda vid: -size(videos[vid]))[:count]


def top_creators(videos: dict[str, Item], count: int = 5) -> list[tuple[str, int]]:
    """Handles with the views of their videos, most first."""
    views: Counter[str] = Counter()
    for item in videos.values():
        views[item["author"]["uniqueId"]] += counter(item, "playCount")
    return views.most_common(count)


def made_per_day(videos: dict[str, Item]) -> Counter[datetime]:
    """Videos per UTC day of their creation."""
    return Counter(
        datetime.fromtimestamp(i["createTime"], UTC).replace(hour=0, minute=0, second=0)
        for i in videos.values()
    )


def densest_run(videos: dict[str, Item], days: int) -> datetime:
    """First of the consecutive days in which most videos were made."""
    per_day = made_per_day(videos)
    return max(
        sorted(per_day), key=lambda day: sum(per_day[day + timedelta(days=n)] for n in range(days))
    )


# --- counters over time ---------------------------------------------------------------------------


def series(path: Path) -> dict[str, list[tuple[datetime, int]]]:
    """Observations by hashtag, oldest first."""
    found: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["observed_at"])
            found[row["challenge_name"].lower()].append((at, int(row["views"])))
    return {name: sorted(points) for name, points in found.items()}


def whole_hours(points: list[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """What is read on the hour: the newest observation, in hours that brought one."""
    by_hour = {}
    for at, views in points:
        hour = at.replace(minute=0, second=0, microsecond=0)
        by_hour[hour if hour == at else hour + timedelta(hours=1)] = views
    return sorted(by_hour.items())


class Step(NamedTuple):
    """Change between two readings, in hours that really passed."""

    at: datetime
    since: datetime
    hours: float
    before: int
    delta: int

    @property
    def per_hour(self) -> float:
        return self.delta / self.hours


def step(read: list[tuple[datetime, int]], place: int, window: float = 6.0) -> Step | None:
    """The change up to one reading since the one nearest to a window before.

    Where none lies within half a window of that, since the latest earlier one.
    """
    at, views = read[place]
    wanted, slack = at - timedelta(hours=window), timedelta(hours=window / 2)
    earlier = read[:place]
    if not earlier:
        return None
    near = [point for point in earlier if abs(point[0] - wanted) <= slack]
    since, before = min(near, key=lambda point: abs(point[0] - wanted)) if near else earlier[-1]
    return Step(at, since, (at - since).total_seconds() / 3600, before, views - before)


def rounding(value: int) -> int:
    """Step in which TikTok shows a number of this size."""
    for limit, unit in ((10_000, 1), (1_000_000, 100), (1_000_000_000, 100_000)):
        if value < limit:
            return unit
    return 100_000_000


def surely_grew(change: Step, share: float = 0.5, window: float = 6.0) -> bool:
    """Whether views grew by more than a share per window whatever was lost to rounding."""
    views = change.before + change.delta
    sure = change.delta - max(rounding(change.before), rounding(views)) + 1
    return change.before >= 10_000 and sure / change.before > share * max(1, change.hours / window)


def episodes(gained: list[tuple[datetime, int]], bar: float) -> list[datetime]:
    """When a bar is first passed, again only after a value below half of it."""
    opened, is_open = [], False
    for at, value in gained:
        if value >= bar and not is_open:
            opened.append(at)
            is_open = True
        is_open = is_open and value >= bar / 2
    return opened


# --- by hand --------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    for name in ("replay_campaign", "replay_hashtags"):
        tags = listings(folder / name)
        videos = held(tags)
        print(f"{name}: {len(tags)} hashtags, {listed_twice(tags)} videos under several")
        for key, value in figures(videos).items():
            print(f"  {key}: {value}")
        print(f"  high priority: {len(high_priority(videos))}, viral: {len(viral(videos))}")
    for tag, points in series(
        folder / "campaign_views_hourly/campaign_hashtags_hourly.csv"
    ).items():
        read = whole_hours(points)
        steps = [found for n in range(len(read)) if (found := step(read, n))]
        fast = max(steps, key=lambda found: found.per_hour)
        falls = sum(b[1] < a[1] for a, b in itertools.pairwise(read))
        print(f"{tag}: {len(points)} observed, {len(read)} hours, {falls} falls, "
              f"{sum(map(surely_grew, steps))} hours above +50 %, "
              f"fastest {fast.per_hour:,.0f} an hour")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
