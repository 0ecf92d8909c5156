from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_facts import DAY, NOW, AVideo, counters, reading, totals_at
from tagtide.core.coverage import completeness
from tagtide.core.messages.campaign import daily_blocks
from tagtide.core.metrics import WEEK
from tagtide.core.reports.campaign import CampaignFacts, build_campaign, build_daily
from tagtide.core.reports.collect import CollectedHashtag, CollectFacts, build_collect_summary
from tagtide.core.reports.facts import HashtagFacts
from tagtide.core.reports.weekly import WeeklyFacts, WeeklyHashtagFacts, build_weekly
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    HashtagOutcome,
    Reason,
    Role,
    Status,
)
from tagtide.ports import KnownVideo
from tagtide.renderers import render_text

OWN = CampaignHashtag(name="glowup")
SECOND = CampaignHashtag(name="newglow")
RIVAL = CampaignHashtag(name="rival", role=Role.COMPETITOR, feed=False)
CAMPAIGN = Campaign(name="Glow", hashtags=(OWN, SECOND, RIVAL), timezone="Pacific/Auckland")


def outcome(name: str, status: Status = Status.OK, reason: Reason = Reason.NONE) -> HashtagOutcome:
    return HashtagOutcome(hashtag=name, status=status, reason=reason)


def small_campaign() -> CampaignFacts:
    yesterday = NOW - timedelta(hours=23)
    return CampaignFacts(
        campaign=CAMPAIGN,
        as_of=NOW,
        videos=[
            AVideo("1", counters(1000, 80, 15, 5, 3), author_key="a", high_priority_at=NOW),
            AVideo("2", counters(3000, 20, 5, 5, None), author_key="b", author_followers=900),
            AVideo("3", counters(None, 1, 1, 1, 1), author_key="b"),
            AVideo("4", counters(500, 10, 0, 0, 0), first_seen_at=NOW - timedelta(hours=1)),
        ],
        earlier={
            "1": reading("1", yesterday, counters(400, 30, 5, 5)),
            "2": reading("2", yesterday, counters(2900, 20, 5, 4)),
        },
        hashtags=[
            HashtagFacts(
                hashtag=OWN,
                latest=totals_at("glowup", NOW, 12_000, 60),
                earlier=totals_at("glowup", NOW - DAY, 10_000, 13),
                outcome=outcome("glowup"),
                held=completeness(
                    31, totals_at("glowup", NOW - DAY, 1, 13), totals_at("glowup", NOW, 1, 60)
                ),
            ),
            HashtagFacts(
                hashtag=SECOND,
                latest=totals_at("newglow", NOW - 3 * DAY, 700),
                outcome=outcome("newglow", Status.FAILED, Reason.UPSTREAM),
            ),
            HashtagFacts(hashtag=RIVAL, latest=totals_at("rival", NOW, 9_000_000, 5_000)),
        ],
        credits_used=9,
        price_per_credit=0.005,
    )


# --- daily and campaign ---------------------------------------------------------------------------

FIELDS = [
    "date",
    "campaign",
    "hashtags",
    "total_videos",
    "unique_creators",
    "total_views",
    "total_likes",
    "total_comments",
    "total_shares",
    "total_saves",
    "total_engagement",
    "avg_views",
    "avg_engagement",
    "avg_engagement_rate",
    "median_engagement_rate",
    "pooled_engagement_rate",
    "engagement_rate_distribution",
    "viral_videos",
    "top_videos",
    "top_creators",
    "new_videos_24h",
    "view_growth_24h",
    "compared_with",
    "credits_used",
    "coverage",
    "videos",
    "money_spent",
]


