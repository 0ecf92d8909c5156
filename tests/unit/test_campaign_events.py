"""What the charts of a campaign mark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from report_examples import CAMPAIGN, campaign_facts
from tagtide.core.reports.events import MOST_EVENTS, CampaignEvent, EventKind, events_between
from tagtide.models import Alert

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
HOUR = timedelta(hours=1)
NEW_YORK = replace(CAMPAIGN, timezone="America/New_York", starts_on=None, ends_on=None)


def alert_at(at: datetime) -> Alert:
    (alert,) = campaign_facts().alerts
    return replace(alert, opened_at=at, alert_id=at.isoformat())


def events(
    *alerts: datetime,
    corrections: tuple[tuple[datetime, str | None], ...] = (),
    first: date | None = None,
    last: date | None = None,
) -> tuple[CampaignEvent, ...]:
    campaign = replace(NEW_YORK, starts_on=first, ends_on=last)
    return events_between(
        campaign, SINCE, UNTIL, alerts=map(alert_at, alerts), corrections=corrections
    )


def test_days_are_those_of_the_campaigns_zone_and_the_last_one_ends_at_midnight() -> None:
    began, ended = events(first=date(2026, 11, 14), last=date(2026, 11, 18))
    assert (began.kind, began.at) == (EventKind.BEGAN, datetime(2026, 11, 14, 5, tzinfo=UTC))
    assert (ended.kind, ended.at) == (EventKind.ENDED, datetime(2026, 11, 19, 5, tzinfo=UTC))


def test_what_lies_outside_is_no_event_and_both_ends_are_inside() -> None:
    found = events(
        *(SINCE - HOUR, SINCE, UNTIL, UNTIL + HOUR),
        corrections=((SINCE - HOUR, None), (SINCE + HOUR, "rivalskin"), (UNTIL + HOUR, None)),
        first=date(2026, 11, 1),
        last=date(2026, 12, 1),
    )
    assert [event.at for event in found] == [SINCE, SINCE + HOUR, UNTIL]
    assert [event.hashtag for event in found][1] == "rivalskin"


def test_of_too_many_the_days_of_the_campaign_and_the_newest_stay() -> None:
    alerts = [UNTIL - hour * HOUR for hour in range(100)]
    found = events(*alerts, first=date(2026, 11, 14))
    assert len(found) == MOST_EVENTS
    assert found[0].kind is EventKind.BEGAN
    assert found[1].at == UNTIL - (MOST_EVENTS - 2) * HOUR
    assert found[-1].at == UNTIL


def test_as_json_an_alert_is_named_and_nothing_else_has_one() -> None:
    one, other = events(UNTIL, corrections=((SINCE, None),))
    assert (one.as_dict()["kind"], one.as_dict()["alert_id"]) == ("correction", None)
    body = other.as_dict()
    assert (body["kind"], body["alert_id"]) == ("alert", UNTIL.isoformat())
    assert body["rule"]
