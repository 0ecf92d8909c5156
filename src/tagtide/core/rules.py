"""The fixed rules: new videos, growth, viral video. Each gives a verdict with its sentence.

What is not known is not judged. Rounded counters fire on the smallest change they may hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tagtide.core.formats import clean_text, compact, counted, decimal, percent, span_of_hours
from tagtide.core.velocity import Change, ChangeNote, CounterChange
from tagtide.models import HashtagReading, Rule, RuleSettings

if TYPE_CHECKING:
    from tagtide.core.crowd import Crowd
    from tagtide.core.detect.virality import AgeScore

#: Share of a threshold below which it is clear, where a campaign sets none.
RESOLVE_BELOW = RuleSettings().resolve_below


class RuleState(StrEnum):
    """What a rule says about one run."""

    FIRES = "fires"
    #: Far enough below the threshold (half of it by default): an open alert may end.
    CLEAR = "clear"
    #: Below the threshold, not far enough to be clear: neither begins nor ends an alert.
    HOLDS = "holds"
    #: Not known well enough; neither begins nor ends an alert.
    UNJUDGED = "unjudged"


class Incident(StrEnum):
    """What a rule says that keeps book itself; its figures need no threshold then."""

    OPENED = "opened"
    #: It has become a bigger thing: people are told again.
    ESCALATED = "escalated"
    GOES_ON = "goes_on"
    OVER = "over"

    @property
    def state(self) -> RuleState:
        """The same for those who only ask whether it fires."""
        return RuleState.CLEAR if self is Incident.OVER else RuleState.FIRES


class Measure(StrEnum):
    """Which figure a verdict rests on."""

    VIDEO_COUNT = "video_count"
    #: Distinct new videos that were really seen, where the count is unknown.
    VIDEOS_SEEN = "videos_seen"
    VIEWS = "views"
    ENGAGEMENT = "engagement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Judgement of one rule on one hashtag or video."""

    rule: Rule
    state: RuleState
    #: What is compared with the threshold; None when it was not judged.
    value: float | None
    threshold: float
    #: One sentence for a person.
    reason: str
    #: ``judged`` lists the measures that were judged; a verdict that fires names its ``measure``.
    data: dict[str, Any] = field(default_factory=dict)
    #: Set by a rule that decides itself when to tell people; its ``state`` is `Incident.state`.
    incident: Incident | None = None


# --- rule A ---------------------------------------------------------------------------------------


def judge_new_videos(
    change: Change,
    threshold: float,
    window_hours: float,
    at_least: int | None = None,
    is_partial: bool = False,
    resolve_below: float = RESOLVE_BELOW,
) -> Verdict:
    """Rule A: new videos since the earlier reading, against the threshold per window.

    The threshold grows with a span longer than the window and never shrinks. ``at_least`` are
    distinct videos published after the earlier reading that were really seen; it counts only where
    the counter's change is unknown. Below the share ``resolve_below`` of it, it is clear.
    """
    if is_partial:
        return _unjudged(Rule.NEW_VIDEOS, threshold, f"#{change.hashtag} was read only in part.")
    if change.videos.delta is not None:
        return _by_count(change, threshold, window_hours, resolve_below)
    if at_least is not None and change.elapsed_hours is not None:
        return _by_sightings(change, threshold, window_hours, at_least, resolve_below)
    return _unjudged(Rule.NEW_VIDEOS, threshold, _why_unknown(change, change.videos))


def _by_count(
    change: Change, threshold: float, window_hours: float, resolve_below: float
) -> Verdict:
    videos = change.videos
    hours, delta, low = videos.hours or 0.0, videos.delta or 0, videos.low or 0
    bar = _scaled(threshold, hours, window_hours)
    is_exact = low == delta
    gained = "" if is_exact else "at least "
    shown = delta if is_exact else low
    return _new_videos_verdict(
        change,
        state=_state(low, delta, bar, resolve_below),
        share=resolve_below,
        value=shown,
        bar=bar,
        said=f"#{change.hashtag} gained {gained}{counted(shown, 'new video')} in "
        f"{span_of_hours(hours)}; {_per_window(threshold, window_hours, bar)}",
        measure=Measure.VIDEO_COUNT,
        judged=(Measure.VIDEO_COUNT, Measure.VIDEOS_SEEN),
        hours=hours,
        is_at_least=not is_exact,
    )


