"""UGC collection: read the feeds of a campaign, keep every sighting, mark what deserves action."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tagtide.core.planning import rotate
from tagtide.core.priority import is_high_priority, view_growth
from tagtide.errors import BudgetExceeded, SourceError
from tagtide.models import (
    Alert,
    Answer,
    Campaign,
    CampaignHashtag,
    HashtagOutcome,
    HashtagReading,
    HashtagTotals,
    Reason,
    Run,
    Status,
    VideoPage,
    VideoSeen,
)
from tagtide.ports import (
    Changes,
    Claim,
    HashtagState,
    KnownVideo,
    Progress,
    Sighting,
    SightingEffect,
)
from tagtide.services.calls import Caller, Paid
from tagtide.services.context import Context, OnOutcome
from tagtide.services.evaluate import Judgement, finish, judge_viral_videos, was_read_in
from tagtide.services.keep import keep
from tagtide.services.runs import HashtagRunner, RunRequest, open_run

_HASHTAG = "hashtag"
_VIDEOS = "hashtag_videos"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectResult:
    """What a collection did."""

    campaign: Campaign
    run_id: int
    status: Status
    reason: Reason
    outcomes: tuple[HashtagOutcome, ...]
    #: High-priority videos of the campaign seen in this run.
    high_priority: tuple[KnownVideo, ...]
    #: Those of them that became high priority in this run.
    new_high_priority: frozenset[str]
    #: Alerts about viral videos that the run raised, updated or resolved.
    alerts: tuple[Alert, ...]
    credits_used: int
    credits_remaining: int | None


def feed_hashtags(campaign: Campaign) -> list[CampaignHashtag]:
    """Hashtags whose feed is read: the own ones, and competitors that ask for it."""
    return [h for h in campaign.hashtags if h.feed]


def totals_reading(
    name: str, answer: Answer[HashtagTotals], read_at: datetime, run_id: int | None
) -> HashtagReading:
    """The reading an answer of the totals endpoint states."""
    totals = answer.value
    return HashtagReading(
        hashtag=name,
        hashtag_id=totals.hashtag_id,
        read_at=read_at,
        view_count=totals.view_count,
        view_source=totals.view_source,
        view_unit=totals.view_unit,
        video_count=totals.video_count,
        video_source=totals.video_source,
        video_unit=totals.video_unit,
        run_id=run_id,
        payload_hash=answer.payload_hash,
        flags=answer.flags,
    )


def feed_watchers(campaigns: Iterable[Campaign], name: str) -> list[Campaign]:
    """Campaigns whose videos those of a hashtag are: every one that reads its feed."""
    return [c for c in campaigns if any(h.name == name and h.feed for h in c.hashtags)]


def high_priority_marks(
    campaigns: Iterable[Campaign], videos: Sequence[VideoSeen], at: datetime
) -> tuple[tuple[int, str, datetime], ...]:
    """What is high priority in which campaign, by each campaign's own thresholds."""
    return tuple(
        (campaign.campaign_id, seen.video.video_id, at)
        for campaign in campaigns
        for seen in videos
        if is_high_priority(seen.counters, campaign.rules)
    )


async def collect(
    context: Context, request: RunRequest, progress: OnOutcome | None = None
) -> CollectResult:
    """Read the feeds of one campaign, once.

    Stores every video, creator and reading page by page, together with what each page cost; a run
    that is interrupted goes on behind the last stored page. Viral videos are judged at the end from
    hashtags that were read completely. Does not deliver: alerts wait in the outbox.

    Raises `StorageError` when results could not be written.
    """
    run = await open_run(context, request)
    campaign = request.campaign
    if run.finished_at is not None:
        done = await context.store.run(run.run_id)
        return await _result(context, campaign, run, list(done.outcomes), ())
    names = rotate([h.name for h in feed_hashtags(campaign)], run.slot_at.toordinal())

    in_service = await context.store.campaigns()

    async def work(state: HashtagState, claim: Claim, caller: Caller) -> HashtagOutcome:
        watchers = feed_watchers(in_service, state.name)
        return await _Feed(context, campaign, run, state, claim, caller, watchers).read()

    runner = HashtagRunner(context, run, campaign, progress)
    outcomes = await runner.run(names, work)
    ok = [o.hashtag for o in outcomes if o.status is Status.OK]

    async def viral() -> Judgement:
        return await judge_viral_videos(context, campaign, run, ok)

    judgement = await finish(context, run, outcomes, runner.unclaimed, viral)
    return await _result(context, campaign, run, outcomes, judgement.told)


async def _result(
    context: Context,
    campaign: Campaign,
    run: Run,
    outcomes: list[HashtagOutcome],
    told: tuple[Alert, ...],
) -> CollectResult:
    read = {o.hashtag for o in outcomes}
    marked = await context.store.known_videos(
        campaign.campaign_id, high_priority=True, read_since=run.slot_at
    )
    high = sorted(
        (v for v in marked if was_read_in(run, v) and read & {*v.hashtags}),
        key=lambda v: v.counters.view_count or 0,
        reverse=True,
    )
    summary = await context.store.run(run.run_id)
    balance = await context.store.balance()
    return CollectResult(
        campaign=campaign,
        run_id=run.run_id,
        status=summary.run.status,
        reason=summary.run.reason,
        outcomes=tuple(outcomes),
        high_priority=tuple(high),
        new_high_priority=frozenset(
            v.video_id
            for v in high
            if v.high_priority_at is not None and v.high_priority_at >= run.started_at
        ),
        alerts=told,
        credits_used=summary.run.credits,
        credits_remaining=balance.credits_remaining if balance else None,
    )


