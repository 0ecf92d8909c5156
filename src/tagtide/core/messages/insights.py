"""What a campaign report says beyond totals and rankings, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tagtide.core import formats as f
from tagtide.core.charts.campaign import Axis, growth_chart
from tagtide.core.charts.hours import hours_chart
from tagtide.core.emv import Receipt
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Definition,
    Definitions,
    Heading,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.core.messages.words import (
    creator_cell,
    enumerate_words,
    known_only,
    number_cell,
    percent_cell,
    rank_cell,
    tag_cell,
)
from tagtide.core.periods import zone_or_utc
from tagtide.core.reports.insights import Beside, Insights, RatedCreator
from tagtide.core.reports.trend import Trend


def trend_blocks(trend: Trend | None, zone_name: str) -> list[Block]:
    """Growth beside competitors, and the share of it."""
    if trend is None or not trend.views or not trend.views[0].gains:
        return []
    axis = Axis(
        since=trend.since, until=trend.until, zone=zone_or_utc(zone_name), zone_name=zone_name
    )
    blocks: list[Block] = [growth_chart(trend.views, axis, name="views", noun="views")]
    if any(line.total for line in trend.videos):
        blocks.append(growth_chart(trend.videos, axis, name="videos", noun="videos"))
    said = _voice(trend)
    return [*blocks, Note(said)] if said else blocks


def _voice(trend: Trend) -> str:
    known = [
        (noun, share, share.ratio)
        for noun, share in (("views", trend.share_of_views), ("videos", trend.share_of_videos))
        if share is not None and share.ratio is not None
    ]
    if not known:
        return ""
    parts = [f"{f.percent(ratio)} of the {noun}" for noun, _, ratio in known]
    counted = max(share.counted for _, share, _ in known)
    partial = max(share.partial for _, share, _ in known)
    missing = min(share.missing for _, share, _ in known)
    days = f.counted(max(1, round((trend.until - trend.since) / timedelta(days=1))), "day")
    said = (
        f"Share of voice: own hashtags gained {enumerate_words(parts)} that they and "
        f"{f.counted(counted, 'competitor')} gained together in {days}."
    )
    if partial:
        said += f" {f.counted(partial, 'competitor')} had been read for a part of that time only."
    if missing:
        said += f" {f.counted(missing, 'competitor')} could not be counted: growth unknown."
    return said


def creators_table(insights: Insights) -> Table:
    """Creators with the most views, each with a rate and how far it can be trusted."""
    columns = (
        Column("", Kind.NUMBER),
        Column("Creator"),
        Column("Tier"),
        Column("Followers", Kind.NUMBER),
        Column("Videos", Kind.NUMBER),
        Column("Views", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("At least", Kind.NUMBER),
        Column("At most", Kind.NUMBER),
    )
    rows = tuple(_creator_row(rank, one) for rank, one in enumerate(insights.creators, 1))
    table = Table(
        "Top creators by views",
        columns,
        rows,
        empty="No creator is known yet.",
        note="Rates of creators with few videos are drawn toward the campaign's; nine times in ten "
        "the rate lies between the last two columns.",
    )
    return known_only(known_only(table), "Tier")


def _creator_row(rank: int, one: RatedCreator) -> tuple[Cell, ...]:
    creator, rate = one.standing, one.rate
    return (
        rank_cell(rank),
        creator_cell(creator.author_username, creator.author_nickname),
        Cell(one.tier or f.DASH),
        number_cell(creator.author_followers),
        number_cell(creator.videos),
        number_cell(creator.views.total),
        percent_cell(None if rate is None else rate.rate),
        percent_cell(None if rate is None else rate.low),
        percent_cell(None if rate is None else rate.high),
    )


def insight_blocks(insights: Insights, zone_name: str) -> list[Block]:
    """Hours, hashtags beside the campaign's, and earned media value."""
    return [
        *_tiers(insights),
        *_hours(insights, zone_name),
        *_hashtags("Hashtags beside the campaign's", insights.beside),
        *_near(insights.near),
        *_value(insights.receipts, insights.currency),
    ]


def _tiers(insights: Insights) -> list[Block]:
    known = [(tier, count) for tier, count in insights.tiers if tier is not None]
    if not known:
        return []
    unknown = sum(count for tier, count in insights.tiers if tier is None)
    said = enumerate_words(f"{f.whole(count)} {tier}" for tier, count in known)
    rest = f"; of {f.counted(unknown, 'creator')} the followers are not known" if unknown else ""
    return [Note(f"Creators by followers: {said}{rest}.")]


