"""The rules about a hashtag's totals: new videos, growth, and the statistical one, for every
campaign that holds it.

What a reading says is measured once; asked again with a page of fresh videos, or after another
process has written the same alert, only what may have changed is asked of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tagtide.core.alert_terms import REPORTED
from tagtide.core.alerts import AlertDecision, fingerprint
from tagtide.core.detect.calibration import Calibration
from tagtide.core.engagement import Ends, engagement_over
from tagtide.core.names import hashtag_url
from tagtide.core.periods import zone_or_utc
from tagtide.core.rules import RuleState, Verdict, judge_growth, judge_new_videos
from tagtide.core.statistical_rule import HashtagFinding, moved_in, statistical_verdict
from tagtide.core.velocity import Change, change_over_window, reach_of
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    HashtagReading,
    Mute,
    Rule,
    Status,
    VideoSeen,
    video_url,
)
from tagtide.ports import DetectorState
from tagtide.services.context import Context
from tagtide.services.detection import calibration, observe
from tagtide.services.evaluate import (
    Judgement,
    Subject,
    by_fingerprint,
    carried_out,
    decide,
    video_facts,
)
from tagtide.services.fresh_page import FreshPage

if TYPE_CHECKING:
    from tagtide.core.explain import Moved

_TOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the hashtags of a run have in common, read once when it starts."""

    campaigns: tuple[Campaign, ...]
    #: By campaign: the newest alerts by fingerprint, open or over not long ago.
    episodes: dict[int, dict[str, Alert]]
    mutes: tuple[Mute, ...]
    #: By campaign: hashtags that hold a video read within half a window.
    fresh: dict[int, frozenset[str]]
    #: What the statistical rule judges against; None where no campaign has it on.
    pool: Calibration | None

    @classmethod
    async def at_start(cls, context: Context, names: Sequence[str]) -> Known:
        """Of a run over these hashtags."""
        wanted, now = {*names}, context.clock.now()
        campaigns = tuple(
            c for c in await context.store.campaigns() if wanted & {h.name for h in c.hashtags}
        )
        episodes, fresh = {}, {}
        for campaign in campaigns:
            key = campaign.campaign_id
            episodes[key] = await _episodes(context, campaign)
            since = Ends(now, campaign.rules.window_hours).fresh_since
            videos = await context.store.known_videos(key, read_since=since)
            fresh[key] = frozenset(name for v in videos for name in (v.hashtag, *v.hashtags))
        is_wanted = any(Rule.STATISTICAL in c.rules.enabled for c in campaigns)
        return cls(
            campaigns=campaigns,
            episodes=episodes,
            mutes=tuple(await context.store.mutes(now)),
            fresh=fresh,
            pool=await calibration(context) if is_wanted else None,
        )

    def holders(self, name: str) -> list[Campaign]:
        """Campaigns that hold a hashtag."""
        return [c for c in self.campaigns if any(h.name == name for h in c.hashtags)]


async def _episodes(context: Context, campaign: Campaign) -> dict[str, Alert]:
    """What may be continued: what is open, and what ended so lately that it may come back."""
    since = context.clock.now() - timedelta(hours=campaign.rules.reopen_hours)
    return by_fingerprint(await context.store.episodes(campaign.campaign_id, resolved_since=since))


