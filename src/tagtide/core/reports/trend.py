"""Growth of a campaign beside its competitors over the last weeks, and its share of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tagtide.core.charts.campaign import Line
from tagtide.core.reports.events import CampaignEvent
from tagtide.core.reports.facts import iso, rounded

#: How far back a report looks.
TREND = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOfVoice:
    """What own hashtags gained of what own and competitors' hashtags gained together."""

    own: int
    others: int
    #: Competitors whose growth is in it.
    counted: int
    #: Of these, the ones that were first read later than the own hashtags.
    partial: int = 0
    #: Competitors that it cannot count: nothing of theirs was read twice.
    missing: int = 0

    @property
    def ratio(self) -> float | None:
        """Own over all; None when nothing was gained, or a side lost more than it gained."""
        both = self.own + self.others
        return self.own / both if both > 0 and min(self.own, self.others) >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Growth in stretches, of the own hashtags together and of competitors."""

    #: When the own hashtags were first read, where that is later than what was asked for.
    since: datetime
    until: datetime
    #: How many hashtags the own lines add up.
    own: int
    #: The own hashtags first, then the competitors that gained most: no more than a chart can hold.
    views: tuple[Line, ...]
    videos: tuple[Line, ...]
    #: None without a competitor whose growth is known.
    share_of_views: ShareOfVoice | None
    share_of_videos: ShareOfVoice | None
    #: What the charts mark, oldest first.
    events: tuple[CampaignEvent, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON form: fields of the report."""
        return {
            "share_of_voice": {
                "since": iso(self.since),
                "until": iso(self.until),
                "views": _share_dict(self.share_of_views),
                "videos": _share_dict(self.share_of_videos),
            },
            "events": [event.as_dict() for event in self.events],
        }


def _share_dict(share: ShareOfVoice | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {
        "own": share.own,
        "competitors": share.others,
        "share": rounded(share.ratio),
        "competitors_counted": share.counted,
        "competitors_partial": share.partial,
        "competitors_missing": share.missing,
    }


def share_of_voice(own: Line, rivals: Sequence[Line]) -> ShareOfVoice | None:
    """The own share of what both gained; None without growth that is known on both sides.

    Args:
        own: The own hashtags together.
        rivals: One line for every competitor, whether a chart shows it or not.
    """
    known = [line for line in rivals if line.gains]
    if not own.gains or not known:
        return None
    return ShareOfVoice(
        own=own.total,
        others=sum(line.total for line in known),
        counted=len(known),
        partial=sum(line.gains[0][0] > own.gains[0][0] for line in known),
        missing=len(rivals) - len(known),
    )
