"""Subscriptions to reports: made, changed, looked at, and those that lead nowhere told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tagtide.core.formats import counted
from tagtide.core.names import nearest, parse_person
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.subscriptions import MAIL, USUAL_FILES, parse_files, parse_mail_address
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.models import Campaign, Job
from tagtide.ports import Subscription
from tagtide.services.accounts.context import secret_hash
from tagtide.services.context import Context
from tagtide.services.self_alerts import notify_self, open_conditions, resolve_self
from tagtide.services.views.reports import JOBS, KINDS
from tagtide.services.views.today import next_run

#: In front of the channel's name, in the condition of an incident.
_CONDITION = "subscriptions:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks for; None leaves it at what is usual, or at what it is."""

    person: str | None = None
    kind: str | None = None
    channel: str | None = None
    files: tuple[str, ...] | None = None
    #: Empty: to whom the channel goes.
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionLine:
    """A subscription as people look at it."""

    subscription: Subscription
    #: Empty where the campaign is gone.
    campaign: str
    timezone: str
    #: When its next report is due; None when none is.
    next_at: datetime | None
    #: How often, in words; None where its schedule cannot be read.
    rhythm: str | None
    #: Why nothing comes of it any more; empty for one that works.
    broken: str


async def subscribe(
    context: Context, campaign: Campaign, wanted: Wanted, *, by: str
) -> Subscription:
    """Store a new subscription.

    Raises:
        InvalidInput: it could never bring anything: an unknown kind or channel, an address where
            none can be used, files through a chat, a campaign that has ended.
        Conflict: there is its like.
    """
    now = context.clock.now()
    if campaign_phase(campaign, now) is Phase.ENDED:
        raise InvalidInput(
            f"The campaign ended on {campaign.ends_on}: no report of it is made on schedule.",
            hint="`tagtide campaign edit` sets another end.",
        )
    new = Subscription(
        person="",
        campaign_id=campaign.campaign_id,
        kind="",
        channel="",
        files=(),
        made_by=by,
        made_at=now,
    )
    return await context.store.add_subscription(_settled(context, new, wanted))