@pytest.mark.parametrize("build", [build_daily, build_campaign])
def test_figures_of_a_small_campaign(build: Any) -> None:
    body = build(small_campaign()).as_dict()
    assert set(FIELDS) <= set(body)
    expected = {
        # 07:00 UTC is 20:00 in Auckland
        "date": "2026-11-20",
        "campaign": "Glow",
        "as_of": "2026-11-20T07:00:00Z",
        "total_videos": 4,
        "unique_creators": 3,
        "total_views": 4500,
        "total_likes": 111,
        "total_comments": 21,
        "total_shares": 11,
        "total_saves": 4,
        "total_engagement": 143,
        "avg_views": 1500,
        "avg_engagement": 35.75,
        "avg_engagement_rate": 0.043333,
        "median_engagement_rate": 0.02,
        "pooled_engagement_rate": 0.031111,
        "new_videos_24h": 1,
        "new_views_24h": 500,
        "view_growth_24h": 700,
        "view_growth_videos": 2,
        "engagement_growth_24h": 61,
        "compared_with": {"at": "2026-11-19T08:00:00Z", "hours": 23.0, "videos": 2},
        "credits_used": 9,
        "money_spent": 0.045,
        "viral_videos": [],
        "viral_judged": False,
    }
    assert {key: body[key] for key in expected} == expected
    assert [v["video_id"] for v in body["top_videos"]] == ["1", "2", "4", "3"]
    assert [c["total_views"] for c in body["top_creators"]] == [3000, 1000, 500]
    assert [v["video_id"] for v in body["high_priority"]] == ["1"]
    assert body["videos"][1]["author_followers"] == 900


def test_hashtags_are_named_with_their_last_good_value() -> None:
    body = build_daily(small_campaign()).as_dict()
    first, failed = body["hashtags"]
    assert (first["view_count"], first["view_change"], first["video_change"]) == (12_000, 2_000, 47)
    assert (failed["status"], failed["reason"]) == ("failed", "upstream")
    assert (failed["view_count"], failed["read_at"]) == (700, "2026-11-17T07:00:00Z")
    assert failed["view_change"] is None
    assert body["coverage"]["hashtags_failed"] == ["newglow"]


def test_competitors_count_in_no_total() -> None:
    body = build_daily(small_campaign()).as_dict()
    assert [h["hashtag"] for h in body["hashtags"]] == ["glowup", "newglow"]
    assert [h["hashtag"] for h in body["competitors"]] == ["rival"]
    assert body["total_views"] == 4500


def test_coverage_has_its_denominator() -> None:
    coverage = build_daily(small_campaign()).as_dict()["coverage"]
    assert coverage["statement"] == "31 of 47 new videos held"
    assert coverage["completeness"] == pytest.approx(31 / 47, abs=1e-6)
    assert (coverage["views_known"], coverage["views_unknown"]) == (3, 1)


def test_the_first_report_compares_with_nothing() -> None:
    facts = small_campaign()
    report = build_daily(replace(facts, earlier={}, hashtags=facts.hashtags[1:], previous=None))
    body = report.as_dict()
    assert body["compared_with"] is None
    assert body["view_growth_24h"] is None
    assert body["since_report"] is None


def test_without_videos_at_both_ends_the_hashtag_gives_the_span() -> None:
    report = build_daily(replace(small_campaign(), earlier={}))
    assert report.as_dict()["compared_with"] == {
        "at": "2026-11-19T07:00:00Z",
        "hours": 24.0,
        "videos": 0,
    }


def test_videos_of_the_compared_run_itself_are_not_new() -> None:
    """Yesterday's run took some seconds; what it saw after its first page is not today's."""
    facts = small_campaign()
    late = AVideo("5", counters(5), first_seen_at=NOW - timedelta(hours=23) + timedelta(seconds=40))
    assert build_daily(replace(facts, videos=[*facts.videos, late])).new_videos == 1


def test_nothing_at_all_is_a_report_too() -> None:
    body = build_daily(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=[])).as_dict()
    assert (body["total_videos"], body["total_views"], body["avg_views"]) == (0, 0, None)
    assert body["credits_used"] is None
    assert body["money_spent"] is None


def test_change_since_the_report_of_another_day() -> None:
    facts = small_campaign()
    before = build_daily(replace(facts, as_of=NOW - DAY, videos=facts.videos[:2])).as_dict()
    body = build_daily(replace(facts, previous=before)).as_dict()
    assert body["since_report"] == {
        "date": "2026-11-19",
        "total_videos": 2,
        "unique_creators": 1,
        "total_views": 500,
        "total_engagement": 13,
    }
    same_day = build_daily(facts).as_dict()
    assert build_daily(replace(facts, previous=same_day)).since_report is None


def test_the_date_is_that_of_the_campaign_s_zone() -> None:
    late = replace(small_campaign(), as_of=NOW + timedelta(hours=5))
    assert build_daily(late).on == date(2026, 11, 21)


