"""Campaigns: what is watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from tagtide.core.campaign_version import campaign_version
from tagtide.errors import Conflict, NotFound
from tagtide.models import Campaign, CampaignHashtag, Job, Role, Rule, RuleSettings
from tagtide.storage import tables as t
from tagtide.storage.alerts import end_alerts_of
from tagtide.storage.prepared import Prepared, PreparedIn
from tagtide.storage.rows import Topic, hashtag_keys


class Campaigns(Topic):
    """The campaign part of the store."""

    async def add_campaign(self, campaign: Campaign) -> Campaign:
        """Store a new campaign and return it with its id. Raises `Conflict`."""
        created_at = campaign.created_at or self._clock.now()
        return await self._db.write(lambda c: _add(c, campaign, created_at))

    async def replace_campaign(self, campaign: Campaign, *, seen: str | None = None) -> None:
        """Make the stored campaign equal to this one. Raises `NotFound`, `Conflict`."""
        await self._db.write(lambda c: _replace(c, campaign, seen))

    async def remove_campaign(self, campaign_id: int, now: datetime) -> None:
        """Take it out of service; everything that was read stays. Raises `NotFound`."""
        await self._db.write(lambda c: _remove(c, campaign_id, now))

    async def campaigns(self) -> list[Campaign]:
        """All in service, by name."""
        return await self._db.read(in_service)

    async def campaign(self, name: str) -> Campaign:
        """One in service, by name. Raises `NotFound` with the nearest name as hint."""
        return await self._db.read(lambda c: _by_name(c, name))

    async def watchers(self, hashtag: str) -> list[Campaign]:
        """Campaigns in service that hold this hashtag, by name."""
        everything = await self.campaigns()
        return [c for c in everything if any(h.name == hashtag for h in c.hashtags)]


def _add(connection: Connection, campaign: Campaign, created_at: datetime) -> Campaign:
    columns = _columns(campaign) | {"created_at": created_at}
    try:
        result = connection.execute(t.campaign.insert().returning(t.campaign.c.id), columns)
    except IntegrityError as error:
        raise _name_taken(campaign) from error
    campaign_id = result.scalar_one()
    _put_hashtags(connection, campaign_id, campaign.hashtags)
    return _one(connection, t.campaign.c.id == campaign_id)[0]


def _replace(connection: Connection, campaign: Campaign, seen: str | None) -> None:
    known = (t.campaign.c.id == campaign.campaign_id) & t.campaign.c.removed_at.is_(None)
    if seen is not None:
        _refuse_unseen(connection, known, seen)
    try:
        done = connection.execute(update(t.campaign).where(known).values(_columns(campaign)))
    except IntegrityError as error:
        raise _name_taken(campaign) from error
    if not done.rowcount:
        raise NotFound(f"There is no campaign with the id {campaign.campaign_id}.")
    held = t.campaign_hashtag.c.campaign_id == campaign.campaign_id
    connection.execute(delete(t.campaign_hashtag).where(held))
    _put_hashtags(connection, campaign.campaign_id, campaign.hashtags)


def _refuse_unseen(connection: Connection, known: Any, seen: str) -> None:
    """Nobody may write over what they have not seen."""
    connection.execute(select(t.campaign.c.id).where(known).with_for_update())
    stored = _one(connection, known)
    if stored and campaign_version(stored[0]) != seen:
        raise Conflict(
            f"Somebody has changed the campaign {stored[0].name!r} meanwhile.",
            hint="Look at what is stored now; nothing was written.",
        )


def _remove(connection: Connection, campaign_id: int, now: datetime) -> None:
    known = (t.campaign.c.id == campaign_id) & t.campaign.c.removed_at.is_(None)
    done = connection.execute(update(t.campaign).where(known).values(removed_at=now))
    if not done.rowcount:
        raise NotFound(f"There is no campaign with the id {campaign_id}.")
    end_alerts_of(connection, campaign_id, now)


def _name_taken(campaign: Campaign) -> Conflict:
    return Conflict(
        f"There is a campaign named {campaign.name!r} already.",
        hint="Change it with `tagtide campaign edit`, or choose another name.",
    )


def _put_hashtags(
    connection: Connection, campaign_id: int, hashtags: Iterable[CampaignHashtag]
) -> None:
    # A hashtag named twice counts once, as it was named first.
    unique = list({h.name: h for h in reversed(tuple(hashtags))}.values())[::-1]
    keys = hashtag_keys(connection, (h.name for h in unique))
    rows = [
        {
            "campaign_id": campaign_id,
            "hashtag_key": keys[h.name],
            "position": position,
            "role": h.role,
            "threshold": h.threshold,
            "feed": h.feed,
        }
        for position, h in enumerate(unique)
    ]
    if rows:
        connection.execute(t.campaign_hashtag.insert(), rows)


def in_service(connection: Connection) -> list[Campaign]:
    """Every campaign that was not removed, by name."""
    return _with_hashtags(connection, _IN_SERVICE.rows(connection, {}))


def one_by_id(connection: Connection, campaign_id: int) -> Campaign:
    """One campaign in service. Raises `NotFound`."""
    # A number that no key can be is one that no campaign has.
    row = _BY_ID.one(connection, {"campaign": campaign_id}) if campaign_id < 2**62 else None
    if row is None:
        raise NotFound("There is no such campaign.", hint="It may have been removed.")
    return _with_hashtags(connection, [row])[0]


def _by_name(connection: Connection, name: str) -> Campaign:
    in_use = t.campaign.c.removed_at.is_(None)
    found = _one(connection, in_use & (t.campaign.c.name == name))
    if found:
        return found[0]
    names = connection.execute(select(t.campaign.c.name).where(in_use)).scalars().all()
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else "`tagtide campaign list` shows them."
    raise NotFound(f"There is no campaign named {name!r}.", hint=hint)


_IN_SERVICE = Prepared(
    select(t.campaign).where(t.campaign.c.removed_at.is_(None)).order_by(t.campaign.c.name)
)
_BY_ID = Prepared(
    select(t.campaign).where(
        t.campaign.c.removed_at.is_(None), t.campaign.c.id == bindparam("campaign")
    )
)


def _one(connection: Connection, where: Any) -> list[Campaign]:
    query = select(t.campaign).where(where).order_by(t.campaign.c.name)
    return _with_hashtags(connection, connection.execute(query).all())


def _with_hashtags(connection: Connection, rows: Sequence[Any]) -> list[Campaign]:
    hashtags = _hashtags(connection, [row.id for row in rows])
    return [_campaign(row, hashtags.get(row.id, [])) for row in rows]


_HELD = PreparedIn(
    t.campaign_hashtag.c.campaign_id,
    lambda named: (
        select(
            t.campaign_hashtag.c.campaign_id,
            t.hashtag.c.name,
            t.campaign_hashtag.c.role,
            t.campaign_hashtag.c.threshold,
            t.campaign_hashtag.c.feed,
        )
        .join(t.hashtag, t.hashtag.c.id == t.campaign_hashtag.c.hashtag_key)
        .where(named)
        .order_by(t.campaign_hashtag.c.campaign_id, t.campaign_hashtag.c.position)
    ),
)


def _hashtags(connection: Connection, campaign_ids: list[int]) -> dict[int, list[CampaignHashtag]]:
    found: dict[int, list[CampaignHashtag]] = {}
    for row in _HELD.rows(connection, campaign_ids):
        found.setdefault(row[0], []).append(_hashtag(*row[1:]))
    return found


@lru_cache(maxsize=10_000)
def _hashtag(name: str, role: str, threshold: int | None, feed: bool) -> CampaignHashtag:
    """Nearly every page reads them again, and they are what they were nearly every time."""
    return CampaignHashtag(name=name, role=Role(role), threshold=threshold, feed=feed)


def _columns(campaign: Campaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "timezone": campaign.timezone,
        "numbers": campaign.numbers,
        "clock": campaign.clock,
        "language": campaign.language,
        "starts_on": campaign.starts_on,
        "ends_on": campaign.ends_on,
        "rules": asdict(campaign.rules),
        "channels": list(campaign.channels),
        "page_budget": campaign.page_budget,
        "credits_per_day": campaign.credits_per_day,
        "schedules": {str(job): cron for job, cron in campaign.schedules.items()},
        "request": campaign.request,
    }


def _campaign(row: Any, hashtags: list[CampaignHashtag]) -> Campaign:
    return Campaign(
        campaign_id=row.id,
        name=row.name,
        hashtags=tuple(hashtags),
        timezone=row.timezone,
        numbers=row.numbers,
        clock=row.clock,
        language=row.language,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        rules=_rules(row.rules),
        channels=tuple(row.channels),
        page_budget=row.page_budget,
        credits_per_day=row.credits_per_day,
        schedules={Job(job): cron for job, cron in row.schedules.items()},
        request=row.request,
        created_at=row.created_at,
    )


def _rules(stored: dict[str, Any]) -> RuleSettings:
    # A setting that was added since takes its default; one that is gone is ignored.
    known = {f.name for f in fields(RuleSettings)} & stored.keys()
    values = {name: stored[name] for name in known}
    if "enabled" in values:
        values["enabled"] = tuple(Rule(rule) for rule in values["enabled"])
    return RuleSettings(**values)