def _by_sightings(
    change: Change, threshold: float, window_hours: float, at_least: int, resolve_below: float
) -> Verdict:
    hours = change.elapsed_hours or 0.0
    bar = _scaled(threshold, hours, window_hours)
    return _new_videos_verdict(
        change,
        state=_state(at_least, at_least, bar, resolve_below),
        share=resolve_below,
        value=at_least,
        bar=bar,
        said=f"#{change.hashtag} gained at least {counted(at_least, 'new video')} in "
        f"{span_of_hours(hours)} (seen in its feed; TikTok does not say how many there are); "
        f"{_per_window(threshold, window_hours, bar)}",
        measure=Measure.VIDEOS_SEEN,
        judged=(Measure.VIDEOS_SEEN,),
        hours=hours,
        is_at_least=True,
    )


def _new_videos_verdict(
    change: Change,
    *,
    state: RuleState,
    share: float,
    value: float,
    bar: float,
    said: str,
    measure: Measure,
    judged: Sequence[Measure],
    hours: float,
    is_at_least: bool,
) -> Verdict:
    data = {
        **_spans(change, hours),
        "judged": [m.value for m in judged],
        "new_videos": round(value),
        "at_least": is_at_least,
    }
    if state is RuleState.FIRES:
        data["measure"] = measure.value
    return Verdict(
        rule=Rule.NEW_VIDEOS,
        state=state,
        value=value,
        threshold=bar,
        reason=said + _tail(state, share),
        data=data,
    )


# --- rule B ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Growth:
    """Growth of one measure: fractions of its base, and the bar it has to pass."""

    measure: Measure
    low: float
    stated: float
    bar: float
    gained: float
    base: float
    hours: float
    resolve_below: float

    @property
    def state(self) -> RuleState:
        # "More than 50 %": the bar itself is not passed.
        return _strict_state(self.low, self.stated, self.bar, self.resolve_below)

    @property
    def severity(self) -> float:
        return self.low / self.bar


_NOUNS = {
    Measure.VIDEO_COUNT: "video count",
    Measure.VIEWS: "views",
    Measure.ENGAGEMENT: "engagement of the videos held",
}
_ORDER = {RuleState.FIRES: 2, RuleState.HOLDS: 1, RuleState.CLEAR: 0}


def judge_growth(
    change: Change,
    current: HashtagReading,
    previous: HashtagReading | None,
    engagement_now: int | None,
    engagement_before: int | None,
    settings: RuleSettings,
    is_partial: bool = False,
) -> Verdict:
    """Rule B: growth of the video count, the views, or the engagement of the videos held.

    The engagement is summed over the same videos at both ends, ``change.elapsed_hours`` apart. A
    measure below its minimum base is not judged. The verdict is that of the measure that is
    furthest above its bar, and the sentence names it.
    """
    if is_partial:
        said = f"#{current.hashtag} was read only in part."
        return _unjudged(Rule.GROWTH, settings.growth, said)
    if previous is None:
        said = f"#{current.hashtag} {_UNKNOWN[ChangeNote.FIRST_READING]}."
        return _unjudged(Rule.GROWTH, settings.growth, said)
    found = [
        growth
        for growth in (
            _count_growth(Measure.VIDEO_COUNT, change.videos, settings.growth_min_videos, settings),
            _count_growth(Measure.VIEWS, change.views, settings.growth_min_views, settings),
            _engagement_growth(change, engagement_now, engagement_before, settings),
        )
        if growth is not None
    ]
    if not found:
        said = f"#{change.hashtag} is too small, or too little is known, to judge its growth."
        return _unjudged(Rule.GROWTH, settings.growth, said)
    return _growth_verdict(change, found, settings)


