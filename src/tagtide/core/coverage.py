"""How much of what exists was seen: never a figure without its denominator."""

from __future__ import annotations

from dataclasses import dataclass

from tagtide.core.formats import whole
from tagtide.core.velocity import ChangeNote, CounterChange, measure_change
from tagtide.models import HashtagReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """New videos held against new videos that exist in the same span."""

    #: Distinct new ids that were seen.
    seen: int
    #: Growth of the video count; None when unknown.
    existing: int | None
    #: Bounds of it; they differ when the count is rounded.
    existing_low: int | None = None
    existing_high: int | None = None
    #: seen / existing, at most 1; None when unknown or when nothing was to be seen.
    ratio: float | None = None
    #: For a person, without a full stop.
    note: str


def completeness(
    new_ids_seen: int, totals_then: HashtagReading | None, totals_now: HashtagReading | None
) -> Completeness:
    """Share of a hashtag's new videos that are held.

    Rests on two stored totals around the span in which the ids were seen; without both, or when
    their counts cannot be compared, it is unknown. Does NOT estimate what the feed never shows.
    """
    if totals_then is None or totals_now is None:
        return _unknown(new_ids_seen, "the video count is not known at both ends")
    return completeness_of(new_ids_seen, measure_change(totals_now, totals_then).videos)


def completeness_of(new_ids_seen: int, videos: CounterChange) -> Completeness:
    """The same from the change of the hashtag's video count."""
    if videos.delta is None:
        return _unknown(new_ids_seen, _WHY.get(videos.note, "the video count is not known"))
    low, high = videos.low or 0, videos.high or 0
    return Completeness(
        seen=new_ids_seen,
        existing=videos.delta,
        existing_low=low,
        existing_high=high,
        ratio=min(1.0, new_ids_seen / videos.delta) if videos.delta else None,
        note=_sentence(new_ids_seen, low, high),
    )


_WHY = {
    ChangeNote.SOURCE_CHANGED: "the two video counts come from different fields of the API",
    ChangeNote.COUNTER_CORRECTED: "TikTok corrected the video count in between",
    ChangeNote.STALE: "the newest video count is an old answer",
}


def _unknown(seen: int, why: str) -> Completeness:
    return Completeness(
        seen=seen,
        existing=None,
        note=f"{whole(seen)} new videos held, of how many is unknown: {why}",
    )


def _sentence(seen: int, low: int, high: int) -> str:
    if seen == high == 0:
        return "no new videos"
    if seen > high:
        # The feed shows old videos for the first time, or the count lags behind.
        return f"{whole(seen)} new videos held, more than the {whole(high)} that TikTok counts"
    existing = whole(high) if low == high else f"{whole(low)} to {whole(high)}"
    return f"{whole(seen)} of {existing} new videos held"
