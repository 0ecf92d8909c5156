"""What is read, in which order, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tagtide.core.forecast import daily_calls
from tagtide.core.planning import (
    Phase,
    balance_warning,
    campaign_phase,
    is_probe_due,
    rotate,
)
from tagtide.models import Campaign, CampaignHashtag, Job, Role

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_rotation_lets_every_hashtag_be_first() -> None:
    assert rotate("abc", 4) == ["b", "c", "a"]
    assert {rotate("abc", day)[0] for day in range(740_000, 740_003)} == set("abc")
    assert rotate([], 5) == []


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


def test_a_paused_hashtag_is_probed_once_a_day() -> None:
    assert not is_probe_due(NOW, NOW + timedelta(hours=23, minutes=59))
    assert is_probe_due(NOW, NOW + timedelta(hours=24))


def test_a_campaign_costs_what_its_schedules_read() -> None:
    tags = (
        CampaignHashtag(name="own"),
        CampaignHashtag(name="rival", role=Role.COMPETITOR, feed=False),
    )
    campaign = Campaign(name="c", hashtags=tags, timezone="Europe/Paris", page_budget=3)
    # Two totals four times a day, three pages once a day.
    assert daily_calls(campaign, collect="0 8 * * *", track="0 */6 * * * UTC") == 11
    weekly = replace(campaign, schedules={Job.COLLECT: "0 8 * * 1"})
    assert daily_calls(weekly, collect="0 8 * * *", track="0 0 * * *") == pytest.approx(2 + 3 / 7)
