"""What a campaign report says beyond totals and rankings, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.campaign import Axis, Line, Noun, growth_chart
from tagtide.core.charts.hours import hours_chart
from tagtide.core.charts.times import Event
from tagtide.core.creators import Tier
from tagtide.core.emv import PUBLISHED_CARDS, Receipt
from tagtide.core.language import figure, say, say_as, say_many
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
    safe_link,
)
from tagtide.core.messages.words import (
    creator_cell,
    enumerate_words,
    known_only,
    number_cell,
    percent_cell,
    rank_cell,
    rule_words,
    tag_cell,
)
from tagtide.core.periods import zone_or_utc
from tagtide.core.reports.events import CampaignEvent, EventKind
from tagtide.core.reports.insights import Beside, Insights, RatedCreator
from tagtide.core.reports.trend import Trend


def trend_blocks(
    trend: Trend | None, zone_name: str, *, nouns: Sequence[Noun] = tuple(Noun)
) -> list[Block]:
    """Growth beside competitors, the share of it, and what happened meanwhile."""
    if trend is None or not trend.views or not trend.views[0].gains:
        return []
    zone = zone_or_utc(zone_name)
    axis = Axis(since=trend.since, until=trend.until, zone=zone, zone_name=zone_name)
    events = [Event(at=event.at, label=event_words(event)) for event in trend.events]
    lines = _named(trend, trend.views)
    blocks: list[Block] = [growth_chart(lines, axis, name="views", noun=Noun.VIEWS, events=events)]
    if Noun.VIDEOS in nouns and any(line.total for line in trend.videos):
        lines = _named(trend, trend.videos)
        blocks.append(growth_chart(lines, axis, name="videos", noun=Noun.VIDEOS, events=events))
    said = _voice(trend)
    return [*blocks, *([Note(said)] if said else []), *_events(trend.events, zone)]


def _named(trend: Trend, lines: Sequence[Line]) -> list[Line]:
    """The lines with a name for the own hashtags together."""
    own = say_many(trend.own, "{count} own hashtag", "{count} own hashtags")
    return [line if line.name else replace(line, name=own) for line in lines]


def _voice(trend: Trend) -> str:
    views, videos = trend.share_of_views, trend.share_of_videos
    parts, known = [], []
    if views is not None and views.ratio is not None:
        known.append(views)
        parts.append(say("{share} of the views", share=f.percent(views.ratio)))
    if videos is not None and videos.ratio is not None:
        known.append(videos)
        parts.append(say("{share} of the videos", share=f.percent(videos.ratio)))
    if not known:
        return ""
    days = max(1, round((trend.until - trend.since) / timedelta(days=1)))
    said = say_many(
        max(share.counted for share in known),
        "Share of voice: own hashtags gained {shares} that they and {count} competitor "
        "gained together {days}.",
        "Share of voice: own hashtags gained {shares} that they and {count} competitors "
        "gained together {days}.",
        shares=enumerate_words(parts),
        days=say_many(days, "in {count} day", "in {count} days"),
    )
    partial = max(share.partial for share in known)
    if partial:
        partly = say_many(
            partial,
            "{count} competitor had been read for a part of that time only.",
            "{count} competitors had been read for a part of that time only.",
        )
        said = f"{said} {partly}"
    missing = min(share.missing for share in known)
    if missing:
        unknown = say_many(
            missing,
            "{count} competitor could not be counted: growth unknown.",
            "{count} competitors could not be counted: growth unknown.",
        )
        said = f"{said} {unknown}"
    return said


def _events(events: Sequence[CampaignEvent], zone: ZoneInfo) -> list[Block]:
    """The list that the numbers in the charts speak of."""
    if not events:
        return []
    columns = (
        Column("", Kind.NUMBER),
        Column(say("When"), Kind.INSTANT),
        Column(say("What")),
    )
    rows = tuple(
        (
            rank_cell(number),
            Cell(f.instant_text(event.at, zone), value=event.at),
            Cell(
                event_words(event),
                link=None if event.alert is None else safe_link(event.alert.url),
                foreign=True,
            ),
        )
        for number, event in enumerate(events, 1)
    )
    return [Table(say("Events"), columns, rows)]


def event_words(event: CampaignEvent) -> str:
    """What happened, in a few words."""
    if event.kind is EventKind.BEGAN:
        return say("The campaign began")
    if event.kind is EventKind.ENDED:
        return say("The campaign ended")
    tag = None if event.hashtag is None else f"#{f.clean_text(event.hashtag, 40)}"
    if event.alert is not None:
        rule = rule_words(event.alert.rule)
        if tag is None:
            return say("Alert: {rule}", rule=rule)
        return say("Alert: {rule}, {hashtag}", rule=rule, hashtag=tag)
    if tag is None:
        return say("TikTok corrected the views of own hashtags")
    return say("TikTok corrected the views of {hashtag}", hashtag=tag)


def creators_table(insights: Insights) -> Table:
    """Creators with the most views, each with a rate and how far it can be trusted."""
    columns = (
        Column("", Kind.NUMBER),
        Column(say("Creator")),
        Column(say("Tier")),
        Column(say("Followers"), Kind.NUMBER),
        Column(say("Videos"), Kind.NUMBER),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Rate"), Kind.NUMBER),
        Column(say("At least"), Kind.NUMBER),
        Column(say("At most"), Kind.NUMBER),
    )
    rows = tuple(_creator_row(rank, one) for rank, one in enumerate(insights.creators, 1))
    table = Table(
        say("Top creators by views"),
        columns,
        rows,
        empty=say("No creator is known yet."),
        note=say(
            "Rates of creators with few videos are drawn toward the campaign's; nine times in ten "
            "the rate lies between the last two columns."
        ),
    )
    return known_only(known_only(table), say("Tier"))


def _creator_row(rank: int, one: RatedCreator) -> tuple[Cell, ...]:
    creator, rate = one.standing, one.rate
    return (
        rank_cell(rank),
        creator_cell(creator.author_username, creator.author_nickname),
        Cell(f.DASH if one.tier is None else tier_words(one.tier)),
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
        *_hashtags(say("Hashtags beside the campaign's"), insights.beside),
        *_near(insights.near),
        *_value(insights.receipts, insights.currency),
    ]


def _tiers(insights: Insights) -> list[Block]:
    known = [(tier, count) for tier, count in insights.tiers if tier is not None]
    if not known:
        return []
    unknown = sum(count for tier, count in insights.tiers if tier is None)
    said = enumerate_words(
        say("{count} {tier}", count=f.whole(count), tier=tier_words(tier)) for tier, count in known
    )
    if not unknown:
        return [Note(say("Creators by followers: {tiers}.", tiers=said))]
    return [
        Note(
            say_many(
                unknown,
                "Creators by followers: {tiers}; of {count} creator the followers are not known.",
                "Creators by followers: {tiers}; of {count} creators the followers are not known.",
                tiers=said,
            )
        )
    ]


def tier_words(tier: Tier) -> str:
    """What a tier is called."""
    names = {
        Tier.NANO: say_as("tier", "nano"),
        Tier.MICRO: say_as("tier", "micro"),
        Tier.MID: say_as("tier", "mid"),
        Tier.MACRO: say_as("tier", "macro"),
        Tier.MEGA: say_as("tier", "mega"),
    }
    return names[tier]


def _hours(insights: Insights, zone_name: str) -> list[Block]:
    if all(block.above is None for block in insights.hours):
        return [
            Note(say("Hours of publication: too few videos of three days and older to compare."))
        ]
    return [hours_chart(insights.hours, insights.best_hour, zone_name)]


def _hashtags(title: str, found: Sequence[Beside]) -> list[Block]:
    if not found:
        return []
    columns = (
        Column(say("Hashtag")),
        Column(say("Videos"), Kind.NUMBER),
        Column(say("Creators"), Kind.NUMBER),
    )
    rows = tuple(
        (tag_cell(one.hashtag), number_cell(one.videos), number_cell(one.creators)) for one in found
    )
    return [Table(title, columns, rows)]


def _near(found: Sequence[Beside]) -> list[Block]:
    if not found:
        return []
    columns = (
        Column(say("Written")),
        Column(say("Perhaps meant")),
        Column(say("Videos"), Kind.NUMBER),
        Column(say("Creators"), Kind.NUMBER),
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
    note = say(
        "Seen in captions of held videos only; videos that carry nothing but the slip are not."
    )
    return [Table(say("Almost the campaign's hashtags"), columns, rows, note=note)]


def _value(receipts: Sequence[Receipt], currency: str) -> list[Block]:
    if not receipts:
        return []
    low, high = receipts[0].amount, receipts[-1].amount
    columns = (
        Column(say("Rate card")),
        Column(say("Receipt")),
        Column(say("Value, {currency}", currency=currency), Kind.NUMBER),
    )
    rows = tuple(
        (Cell(_card(one.card)), Cell(_receipt(one), tone=Tone.MUTED), number_cell(one.amount))
        for one in receipts
    )
    return [
        Heading(say("Earned media value")),
        Paragraph(_between(low, high, len(receipts), currency)),
        Table(
            say("Receipts"),
            columns,
            rows,
            note=say("Cards are set under [reports] in tagtide.toml."),
        ),
    ]


def _between(low: float, high: float, cards: int, currency: str) -> str:
    values: dict[str, object] = {
        "low": f.compact(low),
        "high": f.compact(high),
        "currency": currency,
    }
    if cards == 1:
        return say(
            "{low} {currency} by one rate card: what such attention might have cost, "
            "not what it earned.",
            **values,
        )
    values["cards"] = f.whole(cards)
    if low <= 0:
        return say(
            "Between {low} and {high} {currency} over {cards} rate cards, far apart: "
            "what such attention might have cost, not what it earned.",
            **values,
        )
    return say(
        "Between {low} and {high} {currency} over {cards} rate cards, {times} times apart: "
        "what such attention might have cost, not what it earned.",
        **values,
        times=f.decimal(high / low),
    )


def _receipt(receipt: Receipt) -> str:
    return " + ".join(
        f"{f.whole(line.count)} {_counter(line.counter)} × {_price(line.price)}"
        for line in receipt.lines
    )


def _counter(name: str) -> str:
    counters = {
        "views": say_as("counter", "views"),
        "likes": say_as("counter", "likes"),
        "comments": say_as("counter", "comments"),
        "shares": say_as("counter", "shares"),
        "saves": say_as("counter", "saves"),
    }
    return counters[name]


def _card(name: str) -> str:
    """A card's name; those of the configuration are what they are."""
    if not any(name == card.name for card in PUBLISHED_CARDS):
        return name
    published = {
        "views and each engagement": say_as("rate card", "views and each engagement"),
        "views and engagement": say_as("rate card", "views and engagement"),
        "engagement alone": say_as("rate card", "engagement alone"),
        "views at 10 per thousand": say_as("rate card", "views at 10 per thousand"),
        "views at 20 per thousand": say_as("rate card", "views at 20 per thousand"),
    }
    return published[name]


