"""Campaign tracking: read the totals of each hashtag, measure the change, judge, raise alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tagtide.core.planning import rotate
from tagtide.core.velocity import Change
from tagtide.errors import Conflict
from tagtide.models import (
    Alert,
    Campaign,
    HashtagOutcome,
    HashtagReading,
    Reason,
    Run,
    Status,
)
from tagtide.ports import Changes, Claim, HashtagState, Settlement
from tagtide.services.calls import Caller
from tagtide.services.collect import totals_reading
from tagtide.services.context import Context, OnOutcome
from tagtide.services.evaluate import ATTEMPTS, Judgement, ended_unwatched, finish
from tagtide.services.fresh_page import FreshPage, Purse, read_page
from tagtide.services.keep import keep
from tagtide.services.runs import HashtagRunner, RunRequest, open_run
from tagtide.services.totals_rules import Decided, Known, TotalsJudge, measure

_HASHTAG = "hashtag"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedHashtag:
    """What one hashtag's reading said."""

    outcome: HashtagOutcome
    reading: HashtagReading | None
    change: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackResult:
    """What a tracking run did."""

    campaign: Campaign
    run_id: int
    status: Status
    reason: Reason
    hashtags: tuple[TrackedHashtag, ...]
    #: Alerts of this campaign that the run raised, updated or resolved.
    alerts: tuple[Alert, ...]
    credits_used: int
    credits_remaining: int | None


async def track(
    context: Context, request: RunRequest, progress: OnOutcome | None = None
) -> TrackResult:
    """Read the totals of every hashtag of one campaign, once.

    The reading, what it cost, the alerts it causes and their messages are one transaction per
    hashtag. A hashtag that cannot be read neither raises nor resolves anything. Does not deliver.

    Raises `StorageError` when results could not be written.
    """
    run = await open_run(context, request)
    campaign = request.campaign
    names = rotate([h.name for h in campaign.hashtags], run.slot_at.toordinal())
    measured: dict[str, tuple[HashtagReading, Change]] = {}
    alerts: list[Alert] = []

    known, purse = await Known.at_start(context, names), Purse({*names})

    async def work(state: HashtagState, claim: Claim, caller: Caller) -> HashtagOutcome:
        tracker = _Tracker(context, campaign, run, state, claim, caller, known, purse)
        outcome = await tracker.track()
        if tracker.reading is not None and tracker.change is not None:
            measured[state.name] = (tracker.reading, tracker.change)
        alerts.extend(a for a in tracker.told if a.campaign_id == campaign.campaign_id)
        return outcome

    runner = HashtagRunner(context, run, campaign, progress)
    outcomes = await runner.run(names, work)

    async def unwatched() -> Judgement:
        return await _unwatched(context, campaign)

    alerts.extend((await finish(context, run, outcomes, runner.unclaimed, unwatched)).told)
    hashtags = [await _tracked(context, campaign, o, measured) for o in outcomes]
    return await _result(context, campaign, run, hashtags, alerts)


async def _unwatched(context: Context, campaign: Campaign) -> Judgement:
    """End the alerts of hashtags and rules that are not watched any more."""
    now, store = context.clock.now(), context.store
    names, enabled = {h.name for h in campaign.hashtags}, campaign.rules.enabled
    # Those about videos are for `collect` to end.
    gone = [
        alert
        for alert in await store.episodes(campaign.campaign_id, resolved_since=now)
        if alert.video_id is None and not (alert.hashtag in names and alert.rule in enabled)
    ]
    return ended_unwatched(context, campaign, gone, await store.mutes(now) if gone else ())


async def _tracked(
    context: Context,
    campaign: Campaign,
    outcome: HashtagOutcome,
    measured: dict[str, tuple[HashtagReading, Change]],
) -> TrackedHashtag:
    if outcome.hashtag in measured:
        reading, change = measured[outcome.hashtag]
        return TrackedHashtag(outcome=outcome, reading=reading, change=change)
    if outcome.status is not Status.OK:
        return TrackedHashtag(outcome=outcome, reading=None, change=None)
    # Read by another run of the same slot, or before an interruption: measured from what it stored.
    state = (await context.store.hashtag_states([outcome.hashtag]))[outcome.hashtag]
    if state.latest is None:
        return TrackedHashtag(outcome=outcome, reading=None, change=None)
    change, _ = await measure(context, state.latest, campaign.rules.window_hours)
    return TrackedHashtag(outcome=outcome, reading=state.latest, change=change)


