"""Back-test: how often, and when, a rule would have fired on what is stored. Spends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cached_property

from tagtide.core.backtest import (
    LADDERS,
    BackTest,
    HashtagHistory,
    Measured,
    Preset,
    PresetTest,
    measure,
    months_read,
    replay_statistical,
    replay_totals,
    replay_videos,
)
from tagtide.core.detect.calibration import SHIPPED, Calibration
from tagtide.core.velocity import HISTORY
from tagtide.errors import NotFound
from tagtide.models import (
    CAMPAIGN_RULES,
    Campaign,
    HashtagReading,
    Rule,
    RuleSettings,
    VideoReading,
)
from tagtide.ports import KnownVideo
from tagtide.services.context import Context
from tagtide.services.detection import WARM_UP, calibration

_LONG_AGO = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class History:
    """What is stored of a campaign, loaded once for any number of back-tests."""

    campaign: Campaign
    since: datetime
    until: datetime
    #: By hashtag, in order of time, with what came before ``since``.
    readings: Mapping[str, Sequence[HashtagReading]]
    videos: Sequence[KnownVideo]
    video_readings: Sequence[VideoReading]

    @cached_property
    def months(self) -> float:
        """Hashtag-months that were read."""
        return months_read(self.readings.values(), self.since)

    @cached_property
    def count(self) -> int:
        """Readings of hashtags that are judged."""
        return sum(r.read_at >= self.since for one in self.readings.values() for r in one)

    @cached_property
    def thresholds(self) -> dict[str, int]:
        """Rule A's own thresholds of hashtags."""
        return _thresholds(self.campaign)

    def measured(self, window_hours: float) -> dict[str, list[Measured]]:
        """Every reading as `track` measured it; kept, since presets try many thresholds on it."""
        if window_hours not in self._measured:
            self._measured[window_hours] = {
                name: measure(self._of_hashtag(name, readings), self.since, window_hours)
                for name, readings in self.readings.items()
            }
        return self._measured[window_hours]

    @cached_property
    def tested(self) -> dict[tuple[Rule, RuleSettings, frozenset[tuple[str, int]]], BackTest]:
        """Back-tests that were made of it: the one of what is stored is asked for at every try."""
        return {}

    @cached_property
    def _measured(self) -> dict[float, dict[str, list[Measured]]]:
        return {}

    @cached_property
    def _by_video(self) -> dict[str, list[VideoReading]]:
        found: dict[str, list[VideoReading]] = {}
        for reading in self.video_readings:
            found.setdefault(reading.video_id, []).append(reading)
        return found

    def _of_hashtag(self, name: str, readings: Sequence[HashtagReading]) -> HashtagHistory:
        held = [v for v in self.videos if name == v.hashtag or name in v.hashtags]
        return HashtagHistory(
            readings=readings,
            published=[(v.created_at, v.first_seen_at) for v in held if v.created_at is not None],
            videos=[self._by_video[v.video_id] for v in held if v.video_id in self._by_video],
        )


async def load_history(context: Context, campaign: Campaign, since: datetime) -> History:
    """Load what back-tests of a campaign replay. Raises `NotFound` when nothing was read."""
    until = await context.store.newest_reading_at(campaign.campaign_id)
    if until is None or until <= since:
        raise NotFound(
            f"nothing of {campaign.name} was read since then",
            hint="Reach further back (--since 60d), or run `tagtide track` first.",
        )
    before = since - max(WARM_UP, HISTORY)
    readings = {
        h.name: await context.store.hashtag_readings(h.name, before, until)
        for h in campaign.hashtags
    }
    own = {h.name for h in campaign.own()}
    videos = await context.store.known_videos(campaign.campaign_id)
    # The viral rule compares with every video at its latest reading, however old that is.
    seen = await context.store.video_readings(campaign.campaign_id, since - _LONG_AGO, until)
    kept = {v.video_id for v in videos if own.intersection((v.hashtag, *v.hashtags))}
    return History(
        campaign=campaign,
        since=since,
        until=until,
        readings=readings,
        videos=videos,
        video_readings=[r for r in seen if r.video_id in kept],
    )


async def backtest(
    context: Context,
    history: History,
    rule: Rule,
    settings: RuleSettings,
    *,
    thresholds: Mapping[str, int] | None = None,
) -> BackTest:
    """What one rule with these settings would have done; the pool is the newest one.

    ``thresholds`` are rule A's own ones of hashtags; None takes the campaign's.
    """
    own = history.thresholds if thresholds is None else thresholds
    key = rule, settings, frozenset(own.items())
    if key not in history.tested:
        pool = await calibration(context) if rule is Rule.STATISTICAL else SHIPPED
        # In a thread: this takes seconds, in which others want their pages and their runs.
        history.tested[key] = await asyncio.to_thread(replay, history, rule, settings, pool, own)
    return history.tested[key]


