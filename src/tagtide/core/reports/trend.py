"""Growth of a campaign beside its competitors over the last weeks, and its share of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tagtide.core.charts.campaign import Line
from tagtide.core.reports.facts import iso, rounded

#: How far back a report looks.
TREND = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOfVoice:
    """What own hashtags gained of what own and competitors' hashtags gained together."""

    own: int
    others: int

    @property
    def ratio(self) -> float | None:
        """Own over all; None when nothing was gained, or a side lost more than it gained."""
        both = self.own + self.others
        return self.own / both if both > 0 and min(self.own, self.others) >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Growth in stretches, of the own hashtags together and of competitors."""

    since: datetime
    until: datetime
    #: The own hashtags first, then the competitors that gained most.
    views: tuple[Line, ...]
    videos: tuple[Line, ...]
    #: None without a competitor whose growth is known.
    share_of_views: ShareOfVoice | None
    share_of_videos: ShareOfVoice | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form: a field of the report."""
        return {
            "since": iso(self.since),
            "until": iso(self.until),
            "views": _share_dict(self.share_of_views),
            "videos": _share_dict(self.share_of_videos),
        }


def _share_dict(share: ShareOfVoice | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {"own": share.own, "competitors": share.others, "share": rounded(share.ratio)}


def shares(lines: tuple[Line, ...]) -> ShareOfVoice | None:
    """Of the lines of a trend, the own one first."""
    if len(lines) < 2 or not lines[0].gains or not any(line.gains for line in lines[1:]):
        return None
    return ShareOfVoice(own=lines[0].total, others=sum(line.total for line in lines[1:]))
