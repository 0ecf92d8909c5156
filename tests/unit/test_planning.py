"""What is read, in which order, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest

from tagtide.core.planning import (
    Phase,
    balance_warning,
    campaign_phase,
    pause_reason,
    plan_collect,
    plan_track,
    rotate,
    skip_reason,
)
from tagtide.errors import Reason
from tagtide.models import Campaign, CampaignHashtag, Role

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class State:
    hashtag_id: str | None = "1"
    paused_at: datetime | None = None


TAGS = [
    CampaignHashtag(name="known"),
    CampaignHashtag(name="new"),
    CampaignHashtag(name="paused"),
    CampaignHashtag(name="rival", role=Role.COMPETITOR, feed=False),
]
STATES = {"known": State(), "new": State(None), "paused": State(paused_at=NOW), "rival": State()}


def test_collecting_calls_the_totals_only_for_an_unknown_id() -> None:
    plan = plan_collect(TAGS, STATES, page_budget=2)
    assert [(p.hashtag, p.totals_calls, p.pages, p.credits, p.skip) for p in plan] == [
        ("known", 0, 2, 2, Reason.NONE),
        ("new", 1, 2, 3, Reason.NONE),
        ("paused", 0, 0, 0, Reason.PAUSED),
    ]
    assert plan_collect(TAGS[:1], {}, page_budget=2)[0].credits == 3


def test_tracking_reads_a_page_only_where_the_count_is_unknown() -> None:
    plan = plan_track(TAGS, STATES, frozenset({"new", "rival"}))
    assert [(p.hashtag, p.credits, p.skip) for p in plan] == [
        ("known", 1, Reason.NONE),
        ("new", 2, Reason.NONE),
        ("paused", 0, Reason.PAUSED),
        ("rival", 1, Reason.NONE),
    ]


def test_rotation_lets_every_hashtag_be_first() -> None:
    assert rotate("abc", 4) == ["b", "c", "a"]
    assert {rotate("abc", day)[0] for day in range(740_000, 740_003)} == set("abc")
    assert rotate([], 5) == []


@pytest.mark.parametrize(
    ("failures", "reason", "expected"),
    [
        (2, Reason.NOT_FOUND, Reason.NONE),
        (3, Reason.NOT_FOUND, Reason.PAUSED),
        (3, Reason.BAD_REQUEST, Reason.PAUSED),
        (99, Reason.UPSTREAM, Reason.NONE),
    ],
)
def test_only_a_hashtag_at_fault_is_paused(failures: int, reason: Reason, expected: Reason) -> None:
    assert pause_reason(failures, reason) is expected
    assert skip_reason(None) is Reason.NONE


def test_a_campaign_runs_on_its_own_calendar() -> None:
    campaign = Campaign(
        name="x",
        hashtags=(),
        timezone="Pacific/Auckland",
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 3, 2),
    )
    phases = [
        campaign_phase(campaign, datetime(2026, 2, 28, 10, 59, tzinfo=UTC)),
        campaign_phase(campaign, datetime(2026, 2, 28, 11, 0, tzinfo=UTC)),
        campaign_phase(campaign, datetime(2026, 3, 2, 10, 59, tzinfo=UTC)),
        campaign_phase(campaign, datetime(2026, 3, 2, 11, 0, tzinfo=UTC)),
    ]
    assert phases == [Phase.UPCOMING, Phase.RUNNING, Phase.RUNNING, Phase.ENDED]
    assert campaign_phase(replace(campaign, starts_on=None, ends_on=None), NOW) is Phase.RUNNING


@pytest.mark.parametrize(
    ("spent", "allowed", "expected"),
    [
        (79, 100, None),
        (80, 100, "80.0 % of this month's credits are spent; 20 credits are left."),
        (100, 100, "All of this month's credits are spent (100 of 100)."),
        (80, None, None),
        (0, 0, "All of this month's credits are spent (0 of 0)."),
    ],
)
def test_a_warning_at_80_percent(spent: int, allowed: int | None, expected: str | None) -> None:
    assert balance_warning(spent, allowed) == expected
