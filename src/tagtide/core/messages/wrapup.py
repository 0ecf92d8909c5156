"""The end of a campaign for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.language import ENGLISH, say, say_as, say_many, spoken
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Definition,
    Definitions,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
    safe_link,
)
from tagtide.core.messages.campaign import hashtags_table, videos_table
from tagtide.core.messages.insights import (
    creators_table,
    definitions,
    insight_blocks,
    trend_blocks,
)
from tagtide.core.messages.lift import lift_blocks, lift_figure
from tagtide.core.messages.rights import channels_cell, end_cell, place_words, state_words
from tagtide.core.messages.words import (
    creator_cell,
    creators_text,
    enumerate_words,
    failure_notes,
    number_cell,
    percent_cell,
    rate_figure,
    rule_words,
    span_cell,
    sum_figure,
    tag_cell,
    videos_text,
    whose_words,
)
from tagtide.core.periods import zone_or_utc
from tagtide.core.reports.facts import alert_told
from tagtide.core.reports.wrapup import Coverage, RightsObtained, WrapUp, lasted
from tagtide.models import Alert, Job, Status

_MOST_ALERTS, _MOST_CLEARED, _MOST_DAYS = 10, 15, 10


def wrapup_blocks(report: WrapUp) -> list[Block]:
    """The whole report."""
    insights = report.report.insights
    return [
        *_opening(report),
        _key_figures(report),
        *lift_blocks(report.lift, report.timezone),
        *trend_blocks(report.trend, report.timezone),
        hashtags_table(report.hashtags, say("Own hashtags, from the begin to the end")),
        *_competitors(report),
        *([] if insights is None else [creators_table(insights)]),
        videos_table(report.report.top_by_views, say("Top videos by views")),
        videos_table(report.report.top_videos, say("Top videos by engagement")),
        *_rights(report.rights, report.timezone),
        *_alerts(report),
        *([] if insights is None else insight_blocks(insights, report.timezone)),
        *_cost(report),
        *_coverage(report.coverage, report.span.days),
        _definitions(),
    ]


def wrapup_sentence(report: WrapUp) -> str:
    """What the campaign was, in a sentence."""
    totals, days = report.report.totals, report.span.days
    held = {
        "videos": videos_text(totals.videos),
        "creators": creators_text(totals.creators),
        "views": f.compact(totals.views.total),
    }
    if report.views_gained is None:
        return say_many(
            days,
            "{count} day: how many views the own hashtags gained is not known; held are {videos} "
            "by {creators}, with {views} views.",
            "{count} days: how many views the own hashtags gained is not known; held are {videos} "
            "by {creators}, with {views} views.",
            **held,
        )
    return say_many(
        days,
        "{count} day: the own hashtags gained {gained} views; held are {videos} by {creators}, "
        "with {views} views.",
        "{count} days: the own hashtags gained {gained} views; held are {videos} by {creators}, "
        "with {views} views.",
        gained=f.compact(report.views_gained),
        **held,
    )


def _opening(report: WrapUp) -> list[Block]:
    zone, span = zone_or_utc(report.timezone), report.span
    name = f.clean_text(report.campaign, 80)
    title = say("{name}: end of campaign", name=name)
    if not span.is_over:
        title = say("{name}: the campaign so far", name=name)
    return [
        Heading(title, level=1, language=spoken().code),
        Paragraph(wrapup_sentence(report), lead=True),
        Note(_period(report, zone)),
        *_later(report, zone),
        *failure_notes(report.hashtags),
    ]


def _period(report: WrapUp, zone: ZoneInfo) -> str:
    span = report.span
    begin, end = f.instant_text(span.since, zone), f.instant_text(span.until, zone)
    if span.is_over:
        return say(
            "From {begin} to {end}, {zone} time.", begin=begin, end=end, zone=report.timezone
        )
    if span.ends_on is None:
        return say(
            "So far: from {begin} to {end}, {zone} time. The campaign has no last day.",
            begin=begin,
            end=end,
            zone=report.timezone,
        )
    return say(
        "So far: from {begin} to {end}, {zone} time. The campaign ends on {last}.",
        begin=begin,
        end=end,
        zone=report.timezone,
        last=span.ends_on.isoformat(),
    )


def _later(report: WrapUp, zone: ZoneInfo) -> list[Block]:
    """Hashtags that another campaign reads go on being read after the end."""
    if report.as_of <= report.span.until:
        return []
    at = f.instant_text(report.as_of, zone)
    return [Note(say("Counters of videos are those of their newest reading, up to {at}.", at=at))]


def _key_figures(report: WrapUp) -> KeyFigures:
    sums, rates = report.report.totals, report.report.rates
    return KeyFigures(
        (
            Figure(
                say("Views gained"),
                f.compact(report.views_gained),
                "",
                say("by the own hashtags"),
                number=report.views_gained,
            ),
            lift_figure(report.lift),
            _voice_figure(report),
            _value_figure(report),
            Figure(
                say("Videos"),
                f.whole(sums.videos),
                say("+{count} new", count=f.whole(report.new_videos)),
                say_as("videos", "held"),
                number=sums.videos,
                change_number=report.new_videos,
            ),
            Figure(say("Creators"), f.whole(sums.creators), number=sums.creators),
            sum_figure(say("Views of videos"), sums.views),
            sum_figure(say("Engagement"), sums.engagement),
            rate_figure(
                say("Pooled rate"),
                rates.pooled,
                say("median {rate}", rate=f.percent(rates.median)),
            ),
            Figure(
                say("Rights granted"),
                f.whole(report.rights.granted),
                "",
                say_as("rights for", "videos"),
                number=report.rights.granted,
            ),
            Figure(say("Alerts"), f.whole(len(report.alerts)), number=len(report.alerts)),
            Figure(
                say("Credits"), f.whole(report.credits), "", _money(report), number=report.credits
            ),
        )
    )


def _voice_figure(report: WrapUp) -> Figure:
    share = report.trend.share_of_views
    ratio = None if share is None else share.ratio
    note = say("of views gained")
    if share is None:
        note = say("no competitor's growth is known")
    return rate_figure(say("Share of voice"), ratio, note)


def _value_figure(report: WrapUp) -> Figure:
    insights = report.report.insights
    label = say("Earned media value")
    if insights is None or not insights.receipts:
        return Figure(label, f.DASH, "", say("no counter is known"))
    low, high = insights.receipts[0].amount, insights.receipts[-1].amount
    note = say("{currency}, by one rate card", currency=insights.currency)
    if len(insights.receipts) > 1:
        note = say(
            "to {high} {currency}, over {cards} rate cards",
            high=f.compact(high),
            currency=insights.currency,
            cards=f.whole(len(insights.receipts)),
        )
    return Figure(label, f.compact(low), "", note, number=low)


def _money(report: WrapUp) -> str:
    price = report.report.price_per_credit
    return "" if price is None else f"${f.decimal(report.credits * price, 2)}"


def _competitors(report: WrapUp) -> list[Block]:
    if not report.competitors:
        return []
    title = say("Competitors, from the begin to the end")
    return [hashtags_table(report.competitors, title), *failure_notes(report.competitors)]


# --- rights ---------------------------------------------------------------------------------------


def _rights(rights: RightsObtained, zone_name: str) -> list[Block]:
    rows = tuple(
        (Cell(state_words(state)), number_cell(count))
        for state, count in rights.states.items()
        if count
    )
    zone = zone_or_utc(zone_name)
    states = Table(
        say("Rights obtained"),
        (Column(say("On the desk")), Column(say("Videos"), Kind.NUMBER)),
        rows,
        empty=say("No video is on the desk."),
        note=say("The desk as of {at}.", at=f.instant_text(rights.at, zone)),
    )
    return [states, *_cleared(rights, zone)]


def _cleared(rights: RightsObtained, zone: ZoneInfo) -> list[Block]:
    if not rights.cleared:
        return []
    rows = tuple(
        (
            Cell(say("video {number}", number=one.video_id), link=safe_link(one.url)),
            creator_cell(one.author_username, one.author_nickname),
            channels_cell(one.channels),
            Cell(place_words(one.territory)),
            end_cell(one.until, zone),
        )
        for one in rights.cleared[:_MOST_CLEARED]
    )
    columns = (
        Column(say("Video")),
        Column(say("Creator")),
        Column(say_as("of a right", "For")),
        Column(say_as("of a right", "Where")),
        Column(say_as("of a right", "Ends"), Kind.INSTANT),
    )
    more, note = len(rights.cleared) - _MOST_CLEARED, ""
    if more > 0:
        note = say_many(
            more,
            "{count} more video with `tagtide export rights`.",
            "{count} more videos with `tagtide export rights`.",
        )
    return [Table(say("What is cleared, what ends first"), columns, rows, note=note)]


# --- alerts ---------------------------------------------------------------------------------------


def _alerts(report: WrapUp) -> list[Block]:
    if not report.alerts:
        return [Note(say("Alerts: none fired in the campaign."))]
    zone = zone_or_utc(report.timezone)
    kinds = enumerate_words(
        f"{rule_words(rule)} {f.whole(count)}" for rule, count in report.alerts_by_rule.items()
    )
    rows = tuple(_alert_row(alert, zone) for alert in report.alerts[:_MOST_ALERTS])
    columns = (
        Column(say_as("of an alert", "Began"), Kind.INSTANT),
        Column(say("Rule")),
        Column(say("Lasted"), Kind.NUMBER),
        Column(say("What it was")),
    )
    note = say_many(
        len(report.alerts),
        "{count} alert fired: {kinds}.",
        "{count} alerts fired: {kinds}.",
        kinds=kinds,
    )
    more = len(report.alerts) - _MOST_ALERTS
    if more > 0:
        earlier = say_many(
            more,
            "{count} earlier alert in `tagtide alerts list`.",
            "{count} earlier alerts in `tagtide alerts list`.",
        )
        note = f"{note} {earlier}"
    return [Table(say("Alerts"), columns, rows, note=note)]


def _alert_row(alert: Alert, zone: ZoneInfo) -> tuple[Cell, ...]:
    length, translated = lasted(alert), spoken().code != ENGLISH.code
    return (
        Cell(f.instant_text(alert.opened_at, zone), value=alert.opened_at),
        Cell(rule_words(alert.rule)),
        Cell(say_as("of an alert", "still on")) if length is None else span_cell(length),
        Cell(
            # As it was told when it fired: in English, whatever the language of the report.
            alert_told(alert),
            link=safe_link(alert.url),
            foreign=True,
            language=ENGLISH.code if translated else "",
        ),
    )


# --- cost and coverage ----------------------------------------------------------------------------


def _job_words(job: Job | None) -> str:
    if job is Job.TRACK:
        return say("Reading hashtag totals")
    return say("Reading videos and creators") if job is Job.COLLECT else say_as("runs", "Other")


def _cost_words(name: str) -> str:
    words = {
        "video": say("a video held"),
        "high_priority_video": say("a high-priority video"),
        "alert": say("an alert"),
        "video_granted": say("a video with rights granted"),
        "thousand_views_gained": say("1,000 views gained by the own hashtags"),
    }
    return words[name]


def _cost(report: WrapUp) -> list[Block]:
    rows = tuple(
        (Cell(_job_words(one.job)), number_cell(one.calls), number_cell(one.credits))
        for one in report.spending
    )
    columns = (
        Column(say_as("spent", "For")),
        Column(say("Calls"), Kind.NUMBER),
        Column(say("Credits"), Kind.NUMBER),
    )
    per = tuple(
        (Cell(_cost_words(name)), Cell(f.decimal(cost, 2), value=cost))
        for name, cost in report.cost_per().items()
        if cost is not None
    )
    spent = Table(
        say("Credits spent"),
        columns,
        rows,
        empty=say_as("credits", "None."),
        note=say("By days in UTC. Calls of which nobody knows whether they cost count in full."),
    )
    if not per or not report.credits:
        return [spent]
    each = (Column(say("For each")), Column(say("Credits"), Kind.NUMBER))
    return [spent, Table(say("What it cost"), each, per)]


def _coverage(coverage: Coverage, days: int) -> list[Block]:
    rows = tuple(
        (
            tag_cell(one.hashtag),
            Cell(whose_words(one.role)),
            number_cell(one.days_read),
            percent_cell(one.days_read / one.days),
        )
        for one in coverage.hashtags
    )
    columns = (
        Column(say("Hashtag")),
        Column(say_as("hashtag", "Whose")),
        Column(say("Days read"), Kind.NUMBER),
        Column(say_many(days, "Of {count} day", "Of {count} days"), Kind.NUMBER),
    )
    limits = say(
        "Views, engagement and rates of videos rest on those that are held: the feed is TikTok's "
        "own selection, never all of it. Competitors are not in any total. Where TikTok corrected "
        "a counter, the change from the begin to the end is not known."
    )
    return [
        Table(say("Coverage"), columns, rows, note=_runs_text(coverage)),
        *_missing(coverage),
        Note(limits),
    ]


def _runs_text(coverage: Coverage) -> str:
    runs, read = coverage.runs, coverage.outcomes
    ended = say_many(
        sum(runs.values()),
        "{count} run read data; failed: {failed}, skipped: {skipped}, ended partly: {partial}.",
        "{count} runs read data; failed: {failed}, skipped: {skipped}, ended partly: {partial}.",
        failed=f.whole(runs.get(Status.FAILED, 0)),
        skipped=f.whole(runs.get(Status.SKIPPED, 0)),
        partial=f.whole(runs.get(Status.PARTIAL, 0)),
    )
    lost = say_many(
        sum(read.values()),
        "Of {count} read of a hashtag failed: {lost}.",
        "Of {count} reads of hashtags failed: {lost}.",
        lost=f.whole(read.get(Status.FAILED, 0)),
    )
    return f"{ended} {lost}"


def _missing(coverage: Coverage) -> list[Block]:
    missing: Sequence[str] = [day.isoformat() for day in coverage.days_without]
    if not missing:
        return []
    text = say_many(
        len(missing),
        "On {count} day no own hashtag was read: {shown}.",
        "On {count} days no own hashtag was read; the first of them: {shown}.",
        shown=", ".join(missing[:_MOST_DAYS]),
    )
    return [Note(text, Tone.WARN)]


def _definitions() -> Definitions:
    terms = (
        Definition(
            say("Lift"),
            say(
                "What the own hashtags gained per day in the campaign over what was to be expected "
                "from their 28 days before and from control hashtags over the same days, less one; "
                "with the interval that holds it nine times in ten (difference in differences)."
            ),
        ),
        Definition(
            say("Control hashtag"),
            say(
                "A hashtag that took no part in the campaign and stood under the same winds: what "
                "it gained says what would have happened anyway."
            ),
        ),
        Definition(
            say("Views gained"),
            say(
                "What the counters of the own hashtags grew by, as TikTok counts them; a video "
                "under two own hashtags counts in both."
            ),
        ),
    )
    usual = definitions()
    return replace(usual, terms=(*terms, *usual.terms))
