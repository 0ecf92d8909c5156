"""``tagtide backtest``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.campaign import typed_rules
from tagtide.cli.options import application, common_options, json_option, one_campaign, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.backtest import BackTest, Episode, PresetTest
from tagtide.core.formats import clean_text, counted, decimal, iso_utc
from tagtide.core.messages import Block, Cell, Column, Heading, Kind, Note, Paragraph, Table
from tagtide.core.periods import parse_span
from tagtide.errors import InvalidInput
from tagtide.models import CAMPAIGN_RULES, Campaign, Rule
from tagtide.services.backtest import History, load_history
from tagtide.services.backtest import backtest as test_rule
from tagtide.services.backtest import presets as find_presets
from tagtide.services.campaigns import rules_from

#: Episodes shown one by one.
_SHOWN = 15


@click.command()
@click.argument("rule", required=False, metavar="[RULE]")
@click.option("--campaign", "name", metavar="NAME", help="Which one, if there are several.")
@click.option("--since", default="60d", show_default=True, help="60d, 12h, 8w or 2026-03-01.")
@click.option(
    "--rule",
    "changes",
    multiple=True,
    metavar="SETTING=VALUE",
    help="Try another setting, e.g. new_videos=500 or false_alarms=1.",
)
@click.option("--presets", is_flag=True, help="Which settings would be sensitive or strict here.")
@common_options
@json_option
def backtest(
    rule: str | None,
    name: str | None,
    since: str,
    changes: tuple[str, ...],
    presets: bool,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """How often, and when, RULE would have fired on what is stored (default: every rule).

    RULE is new_videos, growth, viral_video or statistical. Reads only the database; costs nothing.
    """

    async def main() -> dict[str, Any]:
        async with application(config, database) as app:
            return await _run(app, rule, name, since, changes, presets)

    found = run_async(main)
    if as_json:
        print_json(_body(**found))
    else:
        print_blocks(_blocks(**found))


async def _run(
    app: App,
    rule: str | None,
    name: str | None,
    since: str,
    changes: tuple[str, ...],
    presets: bool,
) -> dict[str, Any]:
    campaign = await one_campaign(app, name)
    settings = rules_from(typed_rules(changes), campaign.rules)
    rules = [_rule(rule)] if rule else [*CAMPAIGN_RULES]
    history = await load_history(app.context, campaign, _since(since, app.context.clock.now()))
    tests = [await test_rule(app.context, history, one, settings) for one in rules]
    chosen = [
        found
        for one in (rules if presets else [])
        for found in await find_presets(app.context, history, one, settings)
    ]
    return {"history": history, "tests": tests, "presets": chosen}


def _rule(text: str) -> Rule:
    for rule in CAMPAIGN_RULES:
        if rule.value == text.replace("-", "_").lower():
            return rule
    known = ", ".join(CAMPAIGN_RULES)
    raise InvalidInput(f"there is no rule {text[:40]!r}", hint=f"The rules are {known}.")


def _since(text: str, now: datetime) -> datetime:
    """The instant meant by 60d, 12h, 8w or a date."""
    span = parse_span(text)
    if span is not None:
        return now - span
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        hint = "Write 60d, 12h, 8w, or a date such as 2026-03-01."
        raise InvalidInput(f"--since {text[:40]!r} is no span and no date", hint=hint) from error
    at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    if at >= now:
        raise InvalidInput("--since lies in the future")
    return at


# --- output ---------------------------------------------------------------------------------------


def _body(
    history: History, tests: Sequence[BackTest], presets: Sequence[PresetTest]
) -> dict[str, Any]:
    return {
        "campaign": history.campaign.name,
        "since": iso_utc(history.since),
        "until": iso_utc(history.until),
        "hashtag_months": round(history.months, 3),
        "readings": history.count,
        "rules": [
            {
                **_summary(test),
                "enabled": test.rule in history.campaign.rules.enabled,
                "episodes": [_episode(e) for e in test.episodes],
            }
            for test in tests
        ],
        "presets": [
            {
                "preset": p.preset.value,
                "accepts_per_hashtag_month": p.preset.per_month,
                "key": p.key,
                "value": p.value,
                "fires_more_often": p.is_above,
                **_summary(p.test),
            }
            for p in presets
        ],
    }


def _summary(test: BackTest) -> dict[str, Any]:
    rate = test.per_month
    return {
        "rule": test.rule.value,
        "setting": test.setting,
        "judged": test.judged,
        "fired": len(test.episodes),
        "per_hashtag_month": None if rate is None else round(rate, 4),
        "last_fired_at": iso_utc(test.episodes[-1].fired_at) if test.episodes else None,
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "hashtag": episode.hashtag,
        "video_id": episode.video_id,
        "fired_at": iso_utc(episode.fired_at),
        "ended_at": iso_utc(episode.ended_at) if episode.ended_at else None,
        "peak": episode.peak,
        "threshold": episode.threshold,
        "further_messages": episode.further_messages,
        "reason": episode.reason,
    }


def _blocks(
    history: History, tests: Sequence[BackTest], presets: Sequence[PresetTest]
) -> list[Block]:
    campaign = history.campaign
    blocks: list[Block] = [
        Heading(f"{campaign.name}: back-test", 1),
        Paragraph(_lead(history, tests), lead=True),
        _tests_table(campaign, tests),
        *([_presets_table(presets)] if presets else []),
        *_episodes(tests),
    ]
    if presets:
        blocks.append(Note(_how_to_arm(campaign)))
    blocks.append(Note(_limits(history)))
    return blocks


def _lead(history: History, tests: Sequence[BackTest]) -> str:
    episodes = sum(len(t.episodes) for t in tests)
    days = (history.until - history.since).total_seconds() / 86_400
    tags = len([r for r in history.readings.values() if r])
    return (
        f"On {counted(history.count, 'reading')} of {counted(tags, 'hashtag')} in "
        f"{decimal(days, 0)} days, {'this rule' if len(tests) == 1 else 'these rules'} would have "
        f"raised {counted(episodes, 'alert')}."
    )


def _limits(history: History) -> str:
    least = 1 / history.months if history.months else 0.0
    return (
        f"The history holds {decimal(history.months)} hashtag-months: it says nothing about rates "
        f"below {decimal(least, 2)} per hashtag and month. What was not read then cannot be judged "
        "now. No message was sent and no credit spent."
    )


def _tests_table(campaign: Campaign, tests: Sequence[BackTest]) -> Table:
    columns = (
        Column("Rule"),
        Column("Setting"),
        Column("On"),
        Column("Alerts", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("Newest", Kind.INSTANT, minor=True),
    )
    rows = tuple(
        (
            Cell(test.rule.value.replace("_", " ")),
            Cell(test.setting),
            Cell("yes" if test.rule in campaign.rules.enabled else "no"),
            *_rates(test),
        )
        for test in tests
    )
    note = "The rate is alerts per hashtag and month."
    return Table("Would have fired", columns, rows, note=note)


def _rates(test: BackTest) -> tuple[Cell, Cell, Cell]:
    newest = test.episodes[-1].fired_at.strftime("%d %b %H:%M UTC") if test.episodes else "-"
    return Cell(f"{len(test.episodes):,}"), Cell(decimal(test.per_month, 2)), Cell(newest)


def _presets_table(presets: Sequence[PresetTest]) -> Table:
    columns = (
        Column("Rule"),
        Column("Preset"),
        Column("Accepts", Kind.NUMBER),
        Column("Setting"),
        Column("Alerts", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("Newest", Kind.INSTANT, minor=True),
    )
    rows = tuple(
        (
            Cell(p.test.rule.value.replace("_", " ")),
            Cell(p.preset.value),
            Cell(f"{p.preset.per_month:g}" + (" false" if _is_statistical(p) else "")),
            Cell(f"{p.key}={p.value:g}" + (" or more" if p.is_above else "")),
            *_rates(p.test),
        )
        for p in presets
    )
    note = (
        "What a preset accepts and the rate are alerts per hashtag and month. The statistical rule "
        "counts false ones only: what really took off comes on top."
    )
    return Table("Presets, from this history", columns, rows, note=note)


def _is_statistical(preset: PresetTest) -> bool:
    return preset.test.rule is Rule.STATISTICAL


def _how_to_arm(campaign: Campaign) -> str:
    name = clean_text(campaign.name, 80)
    return (
        f'To set one: tagtide campaign edit "{name}" --rule SETTING. The presets of new_videos are '
        "for hashtags without a threshold of their own."
    )


def _episodes(tests: Sequence[BackTest]) -> list[Block]:
    found = sorted((e for t in tests for e in t.episodes), key=lambda e: e.fired_at, reverse=True)
    columns = (Column("Fired", Kind.INSTANT), Column("Ended", Kind.INSTANT), Column("Why"))
    rows = tuple(
        (
            Cell(e.fired_at.strftime("%d %b %H:%M")),
            Cell(e.ended_at.strftime("%d %b %H:%M") if e.ended_at else "still on"),
            Cell(e.reason),
        )
        for e in found[:_SHOWN]
    )
    note = "Times are UTC."
    if len(found) > _SHOWN:
        note += f" {len(found) - _SHOWN:,} older ones: add --json."
    table = Table("When", columns, rows, empty="Not once.", note=note if found else "")
    return [table]