def _growth_verdict(change: Change, found: list[_Growth], settings: RuleSettings) -> Verdict:
    worst = max(found, key=lambda growth: (_ORDER[growth.state], growth.severity))
    data: dict[str, Any] = {
        "judged": [growth.measure.value for growth in found],
        "growth": {growth.measure.value: growth.stated for growth in found},
        **_spans(change, worst.hours),
    }
    if worst.state is RuleState.FIRES:
        data["measure"] = worst.measure.value
    at_least = "" if worst.low == worst.stated else "at least "
    said = (
        f"The {_NOUNS[worst.measure]} of #{change.hashtag} grew by {at_least}"
        f"{percent(worst.low)} (+{compact(worst.gained)} on {compact(worst.base)}) in "
        f"{span_of_hours(worst.hours)}; the threshold is {percent(settings.growth)} per "
        f"{span_of_hours(settings.window_hours)}"
    )
    if worst.bar > settings.growth:
        said += f", here {percent(worst.bar)}"
    return Verdict(
        rule=Rule.GROWTH,
        state=worst.state,
        value=worst.low,
        threshold=worst.bar,
        reason=said + _tail(worst.state, settings.resolve_below),
        data=data,
    )


def _count_growth(
    measure: Measure, counter: CounterChange, min_base: int, settings: RuleSettings
) -> _Growth | None:
    if counter.delta is None or counter.low is None or not counter.hours:
        return None
    if not counter.base or counter.base < min_base:
        return None
    return _Growth(
        measure,
        low=counter.low / counter.base,
        stated=counter.delta / counter.base,
        bar=_scaled(settings.growth, counter.hours, settings.window_hours),
        gained=counter.low,
        base=counter.base,
        hours=counter.hours,
        resolve_below=settings.resolve_below,
    )


def _engagement_growth(
    change: Change, now: int | None, before: int | None, settings: RuleSettings
) -> _Growth | None:
    if now is None or not before or not change.elapsed_hours:
        return None
    if before < settings.growth_min_views:
        return None
    ratio = max(0, now - before) / before
    return _Growth(
        Measure.ENGAGEMENT,
        low=ratio,
        stated=ratio,
        bar=_scaled(settings.growth, change.elapsed_hours, settings.window_hours),
        gained=max(0, now - before),
        base=before,
        hours=change.elapsed_hours,
        resolve_below=settings.resolve_below,
    )


# --- viral video ----------------------------------------------------------------------------------


def judge_viral(
    video_id: str,
    views: int | None,
    engagement: int | None,
    others: Crowd,
    settings: RuleSettings,
    author: str | None = None,
    score: AgeScore | None = None,
) -> Verdict:
    """Viral rule: views or engagement above a multiple of the mean of the campaign's other videos.

    The others never include the video itself. Fewer than ``settings.viral_min_others`` of them are
    too few to judge. ``author`` is a stranger's handle for the sentence. Where the age-adjusted
    ``score`` of its views is known an episode of views ends by it, below half its mark, and none
    begins there.
    """
    name = f"The video of @{clean_text(author, 40)}" if author else f"Video {video_id}"
    if others.count < settings.viral_min_others:
        said = (
            f"{name} has only {counted(others.count, 'other video')} beside it: too few to judge "
            f"({settings.viral_min_others} are needed)."
        )
        return _unjudged(Rule.VIRAL_VIDEO, settings.viral_factor, said)
    ratios = {
        measure: (value, total / others.count, value * others.count / total)
        for measure, value, total in (
            (Measure.VIEWS, views, others.views),
            (Measure.ENGAGEMENT, engagement, others.engagement),
        )
        if value is not None and total
    }
    if not ratios:
        said = f"{name} cannot be compared: its counters, or those of the others, are unknown."
        return _unjudged(Rule.VIRAL_VIDEO, settings.viral_factor, said)
    return _viral_verdict(name, ratios, others.count, settings, score)


