"""The tables of a capsule's page, each with what is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagtide.core import formats as f
from tagtide.core.messages.blocks import Cell, Column, Kind, Table, Tone
from tagtide.core.messages.words import (
    creator_columns,
    known_only,
    number_cell,
    percent_cell,
    rate_columns,
    rate_range,
    sentence,
    tone_of,
)
from tagtide.core.proof.records import CreatorRecord
from tagtide.core.proof.rows import (
    ALL_VIDEOS,
    ERASED_NAME,
    MOST_LINES,
    Behind,
    Lines,
    creator_name,
    most,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of the report with what is behind it."""

    key: str
    table: Table
    behind: Behind


def sections(lines: Lines) -> tuple[Section, ...]:
    """The tables of the report."""
    return _Tables(lines).all()


@dataclass(frozen=True, slots=True)
class _Tables:
    lines: Lines

    def all(self) -> tuple[Section, ...]:
        header = self.lines.records.header
        factor = f.decimal(header.viral_factor).removesuffix(".0")
        few = "Too few videos to judge; it takes one and ten others."
        none = f"No video is above {factor} times the mean of the others."
        lists = (
            self._videos("top_videos_by_views", "Top videos by views"),
            self._videos("top_videos", "Top videos by engagement"),
        )
        return (
            self._hashtags("hashtags", "Hashtags"),
            self._viral(none if self.lines.value("viral_judged") else few),
            *lists,
            self._creators(),
            self._videos(
                "high_priority",
                "High-priority videos",
                f"Rate from {f.percent(header.high_priority_rate)} and from "
                f"{f.whole(header.high_priority_views)} views, at some reading.",
            ),
            *(
                [self._hashtags("competitors", "Competitors")]
                if self.lines.value("competitors")
                else []
            ),
            self._distribution(),
        )

    def _hashtags(self, key: str, title: str) -> Section:
        lines = self.lines.value(key)
        rows = tuple(
            (
                Cell(f"#{f.clean_text(line['hashtag'], 60)}", foreign=True),
                number_cell(line["view_count"]),
                _change(line["view_change"], line["view_change_margin"]),
                number_cell(line["video_count"]),
                _change(line["video_change"], 0),
                Cell(f.span_of_hours(line["elapsed_hours"])),
                Cell(_utc_text(line["read_at"])),
            )
            for line in lines
        )
        columns = (
            Column("Hashtag"),
            Column("Views", Kind.NUMBER),
            Column("Change", Kind.CHANGE),
            Column("Videos", Kind.NUMBER),
            Column("New", Kind.CHANGE),
            Column("Span", Kind.NUMBER),
            Column("Read at (UTC)", Kind.INSTANT),
        )
        names = [line["hashtag"] for line in lines[:MOST_LINES]]
        readings = self.lines.records.hashtag_readings
        ends = [r for name in names for r in readings.get(name, ()) if r.end != "beside"]
        behind = Behind(
            formula=sentence(self.lines.worked[key].formula),
            exact="",
            tags=tuple(self.lines.tag_rows(ends)),
            note="Those beside the two ends, which tell stale and corrected counters from growth, "
            "stand among all readings.",
        )
        table = Table(title, columns, rows, empty="No hashtag has been read yet.")
        return Section(key=key, table=table, behind=behind)

    def _viral(self, empty: str) -> Section:
        lines = self.lines.value("viral_videos")
        rows = tuple(
            (
                *self._named(line["video_id"]),
                Cell(line["basis"]),
                number_cell(line["value"]),
                Cell(f"{f.decimal(line['times'])} ×"),
                number_cell(line["mean_of_others"]),
                number_cell(line["others"]),
            )
            for line in lines[:MOST_LINES]
        )
        columns = (
            Column("Video"),
            Column("Creator"),
            Column("Counter"),
            Column("Value", Kind.NUMBER),
            Column("× mean of others", Kind.NUMBER),
            Column("Mean of others", Kind.NUMBER),
            Column("Others", Kind.NUMBER),
        )
        table = Table("Viral videos", columns, rows, empty=empty, note=_rest(lines))
        return self._section("viral_videos", table, lines)

    def _videos(self, key: str, title: str, note: str = "") -> Section:
        lines = self.lines.value(key)
        rows = tuple(
            (
                Cell(str(place)),
                *self._named(line["video_id"]),
                number_cell(line["view_count"]),
                number_cell(line["engagement"]),
                percent_cell(line["engagement_rate"]),
            )
            for place, line in enumerate(lines[:MOST_LINES], 1)
        )
        columns = (
            Column("", Kind.NUMBER),
            Column("Video"),
            Column("Creator"),
            Column("Views", Kind.NUMBER),
            Column("Engagement", Kind.NUMBER),
            Column("Rate", Kind.NUMBER),
        )
        note = " ".join(part for part in (note, _rest(lines)) if part)
        table = Table(title, columns, rows, empty="None.", note=note)
        return self._section(key, table, lines)

    def _creators(self) -> Section:
        lines = self.lines.value("top_creators")
        rows = tuple(
            (
                Cell(str(line["rank"])),
                self._creator(self.lines.records.creators[line["creator"]]),
                number_cell(line["author_followers"]),
                number_cell(line["videos"]),
                number_cell(line["total_views"]),
                number_cell(line["total_engagement"]),
                percent_cell(line["engagement_rate"]),
            )
            for line in lines
        )
        behind = set(self.lines.worked["top_creators"].inputs)
        held = [r for r in self.lines.records.latest.values() if r.n in behind]
        held.sort(key=lambda r: (self.lines.records.videos[r.video].creator, -(r.views or 0)))
        empty = "No creator is known yet."
        table = known_only(Table("Top creators by views", creator_columns(), rows, empty=empty))
        shown = held[:MOST_LINES]
        return Section(
            key="top_creators",
            table=table,
            behind=self.lines.behind("top_creators", shown, most(shown, held)),
        )

    def _distribution(self) -> Section:
        spread = self.lines.value("engagement_rate_distribution")
        rows = tuple(
            (
                Cell(rate_range(part["from"], part["to"])),
                number_cell(part["videos"]),
                percent_cell(part["videos"] / spread["videos"]),
            )
            for part in spread["histogram"]
            if part["videos"]
        )
        quantiles = ", ".join(f"{p} {f.percent(v)}" for p, v in spread["quantiles"].items())
        note = f"Quantiles: {quantiles}." if quantiles else ""
        table = Table(
            "Engagement rates", rate_columns(), rows, empty="No rate is known.", note=note
        )
        key = "engagement_rate_distribution"
        return Section(
            key=key,
            table=table,
            behind=Behind(
                formula=sentence(self.lines.worked[key].formula), exact="", note=ALL_VIDEOS
            ),
        )

    def _section(self, key: str, table: Table, lines: Sequence[Mapping[str, Any]]) -> Section:
        readings = [self.lines.records.latest[line["video_id"]] for line in lines[:MOST_LINES]]
        return Section(key=key, table=table, behind=self.lines.behind(key, readings, ""))

    def _named(self, video_id: str) -> tuple[Cell, Cell]:
        video = self.lines.records.videos[video_id]
        creator = self.lines.records.creators[video.creator]
        caption = f.clean_text(video.caption, 60) or f"video {video_id}"
        return Cell(caption, foreign=True), self._creator(creator)

    def _creator(self, creator: CreatorRecord) -> Cell:
        if creator.erased is not None:
            return Cell(ERASED_NAME, tone=Tone.MUTED)
        return Cell(creator_name(creator), foreign=True)


def _rest(lines: Sequence[object]) -> str:
    more = len(lines) - MOST_LINES
    return f"{f.counted(more, 'more video')} in the data of this file." if more > 0 else ""


def _utc_text(instant: str | None) -> str:
    return "never" if instant is None else instant.replace("T", " ").removesuffix("Z")


def _change(value: int | None, margin: int | None) -> Cell:
    if value is None:
        return Cell(f.DASH, tone=Tone.MUTED)
    within = f" (± {f.compact(margin)})" if margin else ""
    return Cell(f.change(value), exact=f.signed_whole(value) + within, tone=tone_of(value))
