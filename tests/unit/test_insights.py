"""What a campaign report says beyond its totals: value, hours, hashtags beside, creators, trend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_examples import campaign_facts
from tagtide.core.charts.campaign import Line
from tagtide.core.charts.hours import hours_chart
from tagtide.core.emv import PUBLISHED_CARDS, RateCard, receipts
from tagtide.core.hours import best_hour, posting_hours, wilson
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.metrics import totals
from tagtide.core.names import hashtags_in
from tagtide.core.reports.campaign import build_campaign, build_daily
from tagtide.core.reports.insights import near_miss
from tagtide.core.reports.trend import ShareOfVoice, share_of_voice
from tagtide.models import VideoCounters

PARIS = ZoneInfo("Europe/Paris")
FACTS = campaign_facts()


def counters(**known: int) -> VideoCounters:
    return replace(FACTS.videos[0].counters, **known)


def video(number: int, *, hour: int = 12, views: int | None = 100, caption: str = "") -> object:
    created = FACTS.as_of.astimezone(PARIS).replace(hour=hour, minute=0) - timedelta(days=9)
    return replace(
        FACTS.videos[0],
        video_id=str(number),
        author_key=f"creator{number}",
        caption=caption,
        created_at=created,
        counters=counters(view_count=views),
    )


# --- earned media value ---------------------------------------------------------------------------


def test_the_published_cards_give_the_published_sums() -> None:
    """100,000 views, 5,000 likes, 200 comments and 300 shares, as the sources work them out."""
    one = replace(
        FACTS.videos[0],
        counters=counters(view_count=100_000, like_count=5_000, comment_count=200, share_count=300),
    )
    found = {r.card: round(r.amount) for r in receipts(totals([one]), PUBLISHED_CARDS)}
    assert found == {
        "engagement alone": 440,
        "views at 10 per thousand": 1_000,
        "views and engagement": 1_825,
        "views at 20 per thousand": 2_000,
        "views and each engagement": 2_359,
    }


def test_a_receipt_adds_up_to_its_sum() -> None:
    for receipt in receipts(totals(FACTS.videos), PUBLISHED_CARDS):
        lines = receipt.as_dict()["lines"]
        assert receipt.amount == pytest.approx(sum(x["count"] * x["price"] for x in lines))


def test_a_card_of_a_counter_nobody_knows_has_no_receipt() -> None:
    unknown = replace(FACTS.videos[0], counters=counters(save_count=None))
    cards = (RateCard(name="saves", save=1.0), RateCard(name="likes", like=1.0))
    assert [r.card for r in receipts(totals([unknown]), cards)] == ["likes"]


# --- hours ----------------------------------------------------------------------------------------


def test_an_hour_that_clearly_does_better_is_named() -> None:
    videos = [video(n, hour=19, views=900) for n in range(40)]
    videos += [video(100 + n, hour=9, views=100 + n) for n in range(60)]
    hours = posting_hours(videos, FACTS.as_of, PARIS)  # type: ignore[arg-type]
    assert best_hour(hours) == 18
    by_hour = {block.hour: block for block in hours}
    assert by_hour[18].videos == 40
    assert by_hour[18].median_views == 900
    assert by_hour[18].above == 1.0
    assert by_hour[9].videos == 60
    assert "18–21 h do better" in hours_chart(hours, 18, "Europe/Paris").title


@pytest.mark.parametrize("better", [6, 8, 9])
def test_a_few_videos_name_no_hour(better: int) -> None:
    """Nine videos say nothing at all; a small lead over half says nothing either."""
    videos = [video(n, hour=19, views=900) for n in range(better)]
    videos += [video(100 + n, hour=9, views=100 + n) for n in range(60)]
    assert best_hour(posting_hours(videos, FACTS.as_of, PARIS)) is None  # type: ignore[arg-type]


def test_young_videos_and_unknown_views_are_left_out() -> None:
    young = replace(video(1), created_at=FACTS.as_of - timedelta(days=2))  # type: ignore[type-var]
    unknown = video(2, views=None)
    undated = replace(video(3), created_at=None)  # type: ignore[type-var]
    hours = posting_hours([young, unknown, undated], FACTS.as_of, PARIS)  # type: ignore[list-item]
    assert sum(block.videos for block in hours) == 0


@given(st.integers(1, 5_000), st.data())
def test_the_interval_of_a_share_holds_it(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1


def test_the_interval_is_that_of_the_textbook() -> None:
    """15 of 100 at 95 %, worked by hand: 0.163 in the middle, 0.070 to each side."""
    low, high = wilson(15, 100, z=1.96)
    assert (round(low, 3), round(high, 3)) == (0.093, 0.233)


# --- hashtags -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("so #Glow, #glow and #GLOW!", ["glow"]),
        ("＃護膚 #soin_visage#two", ["護膚", "soin_visage", "two"]),
        ("no # sign, a#b", ["b"]),
        ("#<script>alert(1)</script>", []),
        ("#glow<b>, #glow-up (#night)", ["glow", "night"]),
        ("#त्वचा #ผิวสวย! #glow✨。#夜、#l·luna", ["त्वचा", "ผิวสวย", "glow✨", "夜", "l"]),
        ("#👩\u200d🎤 «#soir» #️⃣", ["👩\u200d🎤", "soir"]),
        ("", []),
    ],
)
def test_hashtags_of_a_caption(caption: str, found: list[str]) -> None:
    assert hashtags_in(caption) == found


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lumenglw", "lumenglow"),
        ("lumengloww", "lumenglow"),
        ("lumenglwo", "lumenglow"),
        ("lumenglew", "lumenglow"),
        ("lumen_glow", "lumenglow"),
        ("lumenglow2026", "lumenglow"),
        ("lümenglow", "lumenglow"),
        ("lumenglow", None),
        ("lumengloss", None),
        ("glow", None),
        ("glor", None),
        ("", None),
    ],
)
def test_a_slip_of_an_own_hashtag_is_told_from_another(written: str, meant: str | None) -> None:
    assert near_miss(written, ["glow", "lumenglow"]) == meant


def test_hashtags_beside_need_several_videos_of_several_creators() -> None:
    name = FACTS.campaign.own()[0].name
    captions = ["#beside #twice"] * 2 + ["#beside"] + [f"#{name}x"]
    videos = [video(n, caption=text) for n, text in enumerate(captions)]
    videos += [replace(video(50 + n, caption="#alone"), author_key="one") for n in range(5)]  # type: ignore[type-var]
    insights = build_campaign(replace(FACTS, videos=videos)).insights
    assert insights is not None
    assert [one.hashtag for one in insights.beside] == ["beside"]
    assert [(one.hashtag, one.near, one.videos) for one in insights.near] == [(f"{name}x", name, 1)]


# --- the report -----------------------------------------------------------------------------------


def test_the_daily_report_keeps_to_the_day() -> None:
    report = build_daily(FACTS)
    assert report.insights is None
    assert "earned_media_value" not in report.as_dict()
    assert "Earned media value" not in str(daily_blocks(report))


def test_what_people_read_is_what_machines_read() -> None:
    report = build_campaign(FACTS)
    said, told = report.as_dict(), str(campaign_blocks(report))
    value = said["earned_media_value"]
    assert value["low"] == min(r["amount"] for r in value["receipts"])
    assert value["high"] == max(r["amount"] for r in value["receipts"])
    assert said["rated_creators"][0]["author_username"] in told
    assert sum(said["creator_tiers"].values()) == said["unique_creators"]


def test_share_of_voice() -> None:
    def line(name: str, *gains: int) -> Line:
        at = FACTS.as_of
        return Line(name=name, base=None, gains=tuple((at, gain) for gain in gains))

    found = share_of_voice(line("own", 30, 30), [line("rival", 40), line("other", 50), line("new")])
    assert found == ShareOfVoice(own=60, others=90, counted=2, missing=1)
    assert found.ratio == 0.4
    late = replace(line("late"), gains=((FACTS.as_of + timedelta(days=3), 10),))
    found = share_of_voice(line("own", 30), [line("rival", 40), late])
    assert found == ShareOfVoice(own=30, others=50, counted=2, partial=1)
    assert share_of_voice(line("own", 30), []) is None
    assert share_of_voice(line("own"), [line("rival", 40)]) is None
    assert share_of_voice(line("own", 30), [line("rival")]) is None
    assert ShareOfVoice(own=-5, others=40, counted=1).ratio is None
    assert ShareOfVoice(own=0, others=0, counted=1).ratio is None