def _viral_verdict(
    name: str,
    ratios: dict[Measure, tuple[int, float, float]],
    others_count: int,
    settings: RuleSettings,
    score: AgeScore | None,
) -> Verdict:
    measure = max(ratios, key=lambda m: ratios[m][2])
    value, mean, ratio = ratios[measure]
    by_factor = _strict_state(ratio, ratio, settings.viral_factor, settings.resolve_below)
    states = {
        m: _strict_state(r, r, settings.viral_factor, settings.resolve_below)
        for m, (_, _, r) in ratios.items()
    }
    if Measure.VIEWS in states:
        states[Measure.VIEWS] = _with_age(states[Measure.VIEWS], score)
    state = max(states.values(), key=_ORDER.__getitem__)
    data: dict[str, Any] = {
        "judged": [m.value for m in ratios],
        "others": others_count,
        "ratios": {m.value: r for m, (_, _, r) in ratios.items()},
        "age_score": None if score is None else score.as_dict(),
    }
    if state is RuleState.FIRES:
        data["measure"] = measure.value
    noun = "views" if measure is Measure.VIEWS else "likes, comments and shares"
    said = (
        f"{name} has {compact(value)} {noun}, {decimal(ratio)} times the mean of the "
        f"{others_count:,} other videos of the campaign ({compact(mean)}); "
        f"the threshold is {decimal(settings.viral_factor).removesuffix('.0')} times"
    )
    return Verdict(
        rule=Rule.VIRAL_VIDEO,
        state=state,
        value=ratio,
        threshold=settings.viral_factor,
        reason=said
        + _tail(by_factor, settings.resolve_below)
        + ("" if score is None else f" {_age_words(score)}"),
        data=data,
    )


def _with_age(by_factor: RuleState, score: AgeScore | None) -> RuleState:
    if score is None:
        return by_factor
    if score.is_ordinary:
        return RuleState.CLEAR
    return RuleState.HOLDS if by_factor is RuleState.CLEAR else by_factor


def _age_words(score: AgeScore) -> str:
    return f"Its views are {score.sentence}."


# --- common parts ---------------------------------------------------------------------------------


def _scaled(threshold: float, hours: float, window_hours: float) -> float:
    """A threshold per window, over a span: grows with longer spans, never shrinks."""
    return threshold * max(1.0, hours / window_hours)


def _state(low: float, stated: float, bar: float, resolve_below: float) -> RuleState:
    if low >= bar:
        return RuleState.FIRES
    return RuleState.CLEAR if stated < bar * resolve_below else RuleState.HOLDS


def _strict_state(low: float, stated: float, bar: float, resolve_below: float) -> RuleState:
    if low > bar:
        return RuleState.FIRES
    return RuleState.CLEAR if stated < bar * resolve_below else RuleState.HOLDS


def _tail(state: RuleState, resolve_below: float) -> str:
    if state not in {RuleState.CLEAR, RuleState.HOLDS}:
        return "."
    share = "half" if resolve_below == RESOLVE_BELOW else percent(resolve_below)
    return f" ({'below' if state is RuleState.CLEAR else 'above'} {share} of it)."


def _per_window(threshold: float, window_hours: float, bar: float) -> str:
    said = f"the threshold is {compact(threshold)} per {span_of_hours(window_hours)}"
    return said if bar == threshold else f"{said}, here {compact(bar)}"


def _spans(change: Change, hours: float) -> dict[str, Any]:
    """Facts for messages, under the names the public payload uses."""
    return {
        "elapsed_hours": hours,
        "new_videos": change.new_videos,
        "views_per_hour": change.views_per_hour,
        "new_views": change.new_views,
    }


def _unjudged(rule: Rule, threshold: float, reason: str) -> Verdict:
    return Verdict(
        rule=rule, state=RuleState.UNJUDGED, value=None, threshold=threshold, reason=reason
    )


_UNKNOWN = {
    ChangeNote.FIRST_READING: "was read for the first time; there is nothing to compare with",
    ChangeNote.SOURCE_CHANGED: "was counted by another field of the API before; the two cannot "
    "be compared",
    ChangeNote.COUNTER_CORRECTED: "had its counter corrected by TikTok; growth up to the earlier "
    "level is not news",
    ChangeNote.STALE: "was answered with an old value; the next reading will tell",
}


def _why_unknown(change: Change, counter: CounterChange) -> str:
    said = _UNKNOWN.get(counter.note, "has no known video count at one of the two ends")
    return f"#{change.hashtag} {said}."
