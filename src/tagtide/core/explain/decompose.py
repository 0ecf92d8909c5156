"""A change decomposed into the videos that are held, and what is left of it.

A video counts with what it gained between two readings near both ends, a video published in between
with all it has. What lies between readings further apart is told with its own span and never
counted; what no held video accounts for is the unseen remainder, never claimed to be known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tagtide.core.explain.parts import (
    CreatorPart,
    Doubt,
    Explanation,
    Group,
    Moved,
    Over,
    Part,
    Pattern,
    Without,
)
from tagtide.core.explain.words import sentence_of, share_of
from tagtide.core.formats import clean_text
from tagtide.core.rules import Measure, Verdict
from tagtide.core.velocity import Change, CounterChange
from tagtide.models import Rule, VideoCounters, VideoReading

if TYPE_CHECKING:
    from tagtide.core.metrics import VideoFacts

#: A reading up to this share of the span before its start counts as one at the start.
NEAR = 0.25
#: Videos published within this time of each other are a burst.
_BURST = timedelta(minutes=10)
#: Shorter captions are alike by chance.
_CAPTION = 12


def moved_by(change: Change, verdict: Verdict) -> Moved | None:
    """What a verdict of rule A or B that fires is about; None when it is about nothing known."""
    measure = Measure(verdict.data["measure"]) if "measure" in verdict.data else None
    if measure is None or change.previous_at is None:
        return None
    is_relative = verdict.rule is Rule.GROWTH
    if measure in {Measure.VIDEOS_SEEN, Measure.ENGAGEMENT}:
        seen = round(verdict.value or 0) if measure is Measure.VIDEOS_SEEN else None
        counter = CounterChange(delta=seen, low=seen, since=change.previous_at)
    else:
        counter = change.views if measure is Measure.VIEWS else change.videos
        if counter.delta is None:
            return None
    return Moved(
        hashtag=change.hashtag,
        measure=measure,
        since=counter.since or change.previous_at,
        until=change.read_at,
        delta=counter.delta,
        low=counter.low,
        high=counter.high,
        base=counter.base,
        bar=verdict.threshold,
        is_relative=is_relative,
    )


# --- attribution ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """Videos sorted by what is known of their part."""

    parts: list[Part] = field(default_factory=list)
    #: Gains that reach back beyond the span, and the hours they took.
    straddling: list[tuple[Part, float]] = field(default_factory=list)
    left_out: int = 0
    since: list[datetime] = field(default_factory=list)
    until: list[datetime] = field(default_factory=list)
    fresh: list[VideoFacts] = field(default_factory=list)

    @property
    def gained(self) -> int:
        return sum(part.gained for part in self.parts)

    @property
    def before(self) -> int:
        return sum(part.before for part in self.parts)


def explain(
    moved: Moved,
    videos: Iterable[VideoFacts],
    earlier: Mapping[str, VideoReading],
    further: Mapping[str, VideoReading] | None = None,
) -> Explanation:
    """Decompose a change into the held videos of its hashtag.

    ``videos`` stand at their latest reading. ``earlier`` are readings near the start of the span,
    ``further`` ones before that, for videos without one there. Does NOT judge whether it is news.
    """
    found = _attribute(moved, list(videos), earlier, further or {})
    return _explained(moved, found)


def _attribute(
    moved: Moved,
    videos: Sequence[VideoFacts],
    earlier: Mapping[str, VideoReading],
    further: Mapping[str, VideoReading],
) -> _Found:
    found = _Found()
    near = moved.since - (moved.until - moved.since) * NEAR
    for video in videos:
        is_new = video.created_at is not None and video.created_at > moved.since
        if is_new:
            found.fresh.append(video)
        if moved.counts_videos:
            if is_new:
                found.parts.append(_part(video, moved, 1, 0, is_new=True))
            continue
        now = _counter(video.counters, moved.measure)
        if now is None or video.read_at <= moved.since:
            found.left_out += 1
        elif is_new:
            found.parts.append(_part(video, moved, now, 0, is_new=True))
            found.until.append(video.read_at)
        else:
            _attribute_known(found, moved, video, now, _before(video, earlier, further), near)
    found.parts.sort(key=lambda part: (-part.gained, part.video_id))
    return found


def _attribute_known(
    found: _Found,
    moved: Moved,
    video: VideoFacts,
    now: int,
    before: VideoReading | None,
    near: datetime,
) -> None:
    then = None if before is None else _counter(before.counters, moved.measure)
    if before is None or then is None:
        found.left_out += 1
        return
    # Views do not fall by themselves: a fall is a correction or an old answer, and no part of this.
    part = _part(video, moved, max(now - then, 0), then, is_new=False)
    if before.read_at >= near:
        found.parts.append(part)
        found.since.append(before.read_at)
        found.until.append(video.read_at)
    else:
        hours = (video.read_at - before.read_at).total_seconds() / 3600
        found.straddling.append((part, hours))


def _before(
    video: VideoFacts, earlier: Mapping[str, VideoReading], further: Mapping[str, VideoReading]
) -> VideoReading | None:
    """The reading to measure a video from: of the same field, and before its latest."""
    for readings in (earlier, further):
        before = readings.get(video.video_id)
        if before is None or before.read_at >= video.read_at:
            continue
        if before.counters.source is video.counters.source:
            return before
    return None


def _part(video: VideoFacts, moved: Moved, gained: int, before: int, *, is_new: bool) -> Part:
    age = None
    if video.created_at is not None:
        age = max((moved.until - video.created_at).total_seconds() / 3600, 0.0)
    return Part(
        video_id=video.video_id,
        author_key=video.author_key,
        author_username=video.author_username,
        is_new=is_new,
        age_hours=age,
        gained=gained,
        before=before,
    )


def _counter(counters: VideoCounters, measure: Measure) -> int | None:
    return counters.engagement if measure is Measure.ENGAGEMENT else counters.view_count


def _explained(moved: Moved, found: _Found) -> Explanation:
    gained = found.gained
    of_held = moved.delta is None
    delta = gained if moved.delta is None else moved.delta
    low = delta if moved.low is None else moved.low
    high = gained if of_held else moved.high
    # Where the videos gained more than the counter says, they are what there is.
    total = max(delta, gained)
    parts = tuple(_shared(part, total) for part in found.parts)
    creators = _by_creator(parts, total)
    explanation = Explanation(
        moved=moved,
        delta=delta,
        low=low,
        high=high,
        parts=() if moved.counts_videos else parts,
        creators=creators,
        new=_group([p for p in parts if p.is_new], total),
        known=_group([p for p in parts if not p.is_new], total),
        unseen_low=max(low - gained, 0),
        unseen_high=None if high is None else max(high - gained, 0),
        unseen_share=None if high is None or not total else max(delta - gained, 0) / total,
        left_out=found.left_out,
        read_since=min(found.since, default=None),
        read_until=max(found.until, default=None),
        over=_over(found.straddling),
        without=_without(moved, found, low, parts, creators),
        pattern=_pattern(found.fresh),
        doubt=_doubt(moved, found, delta, low, high),
    )
    return replace(explanation, sentence=sentence_of(explanation))


def _shared(part: Part, total: int) -> Part:
    return replace(part, share=share_of(part.gained, total))


def _group(parts: Sequence[Part], total: int) -> Group:
    gained = sum(part.gained for part in parts)
    return Group(videos=len(parts), gained=gained, share=share_of(gained, total))


def _by_creator(parts: Sequence[Part], total: int) -> tuple[CreatorPart, ...]:
    held: dict[str, list[Part]] = {}
    for part in parts:
        held.setdefault(part.author_key, []).append(part)
    found = []
    for key, theirs in held.items():
        gained = sum(part.gained for part in theirs)
        name = next((p.author_username for p in theirs if p.author_username), None)
        found.append(
            CreatorPart(
                author_key=key,
                author_username=name,
                videos=len(theirs),
                gained=gained,
                share=share_of(gained, total),
            )
        )
    return tuple(sorted(found, key=lambda c: (-c.gained, -c.videos, c.author_key)))


def _over(straddling: Sequence[tuple[Part, float]]) -> Over | None:
    gained = sum(part.gained for part, _ in straddling)
    if not gained:
        return None
    top = max((part for part, _ in straddling), key=lambda part: (part.gained, part.video_id))
    return Over(
        hours=max(hours for _, hours in straddling),
        videos=len(straddling),
        gained=gained,
        top=_shared(top, gained),
    )


def _without(
    moved: Moved,
    found: _Found,
    low: int,
    parts: Sequence[Part],
    creators: Sequence[CreatorPart],
) -> Without | None:
    """The verdict without the largest part, on the least that the change may be."""
    if moved.counts_videos:
        if not creators:
            return None
        taken, before, videos = creators[0].gained, 0, creators[0].videos
        video_id, name = None, creators[0].author_username
    else:
        if not parts or not parts[0].gained:
            return None
        taken, before, videos = parts[0].gained, parts[0].before, 1
        video_id, name = parts[0].video_id, parts[0].author_username
    base = found.before if moved.delta is None else moved.base
    value = max(low - taken, 0)
    left = None if base is None else base - before
    ratio = value / left if left is not None and left > 0 else None
    fires: bool | None = None
    if moved.bar is not None:
        if not moved.is_relative:
            fires = value >= moved.bar
        elif ratio is not None:
            fires = ratio > moved.bar
    return Without(
        video_id=video_id,
        author_username=name,
        videos=videos,
        value=value,
        ratio=ratio,
        fires=fires,
    )


def _pattern(fresh: Sequence[VideoFacts]) -> Pattern | None:
    if not fresh:
        return None
    instants = sorted(v.created_at for v in fresh if v.created_at is not None)
    most = first = 0
    for place, at in enumerate(instants):
        while at - instants[first] > _BURST:
            first += 1
        most = max(most, place - first + 1)
    captions = Counter(
        caption for v in fresh if len(caption := clean_text(v.caption, 300).casefold()) >= _CAPTION
    )
    return Pattern(within_ten_minutes=most, same_caption=max(captions.values(), default=0))


def _doubt(moved: Moved, found: _Found, delta: int, low: int, high: int | None) -> Doubt:
    if moved.delta is None:
        return Doubt.NONE
    slack = 0 if high is None else high - delta
    if slack and delta <= slack + 1:
        return Doubt.ROUNDING_STEP
    if high is not None and found.gained > high:
        return Doubt.COUNTER_BEHIND
    if moved.measure is Measure.VIEWS and moved.base:
        known = [part for part in found.parts if not part.is_new]
        before = sum(part.before for part in known)
        grown = sum(part.gained for part in known)
        is_most = before * 2 >= moved.base
        if is_most and found.gained * 10 < low and grown * moved.base * 5 < low * before:
            return Doubt.NOT_IN_VIDEOS
    return Doubt.NONE
