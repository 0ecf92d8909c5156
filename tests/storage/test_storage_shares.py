"""Links to reports, on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from storage_samples import HOUR, NOON, run

from tagtide.errors import NotFound
from tagtide.ports import NewShare, Share
from tagtide.services.campaigns import make_campaign
from tagtide.storage.store import SqlStore

DOCUMENT = [{"block": "Heading", "text": "Glow: ünïcode 🌸", "level": 1}]


def made(store: SqlStore, secret_hash: str = "a" * 64) -> Share:
    names = [c.name for c in run(store.campaigns())]
    if "Glow" not in names:
        run(store.add_campaign(make_campaign("Glow", hashtags=["glow"])))
    campaign = run(store.campaign("Glow"))
    new = NewShare(
        secret_hash=secret_hash,
        campaign_id=campaign.campaign_id,
        kind="daily",
        on=NOON.date(),
        title="Daily report: Glow",
        as_of=NOON - HOUR,
        timezone="Europe/Paris",
        document=DOCUMENT,
        expires_at=NOON + timedelta(days=30),
    )
    return run(store.add_share(new, "ana", NOON))


def test_a_link_leads_to_its_copy_and_counts_who_opens_it(store: SqlStore) -> None:
    share = made(store)
    assert (share.opened, share.opened_at, share.made_by) == (0, None, "ana")
    for times in (1, 2):
        found = run(store.open_share("a" * 64, NOON + times * HOUR))
        assert found is not None
        assert found[1] == DOCUMENT
        assert (found[0].opened, found[0].opened_at) == (times, NOON + times * HOUR)
    assert run(store.open_share("b" * 64, NOON)) is None


def test_a_link_ends_by_itself_and_can_be_ended(store: SqlStore) -> None:
    share, other = made(store), made(store, "b" * 64)
    assert run(store.open_share("a" * 64, share.expires_at)) is None
    assert run(store.open_share("a" * 64, share.expires_at - HOUR)) is not None
    ended = run(store.revoke_share(share.share_id, NOON + HOUR))
    assert ended.revoked_at == NOON + HOUR
    assert not ended.is_good(NOON + HOUR)
    assert run(store.open_share("a" * 64, NOON + HOUR)) is None
    # To end it again changes nothing.
    assert run(store.revoke_share(share.share_id, NOON + 2 * HOUR)) == ended
    assert run(store.open_share("b" * 64, NOON)) is not None
    assert [one.share_id for one in run(store.shares())] == [other.share_id, share.share_id]


def test_a_link_that_was_never_made_cannot_be_ended(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        run(store.revoke_share(77, NOON))


def test_links_that_ended_long_ago_are_forgotten(store: SqlStore) -> None:
    over, ended, good = (made(store, letter * 64) for letter in "abc")
    run(store.revoke_share(ended.share_id, NOON))
    assert run(store.prune_shares(NOON)) == 0
    assert run(store.prune_shares(NOON + HOUR)) == 1
    assert [one.share_id for one in run(store.shares())] == [good.share_id, over.share_id]
    assert run(store.prune_shares(good.expires_at + HOUR)) == 2


def test_to_look_without_opening_counts_nothing(store: SqlStore) -> None:
    share = made(store)
    found = run(store.open_share("a" * 64, NOON, counts=False))
    assert found == (share, DOCUMENT)
    assert run(store.open_share("a" * 64, share.expires_at, counts=False)) is None
    assert run(store.shares()) == [share]
