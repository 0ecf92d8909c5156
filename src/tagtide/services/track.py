"""Campaign tracking: read the totals of each hashtag, measure the change, judge, raise alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tagtide.core.alerts import fingerprint
from tagtide.core.detect.calibration import Calibration
from tagtide.core.explain import Moved, moved_by
from tagtide.core.names import hashtag_url
from tagtide.core.periods import zone_or_utc
from tagtide.core.planning import rotate
from tagtide.core.rules import RuleState, Verdict, judge_growth, judge_new_videos
from tagtide.core.statistical_rule import HashtagFinding, moved_in, statistical_verdict
from tagtide.core.velocity import Change, change_over_window, reach_of
from tagtide.errors import BudgetExceeded, Conflict, SourceError
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    HashtagOutcome,
    HashtagReading,
    Mute,
    Reason,
    Rule,
    Run,
    Status,
    VideoPage,
    VideoSeen,
    video_url,
)
from tagtide.ports import (
    Changes,
    Claim,
    DetectorState,
    HashtagState,
    Settlement,
    Sighting,
    SightingEffect,
)
from tagtide.services.calls import Caller, Paid
from tagtide.services.collect import feed_watchers, high_priority_marks, totals_reading
from tagtide.services.context import Context, OnOutcome
from tagtide.services.detection import calibration, observe
from tagtide.services.evaluate import (
    ATTEMPTS,
    Judgement,
    Subject,
    by_fingerprint,
    ended_unwatched,
    finish,
    judge,
    video_facts,
)
from tagtide.services.explain import explain_change
from tagtide.services.keep import keep
from tagtide.services.runs import HashtagRunner, RunRequest, open_run

_HASHTAG = "hashtag"
_VIDEOS = "hashtag_videos"
_TOP = 3


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

    known = await _Known.at_start(context, names)

    async def work(state: HashtagState, claim: Claim, caller: Caller) -> HashtagOutcome:
        tracker = _Tracker(context, campaign, run, state, claim, caller, known)
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
    change, _ = await _measure(context, state.latest, campaign.rules.window_hours)
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


async def _measure(
    context: Context, reading: HashtagReading, window_hours: float
) -> tuple[Change, HashtagReading | None]:
    """The change against the reading nearest to a window earlier, with glitches told apart."""
    at, window = reading.read_at, timedelta(hours=window_hours)
    history = await context.store.hashtag_readings(
        reading.hashtag, at - reach_of(window_hours), at - timedelta(microseconds=1)
    )
    latest = None
    if not history:
        latest = await context.store.reading_near(
            reading.hashtag, at - window, before=at, tolerance=window / 2
        )
    return change_over_window(reading, history, window_hours, latest)


@dataclass(slots=True)
class _Purse:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the hashtags of a run have in common, read once when it starts."""

    campaigns: tuple[Campaign, ...]
    #: By campaign: the newest alerts by fingerprint, open or over not long ago.
    episodes: dict[int, dict[str, Alert]]
    mutes: tuple[Mute, ...]
    #: By campaign: hashtags that hold a video read within half a window.
    fresh: dict[int, frozenset[str]]
    purse: _Purse
    #: What the statistical rule judges against; None where no campaign has it on.
    pool: Calibration | None

    @classmethod
    async def at_start(cls, context: Context, names: Sequence[str]) -> _Known:
        wanted, now = {*names}, context.clock.now()
        campaigns = tuple(
            c for c in await context.store.campaigns() if wanted & {h.name for h in c.hashtags}
        )
        episodes, fresh = {}, {}
        for campaign in campaigns:
            key = campaign.campaign_id
            episodes[key] = await _episodes(context, campaign)
            since = now - timedelta(hours=campaign.rules.window_hours) / 2
            videos = await context.store.known_videos(key, read_since=since)
            fresh[key] = frozenset(name for v in videos for name in (v.hashtag, *v.hashtags))
        mutes = tuple(await context.store.mutes(now))
        is_wanted = any(Rule.STATISTICAL in c.rules.enabled for c in campaigns)
        return cls(
            campaigns=campaigns,
            episodes=episodes,
            mutes=mutes,
            fresh=fresh,
            purse=_Purse(wanted),
            pool=await calibration(context) if is_wanted else None,
        )

    def holders(self, name: str) -> list[Campaign]:
        """Campaigns that hold a hashtag."""
        return [c for c in self.campaigns if any(h.name == name for h in c.hashtags)]