def test_a_viral_video_carries_its_reason() -> None:
    videos = [AVideo(f"{i:02}", counters(100)) for i in range(10)] + [AVideo("v", counters(2000))]
    (viral,) = build_campaign(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=videos)).as_dict()[
        "viral_videos"
    ]
    assert (viral["video_id"], viral["basis"], viral["times"], viral["others"]) == (
        "v",
        "views",
        20.0,
        10,
    )


counter = st.none() | st.integers(0, 10**9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(counter, counter, counter, counter, counter), max_size=25))
def test_totals_equal_the_sums_of_the_videos_and_unknown_ones_add_nothing(rows: list[Any]) -> None:
    videos = [AVideo(str(i), counters(*row), author_key=str(i % 3)) for i, row in enumerate(rows)]
    facts = CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=videos)
    body = build_daily(facts).as_dict()
    for total, key in (
        ("total_views", "view_count"),
        ("total_likes", "like_count"),
        ("total_saves", "save_count"),
        ("total_engagement", "engagement"),
    ):
        known = [v[key] for v in body["videos"] if v[key] is not None]
        assert body[total] == (sum(known) if known or not videos else None)
    blank = AVideo("blank", counters(None, None, None, None, None), author_key="0")
    more = build_daily(replace(facts, videos=[*videos, blank])).as_dict()
    if any(v["view_count"] is not None for v in body["videos"]):
        assert more["total_views"] == body["total_views"]
        assert more["avg_views"] == body["avg_views"]
    assert more["pooled_engagement_rate"] == body["pooled_engagement_rate"]


def test_ten_times_the_videos_take_ten_times_as_long() -> None:
    """Nothing in a report looks at every video for every video."""
    few, many = _campaign_of(1_000), _campaign_of(10_000)
    ratio = min(_seconds(many) / _seconds(few) for _ in range(5))
    assert ratio < 25


def _campaign_of(size: int) -> CampaignFacts:
    videos = [
        KnownVideo(
            video_id=str(i),
            hashtag="glowup",
            hashtags=("glowup",),
            author_key=str(i % 4000),
            author_username="x",
            author_sec_uid="s",
            author_nickname="n",
            author_followers=None,
            caption="a caption with #glowup and some more words " * 3,
            created_at=NOW - 9 * DAY,
            first_seen_at=NOW - timedelta(hours=i % 200),
            high_priority_at=None,
            read_at=NOW,
            counters=counters(i * 7 % 100_003, i % 900, i % 50, i % 20),
        )
        for i in range(size)
    ]
    earlier = {v.video_id: reading(v.video_id, NOW - DAY, counters(1, 1)) for v in videos}
    return CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=videos, earlier=earlier)


def _seconds(facts: CampaignFacts) -> float:
    start = time.process_time()
    build_daily(facts).as_dict()
    return time.process_time() - start


# --- weekly ---------------------------------------------------------------------------------------


def weeks(name: str, *views: int | None, unit: int = 1) -> list[Any]:
    """Readings a week apart, the newest first."""
    return [totals_at(name, NOW - k * WEEK, v, 100 - k, unit) for k, v in enumerate(views)]


def weekly_row(*hashtags: WeeklyHashtagFacts, **more: Any) -> dict[str, Any]:
    facts = WeeklyFacts(campaign=CAMPAIGN, as_of=NOW, hashtags=hashtags, **more)
    return build_weekly(facts).as_dict()["hashtags"][0]


