"""Figures of a capsule: the report's own, worked out a second time from the readings alone."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from capsules import capsule, drafted, judged, large, states, with_history
from hypothesis import given, settings
from hypothesis import strategies as st

from report_examples import CAMPAIGN, OWN, RIVAL, SECOND, campaign_facts, outcome
from report_facts import DAY, NOW, AVideo, reading
from tagtide.core.language import speaking
from tagtide.core.proof import figures
from tagtide.core.proof.figures import work_out
from tagtide.core.proof.records import Reading
from tagtide.core.reports.campaign import CampaignFacts, build_campaign
from tagtide.core.reports.facts import HashtagFacts
from tagtide.errors import ProofDiffers
from tagtide.languages import find_language
from tagtide.models import CounterSource, HashtagReading, RuleSettings, Status, VideoCounters

PROOF = Path(figures.__file__).parent

SOURCES = st.sampled_from([CounterSource.STATS_V2, CounterSource.STATISTICS])
COUNTS = st.none() | st.integers(0, 3) | st.integers(0, 10**7)
COUNTERS = st.builds(
    VideoCounters,
    view_count=COUNTS,
    like_count=COUNTS,
    comment_count=COUNTS,
    share_count=COUNTS,
    save_count=COUNTS,
    source=SOURCES,
)
AGES = st.integers(0, 72 * 3_600_000).map(lambda ms: timedelta(milliseconds=ms))
#: Names of few people, so that some have several videos.
PEOPLE = ("ana", "bo", "cy", "di")


@st.composite
def videos(draw: st.DrawFn) -> list[AVideo]:
    made = []
    handles = {name: draw(st.sampled_from([name, None])) for name in PEOPLE}
    followers = {name: draw(st.none() | st.integers(0, 10**6)) for name in PEOPLE}
    for number in range(draw(st.integers(0, 25))):
        name = draw(st.sampled_from(PEOPLE))
        read_at = NOW - draw(AGES)
        made.append(
            AVideo(
                str(7_000_000_000_000_000_000 + number),
                draw(COUNTERS),
                author_key=name,
                author_username=handles[name],
                author_followers=followers[name],
                first_seen_at=read_at - draw(AGES),
                high_priority_at=draw(st.none() | st.just(NOW)),
                read_at=read_at,
            )
        )
    # By id, as stores give them.
    return made


@st.composite
def series(draw: st.DrawFn, name: str) -> list[HashtagReading]:
    """Readings of a hashtag that rise, stand, fall a little, fall far, and change their field."""
    at, views, count = NOW - 3 * DAY, 100_000, 1_000
    made = []
    for _ in range(draw(st.integers(0, 9))):
        at += draw(st.sampled_from([1, 5, 9])) * timedelta(hours=1)
        views = max(0, views + draw(st.sampled_from([0, 0, 3, 40, 9_000, -40, -9_000, -60_000])))
        count = max(0, count + draw(st.sampled_from([0, 1, 30, -2, -300])))
        source = draw(st.sampled_from([CounterSource.STATS_V2] * 4 + [CounterSource.STATS]))
        unit = draw(st.sampled_from([1, 1, 100]))
        made.append(
            HashtagReading(
                hashtag=name,
                hashtag_id=draw(st.sampled_from(["id", "id", "id", None, "other"])),
                read_at=at,
                view_count=draw(st.sampled_from([views] * 5 + [None])),
                view_source=source,
                view_unit=unit,
                video_count=draw(st.sampled_from([count] * 5 + [None, 0])),
                video_source=source,
                video_unit=1,
                run_id=draw(st.none() | st.integers(1, 9)),
            )
        )
    return made


@st.composite
def hashtags(draw: st.DrawFn) -> list[HashtagFacts]:
    made = []
    for tag in (OWN, SECOND, RIVAL):
        readings = draw(series(tag.name))
        latest = readings[-1] if readings else None
        earlier = draw(st.sampled_from([None, *readings[:-1]])) if readings else None
        has_history = earlier is not None and draw(st.booleans())
        made.append(
            HashtagFacts(
                hashtag=tag,
                latest=latest,
                earlier=earlier,
                history=readings[:-1] if has_history else (),
                outcome=outcome(tag.name, draw(st.sampled_from([Status.OK, Status.FAILED]))),
            )
        )
    return made


@st.composite
def campaigns(draw: st.DrawFn) -> CampaignFacts:
    held = draw(videos())
    earlier = {
        v.video_id: reading(v.video_id, NOW - DAY + draw(AGES) / 6, draw(COUNTERS))
        for v in held
        if draw(st.booleans())
    }
    rules = RuleSettings(
        viral_factor=draw(st.sampled_from([0.0, 1.0, 10.0])),
        viral_min_others=draw(st.sampled_from([0, 1, 10])),
    )
    return CampaignFacts(
        campaign=replace(
            CAMPAIGN, rules=rules, timezone=draw(st.sampled_from(["UTC", "Asia/Tokyo"]))
        ),
        as_of=NOW,
        videos=held,
        earlier=earlier,
        hashtags=draw(hashtags()),
    )


@settings(max_examples=40)
@given(campaigns())
def test_readings_give_the_figures_of_the_report(facts: CampaignFacts) -> None:
    """`draft` compares every one of them; the file then holds on its own."""
    made = drafted(facts)
    assert made.figures == work_out(made.records)
    if len(facts.videos) < 4:
        assert judged(capsule(facts)).good


@pytest.mark.prove
@settings(max_examples=400)
@given(campaigns())
def test_readings_give_the_figures_of_very_many_reports(facts: CampaignFacts) -> None:
    drafted(facts)


SAME = (
    "total_videos", "unique_creators", "total_views", "total_likes", "total_comments",
    "total_shares", "total_saves", "total_engagement", "avg_views", "avg_engagement",
    "avg_engagement_rate", "median_engagement_rate", "pooled_engagement_rate",
    "engagement_rate_distribution", "new_videos_24h", "view_growth_24h", "compared_with",
)  # fmt: skip


@pytest.mark.parametrize("facts", [with_history(), large(200)], ids=["small", "large"])
def test_the_file_says_what_the_json_of_the_report_says(facts: CampaignFacts) -> None:
    body = build_campaign(facts).as_dict()
    verdict = judged(capsule(facts))
    assert verdict.records is not None
    said = {key: figure.value for key, figure in verdict.records.figures.items()}
    assert {key: said[key] for key in SAME} == {key: body[key] for key in SAME}
    for name in ("viral_videos", "top_videos", "top_videos_by_views", "high_priority"):
        assert [line["video_id"] for line in said[name]] == [v["video_id"] for v in body[name]]
        for mine, theirs in zip(said[name], body[name], strict=True):
            assert mine.items() <= theirs.items()
    for name in ("hashtags", "competitors"):
        for mine, theirs in zip(said[name], body[name], strict=True):
            assert mine.items() <= theirs.items()
    for mine, theirs in zip(said["top_creators"], body["top_creators"], strict=True):
        assert {key: mine[key] for key in mine if key != "creator"}.items() <= theirs.items()


def test_a_slip_on_either_side_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an unknown taken for 0 in the second way makes no file."""
    facts = with_history()
    drafted(facts)

    def as_zero(values: Any) -> int:
        return sum(value or 0 for value in values) + 1

    monkeypatch.setattr(figures, "_added", as_zero)
    with pytest.raises(ProofDiffers, match="total_views"):
        drafted(facts)