async def change(context: Context, subscription_id: int, wanted: Wanted) -> Subscription:
    """Change what is named. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    stored = await context.store.subscription(subscription_id)
    if wanted.kind is not None and wanted.kind != stored.kind:
        raise InvalidInput(
            "The kind of report of a subscription stays.", hint="Add another, and stop this one."
        )
    channel = stored.channel if wanted.channel is None else wanted.channel
    # Files and address go on with e-mail alone; whoever names another kind of channel means it.
    is_mail = context.kinds.get(channel) == MAIL
    kept = replace(
        wanted,
        kind=stored.kind,
        person=stored.person if wanted.person is None else wanted.person,
        channel=channel,
        files=(stored.files if is_mail else ()) if wanted.files is None else wanted.files,
        to=(stored.to if is_mail else None) if wanted.to is None else wanted.to,
    )
    return await context.store.change_subscription(_settled(context, stored, kept))


def _settled(context: Context, base: Subscription, wanted: Wanted) -> Subscription:
    kind = _known_kind(wanted.kind or "")
    channel = _known_channel(context, wanted.channel or "")
    is_mail = context.kinds.get(channel) == MAIL
    usual = USUAL_FILES if is_mail else ()
    files = usual if wanted.files is None else parse_files(wanted.files)
    to = parse_mail_address(wanted.to) if wanted.to and wanted.to.strip() else None
    if not is_mail and (files or to is not None):
        what = "files go" if files else "an address of its own is"
        raise InvalidInput(
            f"Channel {channel} is no e-mail: {what} with e-mail alone.",
            hint="With [web] public_url set, a message in a chat has a link to the report.",
        )
    return replace(
        base,
        person=parse_person(wanted.person or ""),
        kind=kind,
        channel=channel,
        files=files,
        to=to,
    )


def _known_kind(kind: str) -> str:
    if kind not in JOBS:
        near = nearest(kind, JOBS)
        meant = f"Did you mean {near!r}?" if near else f"Kinds are {', '.join(JOBS)}."
        raise InvalidInput(f"No report of kind {kind[:40]!r} is made on schedule.", hint=meant)
    return kind


def _known_channel(context: Context, name: str) -> str:
    if name in context.channels:
        return name
    near = nearest(name, context.channels)
    there = f"There are {', '.join(context.channels)}." if context.channels else _NO_CHANNEL
    raise InvalidInput(
        f"There is no channel {name[:40]!r}.", hint=f"Did you mean {near!r}?" if near else there
    )


_NO_CHANNEL = "None is configured; `tagtide init` shows how to set one."


# --- looked at ------------------------------------------------------------------------------------


async def view_subscriptions(
    context: Context, schedules: Mapping[Job, str]
) -> tuple[SubscriptionLine, ...]:
    """Every subscription that was not stopped, by campaign, then by id."""
    found = await context.store.subscriptions()
    named = {c.campaign_id: c for c in await context.store.campaigns()} if found else {}
    lines = [_line(context, one, named.get(one.campaign_id), schedules) for one in found]
    return tuple(sorted(lines, key=lambda line: (line.campaign, line.subscription.subscription_id)))


async def view_subscription(
    context: Context, subscription_id: int, schedules: Mapping[Job, str]
) -> SubscriptionLine:
    """One, stopped or not. Raises `NotFound`."""
    found = await context.store.subscription(subscription_id)
    named = {c.campaign_id: c for c in await context.store.campaigns()}
    return _line(context, found, named.get(found.campaign_id), schedules)


def _line(
    context: Context,
    subscription: Subscription,
    campaign: Campaign | None,
    schedules: Mapping[Job, str],
) -> SubscriptionLine:
    job, now = JOBS.get(subscription.kind), context.clock.now()
    broken = broken_because(context, subscription, campaign)
    run = next_run(campaign, (job,), schedules, now) if campaign and job else None
    goes_on = run is not None and not broken and subscription.ended_at is None
    return SubscriptionLine(
        subscription=subscription,
        campaign=campaign.name if campaign else "",
        timezone=campaign.timezone if campaign else "UTC",
        next_at=run.at if run is not None and goes_on else None,
        rhythm=run.rhythm if run is not None and goes_on else None,
        broken=broken,
    )


def broken_because(context: Context, subscription: Subscription, campaign: Campaign | None) -> str:
    """Why nothing comes of a subscription any more; empty for one that works."""
    if subscription.ended_at is not None:
        return "It was stopped."
    if campaign is None:
        return "The campaign is gone."
    # Only the wrap-up comes after the end.
    is_over = campaign_phase(campaign, context.clock.now()) is Phase.ENDED
    if is_over and JOBS.get(subscription.kind) is not Job.REPORT_WRAPUP:
        return f"The campaign ended on {campaign.ends_on}."
    if subscription.kind not in KINDS:
        return f"There is no report of kind {subscription.kind} any more."
    return unreachable(context, subscription)


def unreachable(context: Context, subscription: Subscription) -> str:
    """What is wrong with the way to a subscriber; empty when nothing is."""
    name = subscription.channel
    if name not in context.channels:
        return f"There is no channel {name} any more."
    if subscription.to is not None and context.kinds.get(name) != MAIL:
        return f"Channel {name} is no e-mail any more: it does not lead to an address."
    return ""


async def watch_subscriptions(context: Context) -> None:
    """Tell the channels once of subscriptions that lead nowhere, and when they are right again.

    Raises `StorageError`.
    """
    lost: Counter[str] = Counter()
    for one in await context.store.subscriptions():
        if unreachable(context, one):
            lost[one.channel] += 1
    for name, count in lost.items():
        many = "leads" if count == 1 else "lead"
        said = f"{counted(count, 'subscription')} to reports {many} nowhere: "
        gone = name not in context.channels
        why = f"there is no channel {name} any more." if gone else f"channel {name} is no e-mail."
        hint = "`tagtide subscriptions list` shows them; change or remove them, or set the channel."
        await notify_self(context, f"{_CONDITION}{name}", said + why, hint)
    for condition in await open_conditions(context):
        name = condition.removeprefix(_CONDITION)
        if name != condition and name not in lost:
            done = f"No subscription leads to a missing channel {name} any more."
            await resolve_self(context, condition, done)


# --- stopped by whoever has the message -----------------------------------------------------------


async def find_unsubscribe(context: Context, secret: str) -> tuple[Subscription, str]:
    """What a link of a message would stop, and the name of its campaign. Raises `NotFound`."""
    found = await context.store.subscription_by_secret(secret_hash(secret))
    if found is None:
        raise NotFound("This link leads nowhere.", hint="Ask whoever set up the reports.")
    names = {c.campaign_id: c.name for c in await context.store.campaign_names()}
    return found, names.get(found.campaign_id, "")


async def unsubscribe(context: Context, secret: str) -> Subscription:
    """Stop it; one that was stopped stays as it is. Raises `NotFound`."""
    found, _ = await find_unsubscribe(context, secret)
    return await context.store.end_subscription(
        found.subscription_id, by="a link in a message", now=context.clock.now()
    )


async def stop(context: Context, subscription_id: int, *, by: str) -> Subscription:
    """Stop one. Raises `NotFound`, `Conflict` for one that was stopped before."""
    found = await context.store.subscription(subscription_id)
    if found.ended_at is not None:
        raise Conflict(f"Subscription {subscription_id} was stopped before.")
    return await context.store.end_subscription(subscription_id, by=by, now=context.clock.now())
