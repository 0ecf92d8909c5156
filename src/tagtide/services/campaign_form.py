"""A campaign as somebody types it: every field checked by itself, by the rules of `campaigns`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from tagtide import languages
from tagtide.core.language import CLOCKS, NUMBERS
from tagtide.core.names import parse_campaign_name, parse_hashtag
from tagtide.core.schedule import Schedule, check_zone
from tagtide.errors import InvalidInput
from tagtide.models import Campaign, Job, RuleSettings
from tagtide.services.campaigns import make_campaign, rules_from

#: Between hashtags in a field; none of these can be part of one.
_BETWEEN = re.compile(r"[\s,;，、]+")
#: A threshold of one hashtag: the name, then a number.
_THRESHOLD = re.compile(r"(\S+?)\s*[=:\s]\s*(\S+)")
#: Hashtags named one by one when they are wrong; more would bury the page.
_NAMED = 5
_MOST_HASHTAGS = 1_000
#: Problems of no single field.
FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTyped:
    """What stands in the fields, as text."""

    name: str = ""
    hashtags: str = ""
    competitors: str = ""
    competitor_feeds: bool = False
    timezone: str = "UTC"
    numbers: str = ""
    clock: str = ""
    language: str = ""
    starts_on: str = ""
    ends_on: str = ""
    page_budget: str = ""
    credits_per_day: str = ""
    channels: tuple[str, ...] = ()
    #: By job; empty takes the installation's.
    schedules: Mapping[Job, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTyped:
    """What stands in the fields of the rules, as text."""

    #: By name of the setting.
    values: Mapping[str, str]
    enabled: tuple[str, ...]
    thresholds: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of it."""

    #: None as soon as there is any problem.
    campaign: Campaign | None
    #: Sentences by field; empty when all is well.
    problems: Mapping[str, Sequence[str]]


def typed_of(campaign: Campaign) -> CampaignTyped:
    """The fields of a stored campaign."""
    return CampaignTyped(
        name=campaign.name,
        hashtags="\n".join(h.name for h in campaign.own()),
        competitors="\n".join(h.name for h in campaign.competitors()),
        competitor_feeds=any(h.feed for h in campaign.competitors()),
        timezone=campaign.timezone,
        numbers=campaign.numbers or "",
        clock=campaign.clock or "",
        language=campaign.language or "",
        starts_on=campaign.starts_on.isoformat() if campaign.starts_on else "",
        ends_on=campaign.ends_on.isoformat() if campaign.ends_on else "",
        page_budget=str(campaign.page_budget),
        credits_per_day="" if campaign.credits_per_day is None else str(campaign.credits_per_day),
        channels=campaign.channels,
        schedules=dict(campaign.schedules),
    )


def rules_typed_of(campaign: Campaign) -> RulesTyped:
    """The fields of a stored campaign's rules."""
    return RulesTyped(
        values={
            f.name: f"{getattr(campaign.rules, f.name):g}"
            if isinstance(getattr(campaign.rules, f.name), float)
            else str(getattr(campaign.rules, f.name))
            for f in fields(RuleSettings)
            if f.name != "enabled"
        },
        enabled=tuple(rule.value for rule in campaign.rules.enabled),
        thresholds="\n".join(
            f"{h.name} {h.threshold}" for h in campaign.hashtags if h.threshold is not None
        ),
    )