def test_the_second_way_shares_no_arithmetic_with_the_first() -> None:
    allowed = ("tagtide.core.proof.", "tagtide.core.proof")
    for name in ("chain", "parsing", "records", "counters", "figures"):
        tree = ast.parse((PROOF / f"{name}.py").read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        own = [module for module in modules if module.startswith("tagtide")]
        assert [module for module in own if not module.startswith(allowed)] == [], name


def test_history_tells_a_stale_counter_from_growth() -> None:
    facts = with_history()
    line = drafted(facts).figures["hashtags"].value[0]
    assert line["view_change"] == 12_345_678 - 11_000_000
    plain = drafted(campaign_facts()).figures["hashtags"].value[0]
    assert plain["view_change"] == 12_345_678 - 11_000_000


def test_a_reading_knows_its_field_its_run_and_its_instant() -> None:
    verdict = judged(capsule())
    assert verdict.records is not None
    one: Reading = next(iter(verdict.records.latest.values()))
    assert (one.field, one.run, one.at) == ("statsV2", 7, NOW)


def test_a_capsule_is_the_same_whatever_is_spoken_around_it() -> None:
    made = capsule()
    with speaking(find_language("de").looking("1 234,5", "12h")):
        assert capsule() == made
        verdict = judged(made)
    assert verdict == judged(made)
    assert {*states(verdict).values()} <= {"holds", "absent"}