async def _result(
    context: Context,
    campaign: Campaign,
    run: Run,
    hashtags: list[TrackedHashtag],
    alerts: list[Alert],
) -> TrackResult:
    order = {h.name: place for place, h in enumerate(campaign.hashtags)}
    summary = await context.store.run(run.run_id)
    balance = await context.store.balance()
    return TrackResult(
        campaign=campaign,
        run_id=run.run_id,
        status=summary.run.status,
        reason=summary.run.reason,
        hashtags=tuple(sorted(hashtags, key=lambda h: order[h.outcome.hashtag])),
        alerts=tuple(alerts),
        credits_used=summary.run.credits,
        credits_remaining=balance.credits_remaining if balance else None,
    )


class _Tracker:
    """Reads and judges one hashtag in one run."""

    def __init__(
        self,
        context: Context,
        campaign: Campaign,
        run: Run,
        state: HashtagState,
        claim: Claim,
        caller: Caller,
        known: Known,
        purse: Purse,
    ) -> None:
        self._context, self._campaign, self._run = context, campaign, run
        self._state, self._claim, self._caller = state, claim, caller
        self._known, self._purse = known, purse
        # Campaigns that hold the hashtag, each with rules of its own.
        self._page = FreshPage.of(state.name, known.holders(state.name))
        self.reading: HashtagReading | None = None
        self.change: Change | None = None
        self.told: tuple[Alert, ...] = ()

    async def track(self) -> HashtagOutcome:
        """Read, judge and store."""
        (entry,) = await self._caller.reserve([_HASHTAG])
        try:
            return await self._track(entry)
        finally:
            self._purse.waiting.discard(self._state.name)

    async def _track(self, entry: int) -> HashtagOutcome:
        name, known_id = self._state.name, self._state.hashtag_id
        async with self._caller.paid(
            entry,
            _HASHTAG,
            lambda: self._context.source.hashtag(
                name=None if known_id else name, hashtag_id=known_id
            ),
        ) as paid:
            reading = totals_reading(name, paid.answer, self._context.clock.now(), self._run.run_id)
            self._purse.paid(name, paid.answer.credits_remaining)
            if reading.video_count is None:
                await self._read_page(paid.answer.value.hashtag_id)
            judge = TotalsJudge(self._context, self._known, reading, self._page)
            decided = await judge.decide()
            if not self._page.seen and judge.is_news(decided):
                await self._read_page(reading.hashtag_id or "", spare=len(self._purse.waiting))
                if self._page.seen:
                    decided = await judge.decide()
            self.change, _ = await judge.measured(self._campaign)
            for _ in range(ATTEMPTS - 1):
                try:
                    return await self._store(reading, paid.settlement, judge, decided)
                except Conflict:
                    await judge.forget()
                    decided = await judge.decide()
            return await self._store(reading, paid.settlement, judge, decided)

    async def _read_page(self, hashtag_id: str, spare: int = 0) -> None:
        await read_page(
            self._context,
            self._run,
            self._campaign,
            self._caller,
            self._page,
            hashtag_id,
            self._purse,
            spare,
        )

    async def _store(
        self,
        reading: HashtagReading,
        settlement: Settlement,
        judge: TotalsJudge,
        decided: Sequence[Decided],
    ) -> HashtagOutcome:
        outcome, judgement = self._outcome(reading), await judge.carry_out(decided)
        await keep(
            self._context,
            Changes(
                readings=(reading,),
                detectors=judge.detectors,
                settlements=(settlement,),
                alerts=judgement.alerts,
                alert_events=judgement.events,
                notifications=judgement.notifications,
                outcome=outcome,
                outcome_claim=self._claim,
            ),
        )
        self.reading, self.told = reading, judgement.told
        return outcome

    def _outcome(self, reading: HashtagReading) -> HashtagOutcome:
        latest = self._state.latest
        same = latest is not None and latest.payload_hash == reading.payload_hash != ""
        return HashtagOutcome(
            hashtag=self._state.name,
            status=Status.OK,
            reason=Reason.UNCHANGED if same else Reason.NONE,
            videos_seen=len({v.video.video_id for v in self._page.seen}),
            videos_new=self._page.new,
            new_views=self.change.new_views if self.change else None,
            pages=1 if self._page.seen else 0,
            credits=self._caller.credits,
        )
