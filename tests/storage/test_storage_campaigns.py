from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from storage_samples import NOON, campaign, reading, run

from tagtide.errors import Conflict, NotFound
from tagtide.models import CampaignHashtag, Job, Rule, RuleSettings
from tagtide.ports import Changes
from tagtide.storage.store import SqlStore


def test_a_campaign_comes_back_as_it_was_given(store: SqlStore) -> None:
    given = campaign(
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 4, 1),
        rules=RuleSettings(new_videos=7, growth=0.25, enabled=(Rule.GROWTH,)),
        channels=("slack",),
        page_budget=5,
        credits_per_day=40,
        schedules={Job.COLLECT: "0 8 * * *"},
        created_at=NOON,
    )
    stored = run(store.add_campaign(given))
    assert stored == replace(given, campaign_id=stored.campaign_id)
    assert run(store.campaign("Spring")) == stored
    assert run(store.campaigns()) == [stored]


def test_a_name_exists_once(store: SqlStore) -> None:
    run(store.add_campaign(campaign()))
    with pytest.raises(Conflict, match="Spring"):
        run(store.add_campaign(campaign()))


def test_an_unknown_name_suggests_the_nearest(store: SqlStore) -> None:
    run(store.add_campaign(campaign("Spring sale")))
    with pytest.raises(NotFound) as caught:
        run(store.campaign("Spring sales"))
    assert "'Spring sale'" in caught.value.hint


def test_replacing_keeps_the_history_of_hashtags(store: SqlStore) -> None:
    stored = run(store.add_campaign(campaign()))
    run(store.commit(Changes(readings=(reading(),))))
    changed = replace(
        stored, name="Summer", hashtags=(CampaignHashtag(name="new"), CampaignHashtag(name="ours"))
    )
    run(store.replace_campaign(changed))
    assert run(store.campaign("Summer")) == changed
    latest = run(store.hashtag_states(["ours"]))["ours"].latest
    assert latest is not None
    assert latest.view_count == 1000


def test_replacing_refuses_the_name_of_another_and_an_unknown_id(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))
    two = run(store.add_campaign(campaign("Two")))
    with pytest.raises(Conflict):
        run(store.replace_campaign(replace(two, name="One")))
    with pytest.raises(NotFound):
        run(store.replace_campaign(replace(two, campaign_id=99)))
    assert run(store.campaign("Two")) == two


def test_a_removed_campaign_frees_its_name_and_keeps_its_readings(store: SqlStore) -> None:
    first = run(store.add_campaign(campaign()))
    run(store.commit(Changes(readings=(reading(),))))
    run(store.remove_campaign(first.campaign_id, NOON))
    assert run(store.campaigns()) == []
    assert run(store.watchers("ours")) == []
    assert len(run(store.hashtag_readings("ours", NOON, NOON))) == 1
    assert run(store.add_campaign(campaign())).campaign_id != first.campaign_id
    with pytest.raises(NotFound):
        run(store.remove_campaign(first.campaign_id, NOON))


def test_watchers_are_the_campaigns_that_hold_a_hashtag(store: SqlStore) -> None:
    one = run(store.add_campaign(campaign("One")))
    two = run(store.add_campaign(campaign("Two", hashtags=(CampaignHashtag(name="ours"),))))
    assert run(store.watchers("ours")) == [one, two]
    assert run(store.watchers("theirs")) == [one]
