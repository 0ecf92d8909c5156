"""An explanation in words."""

from __future__ import annotations

from tagtide.core.explain.parts import Doubt, Explanation, Over, Part, handle
from tagtide.core.formats import compact, counted, decimal, signed, span_of_hours, whole
from tagtide.core.rules import Measure

#: A pattern is told from so many videos on, when they are at least half of what is held.
_PATTERN = 5
#: A remainder smaller than this share is not spoken of.
_SMALL = 0.05

_NOUNS = {
    Measure.VIEWS: "views",
    Measure.ENGAGEMENT: "likes, comments and shares",
    Measure.VIDEO_COUNT: "new videos",
    Measure.VIDEOS_SEEN: "new videos",
}


def sentence_of(e: Explanation) -> str:
    """What a person reads: the largest part, the rest, the verdict without it, the doubts."""
    said = _by_creators(e) if e.moved.counts_videos else _by_videos(e)
    return " ".join(part for part in (said, _verdict(e), _told_pattern(e), _doubts(e)) if part)


def _by_videos(e: Explanation) -> str:
    what = f"{signed(e.delta)} {_NOUNS[e.moved.measure]}"
    if e.moved.delta is None:
        what += " of the videos held"
    top = e.parts[0] if e.parts and e.parts[0].gained else None
    if top is None:
        return _unexplained(e, what)
    said = f"{_percent(top.share)} of {what} is one video by {_by(top)}"
    rest = []
    others = len([part for part in e.parts if part.gained]) - 1
    more = e.new.gained + e.known.gained - top.gained
    if others and more * 50 >= max(e.delta, 1):
        rest.append(f"{_percent(share_of(more, max(e.delta, e.new.gained + e.known.gained)))} is "
                    f"{counted(others, 'other video')} held")  # fmt: skip
    if e.new.videos and e.known.videos and e.new.gained:
        rest.append(f"new videos made {_percent(e.new.share)}")
    if e.unseen_share is not None and e.unseen_share >= _SMALL:
        rest.append(f"{_percent(e.unseen_share)} was not seen in any video held")
    said = "; ".join([said, *rest]) + "."
    if e.over is not None and e.over.gained > top.gained:
        said += f" {_told_over(e.over, e)}"
    return said


def _unexplained(e: Explanation, what: str) -> str:
    if e.over is not None:
        return (
            f"What made {what} in {span_of_hours(e.moved.hours)} is not known: no video held was "
            f"read at both ends. {_told_over(e.over, e)}"
        )
    if e.parts:
        videos = counted(len(e.parts), "video")
        return f"None of {what} was seen in the {videos} held that were read at both ends."
    if e.left_out:
        videos = counted(e.left_out, "video")
        return f"What made {what} is not known: none of the {videos} held was read at both ends."
    return f"What made {what} is not known: no video of the hashtag is held."


def _told_over(over: Over, e: Explanation) -> str:
    videos = counted(over.videos, "video")
    noun = _NOUNS[e.moved.measure]
    said = f"Within {span_of_hours(over.hours)} {videos} read at both ends gained "
    said += f"{compact(over.gained)} {noun}"
    if over.top is not None and over.videos > 1:
        said += f", {_percent(over.top.share)} of it one video by {_by(over.top)}"
    elif over.top is not None:
        said += f": one by {_by(over.top)}"
    return said + "."


def _by_creators(e: Explanation) -> str:
    held = e.new.videos
    total = whole(e.delta)
    if not held:
        return f"Who made the {total} new videos is not known: none of them is held."
    if e.high is None:
        said = f"{whole(held)} new videos were seen"
    elif held > e.high:
        said = (
            f"{whole(held)} new videos are held, more than the {whole(e.high)} that TikTok counts"
        )
    else:
        said = f"{whole(held)} of {total} new videos are held"
    names = len(e.creators)
    top = e.creators[0]
    if top.videos > 1:
        said += f", {whole(top.videos)} of them by {_name(top.author_username)}"
        said += f" ({whole(names)} creators in all)" if names > 1 else ""
    else:
        said += f", by {counted(names, 'creator')}"
    if e.unseen_high and e.unseen_low:
        exact = e.unseen_low == e.unseen_high
        unseen = (
            whole(e.unseen_low) if exact else f"{whole(e.unseen_low)} to {whole(e.unseen_high)}"
        )
        said += f"; the other {unseen} were not seen"
    return said + "."


def _verdict(e: Explanation) -> str:
    without = e.without
    if without is None or without.fires is None:
        return ""
    if without.fires and (not e.parts or (e.parts[0].share or 0) < 0.5):
        return ""
    if e.moved.counts_videos:
        if without.videos < 2 or without.fires:
            return ""
        what = f"the {whole(without.videos)} of {_name(without.author_username)}"
        left = f"{counted(without.value, 'new video')}"
    else:
        what = "that video"
        left = (
            f"+{decimal((without.ratio or 0) * 100, 0)} %"
            if without.ratio is not None
            else f"{signed(without.value)} {_NOUNS[e.moved.measure]}"
        )
    end = (
        "the rule would have fired all the same"
        if without.fires
        else "the rule would not have fired"
    )
    return f"Without {what} {left}: {end}."


def _told_pattern(e: Explanation) -> str:
    pattern, held = e.pattern, e.new.videos
    if pattern is None or not e.moved.counts_videos:
        return ""
    told = []
    if pattern.within_ten_minutes >= max(_PATTERN, held / 2):
        told.append(f"{whole(pattern.within_ten_minutes)} of them were published within 10 min")
    if pattern.same_caption >= max(_PATTERN, held / 2):
        told.append(f"{whole(pattern.same_caption)} share one caption")
    return f"{' and '.join(told)}, which is unusual." if told else ""


def _doubts(e: Explanation) -> str:
    if e.doubt is Doubt.ROUNDING_STEP:
        return (
            "The counter is shown in steps and moved by one: the true change lies between "
            f"{compact(e.low)} and {compact(e.high)}."
        )
    if e.doubt is Doubt.NOT_IN_VIDEOS:
        return (
            "The videos that hold most of its views hardly moved: TikTok may have corrected the "
            "counter."
        )
    if e.doubt is Doubt.COUNTER_BEHIND and not e.moved.counts_videos:
        gained = e.new.gained + e.known.gained
        return f"The videos held gained {compact(gained)}, more than the counter says: it lags."
    return ""


def _by(part: Part) -> str:
    age = "" if part.age_hours is None else f", {span_of_hours(part.age_hours)} old"
    return f"{_name(part.author_username)}{age}"


def _name(username: str | None) -> str:
    shown = handle(username)
    return f"@{shown}" if shown else "an unknown creator"


def _percent(share: float | None) -> str:
    return f"{decimal((share or 0.0) * 100, 0)} %"


def share_of(gained: int, total: int) -> float | None:
    """A share; None where there is nothing to be a share of."""
    return gained / total if total > 0 else None
