"""``tagtide campaign``: what is watched."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, json_option, print_json, run
from tagtide.cli.show import print_blocks
from tagtide.core.backtest import BackTest
from tagtide.core.formats import counted
from tagtide.core.language import CLOCKS
from tagtide.core.messages import (
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
)
from tagtide.core.names import parse_hashtag
from tagtide.core.schedule import DEFAULTS, Schedule, rhythm_of
from tagtide.errors import InvalidInput
from tagtide.models import Campaign, Job
from tagtide.services.backtest import ARMING_SPAN, Arming, try_change
from tagtide.services.campaigns import apply as apply_difference
from tagtide.services.campaigns import campaigns_from, compare, make_campaign, rules_from


@click.group()
def campaign() -> None:
    """Campaigns: own hashtags beside competitors', and how to watch them."""


def _settings_options(command: Any) -> Any:
    for option in reversed(
        [
            click.option("--timezone", metavar="ZONE", help="IANA zone, e.g. Europe/Paris."),
            click.option(
                "--numbers", metavar="LOOK", help="How its readers write them, e.g. 1.234,5."
            ),
            click.option("--clock", type=click.Choice(CLOCKS), help="How they write the time."),
            click.option("--language", metavar="CODE", help="Of its reports, e.g. de."),
            click.option(
                "--threshold",
                "thresholds",
                multiple=True,
                metavar="NAME=N",
                help="New videos per window that alert, for one hashtag.",
            ),
            click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day."),
            click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="Last day."),
            click.option("--pages", type=int, help="Feed pages per hashtag and collection."),
            click.option(
                "--credits-per-day", type=int, help="Credits this campaign may use a day."
            ),
            click.option("--channel", "channels", multiple=True, help="Where its alerts go."),
            click.option(
                "--rule",
                "rules",
                multiple=True,
                metavar="KEY=VALUE",
                help="e.g. viral_factor=8, growth_for_runs=2, enabled=new_videos,growth.",
            ),
            click.option(
                "--schedule",
                "schedules",
                multiple=True,
                metavar="JOB=CRON",
                help='e.g. "track=0 */3 * * *".',
            ),
            click.option(
                "--request",
                metavar="TEXT",
                help="Wording of the request for rights (docs/desk.md).",
            ),
        ]
    ):
        command = option(command)
    return command


@campaign.command()
@click.argument("name")
@click.option("--hashtag", "hashtags", multiple=True, required=True, help="Own hashtag (repeat).")
@click.option("--competitor", "competitors", multiple=True, help="Competitor's hashtag (repeat).")
@click.option("--competitor-feeds", is_flag=True, help="Read competitors' videos too.")
@_settings_options
@common_options
@json_option
def add(name: str, config: str | None, database: str | None, as_json: bool, **typed: Any) -> None:
    """Add a campaign, e.g. add "Summer glow" --hashtag glow --competitor shine."""

    async def main() -> Campaign:
        async with application(config, database) as app:
            made = _from_typed(app, name, typed)
            return await app.store.add_campaign(replace(made, created_at=app.context.clock.now()))

    stored = run(main)
    if as_json:
        print_json(campaign_dict(stored))
    else:
        print_blocks(
            [
                Paragraph(f"Added {stored.name}. Next: tagtide track, then tagtide collect."),
                *_blocks(stored),
            ]
        )


def _from_typed(app: App, name: str, typed: dict[str, Any]) -> Campaign:
    settings = app.loaded.settings
    return make_campaign(
        name,
        hashtags=typed["hashtags"],
        competitors=typed["competitors"],
        competitor_feeds=typed["competitor_feeds"],
        timezone=typed["timezone"] or "UTC",
        numbers=typed["numbers"],
        clock=typed["clock"],
        language=typed["language"],
        thresholds=_pairs(typed["thresholds"], "--threshold", int),
        starts_on=_day(typed["start"]),
        ends_on=_day(typed["end"]),
        rules=rules_from(typed_rules(typed["rules"]), settings.rules.rules()),
        channels=_known_channels(app, typed["channels"]),
        page_budget=settings.collect.pages if typed["pages"] is None else typed["pages"],
        credits_per_day=typed["credits_per_day"],
        schedules=_schedules(typed["schedules"]),
        request=typed["request"] or None,
    )


def _pairs(texts: tuple[str, ...], option: str, convert: Any) -> dict[str, Any]:
    found = {}
    for text in texts:
        key, equals, value = text.rpartition("=")
        if not equals:
            raise InvalidInput(f"{option} {text!r} must look like NAME=NUMBER")
        try:
            found[key.strip()] = convert(value)
        except ValueError as error:
            raise InvalidInput(f"{option} {text!r}: {value!r} is not a number") from error
    return found


