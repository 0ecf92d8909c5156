"""Every campaign in a row: what changed within a day, how complete it is, what fires."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.coverage import Completeness, completeness_of
from tagtide.core.reports.facts import add_up
from tagtide.core.velocity import changes_between
from tagtide.models import Job, Role
from tagtide.ports import HashtagPace
from tagtide.services.context import Context
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
    held = await _held(context, paces)
    rows = [
        CampaignRow(
            line=line,
            competitors=sum(h.role is Role.COMPETITOR for h in campaign.hashtags),
            held=add_up(held[campaign.campaign_id]),
        )
        for campaign, line in zip(campaigns, lines, strict=True)
    ]
    return CampaignsView(now=now, since=since, campaigns=tuple(rows))


async def _held(
    context: Context, paces: Mapping[int, Sequence[HashtagPace]]
) -> Mapping[int, list[Completeness]]:
    """By campaign, the completeness of each of its own hashtags that was read at both ends."""
    ends = {
        (campaign_id, pace.hashtag_key): (pace.base, pace.latest)
        for campaign_id, own in paces.items()
        for pace in own
        if pace.base and pace.latest and pace.base.read_at < pace.latest.read_at
    }
    spans = {key: (base.read_at, latest.read_at) for (_, key), (base, latest) in ends.items()}
    published = await context.store.published_in(spans)
    found: dict[int, list[Completeness]] = defaultdict(list)
    for (campaign_id, key), (base, latest) in ends.items():
        _, videos = changes_between(base, latest)
        found[campaign_id].append(completeness_of(published.get(key, 0), videos))
    return found
