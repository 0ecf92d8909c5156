"""Campaigns: checked when they are made, compared before they are applied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from tagtide.core.desk.request import parse_request
from tagtide.core.language import CLOCKS, NUMBERS
from tagtide.core.names import nearest, parse_campaign_name, parse_hashtag
from tagtide.core.rule_limits import problems_of
from tagtide.core.schedule import Schedule, check_zone
from tagtide.errors import InvalidInput
from tagtide.languages import check_code
from tagtide.models import (
    CAMPAIGN_RULES,
    Campaign,
    CampaignHashtag,
    Job,
    Role,
    Rule,
    RuleSettings,
)
from tagtide.services.context import Context

#: More than this means nothing, and no database column holds what is much larger.
_LARGEST = 10**15
_DEFAULTS = RuleSettings()


def make_campaign(
    name: str,
    *,
    hashtags: Iterable[str],
    competitors: Iterable[str] = (),
    competitor_feeds: bool = False,
    timezone: str = "UTC",
    thresholds: Mapping[str, int] | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    rules: RuleSettings | None = None,
    channels: Iterable[str] = (),
    page_budget: int = 2,
    credits_per_day: int | None = None,
    schedules: Mapping[Job, str] | None = None,
    numbers: str | None = None,
    clock: str | None = None,
    language: str | None = None,
    request: str | None = None,
) -> Campaign:
    """Check what was typed and make a campaign of it; nothing is stored.

    Raises `InvalidInput` with a sentence about the first thing that cannot be used.
    """
    check_zone(timezone)
    _check_dates(starts_on, ends_on)
    tags = _hashtags(hashtags, competitors, thresholds or {}, competitor_feeds=competitor_feeds)
    for expression in (schedules or {}).values():
        Schedule.parse(expression, timezone)
    _check_range("the page budget", page_budget)
    if credits_per_day is not None and credits_per_day < 0:
        raise InvalidInput("credits per day cannot be negative")
    _check_range("credits per day", credits_per_day or 1)
    _check_style(numbers, clock)
    if language is not None:
        check_code(language)
    if request is not None:
        parse_request(request)
    return Campaign(
        name=parse_campaign_name(name),
        hashtags=tags,
        timezone=timezone,
        numbers=numbers,
        clock=clock,
        language=language,
        starts_on=starts_on,
        ends_on=ends_on,
        rules=rules or RuleSettings(),
        channels=tuple(channels),
        page_budget=page_budget,
        credits_per_day=credits_per_day,
        schedules=dict(schedules or {}),
        request=request,
    )


def _check_range(what: str, number: int) -> None:
    if number < 1:
        raise InvalidInput(f"{what} must be at least 1")
    if number > _LARGEST:
        raise InvalidInput(f"{what} must be at most {_LARGEST:,}")


def _check_dates(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise InvalidInput(f"the campaign would end on {ends_on}, before it starts on {starts_on}")


def _check_style(numbers: str | None, clock: str | None) -> None:
    if numbers is not None and numbers not in NUMBERS:
        raise InvalidInput(f"numbers look like one of {', '.join(map(repr, NUMBERS))}")
    if clock is not None and clock not in CLOCKS:
        raise InvalidInput(f"the clock is {' or '.join(CLOCKS)}")


def _hashtags(
    own: Iterable[str],
    competitors: Iterable[str],
    thresholds: Mapping[str, int],
    *,
    competitor_feeds: bool,
) -> tuple[CampaignHashtag, ...]:
    limits = {parse_hashtag(name): value for name, value in thresholds.items()}
    tags: dict[str, CampaignHashtag] = {}
    for name in map(parse_hashtag, own):
        tags.setdefault(name, CampaignHashtag(name=name, threshold=limits.pop(name, None)))
    for name in map(parse_hashtag, competitors):
        if name in tags and tags[name].role is Role.OWN:
            raise InvalidInput(f"#{name} is both an own and a competitor's hashtag")
        tags.setdefault(
            name,
            CampaignHashtag(
                name=name,
                role=Role.COMPETITOR,
                threshold=limits.pop(name, None),
                feed=competitor_feeds,
            ),
        )
    if not any(tag.role is Role.OWN for tag in tags.values()):
        raise InvalidInput(
            "a campaign needs at least one hashtag of its own", hint="--hashtag NAME"
        )
    for name, value in limits.items():
        raise InvalidInput(
            f"the threshold {name}={value} names a hashtag the campaign does not have"
        )
    for tag in tags.values():
        if tag.threshold is not None:
            _check_range(f"the threshold of #{tag.name}", tag.threshold)
    return tuple(tags.values())


# --- from a file ----------------------------------------------------------------------------------


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_whole, value.values()))


#: What each key holds: a test, and words for what passes it.
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hashtags": (_is_texts, "a list of texts"),
    "competitors": (_is_texts, "a list of texts"),
    "competitor_feeds": (lambda v: isinstance(v, bool), "true or false"),
    "timezone": (lambda v: isinstance(v, str), "a text"),
    "numbers": (lambda v: isinstance(v, str), "a text"),
    "clock": (lambda v: isinstance(v, str), "a text"),
    "language": (lambda v: isinstance(v, str), "a text"),
    "thresholds": (_is_numbers, "a table of whole numbers"),
    "starts_on": (_is_date, "a date such as 2026-03-01, without quotes"),
    "ends_on": (_is_date, "a date such as 2026-03-01, without quotes"),
    "rules": (lambda v: isinstance(v, Mapping), "a table"),
    "channels": (_is_texts, "a list of texts"),
    "page_budget": (_is_whole, "a whole number"),
    "credits_per_day": (_is_whole, "a whole number"),
    "schedules": (lambda v: isinstance(v, Mapping), "a table"),
    "request": (lambda v: isinstance(v, str), "a text"),
}


def campaigns_from(
    document: Mapping[str, Any], defaults: RuleSettings, pages: int
) -> list[Campaign]:
    """Campaigns of a parsed file: one table ``[campaign.NAME]`` each.

    Raises `InvalidInput` that names the campaign and the key.
    """
    tables = document.get("campaign")
    if not isinstance(tables, Mapping) or set(document) != {"campaign"}:
        raise InvalidInput("the file must hold tables [campaign.NAME] and nothing else")
    return [campaign_from(name, table, defaults, pages) for name, table in tables.items()]


def campaign_from(name: str, table: Any, defaults: RuleSettings, pages: int) -> Campaign:
    """One campaign of its table, as in a file. Raises `InvalidInput` that names it and the key."""
    if not isinstance(table, Mapping):
        raise InvalidInput(f"campaign {name!r} must be a table")
    try:
        for key, value in table.items():
            _check_key(key, value)
        values = {"hashtags": [], "page_budget": pages, **table}
        values["rules"] = rules_from(values.get("rules", {}), defaults)
        values["schedules"] = _schedules(values.get("schedules", {}))
        return make_campaign(name, **values)
    except InvalidInput as error:
        raise InvalidInput(f"campaign {name!r}: {error}", hint=error.hint) from error


def _check_key(key: str, value: Any) -> None:
    if key not in _KEYS:
        near = nearest(key, sorted(_KEYS))
        raise InvalidInput(f"unknown key {key!r}", hint=f"Did you mean {near}?" if near else None)
    passes, words = _KEYS[key]
    if not passes(value):
        raise InvalidInput(f"{key} must be {words}")


def _schedules(table: Mapping[str, Any]) -> dict[Job, str]:
    for key in table:
        if key not in {*Job}:
            raise InvalidInput(f"there is no job {key!r}", hint=f"The jobs are {', '.join(Job)}.")
    return {Job(key): str(value) for key, value in table.items()}


def rules_from(table: Mapping[str, Any], defaults: RuleSettings) -> RuleSettings:
    """The defaults with some values replaced. Raises `InvalidInput` on unknown or unusable ones."""
    known = {f.name for f in fields(RuleSettings)}
    changes = dict(table)
    for key, value in changes.items():
        if key not in known:
            near = nearest(key, sorted(known))
            raise InvalidInput(
                f"there is no rule setting {key!r}", hint=f"Did you mean {near}?" if near else None
            )
        changes[key] = _enabled(value) if key == "enabled" else _rule_number(key, value)
    made = replace(defaults, **changes)
    if problems := problems_of(made):
        raise InvalidInput("; ".join(f"the rule setting {problem}" for problem in problems))
    return made


def _enabled(names: Any) -> tuple[Rule, ...]:
    try:
        rules = {Rule(name) for name in names}
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the rules are {', '.join(CAMPAIGN_RULES)}") from error
    return tuple(rule for rule in Rule if rule in rules)


def _rule_number(key: str, value: Any) -> int | float:
    is_whole = isinstance(getattr(_DEFAULTS, key), int)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, float) and not math.isfinite(value):
        number = False
    if not number or (is_whole and value != int(value)):
        raise InvalidInput(
            f"the rule setting {key} must be a {'whole number' if is_whole else 'number'}"
        )
    return int(value) if is_whole else float(value)


# --- apply ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """What `apply` would do to the stored campaigns."""

    add: tuple[Campaign, ...] = ()
    change: tuple[tuple[Campaign, Campaign], ...] = ()
    remove: tuple[Campaign, ...] = ()
    same: tuple[Campaign, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the database equals the file already."""
        return not (self.add or self.change or self.remove)

    def lines(self) -> list[str]:
        """One line per difference, for a person."""
        found = [f"+ {c.name}: {_tags(c)}" for c in self.add]
        for before, after in self.change:
            found += [f"~ {after.name}: {text}" for text in _changes(before, after)]
        return found + [f"- {c.name} (its readings stay)" for c in self.remove]