def replay(
    history: History,
    rule: Rule,
    settings: RuleSettings,
    pool: Calibration,
    thresholds: Mapping[str, int],
) -> BackTest:
    """`backtest` with everything at hand: computes for as long as it takes, and waits for nothing.

    For a thread of its own, where others must go on meanwhile.
    """
    if rule is Rule.STATISTICAL:
        episodes = replay_statistical(settings, history.readings, history.since, pool)
    elif rule is Rule.VIRAL_VIDEO:
        videos = {v.video_id: v for v in history.videos}
        episodes = replay_videos(settings, history.video_readings, videos, history.since)
    else:
        measured = history.measured(settings.window_hours)
        episodes = replay_totals(rule, settings, measured, thresholds)
    return BackTest(
        rule=rule,
        setting=setting_of(rule, settings),
        since=history.since,
        until=history.until,
        months=history.months,
        readings=history.count,
        judged=episodes.judged,
        episodes=episodes.found(),
    )


async def presets(
    context: Context, history: History, rule: Rule, settings: RuleSettings
) -> list[PresetTest]:
    """For each preset, the most sensitive setting that would have fired no more than it accepts.

    Thresholds are tried in steps from below. A history of N hashtag-months says nothing about
    rates below 1 / N: there a preset is the first setting that stayed silent. Rule A's presets
    replace the thresholds of single hashtags.
    """
    if rule is Rule.STATISTICAL:
        return [await _statistical(context, history, settings, preset) for preset in Preset]
    key, ladder = LADDERS[rule]
    tested = []
    for value in ladder:
        typed = int(value) if isinstance(getattr(settings, key), int) else float(value)
        changed = replace(settings, **{key: typed})  # type: ignore[arg-type]
        tested.append((typed, await backtest(context, history, rule, changed, thresholds={})))
        if not tested[-1][1].episodes:
            break
    return [_choose(preset, key, tested) for preset in Preset]


async def _statistical(
    context: Context, history: History, settings: RuleSettings, preset: Preset
) -> PresetTest:
    changed = replace(settings, false_alarms=preset.per_month)
    test = await backtest(context, history, Rule.STATISTICAL, changed)
    return PresetTest(
        preset=preset, key="false_alarms", value=preset.per_month, test=test, is_above=False
    )


def _choose(preset: Preset, key: str, tested: Sequence[tuple[float, BackTest]]) -> PresetTest:
    for value, test in tested:
        if (test.per_month or 0.0) <= preset.per_month:
            return PresetTest(preset=preset, key=key, value=value, test=test, is_above=False)
    value, test = tested[-1]
    return PresetTest(preset=preset, key=key, value=value, test=test, is_above=True)


def setting_of(rule: Rule, settings: RuleSettings) -> str:
    """The setting of a rule that matters most, as `campaign edit --rule` takes it."""
    key = "false_alarms" if rule is Rule.STATISTICAL else LADDERS[rule][0]
    return f"{key}={getattr(settings, key):g}"


# --- before a rule is armed -----------------------------------------------------------------------

#: Days of history that a change of rules is tried on.
ARMING_SPAN = timedelta(days=60)
#: Settings that every rule looks at.
_COMMON = {"window_hours", "resolve_below", "reopen_hours", "enabled"}
_OWN = {
    Rule.NEW_VIDEOS: {"new_videos"},
    Rule.GROWTH: {"growth", "growth_min_videos", "growth_min_views"},
    Rule.VIRAL_VIDEO: {"viral_factor", "viral_min_others"},
    Rule.STATISTICAL: {"false_alarms"},
}


@dataclass(frozen=True, slots=True)
class Arming:
    """What a rule would have done as it was, and as it is to be; None: it is off."""

    rule: Rule
    before: BackTest | None
    after: BackTest | None


async def try_change(
    context: Context, before: Campaign, after: Campaign, history: History | None = None
) -> list[Arming]:
    """For each rule that a change of settings touches, what it would have done on the history.

    Empty where nothing changes or nothing was read yet. ``history`` is what `arming_history` gave.
    """
    touched = [rule for rule in CAMPAIGN_RULES if _is_touched(rule, before, after)]
    history = history or (await arming_history(context, before) if touched else None)
    if not touched or history is None:
        return []

    async def tried(rule: Rule, campaign: Campaign) -> BackTest | None:
        if rule not in campaign.rules.enabled:
            return None
        own = _thresholds(campaign)
        return await backtest(context, history, rule, campaign.rules, thresholds=own)

    return [Arming(rule, await tried(rule, before), await tried(rule, after)) for rule in touched]


async def arming_history(context: Context, campaign: Campaign) -> History | None:
    """What changes of rules are tried on; None where nothing was read yet."""
    newest = await context.store.newest_reading_at(campaign.campaign_id)
    return None if newest is None else await load_history(context, campaign, newest - ARMING_SPAN)


def _is_touched(rule: Rule, before: Campaign, after: Campaign) -> bool:
    if rule not in {*before.rules.enabled, *after.rules.enabled}:
        return False
    if rule is Rule.NEW_VIDEOS and _thresholds(before) != _thresholds(after):
        return True
    changed = {
        f.name
        for f in fields(RuleSettings)
        if getattr(before.rules, f.name) != getattr(after.rules, f.name)
    }
    if changed == {"enabled"}:
        return (rule in before.rules.enabled) != (rule in after.rules.enabled)
    own = any(name.startswith(f"{rule.value}_for_") for name in changed)
    return own or bool(changed & (_COMMON | _OWN[rule]))


def _thresholds(campaign: Campaign) -> dict[str, int]:
    return {h.name: h.threshold for h in campaign.hashtags if h.threshold is not None}
