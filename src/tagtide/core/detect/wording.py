"""One sentence in plain English about one finding."""

from __future__ import annotations

from datetime import UTC, tzinfo

from tagtide.core.detect.base import Direction, Finding, Phase, Reason
from tagtide.core.formats import compact, date_text, decimal, span_of_hours, time_text

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNJUDGED = {
    Reason.FIRST_READING: "was read for the first time; there is nothing to compare with",
    Reason.LEARNING: "is not known well enough yet to say what is usual",
    Reason.UNKNOWN: "has no known value here; nothing was judged",
    Reason.STALE: "was answered with an old value; the next reading will tell",
    Reason.COUNTER_CORRECTED: "had its counter corrected; growth up to the earlier level is not "
    "news",
    Reason.SOURCE_CHANGED: "was counted by another field before; the two cannot be compared",
    Reason.GAP: "was not read for too long; what happened in between cannot be dated",
    Reason.DUPLICATE: "was read twice at this instant; the second reading is ignored",
    Reason.CLOCK_BACK: "was read earlier than the reading before; it is ignored",
}


def explain(finding: Finding, name: str, noun: str = "videos", zone: tzinfo = UTC) -> str:
    """What was seen, what is usual, and how rare that is.

    ``name`` stands in front as it is given ("#brandtag"); it must be harmless already.
    """
    if not finding.is_judged:
        return f"{name} {_UNJUDGED[finding.reason]}."
    if finding.observed is None or finding.since is None:
        return f"{name} is as usual."
    if finding.phrase is not None:
        return _of_level(finding, name, finding.phrase, zone)
    said = f"{name} gained {_some(finding.observed, noun)} since {_since(finding, zone)}."
    if finding.threshold is not None:
        return f"{said} {_against_threshold(finding)}"
    usual = finding.usual
    if usual is not None:
        local = finding.at.astimezone(zone)
        when = f"At this hour on a {_DAYS[local.weekday()]}"
        if (finding.hours or 0) > 20:
            when = "Over such a span"
        said += f" {when} it normally gains {compact(usual[0])} to {compact(usual[1])}."
    if finding.phase is Phase.CLOSES:
        return f"{said} The incident is over."
    if finding.reason is Reason.USUAL or finding.return_hours is None:
        return said
    what = "drop this deep" if finding.direction is Direction.FALL else "jump this big"
    said += f" A {what} happens by chance {_how_rare(finding.return_hours)} for this counter."
    if finding.reason is Reason.TOO_SMALL:
        said += " It is too small to be worth an alert."
    return said


def _of_level(finding: Finding, name: str, phrase: str, zone: tzinfo) -> str:
    said = phrase.format(value=_level(finding.observed), span=span_of_hours(finding.hours))
    said = f"{name} {said} at {time_text(finding.at, zone)}."
    if finding.usual is not None:
        low, high = finding.usual
        said += f" All but extremes lie between {_level(low)} and {_level(high)}."
    if finding.phase is Phase.CLOSES:
        return f"{said} The incident is over."
    if finding.reason is Reason.USUAL or finding.return_hours is None:
        return said
    rare = _how_rare(finding.return_hours)
    return f"{said} Something this strange happens by chance {rare} for this series."


def _level(value: float | None) -> str:
    assert value is not None
    return compact(value) if 10_000 <= abs(value) < 1e15 else f"{value:.4g}"


def _some(count: float, noun: str) -> str:
    if count == int(count):
        return f"{compact(count)} {noun.removesuffix('s') if count == 1 else noun}"
    return f"{decimal(count, 3)} {noun}"


def _since(finding: Finding, zone: tzinfo) -> str:
    clock = time_text(finding.since, zone)
    if (finding.hours or 0) > 20:
        clock = f"{date_text(finding.since, zone)}, {clock}"
    return f"{clock} ({span_of_hours(finding.hours)})"


def _against_threshold(finding: Finding) -> str:
    assert finding.threshold is not None
    side = "above" if finding.reason is Reason.RISE else "not above"
    return f"That is {side} the rule's mark of {decimal(finding.threshold, 2)}."


def _how_rare(hours: float) -> str:
    days = hours / 24
    if days < 1.5:
        return "about every day"
    if days < 45:
        return f"about once in {round(days)} days"
    if days < 548:
        return f"about once in {round(days / 30.4)} months"
    if days < 36_500:
        return f"about once in {round(days / 365)} years"
    return "less than once in a century"