@dataclass(slots=True)
class _Feed:
    """Reads the feed of one hashtag in one run."""

    context: Context
    campaign: Campaign
    run: Run
    state: HashtagState
    claim: Claim
    caller: Caller
    watchers: list[Campaign]

    async def read(self) -> HashtagOutcome:
        """Read page by page until the feed or the page budget ends; store each page at once."""
        entries = await self.caller.reserve(self._planned())
        hashtag_id = self.state.hashtag_id
        if hashtag_id is None:
            hashtag_id = await self._resolve(entries.pop(0))
        return await self._pages(hashtag_id, entries)

    def _planned(self) -> list[str]:
        pages = max(0, self.campaign.page_budget - self.claim.pages)
        resolve = [_HASHTAG] if self.state.hashtag_id is None else []
        return resolve + [_VIDEOS] * pages

    async def _resolve(self, entry: int) -> str:
        """Ask for the hashtag's id, once for ever; its totals are kept as a reading."""
        name, context = self.state.name, self.context
        async with self.caller.paid(
            entry, _HASHTAG, lambda: context.source.hashtag(name=name)
        ) as paid:
            reading = totals_reading(name, paid.answer, context.clock.now(), self.run.run_id)
            await keep(context, Changes(readings=(reading,), settlements=(paid.settlement,)))
        return paid.answer.value.hashtag_id

    async def _pages(self, hashtag_id: str, entries: list[int]) -> HashtagOutcome:
        tally = _Tally.resume(self.state.name, self.claim)
        cursor, pages = self.claim.cursor, self.claim.pages
        seen = set(self.claim.seen)
        end = Reason.PAGE_BUDGET
        for entry in entries:
            try:
                page, effects = await self._page(entry, hashtag_id, cursor, pages)
            except (SourceError, BudgetExceeded) as error:
                if pages == 0:
                    raise
                return await self._partial(tally, pages, error)
            pages += 1
            fresh = {v.video.video_id for v in page.videos} - seen
            seen |= fresh
            tally.add(page, effects, fresh, self.campaign.campaign_id)
            if not page.has_more or page.cursor in {None, cursor} or not fresh:
                end = Reason.NONE
                break
            cursor = page.cursor or cursor
        outcome = tally.outcome(Status.OK, end, pages, self.caller.credits)
        await self.context.store.commit(Changes(outcome=outcome, outcome_claim=self.claim))
        return outcome

    async def _page(
        self, entry: int, hashtag_id: str, cursor: str, pages: int
    ) -> tuple[VideoPage, list[SightingEffect]]:
        """Read one page and store it, with what it cost and where to go on."""
        async with self.caller.paid(
            entry,
            _VIDEOS,
            lambda: self.context.source.hashtag_videos(hashtag_id, cursor=cursor, count=30),
        ) as paid:
            page = paid.answer.value
            effects = await self._store_page(paid, cursor=page.cursor or cursor, pages=pages + 1)
        return page, effects

    async def _store_page(
        self, paid: Paid[VideoPage], *, cursor: str, pages: int
    ) -> list[SightingEffect]:
        now = self.context.clock.now()
        page = paid.answer.value
        sighting = Sighting(
            hashtag=self.state.name,
            campaign_ids=tuple(c.campaign_id for c in self.watchers),
            read_at=now,
            videos=page.videos,
            run_id=self.run.run_id,
        )
        progress = Progress(
            claim=self.claim, cursor=cursor, pages=pages, lease_until=now + self.context.lease
        )
        return await keep(
            self.context,
            Changes(
                sightings=(sighting,),
                high_priority=high_priority_marks(self.watchers, page.videos, now),
                settlements=(paid.settlement,),
                progress=progress,
            ),
        )

    async def _partial(
        self, tally: _Tally, pages: int, error: SourceError | BudgetExceeded
    ) -> HashtagOutcome:
        """Some pages are stored, the next one failed: what was seen stays, nothing is concluded."""
        reason = error.reason if isinstance(error, SourceError) else Reason.BUDGET
        seen = tally.outcome(Status.PARTIAL, reason, pages, self.caller.credits)
        outcome = replace(seen, detail=str(error))
        await self.context.store.commit(Changes(outcome=outcome, outcome_claim=self.claim))
        return outcome


@dataclass(slots=True)
class _Tally:
    """Counts of one hashtag in one run."""

    hashtag: str
    seen: int = 0
    new: int = 0
    new_views: int = 0

    @classmethod
    def resume(cls, hashtag: str, claim: Claim) -> _Tally:
        return cls(hashtag, len(claim.seen), claim.videos_new, claim.new_views)

    def add(
        self, page: VideoPage, effects: list[SightingEffect], fresh: set[str], campaign_id: int
    ) -> None:
        self.seen += len(fresh)
        known = {effect.video_id: effect for effect in effects}
        for seen in {v.video.video_id: v for v in page.videos}.values():
            effect = known.get(seen.video.video_id)
            if effect is None or effect.video_id not in fresh:
                continue
            is_new = campaign_id in effect.new_in
            self.new += is_new
            views = seen.counters.view_count or 0
            self.new_views += views if is_new else view_growth(seen.counters, effect.previous)

    def outcome(
        self, status: Status, reason: Reason, pages: int, credits_used: int
    ) -> HashtagOutcome:
        return HashtagOutcome(
            hashtag=self.hashtag,
            status=status,
            reason=reason,
            videos_seen=self.seen,
            videos_new=self.new,
            new_views=self.new_views,
            pages=pages,
            credits=credits_used,
        )