def _price(price: float) -> str:
    return figure(f"{price:.5f}".rstrip("0").rstrip("."))


def definitions() -> Definitions:
    """What the terms of a campaign report mean."""
    terms = (
        (
            say("Engagement"),
            say("Likes, comments and shares of a video. Saves are not in it."),
        ),
        (
            say("Engagement rate"),
            say(
                "Engagement over views of a video, at its newest reading; unknown where views are"
                " 0 or unknown. Pooled is the sum of engagement over the sum of views."
            ),
        ),
        (
            say("Views"),
            say("Plays as TikTok counts them; never the number of people who were reached."),
        ),
        (
            say("Growth"),
            say("Change between two readings of the same videos; the real span stands beside it."),
        ),
        (
            say("New video"),
            say("First seen in the campaign within the span that is compared."),
        ),
        (
            say("Held"),
            say(
                "New videos that are stored over new videos that exist by the hashtag's counter. "
                "The feed is TikTok's own selection, never all of it."
            ),
        ),
        (
            say("High priority"),
            say(
                "A video whose engagement rate and views have both passed the campaign's "
                "thresholds at some reading."
            ),
        ),
        (
            say("Viral"),
            say("Views or engagement above a multiple of the mean of the campaign's other videos."),
        ),
        (
            say("Rate of a creator"),
            say(
                "Drawn toward the campaign's by as much as few videos leave open (empirical "
                "Bayes), with the interval that holds it nine times in ten."
            ),
        ),
        (
            say("Tier"),
            say(
                "By followers: nano below 10,000, micro below 100,000, mid below 500,000, macro "
                "below a million, mega above."
            ),
        ),
        (
            say("Share of voice"),
            say(
                "What own hashtags gained over what own and competitors' hashtags gained together."
            ),
        ),
        (
            say("Earned media value"),
            say(
                "Counters times prices of a rate card. There is no standard, so several are shown."
            ),
        ),
    )
    return Definitions(tuple(Definition(*pair) for pair in terms), say("What the terms mean"))
