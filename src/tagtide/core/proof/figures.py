"""Every figure of a capsule once more, from the readings in the file alone.

Apart from the arithmetic of the reports on purpose: it imports none of it, so that a slip there
is a difference here. Values have the form and the rounding of the report's JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tagtide.core.proof.counters import Span, span_of
from tagtide.core.proof.records import HashtagRecord, Reading, Records, VideoRecord

_DAY = timedelta(hours=24)
_EDGES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15, 0.20)
_QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, slots=True)
class Worked:
    """A figure worked out: its value, how, and from which entries."""

    value: Any
    formula: str
    #: ``latest`` (the newest reading of every video), ``both ends``, or numbers of entries.
    inputs: Any

    def as_dict(self) -> dict[str, Any]:
        """As an entry holds it."""
        return {"value": self.value, "formula": self.formula, "inputs": self.inputs}


def work_out(records: Records) -> dict[str, Worked]:
    """Every figure by its key, in the order of the report."""
    held = _Facts.of(records)
    return {
        **_sums(held),
        **_rates(held),
        **_growth(held),
        **_hashtags(held),
        **_viral(held),
        **_lists(held),
    }


@dataclass(frozen=True, slots=True)
class _Facts:
    records: Records
    #: By entry: this decides where counters are equal.
    videos: tuple[VideoRecord, ...]
    readings: tuple[Reading, ...]
    pairs: tuple[tuple[Reading, Reading], ...]

    @classmethod
    def of(cls, records: Records) -> _Facts:
        videos = tuple(records.videos.values())
        pairs = tuple(
            (then, now)
            for now in (records.latest[v.video] for v in videos)
            if (then := records.earlier.get(now.video)) is not None and then.field == now.field
        )
        return cls(records, videos, tuple(records.latest[v.video] for v in videos), pairs)


# --- sums and rates -------------------------------------------------------------------------------


def _added(values: Iterable[int | None]) -> int | None:
    everything = list(values)
    known = [value for value in everything if value is not None]
    return None if everything and not known else sum(known)


_COUNTERS: tuple[tuple[str, str, Callable[[Reading], int | None]], ...] = (
    ("total_views", "views", lambda r: r.views),
    ("total_likes", "likes", lambda r: r.likes),
    ("total_comments", "comments", lambda r: r.comments),
    ("total_shares", "shares", lambda r: r.shares),
    ("total_saves", "saves", lambda r: r.saves),
    ("total_engagement", "likes + comments + shares", lambda r: r.engagement),
)


def _sums(held: _Facts) -> dict[str, Worked]:
    found: dict[str, Worked] = {
        "total_videos": Worked(len(held.videos), "number of videos in this file", "latest"),
        "unique_creators": Worked(
            len({v.creator for v in held.videos}),
            "number of different creators of these videos",
            "latest",
        ),
    }
    for key, words, value in _COUNTERS:
        total = _added(map(value, held.readings))
        formula = f"sum of {words} over the newest reading of every video where they are known"
        found[key] = Worked(total, formula, "latest")
    for key, words, counter in (
        ("avg_views", "views", _COUNTERS[0][2]),
        ("avg_engagement", "engagement", _COUNTERS[5][2]),
    ):
        known = [v for v in map(counter, held.readings) if v is not None]
        mean = round(sum(known) / len(known), 2) if known else None
        found[key] = Worked(mean, f"mean of {words} over the videos where they are known", "latest")
    return found


def _rates(held: _Facts) -> dict[str, Worked]:
    rated = [(rate, r) for r in held.readings if (rate := r.rate) is not None]
    rates = sorted(rate for rate, _ in rated)
    count = len(rates)
    mean = round(math.fsum(rates) / count, 6) if rates else None
    median = round(_middle(rates), 6) if rates else None
    views = sum(r.views or 0 for _, r in rated)
    pooled = round(sum(r.engagement or 0 for _, r in rated) / views, 6) if rates else None
    spread = {
        "videos": count,
        "quantiles": {f"p{round(p * 100)}": round(_quantile(rates, p), 6) for p in _QUANTILES}
        if rates
        else {},
        "histogram": _histogram(rates),
    }
    words = "(likes + comments + shares) / views"
    return {
        "avg_engagement_rate": Worked(mean, f"mean of {words} over the videos", "latest"),
        "median_engagement_rate": Worked(median, f"median of {words} over the videos", "latest"),
        "pooled_engagement_rate": Worked(
            pooled, "all engagement over all views of the videos whose rate is known", "latest"
        ),
        "engagement_rate_distribution": Worked(
            spread, f"quantiles (type 7) of {words}, and videos per range", "latest"
        ),
    }


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _quantile(ordered: Sequence[float], p: float) -> float:
    """Type 7: between the two values around ``(n - 1) p``."""
    place = (len(ordered) - 1) * p
    low = ordered[math.floor(place)]
    high = ordered[min(math.floor(place) + 1, len(ordered) - 1)]
    return low if low == high else low + (high - low) * (place - math.floor(place))


def _histogram(rates: Sequence[float]) -> list[dict[str, Any]]:
    ranges = list(zip(_EDGES, (*_EDGES[1:], None), strict=True))
    return [
        {
            "from": low,
            "to": high,
            "videos": sum(low <= rate and (high is None or rate < high) for rate in rates),
        }
        for low, high in ranges
    ]


# --- growth ---------------------------------------------------------------------------------------


def _growth(held: _Facts) -> dict[str, Worked]:
    views = [(a, b) for a, b in held.pairs if a.views is not None and b.views is not None]
    loves = [(a, b) for a, b in held.pairs if None not in (a.engagement, b.engagement)]
    gains = [(b.views or 0) - (a.views or 0) for a, b in views]
    engaged = [(b.engagement or 0) - (a.engagement or 0) for a, b in loves]
    as_of = held.records.header.as_of
    compared, at = _compared(held, views)
    start = as_of - _DAY if at is None else at
    after = start + (as_of - start) / 48
    new = [v for v in held.videos if after < v.first_seen_at <= as_of]
    new_views = _added(held.records.latest[v.video].views for v in new)
    both = "over the videos read at both ends, from one field"
    entries = [v.n for v in new]
    return {
        "new_videos_24h": Worked(
            len(new),
            "videos first seen after the earlier end and a forty-eighth of the span",
            entries,
        ),
        "new_views_24h": Worked(new_views, "sum of the views of the new videos", entries),
        "view_growth_24h": Worked(
            sum(gains) if views else None, f"newest minus earlier views, {both}", "both ends"
        ),
        "view_growth_videos": Worked(
            len(views), "videos read at both ends with known views, from one field", "both ends"
        ),
        "view_growth_fallen": Worked(
            sum(gain < 0 for gain in gains), "of these, videos whose views fell", "both ends"
        ),
        "engagement_growth_24h": Worked(
            sum(engaged) if loves else None,
            f"newest minus earlier likes + comments + shares, {both}",
            "both ends",
        ),
        "compared_with": Worked(
            compared, "middle (lower median) of the earlier instants, and of the spans", "both ends"
        ),
    }


def _compared(
    held: _Facts, views: Sequence[tuple[Reading, Reading]]
) -> tuple[dict[str, Any] | None, datetime | None]:
    if views:
        middle = (len(views) - 1) // 2
        at = sorted(then.at for then, _ in views)[middle]
        span = sorted(now.at - then.at for then, now in views)[middle]
        return {"at": _iso(at), "hours": _hours(span.total_seconds()), "videos": len(views)}, at
    for tag in held.records.hashtags.values():
        if tag.role != "own":
            continue
        latest, span_ = _latest(held, tag), _span(held, tag)
        if latest is None or span_.since is None:
            continue
        elapsed = latest.at - span_.since
        if elapsed >= _DAY / 2:
            hours = _hours(elapsed.total_seconds())
            return {"at": _iso(span_.since), "hours": hours, "videos": 0}, span_.since
    return None, None


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _hours(seconds: float) -> float:
    return round(seconds / 3600, 2)


# --- hashtags -------------------------------------------------------------------------------------


def _latest(held: _Facts, tag: HashtagRecord) -> Any:
    readings = held.records.hashtag_readings.get(tag.hashtag, ())
    return next((r for r in readings if r.end == "latest"), None)


def _span(held: _Facts, tag: HashtagRecord) -> Span:
    return span_of(held.records.hashtag_readings.get(tag.hashtag, ()), tag.has_history)


def _hashtags(held: _Facts) -> dict[str, Worked]:
    formula = (
        "newest reading; change from the reading about a day before, without stale and corrected "
        "counters"
    )
    found = {}
    for key, role in (("hashtags", "own"), ("competitors", "competitor")):
        tags = [tag for tag in held.records.hashtags.values() if tag.role == role]
        entries = [r.n for t in tags for r in held.records.hashtag_readings.get(t.hashtag, ())]
        found[key] = Worked([_hashtag(held, tag) for tag in tags], formula, entries)
    return found


def _hashtag(held: _Facts, tag: HashtagRecord) -> dict[str, Any]:
    latest, span = _latest(held, tag), _span(held, tag)
    return {
        "hashtag": tag.hashtag,
        "role": tag.role,
        "hashtag_id": latest and latest.id,
        "view_count": latest and latest.views,
        "video_count": latest and latest.videos,
        "read_at": latest and _iso(latest.at),
        "previous_at": None if span.since is None else _iso(span.since),
        "elapsed_hours": None if span.seconds is None else _hours(span.seconds),
        "view_change": span.views and span.views.value,
        "view_change_margin": span.views and span.views.margin,
        "video_change": span.videos and span.videos.value,
    }


# --- viral videos and lists -----------------------------------------------------------------------


def _viral(held: _Facts) -> dict[str, Worked]:
    header = held.records.header
    least = max(header.viral_min_others, 1)
    lines: dict[str, dict[str, Any]] = {}
    for basis, value in (("engagement", _COUNTERS[5][2]), ("views", _COUNTERS[0][2])):
        known = [(r, v) for r in held.readings if (v := value(r)) is not None]
        others, total = len(known) - 1, sum(v for _, v in known)
        if others < least:
            continue
        for reading, counted in known:
            rest = total - counted
            if rest > 0 and counted * others > header.viral_factor * rest:
                lines[reading.video] = {
                    "video_id": reading.video,
                    "basis": basis,
                    "value": counted,
                    "mean_of_others": rest / others,
                    "others": others,
                    "times": counted / (rest / others),
                }
    order = {v.video: place for place, v in enumerate(held.videos)}
    ranked = sorted(lines.values(), key=lambda line: (-line["times"], order[line["video_id"]]))
    for line in ranked:
        line["mean_of_others"] = round(line["mean_of_others"], 2)
        line["times"] = round(line["times"], 2)
    entries = [held.records.latest[line["video_id"]].n for line in ranked]
    known_views = sum(r.views is not None for r in held.readings)
    return {
        "viral_judged": Worked(
            known_views > header.viral_min_others,
            "whether enough other videos have known views",
            "latest",
        ),
        "viral_videos": Worked(
            ranked, "views, else engagement, above a multiple of the mean of the others", entries
        ),
    }


def _lists(held: _Facts) -> dict[str, Worked]:
    top, latest = held.records.header.top, held.records.latest
    by_views = _ranked(held.readings, lambda r: r.views, lambda r: r.engagement)
    by_engagement = _ranked(held.readings, lambda r: r.engagement, lambda r: r.views)
    high = [v.video for v in held.videos if v.high_priority_at is not None]
    priority = _ranked([latest[v] for v in high], lambda r: r.views, lambda r: r.engagement)
    creators = _creators(held)[:top]
    own = {line["creator"] for line in creators}
    return {
        "top_videos": _video_list(by_engagement[:top], "most likes + comments + shares", rank=True),
        "top_videos_by_views": _video_list(by_views[:top], "most views", rank=True),
        "high_priority": _video_list(
            priority, "ever above the rate and the views of a high-priority video; most views first"
        ),
        "top_creators": Worked(
            creators,
            "sums over the videos of each creator; most views first",
            [latest[v.video].n for v in held.videos if v.creator in own],
        ),
    }


def _ranked(
    readings: Sequence[Reading],
    first: Callable[[Reading], int | None],
    second: Callable[[Reading], int | None],
) -> list[Reading]:
    """Most first; where both are equal, the order of the file."""
    known = [r for r in readings if first(r) is not None]
    return sorted(known, key=lambda r: (-(first(r) or 0), -(second(r) or 0)))


def _video_list(readings: Sequence[Reading], formula: str, *, rank: bool = False) -> Worked:
    lines = [
        {
            **({"rank": place} if rank else {}),
            "video_id": r.video,
            "view_count": r.views,
            "engagement": r.engagement,
            "engagement_rate": None if r.rate is None else round(r.rate, 6),
        }
        for place, r in enumerate(readings, 1)
    ]
    return Worked(lines, formula, [r.n for r in readings])


def _creators(held: _Facts) -> list[dict[str, Any]]:
    by_creator: dict[int, list[VideoRecord]] = {}
    for video in held.videos:
        by_creator.setdefault(video.creator, []).append(video)
    lines = [_creator(held, number, videos) for number, videos in by_creator.items()]
    lines.sort(
        key=lambda c: (
            c["total_views"] is None,
            -(c["total_views"] or 0),
            -(c["total_engagement"] or 0),
            c["creator"],
        )
    )
    return [{"rank": rank, **line} for rank, line in enumerate(lines, 1)]


def _creator(held: _Facts, number: int, videos: Sequence[VideoRecord]) -> dict[str, Any]:
    readings = [held.records.latest[v.video] for v in videos]
    rated = [r for r in readings if r.rate is not None]
    views = sum(r.views or 0 for r in rated)
    best = _ranked(readings, lambda r: r.views, lambda r: r.engagement) or readings
    creator = held.records.creators[number]
    return {
        "creator": number,
        "author_username": creator.handle,
        "author_followers": creator.followers,
        "videos": len(videos),
        "total_views": _added(r.views for r in readings),
        "total_engagement": _added(r.engagement for r in readings),
        "engagement_rate": round(sum(r.engagement or 0 for r in rated) / views, 6)
        if rated
        else None,
        "high_priority_videos": sum(v.high_priority_at is not None for v in videos),
        "top_video_id": best[0].video,
    }