def test_a_week_of_a_hashtag() -> None:
    usual = weeks("glowup", 1_500, 1_100, 1_010, 900, 800)  # +400 after +90, +110, +100
    row = weekly_row(WeeklyHashtagFacts(hashtag=OWN, readings=usual, outcome=outcome("glowup")))
    expected = {
        "rank": 1,
        "hashtag": "glowup",
        "role": "own",
        "status": "ok",
        "view_count": 1_500,
        "video_count": 100,
        "view_change": 400,
        "view_change_ratio": pytest.approx(400 / 1100, abs=1e-6),
        "video_change": 1,
        "video_change_ratio": pytest.approx(1 / 99, abs=1e-6),
        "rolling_average": 100.0,
        "anomaly": "spike",
        "anomaly_score": 30.0,
        "previous_at": "2026-11-13T07:00:00Z",
        "read_at": "2026-11-20T07:00:00Z",
        "elapsed_hours": 168.0,
        "scaled": False,
        "history": [100.0, 110.0, 90.0, 400.0],
    }
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("readings", "status", "anomaly", "why"),
    [
        ([], Status.FAILED, "not_enough_history", "never read"),
        (weeks("glowup", 9_000, 1_000), Status.OK, "not_enough_history", "0 of 3"),
        (weeks("glowup", 9_000, 1_000, 900, 800), Status.OK, "not_enough_history", "2 of 3"),
        (weeks("glowup", 9_000, 900, 800, 700, 600), Status.FAILED, "not_enough_history", "failed"),
        (
            weeks("glowup", None, 9_000, 900, 800, 700, 600),
            Status.FAILED,
            "not_enough_history",
            "failed",
        ),
        (
            weeks("glowup", None, 9_000, 900, 800, 700, 600),
            Status.OK,
            "not_enough_history",
            "not read this week",
        ),
        (weeks("glowup", 710, 705, 700, 600, 500, 400), Status.OK, "none", ""),
        (weeks("glowup", 401, 400, 300, 200, 100), Status.OK, "drop", ""),
        (weeks("glowup", 300, 400, 300, 200, 100), Status.OK, "drop", ""),
    ],
)
def test_ignorance_makes_no_anomaly(
    readings: list[Any], status: Status, anomaly: str, why: str
) -> None:
    facts = WeeklyHashtagFacts(hashtag=OWN, readings=readings, outcome=outcome("glowup", status))
    row = weekly_row(facts)
    assert row["anomaly"] == anomaly
    assert why in row["anomaly_reason"]
    assert row["view_count"] != 0


def test_a_failed_week_is_no_spike_in_the_week_after() -> None:
    """The seed stored a failure as 0 views; here a gap is one longer change, scaled."""
    gap = weeks("glowup", 1_200, None, 1_000, 900, 800, 700)
    row = weekly_row(WeeklyHashtagFacts(hashtag=OWN, readings=gap, outcome=outcome("glowup")))
    assert (row["view_change"], row["view_change_7d"], row["scaled"]) == (200, 100.0, True)
    assert row["anomaly"] == "none"


def test_a_hashtag_that_another_run_read_did_not_fail() -> None:
    shared = outcome("glowup", Status.SKIPPED, Reason.SHARED)
    readings = weeks("glowup", 710, 705, 700, 600, 500, 400)
    row = weekly_row(WeeklyHashtagFacts(hashtag=OWN, readings=readings, outcome=shared))
    assert row["anomaly"] == "none"
    line = HashtagFacts(hashtag=OWN, latest=totals_at("glowup", NOW, 5), outcome=shared)
    report = build_daily(replace(small_campaign(), hashtags=[line]))
    assert report.as_dict()["coverage"]["hashtags_failed"] == []


def test_a_hashtag_not_read_this_week_is_named() -> None:
    old = [totals_at("glowup", NOW - timedelta(days=k), 900 - k) for k in (5, 12, 19, 26, 33)]
    facts = WeeklyHashtagFacts(hashtag=OWN, readings=old, outcome=outcome("glowup"))
    (row,) = build_weekly(WeeklyFacts(campaign=CAMPAIGN, as_of=NOW, hashtags=[facts])).rows
    assert row.failed
    assert (row.view_count, row.age, row.change) == (895, 5 * DAY, None)


def test_a_correction_is_no_point_of_the_rolling_average() -> None:
    fell = weeks("glowup", 700, 600, 500, 900, 800, 700)
    row = weekly_row(WeeklyHashtagFacts(hashtag=OWN, readings=fell, outcome=outcome("glowup")))
    assert row["rolling_points"] == 3
    assert row["rolling_average"] == 100.0


def test_rows_are_ranked_by_views_unknown_last() -> None:
    rows = build_weekly(
        WeeklyFacts(
            campaign=CAMPAIGN,
            as_of=NOW,
            hashtags=[
                WeeklyHashtagFacts(hashtag=SECOND, readings=[]),
                WeeklyHashtagFacts(hashtag=OWN, readings=weeks("glowup", 5)),
                WeeklyHashtagFacts(hashtag=RIVAL, readings=weeks("rival", 9)),
            ],
        )
    ).rows
    assert [(r.rank, r.hashtag) for r in rows] == [(1, "rival"), (2, "glowup"), (3, "newglow")]


def test_the_week_is_an_iso_week_of_the_zone() -> None:
    new_year = replace(CAMPAIGN, timezone="UTC")
    at = NOW.replace(year=2027, month=1, day=1)
    report = build_weekly(WeeklyFacts(campaign=new_year, as_of=at, hashtags=[]))
    assert report.week == "2026-W53"