def typed_rules(texts: tuple[str, ...]) -> dict[str, Any]:
    """Numbers, but ``enabled=new_videos,growth`` names rules."""
    names = [text for text in texts if text.replace(" ", "").startswith("enabled=")]
    found = _pairs(tuple(t for t in texts if t not in names), "--rule", _number)
    if names:
        listed = names[-1].partition("=")[2].split(",")
        found["enabled"] = [name.strip() for name in listed if name.strip()]
    return found


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _schedules(texts: tuple[str, ...]) -> dict[Job, str]:
    found = {}
    for text in texts:
        job, _, expression = text.partition("=")
        try:
            found[Job(job.strip())] = expression.strip()
        except ValueError as error:
            raise InvalidInput(f"--schedule {text!r}: the jobs are {', '.join(Job)}") from error
    return found


def _known_channels(app: App, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in app.loaded.settings.channels:
            known = ", ".join(app.loaded.settings.channels) or "none"
            raise InvalidInput(f"there is no channel {name!r}", hint=f"Configured: {known}.")
    return names


@campaign.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """All campaigns."""

    async def main() -> list[Campaign]:
        async with application(config, database) as app:
            return await app.store.campaigns()

    found = run(main)
    if as_json:
        print_json({"campaigns": [campaign_dict(c) for c in found]})
    elif not found:
        print_blocks([Paragraph("No campaign yet. Add one: tagtide campaign add NAME --hashtag a")])
    else:
        columns = tuple(map(Column, ("Campaign", "Own hashtags", "Competitors", "Time zone")))
        print_blocks([Table("Campaigns", columns, tuple(_row(c) for c in found))])


def _row(campaign: Campaign) -> tuple[Cell, ...]:
    return (
        Cell(campaign.name),
        Cell(" ".join(f"#{h.name}" for h in campaign.own())),
        Cell(" ".join(f"#{h.name}" for h in campaign.competitors())),
        Cell(campaign.timezone),
    )


@campaign.command()
@click.argument("name")
@common_options
@json_option
def show(name: str, config: str | None, database: str | None, as_json: bool) -> None:
    """One campaign with its rules and schedules."""

    async def main() -> tuple[Campaign, Any]:
        async with application(config, database) as app:
            return await app.store.campaign(name), app.loaded.settings.schedules.model_dump()

    found, defaults = run(main)
    if as_json:
        print_json(campaign_dict(found))
    else:
        print_blocks(_blocks(found, defaults))


@campaign.command()
@click.argument("name")
@click.option("--rename", metavar="NAME", help="New name.")
@click.option("--hashtag", "hashtags", multiple=True, help="Add an own hashtag.")
@click.option("--competitor", "competitors", multiple=True, help="Add a competitor's hashtag.")
@click.option("--drop", "drops", multiple=True, help="Stop watching a hashtag.")
@click.option("--resume", "resumed", multiple=True, help="Take up a paused hashtag again.")
@click.option("--competitor-feeds/--no-competitor-feeds", default=None, help="Their videos too.")
@_settings_options
@common_options
@json_option
def edit(name: str, config: str | None, database: str | None, as_json: bool, **typed: Any) -> None:
    """Change a campaign; what is not named stays as it is."""

    async def main() -> tuple[Campaign, list[Arming]]:
        async with application(config, database) as app:
            before = await app.store.campaign(name)
            after = _edited(app, before, typed)
            tried = await try_change(app.context, before, after)
            await app.store.replace_campaign(after)
            for hashtag in typed["resumed"]:
                await app.store.resume_hashtag(parse_hashtag(hashtag))
            return after, tried

    stored, tried = run(main)
    if as_json:
        print_json({**campaign_dict(stored), "backtest": [_arming(one) for one in tried]})
    else:
        print_blocks([*_blocks(stored), *_arming_blocks(tried)])


def _arming(tried: Arming) -> dict[str, Any]:
    def fired(test: BackTest | None) -> int | None:
        return None if test is None else len(test.episodes)

    return {
        "rule": tried.rule.value,
        "fired_before": fired(tried.before),
        "fired_now": fired(tried.after),
    }


def _arming_blocks(tried: list[Arming]) -> list[Block]:
    """How often the changed rules would have fired: known before they do."""
    lines = [
        Note(
            f"In the last {ARMING_SPAN.days} days, {one.rule.value.replace('_', ' ')} would have "
            f"raised {_fired(one.after)}; as it was before: {_fired(one.before)}."
        )
        for one in tried
    ]
    return [*lines, Note("`tagtide backtest` shows when.")] if lines else []


def _fired(test: BackTest | None) -> str:
    return "none, being off" if test is None else counted(len(test.episodes), "alert")


def _edited(app: App, before: Campaign, typed: dict[str, Any]) -> Campaign:
    drops = {parse_hashtag(text) for text in typed["drops"]}
    if unknown := drops - {h.name for h in before.hashtags}:
        raise InvalidInput(f"the campaign does not have #{min(unknown)}")
    kept = [h for h in before.hashtags if h.name not in drops]
    thresholds = {h.name: h.threshold for h in kept if h.threshold is not None}
    thresholds |= _pairs(typed["thresholds"], "--threshold", int)
    feeds = typed["competitor_feeds"]
    if feeds is None:
        feeds = any(h.feed for h in before.competitors())
    made = make_campaign(
        typed["rename"] or before.name,
        hashtags=[*(h.name for h in kept if h.role.value == "own"), *typed["hashtags"]],
        competitors=[*(h.name for h in kept if h.role.value != "own"), *typed["competitors"]],
        competitor_feeds=feeds,
        timezone=typed["timezone"] or before.timezone,
        numbers=typed["numbers"] or before.numbers,
        clock=typed["clock"] or before.clock,
        language=typed["language"] or before.language,
        thresholds=thresholds,
        starts_on=_day(typed["start"]) or before.starts_on,
        ends_on=_day(typed["end"]) or before.ends_on,
        rules=rules_from(typed_rules(typed["rules"]), before.rules),
        channels=_known_channels(app, typed["channels"]) or before.channels,
        page_budget=before.page_budget if typed["pages"] is None else typed["pages"],
        credits_per_day=(
            before.credits_per_day if typed["credits_per_day"] is None else typed["credits_per_day"]
        ),
        schedules=before.schedules | _schedules(typed["schedules"]),
        request=before.request if typed["request"] is None else typed["request"] or None,
    )
    return replace(made, campaign_id=before.campaign_id, created_at=before.created_at)


@campaign.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def remove(name: str, config: str | None, database: str | None, yes: bool) -> None:
    """Stop watching a campaign. Its readings stay."""

    async def main() -> str:
        async with application(config, database) as app:
            found = await app.store.campaign(name)
            if not yes:
                click.confirm(f"Stop watching {found.name}?", abort=True, err=True)
            await app.store.remove_campaign(found.campaign_id, app.context.clock.now())
            return found.name

    click.echo(f"{run(main)} is not watched any more; its readings stay.")


@campaign.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@common_options
@json_option
def apply(
    file: Path, yes: bool, dry_run: bool, config: str | None, database: str | None, as_json: bool
) -> None:
    """Make the database equal to FILE (tables [campaign.NAME]); show the difference first."""
    document = _read_document(file)

    async def main() -> tuple[list[str], bool]:
        async with application(config, database) as app:
            settings = app.loaded.settings
            wanted = campaigns_from(document, settings.rules.rules(), settings.collect.pages)
            difference = compare(await app.store.campaigns(), wanted)
            lines = difference.lines()
            if not as_json:
                click.echo("\n".join(lines) or "Nothing to do: the database equals the file.")
            if difference.is_empty or dry_run:
                return lines, False
            if not (yes or as_json):
                click.confirm("Apply?", abort=True, err=True)
            await apply_difference(app.context, difference)
            return lines, True

    lines, applied = run(main)
    if as_json:
        print_json({"applied": applied, "difference": lines})
    elif applied:
        click.echo("Applied.")


def _read_document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}") from error