def compare(stored: Sequence[Campaign], wanted: Sequence[Campaign]) -> Difference:
    """What must happen for ``stored`` to become ``wanted``; names identify."""
    before = {c.name.casefold(): c for c in stored}
    add, change, same = [], [], []
    for campaign in wanted:
        old = before.pop(campaign.name.casefold(), None)
        if old is None:
            add.append(campaign)
            continue
        new = replace(campaign, campaign_id=old.campaign_id, created_at=old.created_at)
        if new == old:
            same.append(old)
        else:
            change.append((old, new))
    return Difference(tuple(add), tuple(change), tuple(before.values()), tuple(same))


async def apply(context: Context, difference: Difference) -> None:
    """Carry a difference out, campaign by campaign; running it again does nothing."""
    now = context.clock.now()
    for campaign in difference.remove:
        await context.store.remove_campaign(campaign.campaign_id, now)
    for _, after in difference.change:
        await context.store.replace_campaign(after)
    for campaign in difference.add:
        await context.store.add_campaign(replace(campaign, created_at=now))


def _tags(campaign: Campaign) -> str:
    return ", ".join(f"#{tag.name}" for tag in campaign.hashtags)


def _changes(before: Campaign, after: Campaign) -> list[str]:
    found = []
    for item in fields(Campaign):
        old, new = getattr(before, item.name), getattr(after, item.name)
        if old == new:
            continue
        if item.name == "hashtags":
            found += _tag_changes(before, after)
        elif item.name == "rules":
            found += [
                f"rules.{f.name} {getattr(old, f.name)} -> {getattr(new, f.name)}"
                for f in fields(RuleSettings)
                if getattr(old, f.name) != getattr(new, f.name)
            ]
        else:
            found.append(f"{item.name} {old} -> {new}")
    return found


def _tag_changes(before: Campaign, after: Campaign) -> list[str]:
    old = {t.name: t for t in before.hashtags}
    new = {t.name: t for t in after.hashtags}
    found = [f"+ #{name} ({new[name].role.value})" for name in new if name not in old]
    found += [f"- #{name}" for name in old if name not in new]
    found += [
        f"#{name}: {old[name].role.value}, threshold {old[name].threshold} -> "
        f"{new[name].role.value}, threshold {new[name].threshold}"
        for name in new
        if name in old and new[name] != old[name]
    ]
    return found or ["the order of the hashtags"]
