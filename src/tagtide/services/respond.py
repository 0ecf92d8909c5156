"""What a person does about alerts: take one in hand, have peace from some for a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tagtide.core.mutes import parse_until
from tagtide.core.names import nearest, parse_hashtag
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import CAMPAIGN_RULES, Alert, Campaign, Mute, Rule
from tagtide.services.context import Context

_HINT = "Name an alert, or --hashtag H [--rule R], or --campaign C."
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be muted: one alert, or everything that matches."""

    #: The beginning of an alert's id (or of a mute's, to end it).
    alert_id: str | None = None
    hashtag: str | None = None
    rule: str | None = None
    campaign: str | None = None


async def acknowledge(context: Context, alert_id: str, *, by: str, note: str) -> Alert:
    """Take an alert in hand. Raises `NotFound`, and `Conflict` when it is over."""
    found = await context.store.alert(alert_id)
    return await context.store.acknowledge(
        found.alert_id, by=by, note=_note(note), now=context.clock.now()
    )


async def acknowledge_open(
    context: Context, alert_ids: Iterable[str], *, by: str, note: str
) -> list[Alert]:
    """Take several in hand. One that ended meanwhile, or that somebody else took, needs nobody.

    Raises `NotFound`.
    """
    taken = []
    for alert_id in dict.fromkeys(alert_ids):
        found = await context.store.alert(alert_id)
        if found.acked_at is None and (found.is_open or found.is_flapping):
            taken.append(await acknowledge(context, found.alert_id, by=by, note=note))
    return taken


async def unacknowledge(context: Context, alert_id: str, *, by: str) -> Alert:
    """Give an alert back. Raises `NotFound`, and `Conflict` when nobody has it in hand."""
    found = await context.store.alert(alert_id)
    return await context.store.unacknowledge(found.alert_id, by=by, now=context.clock.now())


async def mute(context: Context, target: Target, *, until: str, reason: str, by: str) -> Mute:
    """Mute until an instant or for a span; one without an offset is in the campaign's time zone.

    Raises `InvalidInput`, `NotFound`.
    """
    now = context.clock.now()
    campaigns = await context.store.campaigns()
    if target.alert_id is not None:
        _refuse_both(target)
        alert = await context.store.alert(target.alert_id)
        zone = next((c.timezone for c in campaigns if c.campaign_id == alert.campaign_id), "UTC")
        wanted = Mute(
            mute_id=context.clock.token(),
            created_at=now,
            until=parse_until(until, now, zone),
            by=by,
            reason=_note(reason),
            alert_id=alert.alert_id,
        )
    else:
        campaign, hashtag, rule = await _selected(context, target, campaigns)
        wanted = Mute(
            mute_id=context.clock.token(),
            created_at=now,
            until=parse_until(until, now, campaign.timezone if campaign else "UTC"),
            by=by,
            reason=_note(reason),
            campaign_id=campaign.campaign_id if campaign else None,
            hashtag=hashtag,
            rule=rule,
        )
    await context.store.add_mute(wanted)
    return wanted


async def unmute(context: Context, target: Target, *, by: str) -> list[Mute]:
    """End mutes before their time: those of an alert, one by its id, or those that name the same.

    Raises `InvalidInput`, `NotFound`.
    """
    store, now = context.store, context.clock.now()
    in_force = await store.mutes(now)
    if target.alert_id is not None:
        _refuse_both(target)
        ended = [m for m in in_force if m.mute_id.startswith(target.alert_id)]
        if not ended:
            alert = await store.alert(target.alert_id)
            ended = [m for m in in_force if m.alert_id == alert.alert_id]
    else:
        campaign, hashtag, rule = await _selected(context, target, await store.campaigns())
        number = campaign.campaign_id if campaign else None
        named = (None, number, hashtag, rule)
        ended = [m for m in in_force if (m.alert_id, m.campaign_id, m.hashtag, m.rule) == named]
    if not ended:
        raise NotFound(
            "There is no such mute in force.", hint="`tagtide alerts mutes` lists those that are."
        )
    await store.end_mutes([m.mute_id for m in ended], by=by, now=now)
    return ended


def _refuse_both(target: Target) -> None:
    if target.hashtag or target.rule or target.campaign:
        raise InvalidInput("An alert is one thing: it takes no hashtag, rule or campaign.")


async def _selected(
    context: Context, target: Target, campaigns: list[Campaign]
) -> tuple[Campaign | None, str | None, Rule | None]:
    if target.hashtag is None and target.campaign is None:
        raise InvalidInput("It is not said what to mute.", hint=_HINT)
    campaign = await context.store.campaign(target.campaign) if target.campaign else None
    hashtag = parse_hashtag(target.hashtag) if target.hashtag else None
    held = {h.name for c in ([campaign] if campaign else campaigns) for h in c.hashtags}
    if hashtag is not None and hashtag not in held:
        near = nearest(hashtag, sorted(held))
        raise NotFound(
            f"No campaign watches #{hashtag}."
            if campaign is None
            else f"{campaign.name} does not watch #{hashtag}.",
            hint=f"Did you mean #{near}?" if near else "`tagtide hashtags` lists them.",
        )
    return campaign, hashtag, _rule(target.rule)


def _rule(name: str | None) -> Rule | None:
    if name is None:
        return None
    try:
        return Rule(name.strip().lower().replace("-", "_"))
    except ValueError as error:
        known = ", ".join(CAMPAIGN_RULES)
        raise InvalidInput(
            f"There is no rule {name[:40]!r}.", hint=f"The rules: {known}."
        ) from error


def _note(text: str) -> str:
    note = text.strip()
    if len(note) > _LONGEST_NOTE:
        raise InvalidInput(f"The note is longer than {_LONGEST_NOTE} characters.")
    return note