def test_engagement_is_over_videos_read_in_both_weeks() -> None:
    videos = [AVideo("1", counters(100, 50)), AVideo("2", counters(100, 7))]
    row = weekly_row(
        WeeklyHashtagFacts(hashtag=OWN, readings=weeks("glowup", 5)),
        videos=videos,
        earlier={"1": reading("1", NOW - WEEK, counters(100, 20))},
    )
    assert (row["engagement"], row["engagement_change"], row["engagement_videos"]) == (57, 30, 1)


def test_emerging_hashtags_grow_beside_the_campaign_s() -> None:
    def posted(days: float, caption: str, author: str) -> AVideo:
        at = NOW - timedelta(days=days)
        name = f"{author}{days}"
        return AVideo(name, counters(1), caption=caption, author_key=author, created_at=at)

    videos = [
        posted(1, "#GlowUp #SkinTok #glass", "a"),
        posted(2, "#skintok", "a"),
        posted(3, "#skintok #skintok", "b"),
        posted(8, "#skintok #old #glass", "c"),
        posted(9, "#old", "c"),
        posted(20, "#skintok", "d"),
        *(posted(k, "#old", "e") for k in (4, 5)),
    ]
    report = build_weekly(
        WeeklyFacts(
            campaign=CAMPAIGN,
            as_of=NOW,
            hashtags=[WeeklyHashtagFacts(hashtag=OWN, readings=[])],
            videos=videos,
        )
    )
    assert [t.as_dict() for t in report.emerging] == [
        {"hashtag": "skintok", "videos": 3, "videos_before": 1, "change": 2, "creators": 2}
    ]
    assert report.emerging_sample == 5


# --- collection -----------------------------------------------------------------------------------


def test_summary_of_a_collection() -> None:
    ok = HashtagOutcome(
        hashtag="glowup",
        status=Status.OK,
        videos_seen=60,
        videos_new=31,
        new_views=900,
        pages=2,
        credits=2,
    )
    failed = HashtagOutcome(hashtag="newglow", status=Status.FAILED, reason=Reason.TIMEOUT)
    summary = build_collect_summary(
        CollectFacts(
            campaign="Glow",
            timezone="UTC",
            run_id=7,
            at=NOW,
            hashtags=[CollectedHashtag(outcome=ok), CollectedHashtag(outcome=failed)],
            high_priority=[
                AVideo("1", counters(50_000, 5_000)),
                AVideo("2", counters(20_000, 2_000)),
            ],
            newly_high_priority=frozenset({"2"}),
            credits_used=2,
            credits_remaining=48,
        )
    )
    body = summary.as_dict()
    assert (body["run_id"], body["videos_new"], body["new_views"]) == (7, 31, 900)
    assert [h["status"] for h in body["hashtags"]] == ["ok", "failed"]
    assert body["hashtags"][1]["new_views"] is None
    assert [(p["video_id"], p["new"]) for p in body["high_priority"]] == [("2", True), ("1", False)]
    assert body["high_priority"][0]["url"] == "https://www.tiktok.com/@jane/video/2"
    assert (body["credits_used"], body["credits_remaining"]) == (2, 48)


def test_videos_that_hide_behind_each_other_are_listed_by_their_age_score() -> None:
    ordinary = [AVideo(f"{i:03}", counters(n)) for i, n in enumerate(range(800, 950, 10))]
    stars = [
        AVideo(f"star{i}", counters(n), author_username=f"eve\u202e{i}\n<script>")
        for i, n in enumerate((400_000, 420_000, 440_000))
    ]
    report = build_daily(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=[*ordinary, *stars]))
    body = report.as_dict()
    assert body["viral_videos"] == []
    assert [v["video_id"] for v in body["standout_videos"]] == ["star2", "star1", "star0"]
    assert body["age_scored_videos"] == 18
    assert all(v["age_score"]["stands_out"] for v in body["standout_videos"])
    text = render_text(daily_blocks(report))
    assert "Far above their age" in text
    assert "about 1 video would be by chance" in text
    assert "\u202e" not in text
    alone = build_daily(CampaignFacts(campaign=CAMPAIGN, as_of=NOW, videos=ordinary)).as_dict()
    assert (alone["viral_videos"], alone["standout_videos"]) == ([], [])