async def _episodes(context: Context, campaign: Campaign) -> dict[str, Alert]:
    """What may be continued: what is open, and what ended so lately that it may come back."""
    since = context.clock.now() - timedelta(hours=campaign.rules.reopen_hours)
    return by_fingerprint(await context.store.episodes(campaign.campaign_id, resolved_since=since))


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
        known: _Known,
    ) -> None:
        self._context, self._campaign, self._run = context, campaign, run
        self._state, self._claim, self._caller = state, claim, caller
        #: Campaigns that hold the hashtag, each with rules of its own.
        self._holders = known.holders(state.name)
        self._fresh, self._mutes = known.fresh, known.mutes
        self._episodes, self._purse, self._pool = known.episodes, known.purse, known.pool
        self._detectors: tuple[DetectorState, ...] = ()
        self._seen: tuple[VideoSeen, ...] = ()
        self._effects: list[SightingEffect] = []
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
                await self._read_feed(paid.answer.value.hashtag_id)
            judgement = await self._judge(reading)
            if not self._seen and self._is_news(judgement):
                await self._read_feed(reading.hashtag_id or "", spare=len(self._purse.waiting))
                if self._seen:
                    judgement = await self._judge(reading)
            for _ in range(ATTEMPTS - 1):
                try:
                    return await self._store(reading, paid.settlement, judgement)
                except Conflict:
                    # Another process has written the same alert meanwhile: judge again, knowing it.
                    self._episodes = {
                        c.campaign_id: await _episodes(self._context, c) for c in self._holders
                    }
                    judgement = await self._judge(reading)
            return await self._store(reading, paid.settlement, judgement)

    async def _store(
        self, reading: HashtagReading, settlement: Settlement, judgement: Judgement
    ) -> HashtagOutcome:
        outcome = self._outcome(reading)
        await keep(
            self._context,
            Changes(
                readings=(reading,),
                detectors=self._detectors,
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
            videos_seen=len({v.video.video_id for v in self._seen}),
            videos_new=len({e.video_id for e in self._effects if e.is_first}),
            new_views=self.change.new_views if self.change else None,
            pages=1 if self._seen else 0,
            credits=self._caller.credits,
        )

    def _is_news(self, judgement: Judgement) -> bool:
        """Whether an alert opens or grows in a campaign that reads the feed of this hashtag."""
        watching = {c.campaign_id for c in feed_watchers(self._holders, self._state.name)}
        return any(
            alert.state is AlertState.FIRING and alert.campaign_id in watching
            for alert in judgement.told
        )

    async def _read_feed(self, hashtag_id: str, spare: int = 0) -> None:
        """One page of the feed: where the API does not say how many videos there are, and where an
        alert opens or grows, so that it is explained by fresh videos.

        Not for competitors whose feed no campaign asks for. It is worth a credit only if the budget
        allows, with ``spare`` credits left for others; without it the stored videos have to do.
        """
        watchers = feed_watchers(self._holders, self._state.name)
        if not watchers or not await self._is_affordable(spare):
            return
        try:
            (entry,) = await self._caller.reserve([_VIDEOS])
            async with self._caller.paid(
                entry, _VIDEOS, lambda: self._context.source.hashtag_videos(hashtag_id, count=30)
            ) as paid:
                await self._store_page(watchers, paid)
        except (BudgetExceeded, SourceError):
            return

    async def _is_affordable(self, spare: int) -> bool:
        """Whether balance and budget leave what the others need. The reservation decides."""
        store, now = self._context.store, self._context.clock.now()
        if self._purse.remaining is not None and self._purse.remaining <= spare:
            return False
        for limit in self._context.budget.limits(self._campaign, now):
            spent = await store.spent(limit.since, limit.campaign_id)
            if spent.charged + spent.unknown + spent.reserved + spare >= limit.credits:
                return False
        return True

    async def _store_page(self, watchers: list[Campaign], paid: Paid[VideoPage]) -> None:
        now = self._context.clock.now()
        self._seen = paid.answer.value.videos
        sighting = Sighting(
            hashtag=self._state.name,
            campaign_ids=tuple(c.campaign_id for c in watchers),
            read_at=now,
            videos=self._seen,
            run_id=self._run.run_id,
        )
        self._effects = await keep(
            self._context,
            Changes(
                sightings=(sighting,),
                high_priority=high_priority_marks(watchers, self._seen, now),
                settlements=(paid.settlement,),
            ),
        )

    async def _judge(self, reading: HashtagReading) -> Judgement:
        total = Judgement()
        findings = await self._findings(reading)
        for campaign in self._holders:
            change, previous = await _measure(self._context, reading, campaign.rules.window_hours)
            if campaign.campaign_id == self._campaign.campaign_id:
                self.change = change
            episodes = self._episodes[campaign.campaign_id]
            for verdict in await self._verdicts(campaign, reading, previous, change):
                moved = moved_by(change, verdict)
                total += await self._decide(campaign, verdict, moved, episodes)
            if (found := findings.get(campaign.rules.false_alarms)) is not None:
                total += await self._decide_statistical(campaign, found, reading, episodes)
        return total

    async def _findings(self, reading: HashtagReading) -> dict[float, HashtagFinding]:
        """What the statistical detector makes of the reading, by the knob of the campaigns."""
        rules = [c.rules for c in self._holders if Rule.STATISTICAL in c.rules.enabled]
        if not rules or self._pool is None:
            return {}
        knobs = [r.false_alarms for r in rules]
        found, self._detectors = await observe(self._context, reading, knobs, self._pool)
        return found

    async def _decide_statistical(
        self,
        campaign: Campaign,
        found: HashtagFinding,
        reading: HashtagReading,
        episodes: dict[str, Alert],
    ) -> Judgement:
        if Rule.STATISTICAL not in campaign.rules.enabled:
            return Judgement()
        key = fingerprint(campaign.campaign_id, Rule.STATISTICAL, self._state.name, None)
        is_known = key in episodes and episodes[key].is_open
        zone = zone_or_utc(campaign.timezone)
        verdict = statistical_verdict(found, zone=zone, is_known=is_known)
        return await self._decide(campaign, verdict, moved_in(found, reading), episodes)

    async def _verdicts(
        self,
        campaign: Campaign,
        reading: HashtagReading,
        previous: HashtagReading | None,
        change: Change,
    ) -> list[Verdict]:
        rules, found = campaign.rules, []
        if Rule.NEW_VIDEOS in rules.enabled:
            found.append(
                judge_new_videos(
                    change,
                    threshold=_threshold(campaign, self._state.name),
                    window_hours=rules.window_hours,
                    at_least=await self._new_seen(campaign, change),
                    resolve_below=rules.resolve_below,
                )
            )
        if Rule.GROWTH in rules.enabled:
            now, before = await self._engagement(campaign, reading)
            found.append(
                judge_growth(
                    change,
                    reading,
                    previous,
                    engagement_now=now,
                    engagement_before=before,
                    settings=rules,
                )
            )
        return found

    async def _new_seen(self, campaign: Campaign, change: Change) -> int | None:
        """Videos published since the earlier reading that were really seen.

        For where the counter's change is unknown; None where it is known, or without an earlier
        reading. A video that was merely not seen before is not new.
        """
        since = change.previous_at
        if change.new_videos is not None or since is None:
            return None
        stored = await self._context.store.known_videos(
            campaign.campaign_id, hashtags=[self._state.name]
        )
        found = {v.video_id for v in stored if v.created_at is not None and v.created_at > since}
        for seen in self._seen:
            created_at = seen.video.created_at
            if created_at is not None and created_at > since:
                found.add(seen.video.video_id)
        return len(found)

    async def _engagement(
        self, campaign: Campaign, reading: HashtagReading
    ) -> tuple[int | None, int | None]:
        """Engagement of the hashtag's held videos now and a window ago, over those read at both."""
        if not self._seen and self._state.name not in self._fresh[campaign.campaign_id]:
            return None, None
        window = timedelta(hours=campaign.rules.window_hours)
        fresh = await self._context.store.known_videos(
            campaign.campaign_id,
            hashtags=[self._state.name],
            read_since=reading.read_at - window / 2,
        )
        if not fresh:
            return None, None
        earlier = await self._context.store.video_readings_near(
            campaign.campaign_id,
            reading.read_at - window,
            window / 2,
            hashtags=[self._state.name],
        )
        pairs = [
            (v.counters.engagement, earlier[v.video_id].counters.engagement)
            for v in fresh
            if v.video_id in earlier and earlier[v.video_id].read_at < v.read_at
        ]
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        if not known:
            return None, None
        return sum(a for a, _ in known), sum(b for _, b in known)

    async def _decide(
        self, campaign: Campaign, verdict: Verdict, moved: Moved | None, episodes: dict[str, Alert]
    ) -> Judgement:
        name = self._state.name
        facts: dict[str, object] = {}
        explanation = None
        if verdict.state is RuleState.FIRES:
            facts["top_videos"] = await self._top_videos(campaign)
            if moved is not None:
                explanation = await explain_change(self._context, campaign, moved)
        subject = Subject(
            campaign=campaign,
            hashtag=name,
            video_id=None,
            url=hashtag_url(name),
            facts=facts,
            explanation=explanation,
        )
        key = fingerprint(campaign.campaign_id, verdict.rule, name, None)
        return judge(
            self._context,
            subject,
            verdict,
            episodes.get(key),
            status=Status.OK,
            mutes=self._mutes,
        )

    async def _top_videos(self, campaign: Campaign) -> list[dict[str, object]]:
        """The three largest: of the page just read, else of the stored ones of this hashtag."""
        if self._seen:
            top = sorted(self._seen, key=lambda v: v.counters.view_count or 0, reverse=True)
            return [_seen_facts(v) for v in top[:_TOP]]
        stored = await self._context.store.known_videos(
            campaign.campaign_id, hashtags=[self._state.name]
        )
        stored.sort(key=lambda v: v.counters.view_count or 0, reverse=True)
        return [video_facts(v) for v in stored[:_TOP]]


def _seen_facts(seen: VideoSeen) -> dict[str, object]:
    username = seen.video.creator.username
    return {
        "video_id": seen.video.video_id,
        "author_username": username,
        "view_count": seen.counters.view_count,
        "url": video_url(seen.video.video_id, username),
        "caption": seen.video.caption[:300],
    }


def _threshold(campaign: Campaign, name: str) -> int:
    own = next((h.threshold for h in campaign.hashtags if h.name == name), None)
    return campaign.rules.new_videos if own is None else own
