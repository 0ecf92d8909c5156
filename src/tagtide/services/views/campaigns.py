"""Every campaign in a row: what changed within a day, how complete it is, what fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.coverage import Completeness
from tagtide.core.reports.facts import add_up
from tagtide.models import Job, Role
from tagtide.services.context import Context
from tagtide.services.views.campaign import by_hashtag, held_between
from tagtide.services.views.today import CampaignLine, paces_of, view_lines

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign in one row."""

    line: CampaignLine
    competitors: int
    #: New videos held of those that exist, over the own hashtags; None where nothing is known.
    held: Completeness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsView:
    """The page."""

    now: datetime
    since: datetime
    campaigns: tuple[CampaignRow, ...]


async def view_campaigns(context: Context, *, schedules: Mapping[Job, str]) -> CampaignsView:
    """Gather the page. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    since = now - _DAY
    campaigns = await store.campaigns()
    paces = await paces_of(context, since)
    lines = await view_lines(context, campaigns, paces, schedules, since)
    earlier = [pace.base.read_at for own in paces.values() for pace in own if pace.base]
    published = by_hashtag(await store.published_since(min(earlier))) if earlier else {}
    rows = []
    for campaign, line in zip(campaigns, lines, strict=True):
        held = [
            held_between(
                published.get(campaign.campaign_id, {}).get(pace.hashtag, ()),
                pace.base,
                pace.latest,
            )
            for pace in paces[campaign.campaign_id]
        ]
        rows.append(
            CampaignRow(
                line=line,
                competitors=sum(h.role is Role.COMPETITOR for h in campaign.hashtags),
                held=add_up(one for one in held if one is not None),
            )
        )
    return CampaignsView(now=now, since=since, campaigns=tuple(rows))