def campaign_dict(campaign: Campaign) -> dict[str, Any]:
    """A campaign as JSON."""
    return {
        "name": campaign.name,
        "hashtags": [h.name for h in campaign.own()],
        "competitors": [h.name for h in campaign.competitors()],
        "timezone": campaign.timezone,
        "numbers": campaign.numbers,
        "clock": campaign.clock,
        "language": campaign.language,
        "thresholds": {h.name: h.threshold for h in campaign.hashtags if h.threshold is not None},
        "starts_on": campaign.starts_on,
        "ends_on": campaign.ends_on,
        "rules": asdict(campaign.rules),
        "channels": list(campaign.channels),
        "page_budget": campaign.page_budget,
        "credits_per_day": campaign.credits_per_day,
        "schedules": {job.value: text for job, text in campaign.schedules.items()},
        "request": campaign.request,
    }


def _blocks(campaign: Campaign, defaults: dict[str, str] | None = None) -> list[Block]:
    schedules = defaults or {job.value: text for job, text in DEFAULTS.items()}
    planned = [(job, campaign.schedules.get(job) or schedules[job.value]) for job in Job]
    rows = tuple(
        (
            Cell(f"#{h.name}"),
            Cell(h.role.value),
            Cell(f"{h.threshold or campaign.rules.new_videos:,}"),
            Cell("totals and videos" if h.feed else "totals only"),
        )
        for h in campaign.hashtags
    )
    columns = (Column("Hashtag"), Column("Role"), Column("New videos that alert", Kind.NUMBER))
    figures = (
        Figure("Time zone", campaign.timezone),
        Figure("Feed pages per collection", str(campaign.page_budget)),
        Figure("High priority", _high_priority(campaign)),
        Figure("Viral", f"more than {campaign.rules.viral_factor:g} x the mean of the others"),
        *(
            Figure(
                job.value.replace("_", " ").capitalize(),
                rhythm_of(job, Schedule.parse(text, campaign.timezone)),
            )
            for job, text in planned
        ),
    )
    return [
        Heading(campaign.name),
        KeyFigures(figures),
        Table("Hashtags", (*columns, Column("Reads")), rows),
    ]


def _high_priority(campaign: Campaign) -> str:
    rules = campaign.rules
    return f"rate >= {rules.high_priority_rate:.1%} and views >= {rules.high_priority_views:,}"
