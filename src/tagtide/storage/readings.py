"""What was read, for decisions and reports. All of it reads by key, never the history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
    update,
)

from tagtide.core.crowd import Crowd
from tagtide.errors import NotFound
from tagtide.models import HashtagReading, Reason, Role, VideoCounters, VideoReading
from tagtide.ports import HashtagState, KnownVideo, StoredReport
from tagtide.storage import tables as t
from tagtide.storage.prepared import Prepared, PreparedIn
from tagtide.storage.reading_runs import readings_at, runs_of_readings
from tagtide.storage.rows import (
    Topic,
    chunks,
    hashtag_reading_of,
    insert,
    video_reading_of,
)


class Readings(Topic):
    """The part of the store that decisions and reports read."""

    async def hashtag_states(self, names: Sequence[str]) -> dict[str, HashtagState]:
        """One per name; a name never stored has the state of a new one."""
        return await self._db.read(lambda c: _states(c, names))

    async def resume_hashtag(self, hashtag: str) -> None:
        """Clear pause and failures. Raises `NotFound`."""
        await self._db.write(lambda c: _resume(c, hashtag))

    async def reading_near(
        self, hashtag: str, target: datetime, *, before: datetime, tolerance: timedelta
    ) -> HashtagReading | None:
        """The nearest to ``target`` within the tolerance, else the newest before ``before``."""
        return await self._db.read(lambda c: _near(c, hashtag, target, before, tolerance))

    async def hashtag_readings(
        self, hashtag: str, since: datetime, until: datetime
    ) -> list[HashtagReading]:
        """In order of time, both ends included."""
        asked = {"name": hashtag, "since": since, "until": until}
        return await self._db.read(
            lambda c: [hashtag_reading_of(row, hashtag) for row in _BETWEEN.rows(c, asked)]
        )

    async def hashtag_readings_after(
        self, hashtag: str, after: datetime, limit: int
    ) -> list[HashtagReading]:
        """The first ``limit`` readings after an instant, in order of time."""
        query = _OF_HASHTAG.where(_at > after).order_by(_at).limit(limit)
        return await self._db.read(
            lambda c: [
                hashtag_reading_of(row, hashtag) for row in c.execute(query, {"name": hashtag})
            ]
        )

    async def video_ids_after(self, campaign_id: int, after: str, limit: int) -> list[str]:
        """Ids of a campaign's videos after one of them, in order."""
        held, video = t.campaign_video.c, t.video.c
        query = (
            select(video.video_id)
            .join_from(t.campaign_video, t.video, video.id == held.video_key)
            .where(held.campaign_id == campaign_id, video.video_id > after)
            .order_by(video.video_id)
            .limit(limit)
        )
        return await self._db.read(lambda c: list(c.execute(query).scalars()))

    async def known_videos(
        self,
        campaign_id: int,
        *,
        hashtags: Sequence[str] | None = None,
        role: Role | None = None,
        seen_in_run: int | None = None,
        read_since: datetime | None = None,
        video_ids: Sequence[str] | None = None,
        high_priority: bool = False,
        reaching: tuple[float, float] | None = None,
    ) -> list[KnownVideo]:
        """Every video of a campaign at its latest reading; by id.

        ``hashtags`` and ``role`` keep those seen in the feed of such a hashtag, ``seen_in_run``
        those that the run saw, ``read_since`` those with a reading from then on, ``high_priority``
        those that are, ``reaching`` those with so many views or so much engagement.
        """
        others = (hashtags, role, seen_in_run, read_since, reaching)
        if video_ids is not None and not high_priority and others == (None,) * len(others):
            return await self._db.read(lambda c: _videos_by_id(c, campaign_id, video_ids))
        facts = _facts(read_since, video_ids, high_priority, reaching)
        some = _some_videos(campaign_id, seen_in_run, facts, _feeds_of(hashtags, role))
        return await self._db.read(lambda c: known_videos_in(c, campaign_id, some))

    async def crowd(self, campaign_id: int, role: Role) -> Crowd:
        """Sums over the videos in the feeds of hashtags of that role whose views are known."""
        feeds = _feeds_of(None, role)
        assert feeds is not None
        query = _crowd_query(_seen_in(campaign_id, feeds), campaign_id)
        return await self._db.read(lambda c: _crowd(c.execute(query).one()))

    async def video_readings_near(
        self,
        campaign_id: int,
        target: datetime,
        tolerance: timedelta,
        *,
        hashtags: Sequence[str] | None = None,
    ) -> dict[str, VideoReading]:
        """By video, its reading nearest to ``target``; without those that have none so near.

        ``hashtags`` keeps the videos seen in the feed of such a hashtag.
        """
        some = _some_videos(campaign_id, None, [], _feeds_of(hashtags, None))
        query = _nearest_readings(campaign_id, target, tolerance, some)
        return await self._db.read(
            lambda c: {row.video_id: video_reading_of(row) for row in c.execute(query)}
        )

    async def video_readings(
        self, campaign_id: int, since: datetime, until: datetime
    ) -> list[VideoReading]:
        """Of every video of a campaign, in order of time, both ends included."""
        held, reading = t.campaign_video, t.video_reading
        query = (
            select(t.video.c.video_id, reading)
            .join(held, held.c.video_key == reading.c.video_key)
            .join(t.video, t.video.c.id == reading.c.video_key)
            .where(held.c.campaign_id == campaign_id)
            .where(reading.c.read_at >= since, reading.c.read_at <= until)
            .order_by(reading.c.read_at, t.video.c.video_id)
        )
        return await self._db.read(lambda c: [video_reading_of(row) for row in c.execute(query)])

    async def video_history(self, video_id: str) -> list[VideoReading]:
        """In order of time. Raises `NotFound`."""
        query = (
            select(t.video.c.video_id, t.video_reading)
            .join(t.video, t.video.c.id == t.video_reading.c.video_key)
            .where(t.video.c.video_id == video_id)
            .order_by(t.video_reading.c.read_at)
        )
        found = await self._db.read(lambda c: [video_reading_of(row) for row in c.execute(query)])
        if not found:
            raise NotFound(f"There is no video {video_id!r}.")
        return found

    async def video_readings_after(
        self, campaign_id: int, after: tuple[str, datetime] | None, since: datetime, limit: int
    ) -> list[VideoReading]:
        """The next ``limit`` readings of a campaign's videos, video by video, in order of time."""
        held, reading, video = t.campaign_video.c, t.video_reading, t.video.c
        query = (
            select(video.video_id, reading)
            .join_from(t.campaign_video, reading, reading.c.video_key == held.video_key)
            .join(t.video, video.id == held.video_key)
            .where(held.campaign_id == campaign_id, reading.c.read_at >= since)
            .order_by(held.video_key, reading.c.read_at)
            .limit(limit)
        )
        if after is not None:
            video_id, read_at = after
            key = select(video.id).where(video.video_id == video_id).scalar_subquery()
            query = query.where(
                held.video_key >= key, or_(held.video_key > key, reading.c.read_at > read_at)
            )
        return await self._db.read(lambda c: [video_reading_of(row) for row in c.execute(query)])

    async def video_readings_at(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> dict[tuple[str, datetime], VideoReading]:
        """By video id and instant; without those that are not stored."""
        return await self._db.read(lambda c: readings_at(c, wanted))

    async def runs_of_readings(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> dict[tuple[str, datetime], int]:
        """By video id and instant; without those whose run is not on record."""
        return await self._db.read(lambda c: runs_of_readings(c, wanted))

    async def new_video_count(
        self, campaign_id: int, hashtag: str | None, since: datetime, until: datetime
    ) -> int:
        """Videos first seen in the campaign in (since, until]; of a hashtag, those in its feed."""
        held, feed = t.campaign_video, t.hashtag_video
        query = select(func.count()).select_from(held).where(held.c.campaign_id == campaign_id)
        query = query.where(held.c.first_seen_at > since, held.c.first_seen_at <= until)
        if hashtag is not None:
            in_feed = feed.join(t.hashtag, t.hashtag.c.id == feed.c.hashtag_key)
            found = select(1).select_from(in_feed).where(t.hashtag.c.name == hashtag)
            query = query.where(found.where(feed.c.video_key == held.c.video_key).exists())
        return await self._db.read(lambda c: int(c.execute(query).scalar_one()))

    async def newest_reading_at(self, campaign_id: int) -> datetime | None:
        """The campaign's newest reading of a hashtag or a video; None before the first."""
        return await self._db.read(lambda c: _newest_reading_at(c, campaign_id))

    async def put_report(self, report: StoredReport) -> None:
        """Store or replace the report of that campaign, kind and day."""
        await self._db.write(lambda c: _put_report(c, report))

    async def reports(self, campaign_id: int, kind: str, limit: int = 60) -> list[StoredReport]:
        """Newest first."""
        query = (
            select(t.report)
            .where(t.report.c.campaign_id == campaign_id, t.report.c.kind == kind)
            .order_by(t.report.c.day.desc())
            .limit(limit)
        )
        return await self._db.read(lambda c: [report_of(row) for row in c.execute(query)])


# --- hashtags -------------------------------------------------------------------------------------


def _states(connection: Connection, names: Sequence[str]) -> dict[str, HashtagState]:
    states = {name: _new_state(name) for name in names}
    for some in chunks(states):
        query = select(t.hashtag).where(t.hashtag.c.name.in_(some))
        states.update((row.name, _state(row)) for row in connection.execute(query))
    return states


def _new_state(name: str) -> HashtagState:
    return HashtagState(
        name=name,
        hashtag_id=None,
        failures=0,
        failure_reason=Reason.NONE,
        paused_at=None,
        latest=None,
    )


def _state(row: Any) -> HashtagState:
    return HashtagState(
        name=row.name,
        hashtag_id=row.tiktok_id,
        failures=row.failures,
        failure_reason=Reason(row.failure_reason),
        paused_at=row.paused_at,
        latest=None if row.read_at is None else hashtag_reading_of(row, row.name),
    )


def _resume(connection: Connection, hashtag: str) -> None:
    clear = {"failures": 0, "refusals": 0, "failure_reason": Reason.NONE, "paused_at": None}
    done = connection.execute(update(t.hashtag).where(t.hashtag.c.name == hashtag).values(clear))
    if not done.rowcount:
        raise NotFound(f"There is no hashtag {hashtag!r}.")


_at = t.hashtag_reading.c.read_at
_KEY = select(t.hashtag.c.id).where(t.hashtag.c.name == bindparam("name")).scalar_subquery()
_OF_HASHTAG = select(t.hashtag_reading).where(t.hashtag_reading.c.hashtag_key == _KEY)
_BETWEEN = Prepared(
    _OF_HASHTAG.where(_at >= bindparam("since"), _at <= bindparam("until")).order_by(_at)
)
_EARLIER = _OF_HASHTAG.where(_at < bindparam("before")).order_by(_at.desc()).limit(1)
_NEWEST = Prepared(_EARLIER)
_UP_TO = Prepared(_EARLIER.where(_at <= bindparam("target")))
_AFTER = Prepared(
    _OF_HASHTAG.where(_at < bindparam("before"), _at > bindparam("target")).order_by(_at).limit(1)
)


def _near(
    connection: Connection,
    hashtag: str,
    target: datetime,
    before: datetime,
    tolerance: timedelta,
) -> HashtagReading | None:
    asked = {"name": hashtag, "target": target, "before": before}
    sides = [query.one(connection, asked) for query in (_UP_TO, _AFTER)]
    near = [row for row in sides if row is not None and abs(row.read_at - target) <= tolerance]
    row = min(near, key=lambda row: abs(row.read_at - target), default=None)
    if row is None:
        row = _NEWEST.one(connection, asked)
    return None if row is None else hashtag_reading_of(row, hashtag)


# --- videos of a campaign -------------------------------------------------------------------------


def known_videos_in(
    connection: Connection, campaign_id: int, some: Select[tuple[int]] | None
) -> list[KnownVideo]:
    """Videos of a campaign whose keys ``some`` selects, or all; by id."""
    rows = connection.execute(_known_videos_query(campaign_id, some)).all()
    if not rows:
        return []
    return _known(connection, rows, feeds_in(connection, campaign_id, some))


def _videos_by_id(
    connection: Connection, campaign_id: int, video_ids: Sequence[str]
) -> list[KnownVideo]:
    """The same of videos that are named, as pages ask for it."""
    asked = {"campaign": campaign_id}
    rows = list(_KNOWN_BY_ID.rows(connection, video_ids, asked))
    feeds = feeds_of_videos(connection, campaign_id, [row[0] for row in rows])
    return sorted(_known(connection, rows, feeds), key=lambda video: video.video_id)


def _known(
    connection: Connection, rows: Sequence[Any], feeds: Mapping[int, Sequence[int]]
) -> list[KnownVideo]:
    keys = {row[1] for row in rows}.union(*feeds.values())
    names = hashtag_names(connection, keys)
    return [known_video_of(row, names, feeds.get(row[0], ())) for row in rows]


_NAMES = PreparedIn(
    t.hashtag.c.id, lambda named: select(t.hashtag.c.id, t.hashtag.c.name).where(named)
)


def hashtag_names(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """Names of hashtags by key."""
    return dict(_NAMES.rows(connection, keys))


def _facts(
    read_since: datetime | None,
    video_ids: Sequence[str] | None,
    high_priority: bool,
    reaching: tuple[float, float] | None,
) -> list[ColumnElement[bool]]:
    """What is asked of the rows of `video` and `campaign_video`."""
    video, found = t.video.c, []
    if read_since is not None:
        found.append(video.read_at >= read_since)
    if video_ids is not None:
        found.append(video.video_id.in_(video_ids))
    if high_priority:
        found.append(t.campaign_video.c.high_priority_at.is_not(None))
    if reaching is not None:
        views, engagement = reaching
        # As floating-point numbers: the sum of three counters may be too large for an integer.
        parts = [cast(video[name], Float) for name in _ENGAGEMENT]
        found.append(or_(video.view_count >= views, parts[0] + parts[1] + parts[2] >= engagement))
    return found


def _some_videos(
    campaign_id: int,
    seen_in_run: int | None,
    facts: Sequence[ColumnElement[bool]],
    feeds: ColumnElement[bool] | None,
) -> Select[tuple[int]] | None:
    """Keys of the campaign's videos that a condition keeps; None where there is none."""
    if seen_in_run is None and not facts and feeds is None:
        return None
    held = t.campaign_video
    query = select(held.c.video_key).where(held.c.campaign_id == campaign_id)
    if feeds is not None:
        query = query.where(held.c.video_key.in_(_seen_in(campaign_id, feeds)))
    if seen_in_run is not None:
        saw = select(t.run_video.c.video_key).where(t.run_video.c.run_id == seen_in_run)
        query = query.where(held.c.video_key.in_(saw))
    if facts:
        query = query.join(t.video, t.video.c.id == held.c.video_key).where(*facts)
    return query


_ENGAGEMENT = ("like_count", "comment_count", "share_count")


def _crowd_query(videos: Select[tuple[int]], campaign_id: int) -> Select[Any]:
    video, held = t.video.c, t.campaign_video
    whole = and_(*(video[name].is_not(None) for name in _ENGAGEMENT))
    sums: list[ColumnElement[Any]] = [func.count()]
    for name in ("view_count", *_ENGAGEMENT):
        counter = video[name] if name == "view_count" else case((whole, video[name]))
        # In two halves: a sum of hostile counters is larger than an integer of the database.
        sums += [
            func.coalesce(func.sum(counter.op(">>")(literal_column("32"))), 0),
            func.coalesce(func.sum(counter.op("&")(literal_column("4294967295"))), 0),
        ]
    return (
        select(*sums)
        .select_from(held.join(t.video, t.video.c.id == held.c.video_key))
        .where(held.c.campaign_id == campaign_id, held.c.video_key.in_(videos))
        .where(video.view_count.is_not(None))
    )


def _crowd(row: Any) -> Crowd:
    count, *halves = (int(value) for value in row)
    pairs = zip(halves[::2], halves[1::2], strict=True)
    views, *engagement = ((high << 32) + low for high, low in pairs)
    return Crowd(count=count, views=views, engagement=sum(engagement))


def feeds_in(
    connection: Connection, campaign_id: int, some: Select[tuple[int]] | None
) -> dict[int, list[int]]:
    """The campaign's hashtags in whose feeds each video was seen, by video key."""
    held, feed = t.campaign_hashtag, t.hashtag_video
    query = (
        select(feed.c.video_key, feed.c.hashtag_key)
        .join(held, held.c.hashtag_key == feed.c.hashtag_key)
        .where(held.c.campaign_id == campaign_id)
        .order_by(held.c.position)
    )
    if some is not None:
        query = query.where(feed.c.video_key.in_(some))
    found: dict[int, list[int]] = {}
    for video_key, hashtag_key in connection.execute(query):
        found.setdefault(video_key, []).append(hashtag_key)
    return found


def feeds_of_videos(
    connection: Connection, campaign_id: int, keys: Iterable[int]
) -> dict[int, list[int]]:
    """The same of videos whose keys are at hand."""
    found: dict[int, list[int]] = {}
    for video_key, hashtag_key in _FEEDS_BY_KEY.rows(connection, keys, {"campaign": campaign_id}):
        found.setdefault(video_key, []).append(hashtag_key)
    return found


def _feeds_of(hashtags: Sequence[str] | None, role: Role | None) -> ColumnElement[bool] | None:
    """Which of a campaign's hashtags are meant; None is all of them."""
    if hashtags is None and role is None:
        return None
    named = true() if hashtags is None else t.hashtag.c.name.in_(hashtags)
    return named if role is None else named & (t.campaign_hashtag.c.role == role)


def _seen_in(campaign_id: int, feeds: ColumnElement[bool]) -> Select[tuple[int]]:
    """Keys of the videos in the feeds of those hashtags of the campaign."""
    held, feed = t.campaign_hashtag, t.hashtag_video
    return (
        select(feed.c.video_key)
        .join(held, held.c.hashtag_key == feed.c.hashtag_key)
        .join(t.hashtag, t.hashtag.c.id == held.c.hashtag_key)
        .where(held.c.campaign_id == campaign_id, feeds)
    )


#: What `known_video_of` reads, in its order.
KNOWN_COLUMNS = (
    t.campaign_video.c.video_key,
    t.campaign_video.c.hashtag_key,
    t.campaign_video.c.first_seen_at,
    t.campaign_video.c.high_priority_at,
    t.video.c.video_id,
    t.video.c.caption,
    t.video.c.created_at,
    t.video.c.read_at,
    t.video.c.view_count,
    t.video.c.like_count,
    t.video.c.comment_count,
    t.video.c.share_count,
    t.video.c.save_count,
    t.video.c.source,
    t.creator.c.creator_key,
    t.creator.c.username,
    t.creator.c.sec_uid,
    t.creator.c.nickname,
    t.creator.c.follower_count,
)


def _known_videos_query(campaign_id: int, some: Select[tuple[int]] | None) -> Select[Any]:
    held, video, creator = t.campaign_video, t.video, t.creator
    query = (
        select(*KNOWN_COLUMNS)
        .join(video, video.c.id == held.c.video_key)
        .join(creator, creator.c.id == video.c.creator_key)
        .where(held.c.campaign_id == campaign_id)
        .order_by(video.c.video_id)
    )
    return query if some is None else query.where(held.c.video_key.in_(some))


_KNOWN_BY_ID = PreparedIn(
    t.video.c.video_id,
    lambda named: (
        select(*KNOWN_COLUMNS)
        .join(t.video, t.video.c.id == t.campaign_video.c.video_key)
        .join(t.creator, t.creator.c.id == t.video.c.creator_key)
        .where(t.campaign_video.c.campaign_id == bindparam("campaign"), named)
    ),
)
_FEEDS_BY_KEY = PreparedIn(
    t.hashtag_video.c.video_key,
    lambda named: (
        select(t.hashtag_video.c.video_key, t.hashtag_video.c.hashtag_key)
        .join(t.campaign_hashtag, t.campaign_hashtag.c.hashtag_key == t.hashtag_video.c.hashtag_key)
        .where(t.campaign_hashtag.c.campaign_id == bindparam("campaign"), named)
        .order_by(t.campaign_hashtag.c.position)
    ),
)


def known_video_of(row: Any, names: Mapping[int, str], feeds: Sequence[int]) -> KnownVideo:
    """A row of `KNOWN_COLUMNS`; names of hashtags by key, and keys of its feeds."""
    # Ten thousand of these make a page: unpacking is cheaper than asking the row name by name.
    (
        _, first, first_seen_at, high_priority_at, video_id, caption, created_at, read_at,
        views, likes, comments, shares, saves, source,
        author_key, username, sec_uid, nickname, followers,
    ) = row  # fmt: skip
    return KnownVideo(
        video_id=video_id,
        hashtag=names[first],
        hashtags=tuple([names[key] for key in feeds]) or (names[first],),
        author_key=author_key,
        author_username=username,
        author_sec_uid=sec_uid,
        author_nickname=nickname,
        author_followers=followers,
        caption=caption,
        created_at=created_at,
        first_seen_at=first_seen_at,
        high_priority_at=high_priority_at,
        read_at=read_at,
        counters=VideoCounters(
            view_count=views,
            like_count=likes,
            comment_count=comments,
            share_count=shares,
            save_count=saves,
            source=source,
        ),
    )


def _nearest_readings(
    campaign_id: int, target: datetime, tolerance: timedelta, some: Select[tuple[int]] | None
) -> Select[Any]:
    """Two seeks by key per video: the last reading up to the target, the first one after it."""
    reading = t.video_reading.alias("near")
    same = reading.c.video_key == t.campaign_video.c.video_key
    at = reading.c.read_at
    before = select(func.max(at)).where(same, at <= target, at >= target - tolerance)
    after = select(func.min(at)).where(same, at > target, at <= target + tolerance)
    held = t.campaign_video.c.campaign_id == campaign_id
    sides = (
        select(
            t.campaign_video.c.video_key,
            before.scalar_subquery().label("before"),
            after.scalar_subquery().label("after"),
        )
        .where(held if some is None else held & t.campaign_video.c.video_key.in_(some))
        .cte("sides")
        # Else each mention of a side would be sought for again.
        .prefix_with("MATERIALIZED")
    )
    is_after_nearer = sides.c.after - target < target - sides.c.before
    nearest = case(
        (sides.c.before.is_(None), sides.c.after),
        (is_after_nearer, sides.c.after),
        else_=sides.c.before,
    )
    found = t.video_reading
    return (
        select(t.video.c.video_id, found)
        .select_from(sides)
        .join(found, (found.c.video_key == sides.c.video_key) & (found.c.read_at == nearest))
        .join(t.video, t.video.c.id == sides.c.video_key)
    )


def _newest_reading_at(connection: Connection, campaign_id: int) -> datetime | None:
    held, watched = t.campaign_video, t.campaign_hashtag
    videos = (
        select(func.max(t.video.c.read_at))
        .join(held, held.c.video_key == t.video.c.id)
        .where(held.c.campaign_id == campaign_id)
    )
    hashtags = (
        select(func.max(t.hashtag.c.read_at))
        .join(watched, watched.c.hashtag_key == t.hashtag.c.id)
        .where(watched.c.campaign_id == campaign_id)
    )
    found = connection.execute(union_all(videos, hashtags)).scalars()
    return max((at for at in found if at is not None), default=None)


# --- reports --------------------------------------------------------------------------------------


def _put_report(connection: Connection, report: StoredReport) -> None:
    keys = {"campaign_id": report.campaign_id, "kind": report.kind, "day": report.on}
    values = {
        "made_at": report.made_at,
        "body": dict(report.body),
        "document": None if report.document is None else list(report.document),
    }
    connection.execute(
        insert(connection, t.report)
        .values(keys | values)
        .on_conflict_do_update(index_elements=list(keys), set_=values)
    )


def report_of(row: Any) -> StoredReport:
    """A row of `report`."""
    return StoredReport(
        campaign_id=row.campaign_id,
        kind=row.kind,
        on=row.day,
        made_at=row.made_at,
        body=row.body,
        document=row.document,
    )
