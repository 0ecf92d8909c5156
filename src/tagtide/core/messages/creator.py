"""One creator on one page, for people."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.creator import creator_chart
from tagtide.core.language import say, say_as, say_many, spoken
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
    creator_url,
    safe_link,
)
from tagtide.core.messages.insights import tier_words
from tagtide.core.messages.rights import (
    channels_cell,
    end_cell,
    place_words,
    state_words,
    status_words,
)
from tagtide.core.messages.words import (
    as_of_words,
    creator_name,
    enumerate_words,
    number_cell,
    percent_cell,
    rate_figure,
    sum_figure,
    videos_text,
)
from tagtide.core.periods import zone_or_utc
from tagtide.core.reports.creator import CreatorReport, GrantedRight, HeldVideo, InCampaign
from tagtide.core.reports.facts import VideoLine

#: What one page holds.
VIDEOS, RIGHTS, CAMPAIGNS, CURVES = 6, 3, 3, 4
_CHANNELS = 2


def creator_blocks(report: CreatorReport) -> list[Block]:
    """The whole page."""
    zone = zone_or_utc(report.timezone)
    ranked = [(rank, one.video.video_id) for rank, one in enumerate(report.videos, 1)]
    chart = creator_chart(
        [(rank, report.curves.get(key, ())) for rank, key in ranked[:CURVES]],
        zone,
        report.timezone,
    )
    return [
        *_opening(report, zone),
        _figures(report),
        _videos(report.videos[:VIDEOS], len(report.videos), zone),
        *([] if chart is None else [chart]),
        _campaigns(report.campaigns[:CAMPAIGNS], len(report.campaigns)),
        _rights(report.rights[:RIGHTS], len(report.rights), zone),
        Note(unknown_text(report)),
    ]


def creator_title(report: CreatorReport) -> str:
    """What the file is called in its head."""
    return say("Creator: {name}", name=_name(report))


def _name(report: CreatorReport) -> str:
    return creator_name(report.creator.username, report.creator.nickname)


def _opening(report: CreatorReport, zone: ZoneInfo) -> list[Block]:
    creator = report.creator
    nickname = f.clean_text(creator.nickname, 24)
    heading = _name(report)
    if creator.username and nickname:
        heading = f"{heading} ({nickname})"
    blocks: list[Block] = [
        Heading(heading, level=1, language=spoken().code),
        Paragraph(creator_sentence(report), lead=True),
        Note(_scope(report, zone)),
    ]
    if report.looks_like_another:
        warning = say(
            "A word of the name mixes scripts whose letters look alike, as names do that pass for "
            "another's."
        )
        blocks.append(Note(warning, Tone.WARN))
    return blocks


def _scope(report: CreatorReport, zone: ZoneInfo) -> str:
    read = as_of_words(report.as_of, zone)
    where = say("Every campaign in service.")
    if report.within is not None:
        where = say("Campaign {name}.", name=f.clean_text(report.within, 60))
    return f"{read} {where} {creator_url(report.creator.username) or ''}".strip()


def creator_sentence(report: CreatorReport) -> str:
    """Who they are, and what is held of them."""
    held = {"videos": videos_text(len(report.videos)), "views": f.compact(report.views.total)}
    if report.tier is None:
        text = say("Followers unknown; held: {videos} with {views} views.", **held)
    else:
        text = say(
            "{followers} followers ({tier}); held: {videos} with {views} views.",
            followers=f.compact(report.creator.follower_count),
            tier=tier_words(report.tier),
            **held,
        )
    if not report.creator.verified:
        return text
    verified = say("Verified.")
    return f"{verified} {text}"


def _figures(report: CreatorReport) -> KeyFigures:
    scores = [one.score for one in report.videos if one.score is not None]
    best = max(scores, key=lambda score: score.z, default=None)
    note = say("too few videos to judge")
    if best is not None:
        note = say("usual up to {mark}", mark=f.decimal(best.mark))
    return KeyFigures(
        (
            sum_figure(say("Views"), report.views),
            sum_figure(say("Engagement"), report.engagement),
            rate_figure(
                say("Engagement rate"),
                report.engagement_rate,
                say("all engagement over all views"),
            ),
            Figure(
                say("Best age score"),
                f.decimal(None if best is None else best.z),
                "",
                note,
                number=None if best is None else best.z,
            ),
        )
    )


def _videos(shown: Sequence[HeldVideo], count: int, zone: ZoneInfo) -> Table:
    columns = (
        Column("", Kind.NUMBER),
        Column(say("Video")),
        Column(say("Published"), Kind.INSTANT),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Engagement"), Kind.NUMBER),
        Column(say("Rate"), Kind.NUMBER),
        Column(say("Age score"), Kind.NUMBER),
        Column(say("Desk")),
    )
    rows = tuple(_video_row(rank, one, zone) for rank, one in enumerate(shown, 1))
    more, note = count - len(shown), ""
    if more:
        note = say_many(
            more,
            "{count} more video in the workbook and in the JSON.",
            "{count} more videos in the workbook and in the JSON.",
        )
    return Table(
        say("Videos with most views"),
        columns,
        rows,
        empty=say("No campaign holds a video of theirs."),
        note=note,
    )


def _video_row(rank: int, one: HeldVideo, zone: ZoneInfo) -> tuple[Cell, ...]:
    video, counters = one.video, one.video.counters
    caption = f.clean_text(video.caption, 34) or say("video {number}", number=video.video_id)
    states = dict.fromkeys(state_words(state) for _, state in one.desk)
    z = None if one.score is None else one.score.z
    return (
        Cell(str(rank), value=rank),
        Cell(caption, link=safe_link(VideoLine(video).url), foreign=True),
        Cell(f.date_text(video.created_at, zone), value=video.created_at),
        number_cell(counters.view_count),
        number_cell(counters.engagement),
        percent_cell(counters.engagement_rate),
        Cell(f.decimal(z), value=z),
        Cell(enumerate_words(states) or f.DASH),
    )


def _campaigns(shown: Sequence[InCampaign], count: int) -> Table:
    columns = (
        Column(say("Campaign")),
        Column(say("Videos"), Kind.NUMBER),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Rate to expect"), Kind.NUMBER),
        Column(say("At least"), Kind.NUMBER),
        Column(say("At most"), Kind.NUMBER),
        Column(say("Campaign's median"), Kind.NUMBER),
        Column(say("Their tier's"), Kind.NUMBER),
    )
    rows = tuple(
        (
            Cell(f.clean_text(one.campaign, 24)),
            number_cell(one.videos),
            number_cell(one.views.total),
            percent_cell(None if one.rate is None else one.rate.rate),
            percent_cell(None if one.rate is None else one.rate.low),
            percent_cell(None if one.rate is None else one.rate.high),
            percent_cell(one.crowd_rate),
            percent_cell(one.tier_rate),
        )
        for one in shown
    )
    note = say(
        "The rate to expect is drawn from theirs toward the campaign's, the more the fewer their "
        "videos are; nine times in ten it lies between the two."
    )
    more = count - len(shown)
    if more:
        left = say_many(
            more, "{count} more campaign in the JSON.", "{count} more campaigns in the JSON."
        )
        note = f"{note} {left}"
    return Table(
        say("Engagement rate beside others"),
        columns,
        rows,
        empty=say_as("campaigns", "None."),
        note=note,
    )


def _rights(shown: Sequence[GrantedRight], count: int, zone: ZoneInfo) -> Table:
    columns = (
        Column(say("Video")),
        Column(say_as("of a right", "Right")),
        Column(say_as("of a right", "For")),
        Column(say_as("of a right", "Where")),
        Column(say_as("of a right", "Edits")),
        Column(say_as("of a right", "Ends"), Kind.INSTANT),
        Column(say("Spark code ends"), Kind.INSTANT),
    )
    rows = tuple(_right_row(one, zone) for one in shown)
    more, note = count - len(shown), ""
    if more:
        note = say_many(more, "{count} more right in the JSON.", "{count} more rights in the JSON.")
    empty = say("None was ever recorded.")
    return Table(say_as("of a creator", "Rights"), columns, rows, empty=empty, note=note)


def _right_row(one: GrantedRight, zone: ZoneInfo) -> tuple[Cell, ...]:
    edits = f.DASH
    if one.edits is not None:
        edits = say_as("edits", "allowed") if one.edits else say_as("edits", "not allowed")
    return (
        Cell(one.video_id, link=safe_link(one.url)),
        Cell(status_words(one.status)),
        channels_cell(one.channels, _CHANNELS),
        Cell(place_words(one.territory)),
        Cell(edits),
        end_cell(one.expires_at, zone),
        Cell(f.date_text(one.spark_expires_at, zone), value=one.spark_expires_at),
    )


def unknown_text(report: CreatorReport) -> str:
    """What is not known, in sentences."""
    creator = report.creator
    said = [say("Not known:")]
    if creator.follower_count is None:
        said.append(
            say("Followers: nobody asked TikTok for the profile, and the feed does not say.")
        )
    if creator.verified is None:
        said.append(say("Whether the account is verified is not known."))
    if creator.video_count is None:
        said.append(say("How many videos they have on TikTok is not known."))
    if report.views.unknown:
        said.append(
            say_many(
                report.views.unknown,
                "Views of {count} video are not known.",
                "Views of {count} videos are not known.",
            )
        )
    if report.is_cut:
        said.append(say("There are more videos than are counted here."))
    said.append(
        say(
            "Only videos seen under the campaigns' hashtags are held; audience, reach and watch "
            "time are not public."
        )
    )
    return " ".join(said)