class _Problems:
    """Gathers sentences by field."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = defaultdict(list)

    def add(self, name: str, error: InvalidInput | str) -> None:
        sentence = str(error) if isinstance(error, str) else f"{error} {error.hint}".strip()
        self.found[name].append(sentence[:1].upper() + sentence[1:])

    def checked(self, make: Any) -> Checked:
        """The campaign, unless something was found or it cannot be made after all."""
        if not self.found:
            try:
                return Checked(campaign=make(), problems={})
            except InvalidInput as error:
                self.add(FORM, error)
        return Checked(campaign=None, problems=dict(self.found))


def check_campaign(
    typed: CampaignTyped,
    before: Campaign | None,
    *,
    defaults: RuleSettings,
    pages: int,
    channels: Iterable[str],
) -> Checked:
    """Check every field and make a campaign of them; nothing is stored.

    Args:
        typed: What stands in the fields.
        before: The stored campaign; None for a new one.
        defaults: Rules of a new one.
        pages: Feed pages where the field is empty.
        channels: Names of the configured channels.
    """
    problems = _Problems()
    _try(problems, "name", lambda: parse_campaign_name(typed.name))
    own = _hashtags(problems, "hashtags", typed.hashtags)
    theirs = _hashtags(problems, "competitors", typed.competitors)
    if not own and "hashtags" not in problems.found:
        problems.add("hashtags", "A campaign needs at least one hashtag of its own.")
    for name in sorted({*own} & {*theirs})[:_NAMED]:
        problems.add("competitors", f"#{name} is both an own and a competitor's hashtag.")
    _try(problems, "timezone", lambda: check_zone(typed.timezone))
    begin = _date(problems, "starts_on", typed.starts_on)
    end = _date(problems, "ends_on", typed.ends_on)
    if begin and end and end < begin:
        problems.add("ends_on", f"The campaign would end before it starts ({begin}).")
    page_budget = _whole(problems, "page_budget", typed.page_budget, least=1)
    per_day = _whole(problems, "credits_per_day", typed.credits_per_day, least=0)
    schedules = _schedules(problems, typed)
    _choices(problems, typed, before, channels)

    def make() -> Campaign:
        held = before.hashtags if before else ()
        kept = {*own, *theirs}
        made = make_campaign(
            typed.name,
            hashtags=own,
            competitors=theirs,
            competitor_feeds=typed.competitor_feeds,
            timezone=typed.timezone,
            thresholds={h.name: h.threshold for h in held if h.threshold and h.name in kept},
            starts_on=begin,
            ends_on=end,
            rules=before.rules if before else defaults,
            channels=typed.channels,
            page_budget=pages if page_budget is None else page_budget,
            credits_per_day=per_day,
            schedules=schedules,
            numbers=typed.numbers or None,
            clock=typed.clock or None,
            language=typed.language or None,
            request=before.request if before else None,
        )
        return _of(made, before)

    return problems.checked(make)


def _of(made: Campaign, before: Campaign | None) -> Campaign:
    if before is None:
        return made
    return replace(made, campaign_id=before.campaign_id, created_at=before.created_at)


def _try(problems: _Problems, name: str, check: Any) -> None:
    try:
        check()
    except InvalidInput as error:
        problems.add(name, error)


def _hashtags(problems: _Problems, name: str, text: str) -> list[str]:
    found: list[str] = []
    words = [word for word in _BETWEEN.split(text) if word]
    if len(words) > _MOST_HASHTAGS:
        problems.add(name, f"At most {_MOST_HASHTAGS:,} hashtags fit into a campaign.")
        return found
    wrong = 0
    for word in words:
        try:
            found.append(parse_hashtag(word))
        except InvalidInput as error:
            wrong += 1
            if wrong <= _NAMED:
                problems.add(name, str(error))
    if wrong > _NAMED:
        problems.add(name, f"{wrong - _NAMED} more cannot be used either.")
    return found


def _date(problems: _Problems, name: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        problems.add(name, "This is no date; write one such as 2026-03-01.")
        return None


def _whole(problems: _Problems, name: str, text: str, *, least: int) -> int | None:
    """A whole number; None where nothing stands, or where it is wrong."""
    plain = text.strip().replace(",", "").replace(" ", "")
    if not plain:
        return None
    if not re.fullmatch(r"-?[0-9]{1,15}", plain):
        problems.add(name, "This must be a whole number.")
        return None
    if int(plain) < least:
        problems.add(name, f"This must be at least {least}.")
        return None
    return int(plain)


def _schedules(problems: _Problems, typed: CampaignTyped) -> dict[Job, str]:
    found = {}
    for job, text in typed.schedules.items():
        if not text.strip():
            continue
        try:
            Schedule.parse(text, "UTC" if "timezone" in problems.found else typed.timezone)
            found[job] = " ".join(text.split())
        except InvalidInput as error:
            problems.add(f"schedule_{job.value}", error)
    return found


def _choices(
    problems: _Problems,
    typed: CampaignTyped,
    before: Campaign | None,
    channels: Iterable[str],
) -> None:
    # A channel that was configured once stays chosen until somebody takes it out.
    known = {*channels, *(before.channels if before else ())}
    for name in typed.channels:
        if name not in known:
            problems.add("channels", "One of these channels is not configured.")
            break
    if typed.numbers and typed.numbers not in NUMBERS:
        problems.add("numbers", "This is none of the looks of a number.")
    if typed.clock and typed.clock not in CLOCKS:
        problems.add("clock", "The clock is one of 24h and 12h.")
    if typed.language and typed.language not in languages.codes():
        problems.add("language", "This is none of the languages of reports.")


# --- rules ----------------------------------------------------------------------------------------


def check_rules(typed: RulesTyped, before: Campaign) -> Checked:
    """Check every setting of the rules and change the campaign accordingly; nothing is stored."""
    problems = _Problems()
    changes: dict[str, Any] = {}
    for name in (f.name for f in fields(RuleSettings)):
        text = typed.values.get(name, "").strip().replace(",", "")
        if name == "enabled" or (not text and name not in typed.values):
            continue
        try:
            changes[name] = _number(text)
            rules_from({name: changes[name]}, before.rules)
        except InvalidInput as error:
            problems.add(name, _without_name(str(error), name))
    try:
        changes["enabled"] = typed.enabled
        rules_from({"enabled": typed.enabled}, before.rules)
    except InvalidInput as error:
        problems.add("enabled", error)
    thresholds = _thresholds(problems, typed.thresholds, before)

    def make() -> Campaign:
        hashtags = tuple(replace(h, threshold=thresholds.get(h.name)) for h in before.hashtags)
        return replace(before, rules=rules_from(changes, before.rules), hashtags=hashtags)

    return problems.checked(make)


def _number(text: str) -> int | float:
    if not re.fullmatch(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", text):
        raise InvalidInput("This must be a number.")
    value = float(text)
    return int(value) if value.is_integer() else value


def _without_name(sentence: str, name: str) -> str:
    """The same about "this": the field says what it is about."""
    for start in (f"the rule setting {name}", name):
        if sentence.startswith(start):
            return f"This{sentence.removeprefix(start)}."
    return sentence


def _thresholds(problems: _Problems, text: str, before: Campaign) -> dict[str, int]:
    found: dict[str, int] = {}
    names = {h.name for h in before.hashtags}
    for line in filter(None, (line.strip() for line in text.splitlines()[:_MOST_HASHTAGS])):
        parts = _THRESHOLD.fullmatch(line)
        if parts is None:
            problems.add("thresholds", f"“{line[:40]}” is no hashtag with a number.")
            continue
        try:
            name = parse_hashtag(parts[1])
        except InvalidInput as error:
            problems.add("thresholds", str(error))
            continue
        if name not in names:
            problems.add("thresholds", f"The campaign does not have #{name[:40]}.")
            continue
        number = _whole(problems, "thresholds", parts[2], least=1)
        if number is not None:
            found[name] = number
    return found