async def measure(
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


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to become of one rule's alert in one campaign; nothing of it is written yet."""

    campaign: Campaign
    decision: AlertDecision
    fires: bool
    #: The change it is about, asked for where it is explained.
    moved: Callable[[], Moved | None]

    @property
    def is_reported(self) -> bool:
        """Whether an alert begins, grows or ends."""
        return self.decision.alert is not None and self.decision.action in REPORTED


class TotalsJudge:
    """Judges one reading of one hashtag for every campaign that holds it."""

    def __init__(
        self, context: Context, known: Known, reading: HashtagReading, page: FreshPage
    ) -> None:
        self._context, self._known = context, known
        self._reading, self._page = reading, page
        self._name = reading.hashtag
        self._holders = known.holders(reading.hashtag)
        self._episodes = known.episodes
        self._measured: dict[float, tuple[Change, HashtagReading | None]] = {}
        self._findings: dict[float, HashtagFinding] | None = None
        #: What the detectors have learned, to be written with the reading.
        self.detectors: tuple[DetectorState, ...] = ()

    async def decide(self) -> list[Decided]:
        """Ask every rule."""
        found: list[Decided] = []
        findings = await self._find()
        for campaign in self._holders:
            change, previous = await self.measured(campaign)
            verdicts = await self._verdicts(campaign, previous, change)
            found += [self._decided(campaign, v, _moved_by(change, v)) for v in verdicts]
            finding = findings.get(campaign.rules.false_alarms)
            if finding is not None and Rule.STATISTICAL in campaign.rules.enabled:
                found.append(self._decided_by_detector(campaign, finding))
        return found

    def is_news(self, decided: Sequence[Decided]) -> bool:
        """Whether an alert opens or grows in a campaign that reads the feed of this hashtag."""
        watching = {c.campaign_id for c in self._page.watchers}
        return any(
            one.is_reported
            and one.decision.alert is not None
            and one.decision.alert.state is AlertState.FIRING
            and one.campaign.campaign_id in watching
            for one in decided
        )

    async def carry_out(self, decided: Sequence[Decided]) -> Judgement:
        """What is to be written: explained where an alert begins or grows, and nowhere else."""
        total = Judgement()
        for one in decided:
            facts: dict[str, object] = {}
            alert = one.decision.alert
            if alert is not None and alert.is_open and one.fires:
                facts["top_videos"] = await self._top_videos(one.campaign)
                if one.is_reported:
                    facts |= await self._explanation(one)
            total += carried_out(self._context, one.campaign, one.decision, facts)
        return total

    async def _explanation(self, one: Decided) -> dict[str, object]:
        from tagtide.services.explain import explain_change

        moved = one.moved()
        if moved is None:
            return {}
        explanation = await explain_change(self._context, one.campaign, moved)
        return {"explanation": explanation} if explanation else {}

    async def forget(self) -> None:
        """Another process has written an alert of this hashtag: judge again, knowing it."""
        self._episodes = {c.campaign_id: await _episodes(self._context, c) for c in self._holders}
        self._findings = None

    async def measured(self, campaign: Campaign) -> tuple[Change, HashtagReading | None]:
        """The change over a campaign's window, and the reading it is measured against."""
        window = campaign.rules.window_hours
        if window not in self._measured:
            self._measured[window] = await measure(self._context, self._reading, window)
        return self._measured[window]

    async def _find(self) -> dict[float, HashtagFinding]:
        """What the statistical detector makes of the reading, by the knob of the campaigns."""
        if self._findings is None:
            rules = [c.rules for c in self._holders if Rule.STATISTICAL in c.rules.enabled]
            self._findings = {}
            if rules and self._known.pool is not None:
                knobs = [r.false_alarms for r in rules]
                self._findings, self.detectors = await observe(
                    self._context, self._reading, knobs, self._known.pool
                )
        return self._findings

    def _decided_by_detector(self, campaign: Campaign, found: HashtagFinding) -> Decided:
        key = fingerprint(campaign.campaign_id, Rule.STATISTICAL, self._name, None)
        episode = self._episodes[campaign.campaign_id].get(key)
        is_known = episode is not None and episode.is_open
        zone = zone_or_utc(campaign.timezone)
        verdict = statistical_verdict(found, zone=zone, is_known=is_known)
        return self._decided(campaign, verdict, lambda: moved_in(found, self._reading))

    async def _verdicts(
        self, campaign: Campaign, previous: HashtagReading | None, change: Change
    ) -> list[Verdict]:
        rules, found = campaign.rules, []
        if Rule.NEW_VIDEOS in rules.enabled:
            found.append(
                judge_new_videos(
                    change,
                    threshold=_threshold(campaign, self._name),
                    window_hours=rules.window_hours,
                    at_least=await self._new_seen(campaign, change),
                    resolve_below=rules.resolve_below,
                )
            )
        if Rule.GROWTH in rules.enabled:
            now, before = await self._engagement(campaign)
            found.append(
                judge_growth(
                    change,
                    self._reading,
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
        stored = await self._context.store.known_videos(campaign.campaign_id, hashtags=[self._name])
        found = {v.video_id for v in stored if v.created_at is not None and v.created_at > since}
        for seen in self._page.seen:
            created_at = seen.video.created_at
            if created_at is not None and created_at > since:
                found.add(seen.video.video_id)
        return len(found)

    async def _engagement(self, campaign: Campaign) -> tuple[int | None, int | None]:
        """Engagement of the hashtag's held videos now and a window ago."""
        if not self._page.seen and self._name not in self._known.fresh[campaign.campaign_id]:
            return None, None
        store, tags = self._context.store, [self._name]
        ends = Ends(self._reading.read_at, campaign.rules.window_hours)
        fresh = await store.known_videos(
            campaign.campaign_id, hashtags=tags, read_since=ends.fresh_since
        )
        if not fresh:
            return None, None
        earlier = await store.video_readings_near(
            campaign.campaign_id, ends.earlier, ends.tolerance, hashtags=tags
        )
        return engagement_over((v, earlier[v.video_id]) for v in fresh if v.video_id in earlier)

    def _decided(
        self, campaign: Campaign, verdict: Verdict, moved: Callable[[], Moved | None]
    ) -> Decided:
        subject = Subject(
            campaign=campaign, hashtag=self._name, video_id=None, url=hashtag_url(self._name)
        )
        key = fingerprint(campaign.campaign_id, verdict.rule, self._name, None)
        decision = decide(
            self._context,
            subject,
            verdict,
            self._episodes[campaign.campaign_id].get(key),
            status=Status.OK,
            mutes=self._known.mutes,
        )
        return Decided(campaign, decision, verdict.state is RuleState.FIRES, moved)

    async def _top_videos(self, campaign: Campaign) -> list[dict[str, object]]:
        """The three largest: of the page just read, else of the stored ones of this hashtag."""
        if self._page.seen:
            top = sorted(self._page.seen, key=lambda v: v.counters.view_count or 0, reverse=True)
            return [_seen_facts(v) for v in top[:_TOP]]
        stored = await self._context.store.known_videos(campaign.campaign_id, hashtags=[self._name])
        stored.sort(key=lambda v: v.counters.view_count or 0, reverse=True)
        return [video_facts(v) for v in stored[:_TOP]]


def _moved_by(change: Change, verdict: Verdict) -> Callable[[], Moved | None]:
    def asked() -> Moved | None:
        from tagtide.core.explain import moved_by

        return moved_by(change, verdict)

    return asked


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
