"""One page of a hashtag's feed beside its totals, and the credits that are left for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tagtide.errors import BudgetExceeded, SourceError
from tagtide.models import Campaign, Run, VideoPage, VideoSeen
from tagtide.ports import Changes, Sighting, SightingEffect
from tagtide.services.calls import Caller, Paid
from tagtide.services.collect import feed_watchers, high_priority_marks
from tagtide.services.context import Context
from tagtide.services.keep import keep

_VIDEOS = "hashtag_videos"


@dataclass(slots=True)
class Purse:
    """What is known of the credits of a run, by all its hashtags together."""

    #: Hashtags whose totals are not paid for yet: they come before any page.
    waiting: set[str]
    #: The smallest balance that an answer of the run has stated: answers overtake one another.
    remaining: int | None = None

    def paid(self, hashtag: str, remaining: int | None) -> None:
        """The totals of a hashtag were answered."""
        self.waiting.discard(hashtag)
        known = [n for n in (self.remaining, remaining) if n is not None]
        self.remaining = min(known, default=None)


@dataclass(slots=True, kw_only=True)
class FreshPage:
    """The page of one hashtag in one run; read once at most, and not before it is asked for."""

    hashtag: str
    #: Campaigns that hold the hashtag and read its feed. Not for competitors nobody asks for.
    watchers: Sequence[Campaign]
    #: Its videos; empty until it was read.
    seen: tuple[VideoSeen, ...] = ()
    effects: list[SightingEffect] = field(default_factory=list)

    @classmethod
    def of(cls, hashtag: str, holders: list[Campaign]) -> FreshPage:
        """Of a hashtag that these campaigns hold."""
        return cls(hashtag=hashtag, watchers=feed_watchers(holders, hashtag))

    @property
    def new(self) -> int:
        """Videos on it that were never seen before."""
        return len({e.video_id for e in self.effects if e.is_first})


async def read_page(
    context: Context,
    run: Run,
    campaign: Campaign,
    caller: Caller,
    page: FreshPage,
    hashtag_id: str,
    purse: Purse,
    spare: int = 0,
) -> None:
    """Read and store the page, if it is worth a credit.

    Where the API does not say how many videos there are, and where an alert opens or grows, so
    that it is explained by fresh videos. Only if the budget allows, with ``spare`` credits left for
    others; without it the stored videos have to do.
    """
    if not page.watchers or not await _is_affordable(context, campaign, purse, spare):
        return
    try:
        (entry,) = await caller.reserve([_VIDEOS])
        async with caller.paid(
            entry, _VIDEOS, lambda: context.source.hashtag_videos(hashtag_id, count=30)
        ) as paid:
            await _store(context, run, page, paid)
    except (BudgetExceeded, SourceError):
        return


async def _is_affordable(context: Context, campaign: Campaign, purse: Purse, spare: int) -> bool:
    """Whether balance and budget leave what the others need. The reservation decides."""
    if purse.remaining is not None and purse.remaining <= spare:
        return False
    for limit in context.budget.limits(campaign, context.clock.now()):
        spent = await context.store.spent(limit.since, limit.campaign_id)
        if spent.charged + spent.unknown + spent.reserved + spare >= limit.credits:
            return False
    return True


async def _store(context: Context, run: Run, page: FreshPage, paid: Paid[VideoPage]) -> None:
    now = context.clock.now()
    page.seen = paid.answer.value.videos
    sighting = Sighting(
        hashtag=page.hashtag,
        campaign_ids=tuple(c.campaign_id for c in page.watchers),
        read_at=now,
        videos=page.seen,
        run_id=run.run_id,
    )
    page.effects = await keep(
        context,
        Changes(
            sightings=(sighting,),
            high_priority=high_priority_marks(list(page.watchers), page.seen, now),
            settlements=(paid.settlement,),
        ),
    )
