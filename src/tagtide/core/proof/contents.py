"""What the page of a capsule shows, from its records alone: plain text, no medium's syntax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.language import ENGLISH, speaking
from tagtide.core.messages.blocks import Figure
from tagtide.core.messages.words import sentence, tone_of
from tagtide.core.proof.figures import Worked
from tagtide.core.proof.records import Reading, Records
from tagtide.core.proof.rows import (
    ALL_VIDEOS,
    MOST_LINES,
    Behind,
    Lines,
    TagRow,
    VideoRows,
    most,
)
from tagtide.core.proof.sections import Section, sections

#: Readings shown with a sum: the largest; all of them stand in the table at the end.
_LARGEST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A key figure with what is behind it."""

    key: str
    figure: Figure
    behind: Behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The whole page."""

    title: str
    lead: str
    notes: tuple[str, ...]
    figures: tuple[Proven, ...]
    sections: tuple[Section, ...]
    #: What is missing, and why.
    missing: tuple[str, ...]
    method: tuple[str, ...]
    hashtags: tuple[TagRow, ...]
    #: Title of each part, and its videos.
    videos: tuple[tuple[str, tuple[VideoRows, ...]], ...]


@speaking(ENGLISH)
def contents(records: Records, worked: Mapping[str, Worked]) -> Contents:
    """The page of some records and the figures that they give; its bytes count, so in English."""
    lines = Lines(records, worked)
    page = _Page(lines)
    header = records.header
    zone = ZoneInfo(header.timezone)
    name = f.clean_text(header.campaign, 80)
    return Contents(
        title=f"{name}: campaign report with proof, {f.date_text(header.as_of, zone)}",
        lead=page.lead(zone),
        notes=page.notes(zone),
        figures=page.figures(),
        sections=sections(lines),
        missing=page.missing(),
        method=_METHOD,
        hashtags=tuple(
            lines.tag_rows(r for held in records.hashtag_readings.values() for r in held)
        ),
        videos=lines.parts(),
    )


_METHOD = (
    "Every figure above opens how it is worked out and the readings that it rests on. A reading is "
    "what the data API said about a video or a hashtag at one instant; its field is the part of "
    "the answer that the counters came from, its run the work of tagtide that asked.",
    "The end of this file holds the same readings for machines, each with a SHA-256 that covers "
    "the one before it, so that nothing can be changed, left out, put in or moved without a trace.",
    "To check the file: `tagtide verify FILE`. It works every figure out again and draws this page "
    "again. The head that it prints must be the one you were given, or the file must be signed "
    "with a key that you know: a page alone can claim anything.",
)


@dataclass(frozen=True, slots=True)
class _Page:
    lines: Lines

    # --- opening and closing --------------------------------------------------------------------

    def lead(self, zone: ZoneInfo) -> str:
        """What changed, in a sentence."""
        videos, creators = self.lines.value("total_videos"), self.lines.value("unique_creators")
        compared = self.lines.value("compared_with")
        if not videos:
            return "No video of this campaign is held yet."
        if compared is None:
            return (
                f"{f.counted(videos, 'video')} by {f.counted(creators, 'creator')} held so far; "
                "what changed is known from the second reading on."
            )
        since = f.instant_text(datetime.fromisoformat(compared["at"]), zone)
        new = f.counted(self.lines.value("new_videos_24h"), "new video")
        words = f"{new} since {since} ({f.span_of_hours(compared['hours'])})"
        growth = self.lines.value("view_growth_24h")
        if growth is None:
            return f"{words}; no video was read at both ends, so that growth is unknown."
        ends = f"{f.counted(self.lines.value('view_growth_videos'), 'video')} read at both ends"
        return f"{words}, and {f.signed(growth)} views on {ends}."

    def notes(self, zone: ZoneInfo) -> tuple[str, ...]:
        """Of which instant, by which program, signed by whom."""
        header = self.lines.records.header
        readings = f.counted(self.lines.records.readings, "reading")
        signed = (
            "Not signed."
            if header.key is None
            else f"Signed with the key {header.key}; only `tagtide verify` can tell."
        )
        return (
            f"As of {f.instant_text(header.as_of, zone)}, {header.timezone} time: the newest "
            f"reading. Made by {f.clean_text(header.tool, 64)} from {readings}. Instants of "
            "readings are in UTC.",
            signed,
        )

    def missing(self) -> tuple[str, ...]:
        """Coverage and what is not held."""
        said = _mapping(self.lines.records.stated.get("coverage"))
        found = [
            "The feed of a hashtag is TikTok's own selection, never all of it: totals, engagement "
            "and rates rest on the videos that are held. Competitors are in no total."
        ]
        statement = said.get("statement")
        if isinstance(statement, str):
            found.append(f"Stated, not proven here: {sentence(f.clean_text(statement, 300))}")
        found += [
            f"#{f.clean_text(tag.hashtag, 60)} was not read at the last attempt: "
            f"{f.clean_text(tag.reason, 40).replace('_', ' ') or tag.status}."
            for tag in self.lines.records.hashtags.values()
            if tag.status in ("failed", "skipped") and tag.reason != "shared"
        ]
        unknown = sum(r.views is None for r in self.lines.records.latest.values())
        if unknown:
            found.append(f"Views are unknown for {f.counted(unknown, 'video')}: left out, not 0.")
        gone = [c for c in self.lines.records.creators.values() if c.erased is not None]
        if gone:
            found.append(
                f"{f.counted(len(gone), 'creator')} erased on request: their counters are still "
                "added up, under a number instead of a name, an id or a link."
            )
        credits_ = self.lines.records.stated.get("credits_used")
        if credits_ is not None and type(credits_.value) is int:
            spent = f.whole(credits_.value)
            found.append(f"Stated, not proven here: {spent} credits spent on this day.")
        found.append(
            "Not part of this proof: age scores, alerts, and whatever else the campaign report "
            "says beyond the figures above."
        )
        return tuple(found)

    # --- key figures ----------------------------------------------------------------------------

    def figures(self) -> tuple[Proven, ...]:
        """The numbers that are read together."""
        growth, engaged = (
            self.lines.value("view_growth_24h"),
            self.lines.value("engagement_growth_24h"),
        )
        rates = self.lines.value("engagement_rate_distribution")["videos"]
        return (
            self._plain("total_videos", "Videos", "in this file"),
            self._plain("unique_creators", "Creators", "of these videos"),
            self._sum("total_views", "Views", lambda r: r.views),
            self._sum("total_engagement", "Engagement", lambda r: r.engagement),
            self._new(),
            self._gain("view_growth_24h", "View growth", growth, lambda r: r.views),
            self._gain("engagement_growth_24h", "Engagement growth", engaged, _engagement),
            self._plain("new_views_24h", "Views of new videos", "at their newest reading"),
            self._sum("total_likes", "Likes", lambda r: r.likes),
            self._sum("total_comments", "Comments", lambda r: r.comments),
            self._sum("total_shares", "Shares", lambda r: r.shares),
            self._sum("total_saves", "Saves", lambda r: r.saves),
            self._plain("avg_views", "Mean views", "per video"),
            self._plain("avg_engagement", "Mean engagement", "per video"),
            self._rate(
                "median_engagement_rate", "Median rate", f"over {f.counted(rates, 'video')}"
            ),
            self._rate(
                "pooled_engagement_rate",
                "Pooled rate",
                f"mean of the videos {f.percent(self.lines.value('avg_engagement_rate'))}",
            ),
        )

    def _plain(self, key: str, label: str, rests: str) -> Proven:
        value = self.lines.value(key)
        figure = Figure(label, f.compact(value), "", rests)
        return Proven(key=key, figure=figure, behind=self.lines.behind(key, (), ALL_VIDEOS))

    def _rate(self, key: str, label: str, rests: str) -> Proven:
        figure = Figure(label, f.percent(self.lines.value(key)), "", rests)
        return Proven(key=key, figure=figure, behind=self.lines.behind(key, (), ALL_VIDEOS))

    def _sum(self, key: str, label: str, counter: Callable[[Reading], int | None]) -> Proven:
        latest = self.lines.records.latest.values()
        known = [(value, r) for r in latest if (value := counter(r)) is not None]
        rests = f"over {f.counted(len(known), 'video')}"
        if len(known) < len(latest):
            rests = f"over {f.whole(len(known))} of {f.counted(len(latest), 'video')}"
        known.sort(key=lambda pair: -pair[0])
        rows = [r for _, r in known[:_LARGEST_SHOWN]]
        figure = Figure(label, f.compact(self.lines.value(key)), "", rests)
        return Proven(
            key=key, figure=figure, behind=self.lines.behind(key, rows, most(rows, known))
        )

    def _gain(
        self,
        key: str,
        label: str,
        value: int | None,
        counter: Callable[[Reading], int | None],
    ) -> Proven:
        pairs = [
            ((counter(now) or 0) - (counter(then) or 0), then, now)
            for now in self.lines.records.latest.values()
            if (then := self.lines.records.earlier.get(now.video)) is not None
            and then.field == now.field
            and counter(now) is not None
            and counter(then) is not None
        ]
        pairs.sort(key=lambda pair: -pair[0])
        shown = pairs[:_LARGEST_SHOWN]
        rows = [reading for _, then, now in shown for reading in (now, then)]
        rests = f"on {f.counted(len(pairs), 'video')} read at both ends"
        figure = Figure(label, f.change(value), "", rests, tone_of(value))
        return Proven(
            key=key, figure=figure, behind=self.lines.behind(key, rows, most(shown, pairs))
        )

    def _new(self) -> Proven:
        key = "new_videos_24h"
        new = set(self.lines.worked[key].inputs)
        readings = [
            self.lines.records.latest[v.video]
            for v in self.lines.records.videos.values()
            if v.n in new
        ]
        readings.sort(key=lambda r: -(r.views or 0))
        shown = readings[:MOST_LINES]
        figure = Figure("New videos", f.whole(self.lines.value(key)), "", "first seen since then")
        return Proven(
            key=key, figure=figure, behind=self.lines.behind(key, shown, most(shown, readings))
        )


def _engagement(reading: Reading) -> int | None:
    return reading.engagement


def _mapping(stated: Any) -> Mapping[str, Any]:
    value = None if stated is None else stated.value
    return value if isinstance(value, dict) else {}
