"""One figure is one figure: in the report, in JSON, on the page, in the workbook, over the export.

The demo's world as a user gets it. What is expected is added up here from the exported rows alone,
with the standard library, and not with anything of tagtide's.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from live import live
from tagtide.cli import main
from workbook_reader import ReadBook, read_workbook

OWN = ("lumenglow", "mylumen", "lumenroutine")
RIVALS = ("velvaskin", "auradew")
DAY = timedelta(days=1)
COUNTERS = ("view_count", "like_count", "comment_count", "share_count", "save_count")
#: As docs/reports.md has them: per view, like, comment, share.
CARDS = {
    "views and each engagement": (0.00689, 0.09, 3.52, 1.72),
    "views and engagement": (0.01, 0.15, 0.15, 0.15),
    "engagement alone": (0, 0.08, 0.08, 0.08),
    "views at 10 per thousand": (0.01, 0, 0, 0),
    "views at 20 per thousand": (0.02, 0, 0, 0),
}

Row = dict[str, str]


@dataclass(frozen=True)
class Told:
    """Everything that the demo's world is told as."""

    campaign: dict[str, Any]
    daily: dict[str, Any]
    weekly: dict[str, Any]
    wrapup: dict[str, Any]
    #: Of the one with most views.
    creator: dict[str, Any]
    text: str
    html: str
    book: ReadBook
    videos: list[Row]
    readings: list[Row]
    #: Answers of the API by path, and pages.
    answers: dict[str, Any]
    page: str

    @property
    def as_of(self) -> datetime:
        return instant(self.campaign["as_of"])

    def hashtag(self, name: str) -> list[Row]:
        """Readings of its totals, in order of time."""
        found = [r for r in self.readings if r["subject"] == "hashtag" and r["hashtag"] == name]
        return sorted(found, key=lambda row: row["read_at"])

    def reading_near(self, name: str, at: datetime) -> Row:
        """The reading nearest to an instant, but for the newest."""
        return min(self.hashtag(name)[:-1], key=lambda row: abs(instant(row["read_at"]) - at))


@pytest.fixture(scope="module", params=[3, pytest.param(9, marks=pytest.mark.prove)])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """So many days of it: a week of hashtags needs more, and takes its time."""
    folder = tmp_path_factory.mktemp("figures")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("TAGTIDE_CONFIG", "TAGTIDE_DATABASE_URL", "TAGTIDE_API_URL"):
            patch.delenv(name, raising=False)
        run("demo", "--once", "--days", str(request.param))
        config = ("--config", "tagtide-demo/tagtide.toml")
        run(*config, "report", "campaign", "--output", "campaign.xlsx")
        run(*config, "report", "campaign", "--output", "campaign.html")
        exports = [
            list(csv.DictReader(io.StringIO(run(*config, "export", kind, "--format", "csv"))))
            for kind in ("videos", "readings")
        ]
        reports = [
            json.loads(run(*config, "report", kind, "--json"))
            for kind in ("campaign", "daily", "weekly", "wrapup")
        ]
        best = f"@{reports[0]['top_creators'][0]['author_username']}"
        reports.append(json.loads(run(*config, "report", "creator", best, "--json")))
        text = run(*config, "report", "campaign")
        with live(folder / "tagtide-demo") as address, httpx2.Client(base_url=address) as client:
            answers = {
                path: client.get(f"/api/v1/campaigns/1/{path}").json()
                for path in (
                    "overview?period=28d",
                    "content?period=28d",
                    "hashtags?period=24h",
                    "weekly",
                )
            }
            page = client.get("/campaigns/1/content?period=28d").text
        yield Told(
            *reports,
            text=text,
            html=Path("campaign.html").read_text(encoding="utf-8"),
            book=read_workbook(Path("campaign.xlsx").read_bytes()),
            videos=exports[0],
            readings=exports[1],
            answers=answers,
            page=page,
        )


