"""Lists by pages, single things with all that belongs to them, and the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from tagtide.core.detect.virality import AGE_EXPONENT
from tagtide.errors import NotFound
from tagtide.models import (
    Alert,
    AlertState,
    Creator,
    Delivery,
    Role,
    Rule,
    Video,
    VideoCounters,
)
from tagtide.ports.browse import (
    AlertFilter,
    CampaignCreator,
    CampaignVideo,
    CreatorFilter,
    CreatorSort,
    CrowdVideo,
    FeedSighting,
    FoundVideo,
    Membership,
    VideoFile,
    VideoFilter,
    VideoSort,
)
from tagtide.storage import tables as t
from tagtide.storage.alerts import alerts_of
from tagtide.storage.deliveries import deliveries_of
from tagtide.storage.readings import known_videos_in
from tagtide.storage.rows import Topic, chunks, counters_of

#: A search goes through so many rows at most, from the newest on: that bounds its time.
SEARCHED = 50_000
_MICROS_PER_HOUR = 3_600_000_000
_ENGAGEMENT = ("like_count", "comment_count", "share_count")
_STATES = (AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED)


class Browse(Topic):
    """The part of the store behind lists, single pages and the search."""

    async def alert_page(
        self, wanted: AlertFilter, *, after: str | None = None, limit: int = 50
    ) -> list[Alert]:
        """Firing first, then pending, then resolved; the newest of each first."""
        return await self._db.read(lambda c: _alert_page(c, wanted, after, limit))

    async def alert_deliveries(self, alert_id: str, limit: int = 100) -> list[Delivery]:
        """Messages about an alert and what became of them, newest first."""
        return await self._db.read(
            lambda c: deliveries_of(c, t.outbox.c.alert_id == alert_id, limit)
        )

    async def video_page(
        self,
        wanted: VideoFilter,
        sort: VideoSort = VideoSort.VIEWS,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CampaignVideo]:
        """Videos of campaigns in service, in that order."""
        return await self._db.read(lambda c: _video_page(c, wanted, sort, after, limit))

    async def creator_page(
        self,
        wanted: CreatorFilter,
        sort: CreatorSort = CreatorSort.VIEWS,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CampaignCreator]:
        """Creators of a campaign, in that order; ``after`` is a creator key."""
        return await self._db.read(lambda c: _creator_page(c, wanted, sort, after, limit))

    async def crowd_videos(
        self, campaign_id: int, *, role: Role | None = None, limit: int = 1000
    ) -> list[CrowdVideo]:
        """The videos a campaign saw first most recently; ``role`` keeps one side's."""
        query = _crowd_query(campaign_id, role, limit)
        return await self._db.read(lambda c: [_crowd_video(row) for row in c.execute(query)])

    async def rated_counters(
        self, campaign_id: int | None, creator_keys: list[str]
    ) -> dict[str, list[VideoCounters]]:
        """Newest counters of creators' videos, those of one campaign or of all."""
        return await self._db.read(lambda c: _rated(c, campaign_id, creator_keys))

    async def video_file(self, video_id: str) -> VideoFile:
        """All that is kept about a video beside its readings. Raises `NotFound`."""
        return await self._db.read(lambda c: _video_file(c, video_id))

    async def creator_file(self, creator_key: str) -> Creator:
        """One by key. Raises `NotFound`."""
        query = select(t.creator).where(t.creator.c.creator_key == creator_key)
        row = await self._db.read(lambda c: c.execute(query).one_or_none())
        if row is None:
            raise NotFound("There is no such creator.", hint="Search by handle or name.")
        return _creator(row)

    async def find_creators(self, text: str, limit: int) -> list[Creator]:
        """Creators whose handle or name holds the text, among the newest 50,000."""
        row = t.creator.c
        query = (
            select(t.creator)
            .where(_is_recent(t.creator), _named(text))
            .order_by(row.id.desc())
            .limit(limit)
        )
        return await self._db.read(lambda c: [_creator(found) for found in c.execute(query)])

    async def find_videos(self, text: str, limit: int) -> list[FoundVideo]:
        """Videos whose id is the text, or whose caption holds it, among the newest 50,000."""
        video, creator = t.video.c, t.creator.c
        found = select(
            video.video_id,
            video.caption,
            creator.username.label("author_username"),
            creator.nickname.label("author_nickname"),
            video.view_count,
            video.read_at,
        ).join_from(t.video, t.creator, creator.id == video.creator_key)
        by_id = found.where(video.video_id == text)
        by_caption = (
            found.where(_is_recent(t.video), video.caption.icontains(text, autoescape=True))
            .order_by(video.id.desc())
            .limit(limit)
        )
        return await self._db.read(
            lambda c: [
                FoundVideo(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
                for row in (c.execute(by_id).all() or c.execute(by_caption))
            ]
        )


def _is_recent(table: Any) -> ColumnElement[bool]:
    newest = select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery()
    found: ColumnElement[bool] = table.c.id > newest - SEARCHED
    return found


def _named(text: str) -> ColumnElement[bool]:
    row, bare = t.creator.c, text.removeprefix("@")
    return or_(
        row.username.icontains(bare, autoescape=True),
        row.nickname.icontains(text, autoescape=True),
    )


def _beyond(place: Sequence[ColumnElement[Any]], row: Any) -> ColumnElement[bool]:
    """Rows that come after one, where all parts of the order descend."""
    values = (literal(value, part.type) for value, part in zip(row, place, strict=True))
    found: ColumnElement[bool] = tuple_(*place) < tuple_(*values)
    return found


# --- alerts ---------------------------------------------------------------------------------------


def _alert_page(
    connection: Connection, wanted: AlertFilter, after: str | None, limit: int
) -> list[Alert]:
    a = t.alert.c
    rank = case(*((a.state == s, place) for place, s in enumerate(_STATES)), else_=len(_STATES))
    query = select(t.alert).order_by(rank, a.opened_at.desc(), a.alert_id).limit(limit)
    # Those that were pending and never fired are no news to anybody.
    query = query.where(
        or_(a.state != AlertState.RESOLVED, a.fired_at.is_not(None), a.pending_since.is_(None))
    )
    for column, value in (
        (a.state, wanted.state),
        (a.rule, wanted.rule),
        (a.campaign_id, wanted.campaign_id),
        (a.hashtag, wanted.hashtag),
        (a.video_id, wanted.video_id),
    ):
        if value is not None:
            query = query.where(column == value)
    last = select(rank, a.opened_at).where(a.alert_id == after)
    row = connection.execute(last).one_or_none() if after is not None else None
    if row is not None:
        query = query.where(
            or_(
                rank > row[0],
                and_(rank == row[0], a.opened_at < row[1]),
                and_(rank == row[0], a.opened_at == row[1], a.alert_id > after),
            )
        )
    return alerts_of(connection, query)


# --- videos ---------------------------------------------------------------------------------------


def _video_page(
    connection: Connection, wanted: VideoFilter, sort: VideoSort, after: str | None, limit: int
) -> list[CampaignVideo]:
    held, video = t.campaign_video, t.video
    key = _VIDEO_KEYS[sort]()
    place = (key, held.c.video_key, held.c.campaign_id)
    query = _held().where(*_kept(wanted)).order_by(*(part.desc() for part in place)).limit(limit)
    if after is not None:
        video_id, _, campaign = after.partition("@")
        last = _held().with_only_columns(*place).where(video.c.video_id == video_id)
        number = wanted.campaign_id or (int(campaign) if campaign.isdecimal() else 0)
        row = connection.execute(last.where(held.c.campaign_id == min(number, 2**62))).one_or_none()
        if row is not None:
            query = query.where(_beyond(place, row))
    rows = connection.execute(query).all()
    known: dict[tuple[int, str], Any] = {}
    for number in {row.campaign_id for row in rows}:
        keys = [row.video_key for row in rows if row.campaign_id == number]
        some = select(video.c.id).where(video.c.id.in_(keys))
        for one in known_videos_in(connection, number, some):
            known[number, one.video_id] = one
    return [
        CampaignVideo(campaign_id=row.campaign_id, video=known[row.campaign_id, row.video_id])
        for row in rows
    ]


def _held() -> Select[Any]:
    held, video = t.campaign_video, t.video
    return (
        select(held.c.campaign_id, held.c.video_key, video.c.video_id)
        .join_from(held, video, video.c.id == held.c.video_key)
        .join(t.campaign, t.campaign.c.id == held.c.campaign_id)
        .where(t.campaign.c.removed_at.is_(None))
    )


def _kept(wanted: VideoFilter) -> list[ColumnElement[bool]]:
    held, video, creator = t.campaign_video.c, t.video.c, t.creator.c
    kept: list[ColumnElement[bool]] = []
    if wanted.campaign_id is not None:
        kept.append(held.campaign_id == wanted.campaign_id)
    if wanted.since is not None:
        kept.append(held.first_seen_at >= wanted.since)
    if wanted.high_priority:
        kept.append(held.high_priority_at.is_not(None))
    if wanted.min_views is not None:
        kept.append(video.view_count >= wanted.min_views)
    if wanted.text:
        kept.append(video.caption.icontains(wanted.text, autoescape=True))
    if wanted.creator:
        kept.append(video.creator_key.in_(select(creator.id).where(_named(wanted.creator))))
    if wanted.creator_key is not None:
        mine = select(creator.id).where(creator.creator_key == wanted.creator_key)
        # Both halves of the key, so that each video is one seek.
        theirs = select(video.id).where(video.creator_key == mine.scalar_subquery())
        kept.append(held.video_key.in_(theirs))
        kept.append(held.campaign_id.in_(select(t.campaign.c.id)))
    if wanted.hashtag is not None:
        feed = t.hashtag_video.c
        key = select(t.hashtag.c.id).where(t.hashtag.c.name == wanted.hashtag).scalar_subquery()
        seen = select(1).where(feed.hashtag_key == key, feed.video_key == held.video_key)
        kept.append(or_(held.hashtag_key == key, seen.exists()))
    if wanted.viral:
        alert = t.alert.c
        kept.append(
            select(1)
            .where(alert.video_id == video.video_id, alert.campaign_id == held.campaign_id)
            .where(alert.rule == Rule.VIRAL_VIDEO)
            .exists()
        )
    return kept


def _engagement() -> ColumnElement[float]:
    """As a floating-point number: the sum of three counters may be too large for an integer."""
    likes, comments, shares = (cast(t.video.c[name], Float) for name in _ENGAGEMENT)
    found: ColumnElement[float] = likes + comments + shares
    return found


def _rate() -> ColumnElement[Any]:
    views = t.video.c.view_count
    return case((views > 0, _engagement() / cast(views, Float)))


def _for_its_age() -> ColumnElement[Any]:
    """Orders as views over age to the power of the shipped curve, without roots or logarithms."""
    video = t.video.c
    views = cast(video.view_count, Float)
    read_at, created_at = (type_coerce(c, BigInteger) for c in (video.read_at, video.created_at))
    age = cast(read_at - created_at, Float) / float(_MICROS_PER_HOUR)
    times = round(1 / AGE_EXPONENT)
    power: Any = views
    for _ in range(times - 1):
        power = power * views
    grown: ColumnElement[Any] = power / case((age < 1, 1.0), else_=age)
    return grown


_VIDEO_KEYS: dict[VideoSort, Callable[[], ColumnElement[Any]]] = {
    VideoSort.VIEWS: lambda: func.coalesce(t.video.c.view_count, -1),
    VideoSort.ENGAGEMENT_RATE: lambda: func.coalesce(_rate(), -1.0),
    VideoSort.NEWEST: lambda: t.campaign_video.c.first_seen_at,
    VideoSort.AGE_SCORE: lambda: func.coalesce(_for_its_age(), -1.0),
}


# --- creators -------------------------------------------------------------------------------------


def _creator_page(
    connection: Connection,
    wanted: CreatorFilter,
    sort: CreatorSort,
    after: str | None,
    limit: int,
) -> list[CampaignCreator]:
    sums = _sums(wanted, _NEEDED[sort]).subquery().c
    orders: dict[CreatorSort, Callable[[], ColumnElement[Any]]] = {
        CreatorSort.VIEWS: lambda: func.coalesce(sums.views, -1.0),
        CreatorSort.VIDEOS: lambda: sums.videos,
        CreatorSort.ENGAGEMENT_RATE: lambda: func.coalesce(
            sums.engagement / sums.rated_views, -1.0
        ),
        CreatorSort.NEWEST: lambda: sums.last_seen_at,
    }
    key = orders[sort]()
    place = (key, sums.key)
    query = select(sums.key).order_by(key.desc(), sums.key.desc()).limit(limit)
    if wanted.min_views is not None:
        query = query.where(sums.views >= wanted.min_views)
    if wanted.min_videos is not None:
        query = query.where(sums.videos >= wanted.min_videos)
    if wanted.high_priority:
        query = query.where(sums.high_priority_videos > 0)
    if after is not None:
        this = select(t.creator.c.id).where(t.creator.c.creator_key == after).scalar_subquery()
        row = connection.execute(select(*place).where(sums.key == this)).one_or_none()
        if row is not None:
            query = query.where(_beyond(place, row))
    chosen = list(connection.execute(query).scalars())
    found: dict[int, CampaignCreator] = {}
    for some in chunks(chosen):
        creators = connection.execute(select(t.creator).where(t.creator.c.id.in_(some)))
        named = {row.id: _creator(row) for row in creators}
        whole = _sums(wanted, _SUMS).where(t.video.c.creator_key.in_(some))
        for row in connection.execute(whole):
            found[row.key] = _campaign_creator(row, named[row.key])
    return [found[key] for key in chosen]


def _sum_columns() -> dict[str, ColumnElement[Any]]:
    held, video = t.campaign_video.c, t.video.c
    is_rated = and_(video.view_count > 0, _engagement().is_not(None))
    views = cast(video.view_count, Float)
    return {
        "videos": func.count(),
        "views": func.sum(views),
        "views_known": func.count(video.view_count),
        "engagement": func.sum(case((is_rated, _engagement()))),
        "rated_views": func.sum(case((is_rated, views))),
        "high_priority_videos": func.count(held.high_priority_at),
        "first_seen_at": func.min(held.first_seen_at, type_=t.Instant),
        "last_seen_at": func.max(held.first_seen_at, type_=t.Instant),
    }


_SUMS = frozenset(_sum_columns())
#: What an order needs of every creator of a campaign; the rest is asked of those on the page.
_NEEDED = {
    CreatorSort.VIEWS: frozenset({"views"}),
    CreatorSort.VIDEOS: frozenset({"videos"}),
    CreatorSort.ENGAGEMENT_RATE: frozenset({"engagement", "rated_views"}),
    CreatorSort.NEWEST: frozenset({"last_seen_at"}),
}


def _sums(wanted: CreatorFilter, needed: frozenset[str]) -> Select[Any]:
    """Sums by creator; those that a filter needs are always among them."""
    filters = {
        "views": wanted.min_views is not None,
        "videos": wanted.min_videos is not None,
        "high_priority_videos": wanted.high_priority,
    }
    names = needed | {name for name, is_used in filters.items() if is_used}
    held, video = t.campaign_video.c, t.video.c
    columns = [column.label(name) for name, column in _sum_columns().items() if name in names]
    query = (
        select(video.creator_key.label("key"), *columns)
        .join_from(t.campaign_video, t.video, video.id == held.video_key)
        .where(held.campaign_id == wanted.campaign_id)
        .group_by(video.creator_key)
    )
    if wanted.text:
        query = query.where(
            video.creator_key.in_(select(t.creator.c.id).where(_named(wanted.text)))
        )
    return query


def _campaign_creator(row: Any, creator: Creator) -> CampaignCreator:
    is_rated = row.rated_views is not None and row.rated_views > 0
    return CampaignCreator(
        creator=creator,
        videos=row.videos,
        view_count=None if row.views is None else int(row.views),
        views_known=row.views_known,
        engagement_rate=row.engagement / row.rated_views if is_rated else None,
        high_priority_videos=row.high_priority_videos,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
    )


def _creator(row: Any) -> Creator:
    return Creator(
        creator_key=row.creator_key,
        sec_uid=row.sec_uid,
        uid=row.uid,
        username=row.username,
        nickname=row.nickname,
        follower_count=row.follower_count,
        video_count=row.video_count,
        verified=row.verified,
        region=row.region,
    )


def _rated(
    connection: Connection, campaign_id: int | None, creator_keys: Sequence[str]
) -> dict[str, list[VideoCounters]]:
    video, creator, held = t.video.c, t.creator.c, t.campaign_video.c
    found: dict[str, list[VideoCounters]] = {}
    for keys in chunks(creator_keys):
        query = (
            select(creator.creator_key, *_COUNTERS)
            .join_from(t.creator, t.video, video.creator_key == creator.id)
            .where(creator.creator_key.in_(keys))
            .order_by(video.id)
        )
        if campaign_id is not None:
            in_it = select(1).where(held.campaign_id == campaign_id, held.video_key == video.id)
            query = query.where(in_it.exists())
        for row in connection.execute(query):
            found.setdefault(row.creator_key, []).append(counters_of(row))
    return found


_COUNTERS = [t.video.c[name] for name in ("view_count", *_ENGAGEMENT, "save_count", "source")]


# --- what a video is compared with ----------------------------------------------------------------


def _crowd_query(campaign_id: int, role: Role | None, limit: int) -> Select[Any]:
    held, watched = t.campaign_video.c, t.campaign_hashtag.c
    chosen = (
        select(held.video_key)
        .where(held.campaign_id == campaign_id)
        .order_by(held.first_seen_at.desc())
        .limit(limit)
    )
    if role is not None:
        chosen = chosen.join(
            t.campaign_hashtag,
            and_(watched.campaign_id == held.campaign_id, watched.hashtag_key == held.hashtag_key),
        ).where(watched.role == role)
    newest = chosen.subquery()
    video, creator, first = t.video.c, t.creator.c, t.video_reading.alias("first")
    earliest = t.video_reading.alias("earliest")
    first_at = (
        select(func.min(earliest.c.read_at))
        .where(earliest.c.video_key == video.id)
        .correlate(t.video)
        .scalar_subquery()
    )
    return (
        select(
            video.video_id,
            creator.creator_key.label("author_key"),
            creator.follower_count,
            video.created_at,
            video.read_at,
            *_COUNTERS,
            first.c.read_at.label("first_read_at"),
            first.c.view_count.label("first_view_count"),
            first.c.source.label("first_source"),
        )
        .join_from(newest, t.video, video.id == newest.c.video_key)
        .join(t.creator, creator.id == video.creator_key)
        .outerjoin(first, and_(first.c.video_key == video.id, first.c.read_at == first_at))
        .order_by(video.id)
    )


def _crowd_video(row: Any) -> CrowdVideo:
    is_other = row.first_read_at is not None and row.first_read_at < row.read_at
    return CrowdVideo(
        video_id=row.video_id,
        creator_key=row.author_key,
        author_followers=row.follower_count,
        created_at=row.created_at,
        read_at=row.read_at,
        counters=counters_of(row),
        first_read_at=row.first_read_at if is_other else None,
        first_view_count=row.first_view_count if is_other else None,
        first_source=row.first_source if is_other else None,
    )


# --- one video ------------------------------------------------------------------------------------


def _video_file(connection: Connection, video_id: str) -> VideoFile:
    of_video = (
        select(t.video, *(c.label(f"author_{c.name}") for c in t.creator.c))
        .join_from(t.video, t.creator, t.creator.c.id == t.video.c.creator_key)
        .where(t.video.c.video_id == video_id)
    )
    row = connection.execute(of_video).one_or_none()
    if row is None:
        raise NotFound("There is no such video.", hint="Only videos that were read are kept.")
    return VideoFile(
        video=_video(row),
        counters=counters_of(row),
        first_seen_at=row.first_seen_at,
        read_at=row.read_at,
        campaigns=tuple(_memberships(connection, row.id)),
        feeds=tuple(_feeds(connection, row.id)),
    )


def _video(row: Any) -> Video:
    return Video(
        video_id=row.video_id,
        creator=Creator(
            creator_key=row.author_creator_key,
            sec_uid=row.author_sec_uid,
            uid=row.author_uid,
            username=row.author_username,
            nickname=row.author_nickname,
            follower_count=row.author_follower_count,
            video_count=row.author_video_count,
            verified=row.author_verified,
            region=row.author_region,
        ),
        caption=row.caption,
        created_at=row.created_at,
        duration=row.duration,
        is_photo=row.is_photo,
        is_ad=row.is_ad,
        region=row.region,
        music_id=row.music_id,
        hashtags=tuple(row.hashtags or ()),
    )


def _memberships(connection: Connection, video_key: int) -> list[Membership]:
    held, watched = t.campaign_video.c, t.campaign_hashtag.c
    query = (
        select(
            held.campaign_id,
            t.hashtag.c.name,
            watched.role,
            held.first_seen_at,
            held.high_priority_at,
        )
        .join_from(t.campaign_video, t.campaign, t.campaign.c.id == held.campaign_id)
        .join(t.hashtag, t.hashtag.c.id == held.hashtag_key)
        .outerjoin(
            t.campaign_hashtag,
            and_(watched.campaign_id == held.campaign_id, watched.hashtag_key == held.hashtag_key),
        )
        .where(held.video_key == video_key, t.campaign.c.removed_at.is_(None))
        # The key begins with the campaign: there are few of them, each is one seek.
        .where(held.campaign_id.in_(select(t.campaign.c.id)))
        .order_by(held.first_seen_at, held.campaign_id)
    )
    return [
        Membership(
            campaign_id=row.campaign_id,
            hashtag=row.name,
            role=Role(row.role) if row.role else None,
            first_seen_at=row.first_seen_at,
            high_priority_at=row.high_priority_at,
        )
        for row in connection.execute(query)
    ]


def _feeds(connection: Connection, video_key: int) -> list[FeedSighting]:
    feed = t.hashtag_video.c
    query = (
        select(t.hashtag.c.name, feed.first_seen_at, feed.last_seen_at)
        .join_from(t.hashtag_video, t.hashtag, t.hashtag.c.id == feed.hashtag_key)
        # The key begins with the hashtag: there are few of them, each is one seek.
        .where(feed.hashtag_key.in_(select(t.hashtag.c.id)))
        .where(feed.video_key == video_key)
        .order_by(feed.first_seen_at, t.hashtag.c.name)
    )
    return [
        FeedSighting(hashtag=row[0], first_seen_at=row[1], last_seen_at=row[2])
        for row in connection.execute(query)
    ]
