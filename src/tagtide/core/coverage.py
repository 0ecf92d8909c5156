"""How much of what exists was seen: never a figure without its denominator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tagtide.core.formats import whole
from tagtide.core.language import say, say_many
from tagtide.core.velocity import ChangeNote, CounterChange, measure_change
from tagtide.models import HashtagReading


class Unknown(StrEnum):
    """Why nobody knows how many new videos exist."""

    NONE = ""
    ENDS = "ends"
    COUNT = "count"
    SOURCE = "source"
    CORRECTED = "corrected"
    STALE = "stale"
    #: Of several hashtags together, it is unknown for one at least.
    SOME = "some"


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
    #: Why ``existing`` is unknown, where it is.
    unknown: Unknown = Unknown.NONE
    #: Added up over several hashtags.
    is_sum: bool = False

    @property
    def note(self) -> str:
        """For a person, without a full stop."""
        if self.existing is None:
            return _unknown_words(self.seen, self.unknown)
        if self.is_sum:
            return say_many(
                self.existing,
                "{seen} of {count} new video held",
                "{seen} of {count} new videos held",
                seen=whole(self.seen),
            )
        return _known_words(self.seen, self.existing_low or 0, self.existing_high or 0)


def completeness(
    new_ids_seen: int, totals_then: HashtagReading | None, totals_now: HashtagReading | None
) -> Completeness:
    """Share of a hashtag's new videos that are held.

    Rests on two stored totals around the span in which the ids were seen; without both, or when
    their counts cannot be compared, it is unknown. Does NOT estimate what the feed never shows.
    """
    if totals_then is None or totals_now is None:
        return _unknown(new_ids_seen, Unknown.ENDS)
    return completeness_of(new_ids_seen, measure_change(totals_now, totals_then).videos)


def completeness_of(new_ids_seen: int, videos: CounterChange) -> Completeness:
    """The same from the change of the hashtag's video count."""
    if videos.delta is None:
        return _unknown(new_ids_seen, _WHY.get(videos.note, Unknown.COUNT))
    low, high = videos.low or 0, videos.high or 0
    return Completeness(
        seen=new_ids_seen,
        existing=videos.delta,
        existing_low=low,
        existing_high=high,
        ratio=min(1.0, new_ids_seen / videos.delta) if videos.delta else None,
    )


_WHY = {
    ChangeNote.SOURCE_CHANGED: Unknown.SOURCE,
    ChangeNote.COUNTER_CORRECTED: Unknown.CORRECTED,
    ChangeNote.STALE: Unknown.STALE,
}


def _unknown(seen: int, why: Unknown) -> Completeness:
    return Completeness(seen=seen, existing=None, unknown=why)


def _unknown_words(seen: int, why: Unknown) -> str:
    held = whole(seen)
    match why:
        case Unknown.SOME:
            return say_many(
                seen,
                "{count} new video held, of how many is unknown for some hashtags",
                "{count} new videos held, of how many is unknown for some hashtags",
            )
        case Unknown.ENDS:
            return say(
                "{seen} new videos held, of how many is unknown: "
                "the video count is not known at both ends",
                seen=held,
            )
        case Unknown.SOURCE:
            return say(
                "{seen} new videos held, of how many is unknown: "
                "the two video counts come from different fields of the API",
                seen=held,
            )
        case Unknown.CORRECTED:
            return say(
                "{seen} new videos held, of how many is unknown: "
                "TikTok corrected the video count in between",
                seen=held,
            )
        case Unknown.STALE:
            return say(
                "{seen} new videos held, of how many is unknown: "
                "the newest video count is an old answer",
                seen=held,
            )
    return say(
        "{seen} new videos held, of how many is unknown: the video count is not known", seen=held
    )


def _known_words(seen: int, low: int, high: int) -> str:
    if seen == high == 0:
        return say("no new videos")
    if seen > high:
        # The feed shows old videos for the first time, or the count lags behind.
        return say(
            "{seen} new videos held, more than the {existing} that TikTok counts",
            seen=whole(seen),
            existing=whole(high),
        )
    if low == high:
        return say("{seen} of {existing} new videos held", seen=whole(seen), existing=whole(high))
    return say(
        "{seen} of {low} to {high} new videos held",
        seen=whole(seen),
        low=whole(low),
        high=whole(high),
    )