def run(*words: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    assert code == 0, err.getvalue()
    return out.getvalue()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def total(rows: list[Row], *counters: str) -> int:
    return sum(int(row[counter]) for row in rows for counter in counters)


# --- what was read --------------------------------------------------------------------------------


def test_totals(told: Told) -> None:
    rows, report = told.videos, told.campaign
    expected = {
        "total_videos": len(rows),
        "unique_creators": len({row["author_sec_uid"] for row in rows}),
        "total_views": total(rows, "view_count"),
        "total_likes": total(rows, "like_count"),
        "total_comments": total(rows, "comment_count"),
        "total_shares": total(rows, "share_count"),
        "total_saves": total(rows, "save_count"),
        "total_engagement": total(rows, "like_count", "comment_count", "share_count"),
    }
    assert expected["total_videos"] > 300
    assert {name: report[name] for name in expected} == expected
    assert {name: told.daily[name] for name in expected} == expected
    content = told.answers["content?period=28d"]["totals"]
    assert content["videos"] == expected["total_videos"]
    assert content["creators"] == expected["unique_creators"]
    for part in ("views", "likes", "comments", "shares", "saves", "engagement"):
        assert content[part]["total"] == expected[f"total_{part}"]
    summary = told.book.sheets["Summary"].cells
    figures = {str(summary[row, 0]): summary.get((row, 1)) for row, column in summary if not column}
    assert figures["Videos"] == expected["total_videos"]
    for word in ("Creators", "Views", "Likes", "Comments", "Shares", "Saves", "Engagement"):
        name = "unique_creators" if word == "Creators" else f"total_{word.lower()}"
        assert figures[word] == expected[name]


def test_the_end_of_a_campaign(told: Told) -> None:
    """The whole time it has been watched; so many days of readings make no lift."""
    same = (
        *(name for name in told.campaign if name.startswith(("total_", "avg_", "pooled_"))),
        *("unique_creators", "rated_creators", "earned_media_value", "top_videos_by_views"),
    )
    for name in same:
        assert (
            told.wrapup[name][:5]
            if name.startswith("top_")
            else told.wrapup[name] == (told.campaign[name])
        ), name
    rows = {name: told.hashtag(name) for name in (*OWN, *RIVALS)}
    gained = {n: int(r[-1]["view_count"]) - int(r[0]["view_count"]) for n, r in rows.items()}
    assert told.wrapup["views_gained"] == sum(gained[name] for name in OWN)
    voice = told.wrapup["share_of_voice"]["views"]
    assert (voice["own"], voice["competitors"]) == (
        sum(gained[name] for name in OWN),
        sum(gained[name] for name in RIVALS),
    )
    days = {name: {row["read_at"][:10] for row in rows[name]} for name in rows}
    read = {one["hashtag"]: one["days_read"] for one in told.wrapup["coverage"]["hashtags"]}
    # Days of the campaign's zone, which may begin one day more than those in UTC.
    assert all(len(days[name]) <= read[name] <= len(days[name]) + 1 for name in rows)
    assert told.wrapup["lift"]["reason"] == "no_start"
    assert told.wrapup["credits_used"] == sum(s["credits"] for s in told.wrapup["spending"]) > 0


def test_one_creator(told: Told) -> None:
    theirs = [
        row for row in told.videos if row["author_username"] == told.creator["author_username"]
    ]
    assert told.creator["videos_held"] == len(theirs) > 0
    assert told.creator["total_views"] == total(theirs, "view_count")
    assert told.creator["total_engagement"] == total(
        theirs, "like_count", "comment_count", "share_count"
    )
    assert {v["video_id"]: v["view_count"] for v in told.creator["videos"]} == {
        row["video_id"]: int(row["view_count"]) for row in theirs
    }


def test_the_page_says_the_same_in_full(told: Told) -> None:
    said = dict(re.findall(r'<dt>(\w+)</dt><dd><span title="([\d,]+) · over', told.page))
    for word in ("Views", "Likes", "Comments", "Shares", "Saves"):
        assert int(said[word].replace(",", "")) == told.campaign[f"total_{word.lower()}"]


def test_rates(told: Told) -> None:
    rates = [
        total([row], "like_count", "comment_count", "share_count") / int(row["view_count"])
        for row in told.videos
        if int(row["view_count"])
    ]
    pooled = told.campaign["total_engagement"] / told.campaign["total_views"]
    assert told.campaign["avg_engagement_rate"] == pytest.approx(statistics.mean(rates), abs=1e-6)
    assert told.campaign["median_engagement_rate"] == pytest.approx(
        statistics.median(rates), abs=1e-6
    )
    assert told.campaign["pooled_engagement_rate"] == pytest.approx(pooled, abs=1e-6)
    content = told.answers["content?period=28d"]["totals"]["rates"]
    assert content["mean"] == pytest.approx(statistics.mean(rates))
    assert content["pooled"] == pytest.approx(pooled)
    for row, rate in zip(told.videos, rates, strict=True):
        assert float(row["engagement_rate"]) == pytest.approx(rate, abs=1e-6)


# --- what stands out ------------------------------------------------------------------------------


def test_viral_videos(told: Told) -> None:
    """Ten times the mean of the others, in views or in engagement."""

    def above(*counters: str) -> set[str]:
        values = {row["video_id"]: total([row], *counters) for row in told.videos}
        both, others = sum(values.values()), len(values) - 1
        return {name for name, value in values.items() if value > 10 * (both - value) / others}

    viral = above("view_count") | above("like_count", "comment_count", "share_count")
    assert viral
    assert {video["video_id"] for video in told.campaign["viral_videos"]} == viral


def test_order_of_videos_and_creators(told: Told) -> None:
    by_views = sorted(told.videos, key=lambda row: -int(row["view_count"]))
    top = [video["video_id"] for video in told.campaign["top_videos_by_views"]]
    assert top == [row["video_id"] for row in by_views[: len(top)]]
    page = [v["video_id"] for v in told.answers["content?period=28d"]["top_videos"]]
    assert page == [row["video_id"] for row in by_views[: len(page)]]
    views: Counter[str] = Counter()
    for row in told.videos:
        views[row["author_sec_uid"]] += int(row["view_count"])
    for rank, (creator, held) in enumerate(views.most_common(5)):
        line = told.campaign["top_creators"][rank]
        assert (line["author_sec_uid"], line["total_views"]) == (creator, held)
        assert told.campaign["rated_creators"][rank]["view_count"] == held


def test_high_priority(told: Told) -> None:
    marked = {row["video_id"] for row in told.videos if row["high_priority"] == "1"}
    assert marked
    assert {video["video_id"] for video in told.campaign["high_priority"]} == marked


# --- what changed ---------------------------------------------------------------------------------


def test_a_day_of_hashtags(told: Told) -> None:
    lines = {line["hashtag"]: line for line in told.campaign["hashtags"]}
    lines |= {line["hashtag"]: line for line in told.campaign["competitors"]}
    answer = told.answers["hashtags?period=24h"]
    since = instant(answer["period"]["since"])
    answers = {line["hashtag"]: line for line in answer["hashtags"]}
    assert set(lines) == set(answers) == {*OWN, *RIVALS}
    for name, line in lines.items():
        latest = told.hashtag(name)[-1]
        before = told.reading_near(name, instant(latest["read_at"]) - DAY)
        # A page begins with what was known when its period did, a report a day before its end.
        known = [row for row in told.hashtag(name) if instant(row["read_at"]) <= since][-1]
        assert instant(answers[name]["previous_at"]) == instant(known["read_at"])
        for counter, change, on_page in (
            ("view_count", "view_change", "new_views"),
            ("video_count", "video_change", "new_videos"),
        ):
            gained = int(latest[counter]) - int(before[counter])
            assert line[counter] == answers[name][counter] == int(latest[counter])
            assert answers[name][on_page] == int(latest[counter]) - int(known[counter])
            # Where TikTok took some away in that day, a report may not say what was gained; a page
            # shows the difference.
            if line[change] is None:
                levels = [int(row[counter]) for row in told.hashtag(name)]
                first = told.hashtag(name).index(before)
                falls = [n for n in range(1, len(levels)) if levels[n] < max(levels[:n])]
                assert falls
                assert max(falls) > first
            else:
                assert line[change] == gained


def test_a_week_of_hashtags(told: Told) -> None:
    rows = told.weekly["hashtags"]
    assert told.answers["weekly"]["hashtags"] == rows
    views = [row["view_count"] for row in rows]
    assert views == sorted(views, reverse=True)
    for row in rows:
        latest = told.hashtag(row["hashtag"])[-1]
        before = told.reading_near(row["hashtag"], instant(latest["read_at"]) - 7 * DAY)
        assert row["view_change"] == int(latest["view_count"]) - int(before["view_count"])
        assert row["video_change"] == int(latest["video_count"]) - int(before["video_count"])
        assert instant(row["previous_at"]) == instant(before["read_at"])


def test_growth_of_the_videos_read_at_both_ends(told: Told) -> None:
    """Over the readings nearest to a day ago, within half a day."""
    wished = told.as_of - DAY
    near: dict[str, Row] = {}
    for row in told.readings:
        away = abs(instant(row["read_at"]) - wished)
        if row["subject"] == "video" and away <= DAY / 2:
            kept = near.get(row["video_id"])
            if kept is None or away < abs(instant(kept["read_at"]) - wished):
                near[row["video_id"]] = row
    now = {row["video_id"]: row for row in told.videos}
    both = [name for name in near if now[name]["read_at"] > near[name]["read_at"]]
    assert len(both) > 50
    grown = sum(int(now[v]["view_count"]) - int(near[v]["view_count"]) for v in both)
    assert told.campaign["view_growth_24h"] == grown
    assert told.campaign["view_growth_videos"] == len(both)


def test_share_of_voice(told: Told) -> None:
    def gained(names: tuple[str, ...], counter: str) -> int:
        return sum(
            int(told.hashtag(name)[-1][counter]) - int(told.hashtag(name)[0][counter])
            for name in names
        )

    shares = told.answers["overview?period=28d"]
    for part, counter in (("views", "view_count"), ("videos", "video_count")):
        own, others = gained(OWN, counter), gained(RIVALS, counter)
        said = told.campaign["share_of_voice"][part]
        assert (said["own"], said["competitors"]) == (own, others)
        assert said["share"] == pytest.approx(own / (own + others), abs=1e-6)
        assert shares[f"share_of_{part}"] == {"own": own, "others": others}


# --- what it is worth, and where it stands --------------------------------------------------------


def test_earned_media_value(told: Told) -> None:
    counted = [total(told.videos, counter) for counter in COUNTERS[:4]]
    worth = {
        name: sum(count * price for count, price in zip(counted, prices, strict=True))
        for name, prices in CARDS.items()
    }
    said = told.campaign["earned_media_value"]
    assert {r["card"]: r["amount"] for r in said["receipts"]} == pytest.approx(worth, abs=0.01)
    assert said["low"] == pytest.approx(min(worth.values()), abs=0.01)
    assert said["high"] == pytest.approx(max(worth.values()), abs=0.01)


def test_hashtags_beside(told: Told) -> None:
    captions = defaultdict(set)
    for row in told.videos:
        for name in set(re.findall(r"#(\w+)", row["title"].casefold())):
            captions[name].add(row["video_id"])
    assert told.campaign["co_hashtags"]
    for line in told.campaign["co_hashtags"]:
        assert line["videos"] == len(captions[line["hashtag"]])


def test_the_workbook_holds_the_same_rows(told: Told) -> None:
    sheet = told.book.sheets["All videos"]
    for title, column in (("Views", "view_count"), ("Likes", "like_count")):
        rows = zip(sheet.column("Link"), sheet.column(title), strict=True)
        assert set(rows) == {(row["url"], float(row[column])) for row in told.videos}


def test_what_is_read_is_what_is_counted(told: Told) -> None:
    html = unescape(re.sub(r"<[^>]+>", " ", told.html))
    for said in (f"{told.campaign['total_videos']:,}", f"{told.campaign['unique_creators']:,}"):
        assert said in told.text
        assert said in html