def _hours(insights: Insights, zone_name: str) -> list[Block]:
    if all(block.above is None for block in insights.hours):
        return [Note("Hours of publication: too few videos of three days and older to compare.")]
    return [hours_chart(insights.hours, insights.best_hour, zone_name)]


def _hashtags(title: str, found: Sequence[Beside]) -> list[Block]:
    if not found:
        return []
    columns = (Column("Hashtag"), Column("Videos", Kind.NUMBER), Column("Creators", Kind.NUMBER))
    rows = tuple(
        (tag_cell(one.hashtag), number_cell(one.videos), number_cell(one.creators)) for one in found
    )
    return [Table(title, columns, rows)]


def _near(found: Sequence[Beside]) -> list[Block]:
    if not found:
        return []
    columns = (
        Column("Written"),
        Column("Perhaps meant"),
        Column("Videos", Kind.NUMBER),
        Column("Creators", Kind.NUMBER),
    )
    rows = tuple(
        (
            tag_cell(one.hashtag),
            tag_cell(one.near or ""),
            number_cell(one.videos),
            number_cell(one.creators),
        )
        for one in found
    )
    note = "Seen in captions of held videos only; videos that carry nothing but the slip are not."
    return [Table("Almost the campaign's hashtags", columns, rows, note=note)]


def _value(receipts: Sequence[Receipt], currency: str) -> list[Block]:
    if not receipts:
        return []
    low, high = receipts[0].amount, receipts[-1].amount
    columns = (
        Column("Rate card"),
        Column("Receipt"),
        Column(f"Value, {currency}", Kind.NUMBER),
    )
    rows = tuple(
        (Cell(one.card), Cell(_receipt(one), tone=Tone.MUTED), number_cell(one.amount))
        for one in receipts
    )
    spread = f"{f.decimal(high / low)} times" if low > 0 else "far"
    cards = f.counted(len(receipts), "rate card")
    between = (
        f"Between {f.compact(low)} and {f.compact(high)} {currency} over {cards}"
        if len(receipts) > 1
        else f"{f.compact(low)} {currency} by one rate card"
    )
    apart = f", {spread} apart" if len(receipts) > 1 else ""
    return [
        Heading("Earned media value"),
        Paragraph(f"{between}{apart}: what such attention might have cost, not what it earned."),
        Table("Receipts", columns, rows, note="Cards are set under [reports] in tagtide.toml."),
    ]


def _receipt(receipt: Receipt) -> str:
    return " + ".join(
        f"{f.whole(line.count)} {line.counter} × {_price(line.price)}" for line in receipt.lines
    )


def _price(price: float) -> str:
    return f"{price:.5f}".rstrip("0").rstrip(".")


DEFINITIONS = Definitions(
    (
        Definition("Engagement", "Likes, comments and shares of a video. Saves are not in it."),
        Definition(
            "Engagement rate",
            "Engagement over views of a video, at its newest reading; unknown where views are 0 or "
            "unknown. Pooled is the sum of engagement over the sum of views.",
        ),
        Definition(
            "Views", "Plays as TikTok counts them; never the number of people who were reached."
        ),
        Definition(
            "Growth",
            "Change between two readings of the same videos; the real span stands beside it.",
        ),
        Definition("New video", "First seen in the campaign within the span that is compared."),
        Definition(
            "Held",
            "New videos that are stored over new videos that exist by the hashtag's counter. The "
            "feed is TikTok's own selection, never all of it.",
        ),
        Definition(
            "High priority",
            "A video whose engagement rate and views have both passed the campaign's thresholds at "
            "some reading.",
        ),
        Definition(
            "Viral",
            "Views or engagement above a multiple of the mean of the campaign's other videos.",
        ),
        Definition(
            "Rate of a creator",
            "Drawn toward the campaign's by as much as few videos leave open (empirical Bayes), "
            "with the interval that holds it nine times in ten.",
        ),
        Definition(
            "Tier",
            "By followers: nano below 10,000, micro below 100,000, mid below 500,000, macro below "
            "a million, mega above.",
        ),
        Definition(
            "Share of voice",
            "What own hashtags gained over what own and competitors' hashtags gained together.",
        ),
        Definition(
            "Earned media value",
            "Counters times prices of a rate card. There is no standard, so several are shown.",
        ),
    )
)
