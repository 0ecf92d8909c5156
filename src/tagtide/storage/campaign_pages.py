"""What the pages of a campaign read: newest counters, sums of six hours, pieces by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
    type_coerce,
)

from tagtide.errors import NotFound
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    Creator,
    HashtagLevel,
    HashtagReading,
    Job,
    Reason,
    Role,
    Status,
)
from tagtide.ports import (
    CampaignName,
    GainPoint,
    HashtagAt,
    ReportName,
    SlotOutcome,
    StoredReport,
    VideoFigures,
)
from tagtide.storage import tables as t
from tagtide.storage.alerts import alert_of
from tagtide.storage.campaigns import one_by_id
from tagtide.storage.prepared import Prepared, PreparedIn
from tagtide.storage.readings import report_of
from tagtide.storage.rows import Topic, hashtag_reading_of, level_columns
from tagtide.storage.tables import Instant

#: How far back an earlier reading is looked for.
_LONGEST_SILENCE = timedelta(days=10)


class CampaignPages(Topic):
    """The part of the store behind the pages of campaigns, hashtags and reports."""

    async def campaign_by_id(self, campaign_id: int) -> Campaign:
        """One in service. Raises `NotFound`."""
        return await self._db.read(lambda c: one_by_id(c, campaign_id))

    async def campaign_names(self, hashtags: int = 20) -> list[CampaignName]:
        """All in service, by name, each with so many of its hashtags."""
        return await self._db.read(lambda c: _names(c, hashtags))

    async def hashtags_at(self, campaign_id: int, instants: Sequence[datetime]) -> list[HashtagAt]:
        """Hashtags of a campaign, in its order, at the newest readings up to these instants."""
        return await self._db.read(lambda c: _hashtags_at(c, campaign_id, instants))

    async def gains(
        self,
        campaign_id: int,
        since: datetime,
        until: datetime,
        *,
        every: int = 1,
        apart: Sequence[str] = (),
    ) -> list[GainPoint]:
        """Growth in order of time: of the own hashtags together, of each one in ``apart``."""
        return await self._db.read(lambda c: _gains(c, campaign_id, (since, until), every, apart))

    async def hashtag_curves(
        self, campaign_id: int, hashtags: Sequence[str], since: datetime
    ) -> dict[str, list[tuple[datetime, int | None]]]:
        """By hashtag, growth of views in each six hours from ``since`` on."""

        def curves(connection: Connection) -> dict[str, list[tuple[datetime, int | None]]]:
            found: dict[str, list[tuple[datetime, int | None]]] = {}
            asked = {"campaign": campaign_id, "since": since}
            for name, at, level, change in _CURVES.rows(connection, hashtags, asked, tuple):
                found.setdefault(name, []).append((at, change if level is not None else None))
            return found

        return await self._db.read(curves) if hashtags else {}

    async def video_figures(
        self, campaign_id: int, since: datetime, until: datetime
    ) -> list[VideoFigures]:
        """Every video seen in the feed of a hashtag of the campaign."""
        asked = {"campaign": campaign_id, "since": since, "until": until}
        return await self._db.read(lambda c: _FIGURES.rows(c, asked, _figures))

    async def own_video_counts(
        self, campaign_id: int, spans: Sequence[tuple[datetime, datetime]]
    ) -> list[int]:
        """Videos in the feeds of own hashtags first seen in each span (begin, end]."""
        return await self._db.read(lambda c: _seen(c, campaign_id, spans))

    async def top_videos(
        self, campaign_id: int, since: datetime, until: datetime, limit: int
    ) -> list[str]:
        """Ids of videos in the feeds of own hashtags, first seen in (since, until]."""
        asked = {"campaign": campaign_id, "since": since, "until": until, "most": limit}
        return await self._db.read(lambda c: [row.video_id for row in _LARGEST.rows(c, asked)])

    async def published_in(
        self, spans: Mapping[int, tuple[datetime, datetime]], *, campaign_id: int | None = None
    ) -> dict[int, int]:
        """By key of a hashtag, how many videos in its feed were published in its span."""
        return await self._db.read(lambda c: _published(c, spans, campaign_id)) if spans else {}

    async def published_under(self, hashtag: str, since: datetime, until: datetime) -> int:
        """How many videos in the feed of a hashtag were published in (since, until]."""
        asked = {"name": hashtag, "since": since, "until": until}
        return await self._db.read(lambda c: int(_PUBLISHED_UNDER.one(c, asked)[0]))

    async def creators_by_key(self, keys: Sequence[int]) -> dict[int, Creator]:
        """Creators of `VideoFigures`, by their key there."""
        return await self._db.read(
            lambda c: {row.id: _creator(row) for row in _CREATORS.rows(c, keys)}
        )

    async def campaign_alerts(
        self,
        campaign_id: int,
        *,
        hashtag: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> list[Alert]:
        """Alerts that fired, newest first; those still on or that began after ``since``."""
        alert = t.alert.c
        query = (
            select(t.alert)
            .where(alert.campaign_id == campaign_id, alert.fired_at.is_not(None))
            .order_by(alert.opened_at.desc(), alert.alert_id)
            .limit(limit)
        )
        if hashtag is not None:
            query = query.where(alert.hashtag == hashtag)
        if since is not None:
            query = query.where(
                (alert.opened_at > since) | (alert.state == AlertState.FIRING.value)
            )
        return await self._db.read(lambda c: [alert_of(row) for row in c.execute(query)])

    async def newest_readings(
        self, hashtag: str, before: datetime, limit: int
    ) -> list[HashtagReading]:
        """Readings strictly before an instant, newest first."""
        asked = {"name": hashtag, "before": before, "most": limit}
        return await self._db.read(
            lambda c: [hashtag_reading_of(row, hashtag) for row in _NEWEST.rows(c, asked)]
        )

    async def window_readings(
        self, hashtag: str, since: datetime, until: datetime
    ) -> list[HashtagReading]:
        """The last reading of each six hours, in order of time, both ends included."""
        asked = {"name": hashtag, "since": since, "until": until}
        return await self._db.read(
            lambda c: [hashtag_reading_of(row, hashtag) for row in _OF_WINDOWS.rows(c, asked)]
        )

    async def slot_outcomes(
        self, hashtag: str, job: Job, since: datetime, until: datetime
    ) -> list[SlotOutcome]:
        """Outcomes of a hashtag's slots, in order of time."""
        asked = {"name": hashtag, "job": job.value, "since": since, "until": until}
        return await self._db.read(lambda c: [_slot(row, job) for row in _SLOTS.rows(c, asked)])

    async def top_in_feed(self, campaign_id: int, hashtag: str, limit: int) -> list[str]:
        """Ids of the campaign's videos in the feed of a hashtag, most views first."""
        asked = {"campaign": campaign_id, "name": hashtag, "most": limit}
        return await self._db.read(lambda c: [row.video_id for row in _TOP.rows(c, asked)])

    async def feed_size(self, campaign_id: int, hashtag: str) -> int:
        """How many of the campaign's videos were seen in the feed of a hashtag."""
        asked = {"campaign": campaign_id, "name": hashtag}
        return await self._db.read(lambda c: int(_FEED_SIZE.one(c, asked)[0]))

    async def report_names(
        self,
        *,
        campaign_id: int | None = None,
        kind: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[ReportName]:
        """Stored reports of campaigns in service, newest first."""
        report = t.report.c
        query = (
            select(
                report.campaign_id,
                report.kind,
                report.day,
                report.made_at,
                report.document.is_not(None),
            )
            .join_from(t.report, t.campaign, t.campaign.c.id == report.campaign_id)
            .where(t.campaign.c.removed_at.is_(None))
            .order_by(report.day.desc(), report.campaign_id, report.kind)
            .limit(limit)
            .offset(offset)
        )
        if campaign_id is not None:
            query = query.where(report.campaign_id == campaign_id)
        if kind is not None:
            query = query.where(report.kind == kind)
        return await self._db.read(
            lambda c: [
                ReportName(
                    campaign_id=row[0],
                    kind=row[1],
                    on=row[2],
                    made_at=row[3],
                    has_document=bool(row[4]),
                )
                for row in c.execute(query)
            ]
        )

    async def report_on(self, campaign_id: int, kind: str, on: date) -> StoredReport:
        """One stored report. Raises `NotFound`."""
        report = t.report.c
        query = select(t.report).where(
            report.campaign_id == campaign_id, report.kind == kind, report.day == on
        )
        row = await self._db.read(lambda c: c.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"There is no {kind[:20]} report of {on}.")
        return report_of(row)


# --- campaigns and their hashtags -----------------------------------------------------------------

_held, _hashtag, _window, _reading = (
    t.campaign_hashtag.c,
    t.hashtag.c,
    t.hashtag_window.c,
    t.hashtag_reading.c,
)
_NAMES = Prepared(
    select(t.campaign.c.id, t.campaign.c.name, _hashtag.name)
    .select_from(t.campaign)
    .outerjoin(
        t.campaign_hashtag,
        and_(_held.campaign_id == t.campaign.c.id, _held.position < bindparam("most")),
    )
    .outerjoin(t.hashtag, _hashtag.id == _held.hashtag_key)
    .where(t.campaign.c.removed_at.is_(None))
    .order_by(t.campaign.c.name, t.campaign.c.id, _held.position)
)


def _names(connection: Connection, most: int) -> list[CampaignName]:
    names: dict[int, str] = {}
    tags: dict[int, list[str]] = {}
    for number, name, tag in _NAMES.rows(connection, {"most": most}):
        names[number] = name
        tags.setdefault(number, []).extend([tag] if tag is not None else [])
    return [
        CampaignName(campaign_id=number, name=name, hashtags=tuple(tags[number]))
        for number, name in names.items()
    ]


_OF_CAMPAIGN = Prepared(
    select(
        _hashtag.id,
        _hashtag.name,
        _held.role,
        _hashtag.paused_at,
        _hashtag.failures,
        _hashtag.failure_reason,
        *level_columns(t.hashtag),
    )
    .join_from(t.campaign_hashtag, t.hashtag, _hashtag.id == _held.hashtag_key)
    .where(_held.campaign_id == bindparam("campaign"))
    .order_by(_held.position)
)
_earlier = t.hashtag_reading.alias("earlier").c
_AT = Prepared(
    select(_reading.hashtag_key, *level_columns(t.hashtag_reading))
    .join_from(t.campaign_hashtag, t.hashtag_reading, _reading.hashtag_key == _held.hashtag_key)
    .where(_held.campaign_id == bindparam("campaign"))
    .where(
        _reading.read_at
        == select(_earlier.read_at)
        .where(_earlier.hashtag_key == _held.hashtag_key)
        .where(_earlier.read_at <= bindparam("at"), _earlier.read_at >= bindparam("since"))
        .order_by(_earlier.read_at.desc())
        .limit(1)
        .correlate(t.campaign_hashtag)
        .scalar_subquery()
    )
)

_FIRST_AFTER = Prepared(
    select(_reading.hashtag_key, *level_columns(t.hashtag_reading))
    .join_from(t.campaign_hashtag, t.hashtag_reading, _reading.hashtag_key == _held.hashtag_key)
    .where(_held.campaign_id == bindparam("campaign"))
    .where(
        _reading.read_at
        == select(_earlier.read_at)
        .where(_earlier.hashtag_key == _held.hashtag_key, _earlier.read_at > bindparam("at"))
        .order_by(_earlier.read_at)
        .limit(1)
        .correlate(t.campaign_hashtag)
        .scalar_subquery()
    )
)


def _hashtags_at(
    connection: Connection, campaign_id: int, instants: Sequence[datetime]
) -> list[HashtagAt]:
    rows = _OF_CAMPAIGN.rows(connection, {"campaign": campaign_id}, tuple)
    found = []
    for number, at in enumerate(instants):
        asked = {"campaign": campaign_id, "at": at, "since": at - _LONGEST_SILENCE}
        earlier = {
            key: HashtagLevel._make(level) for key, *level in _AT.rows(connection, asked, tuple)
        }
        if number == 0 and len(earlier) < len(rows):
            asked = {"campaign": campaign_id, "at": at}
            for key, *level in _FIRST_AFTER.rows(connection, asked, tuple):
                earlier.setdefault(key, HashtagLevel._make(level))
        found.append(earlier)
    return [
        HashtagAt(
            hashtag=name,
            hashtag_key=key,
            role=Role(role),
            paused_at=paused_at,
            failures=failures,
            failure_reason=Reason(reason),
            latest=None if level[1] is None else HashtagLevel._make(level),
            readings=tuple([readings.get(key) for readings in found]),
        )
        for key, name, role, paused_at, failures, reason, *level in rows
    ]


# --- growth ---------------------------------------------------------------------------------------


def _gains(
    connection: Connection,
    campaign_id: int,
    asked: tuple[datetime, datetime],
    every: int,
    apart: Sequence[str],
) -> list[GainPoint]:
    since, until = asked
    bound = {"campaign": campaign_id, "since": since, "until": until}
    rows = [(None, *row) for row in _TOGETHER.rows(connection, bound, tuple)]
    rows += _APART.rows(connection, apart, bound, tuple) if apart else []
    size = t.micros_of(timedelta(hours=6) * every)
    found: dict[tuple[int, str], list[Any]] = {}
    for name, at, views, videos, corrections, hashtags in rows:
        begin = at // size * size
        sums = found.setdefault((begin, name or ""), [name, 0, 0, 0, 0])
        sums[1] += views
        sums[2] += videos
        sums[3] += corrections
        sums[4] = max(sums[4], hashtags)
    return [
        GainPoint(
            hashtag=name,
            begins_at=t.from_micros(begin),
            new_views=int(views),
            new_videos=int(videos),
            corrections=corrections,
            hashtags=hashtags,
        )
        for (begin, _), (name, views, videos, corrections, hashtags) in sorted(found.items())
    ]


_sums = t.campaign_window.c
_TOGETHER = Prepared(
    select(
        # Plain numbers: they are cut into stretches.
        type_coerce(_sums.window_at, BigInteger).label("window_at"),
        _sums.view_change,
        _sums.video_change,
        _sums.corrections,
        _sums.hashtags,
    )
    .where(_sums.campaign_id == bindparam("campaign"))
    .where(_sums.window_at >= bindparam("since"), _sums.window_at < bindparam("until"))
)
_APART = PreparedIn(
    _hashtag.name,
    lambda named: (
        select(
            _hashtag.name,
            type_coerce(_window.window_at, BigInteger).label("window_at"),
            _window.view_change,
            _window.video_change,
            _window.corrections,
            literal_column("1"),
        )
        .join_from(t.campaign_hashtag, t.hashtag, _hashtag.id == _held.hashtag_key)
        .join(t.hashtag_window, _window.hashtag_key == _held.hashtag_key)
        .where(_held.campaign_id == bindparam("campaign"), named)
        .where(_held.role == Role.COMPETITOR.value, _window.readings > 0)
        .where(_window.window_at >= bindparam("since"), _window.window_at < bindparam("until"))
    ),
)


_CURVES = PreparedIn(
    _hashtag.name,
    lambda named: (
        select(_hashtag.name, _window.window_at, _window.last_view_count, _window.view_change)
        .join_from(t.campaign_hashtag, t.hashtag, _hashtag.id == _held.hashtag_key)
        .join(t.hashtag_window, _window.hashtag_key == _held.hashtag_key)
        .where(_held.campaign_id == bindparam("campaign"), named)
        .where(_window.window_at >= bindparam("since"))
        .order_by(_hashtag.id, _window.window_at)
    ),
)


# --- videos and their creators --------------------------------------------------------------------


_feed, _video, _of_campaign = t.hashtag_video.c, t.video.c, t.campaign_video.c


def _in_feeds(role: Role) -> Any:
    """Whether a video of the campaign was seen in the feed of one of its hashtags."""
    of_role = (_held.campaign_id == bindparam("campaign")) & (_held.role == role.value)
    elsewhere = (
        select(_feed.video_key)
        .join_from(t.campaign_hashtag, t.hashtag_video, _feed.hashtag_key == _held.hashtag_key)
        .where(of_role, _feed.video_key == _of_campaign.video_key)
        .correlate(t.campaign_video)
    )
    # Nearly always it is where it was seen first.
    return _of_campaign.hashtag_key.in_(select(_held.hashtag_key).where(of_role)) | exists(
        elsewhere
    )


#: Past `_make`, which is a call more for each of ten thousand.
_figures: Callable[[Iterable[Any]], VideoFigures] = partial(tuple.__new__, VideoFigures)
_COUNTERS = ("view_count", "like_count", "comment_count", "share_count", "save_count")
_FIGURES = Prepared(
    select(
        _video.video_id,
        _video.creator_key,
        *(_video[name] for name in _COUNTERS),
        # Plain numbers: a conversion of ten thousand values would cost more than reading them.
        case(
            (
                (_of_campaign.first_seen_at > bindparam("since"))
                & (_of_campaign.first_seen_at <= bindparam("until")),
                1,
            ),
            else_=0,
        ).label("is_new"),
        case((_in_feeds(Role.OWN), 1), else_=0).label("is_own"),
    )
    .join_from(t.campaign_video, t.video, _video.id == _of_campaign.video_key)
    .where(_of_campaign.campaign_id == bindparam("campaign"))
    .where(_in_feeds(Role.OWN) | _in_feeds(Role.COMPETITOR))
)
#: Spans that one pass over the videos counts.
_SPANS = 3


def _in_span(number: int) -> Any:
    at = _of_campaign.first_seen_at
    is_in = (at > bindparam(f"since{number}")) & (at <= bindparam(f"until{number}"))
    return func.coalesce(func.sum(case((is_in, 1), else_=0)), 0).label(f"span{number}")


_SEEN = Prepared(
    select(*map(_in_span, range(_SPANS)))
    .select_from(t.campaign_video)
    .where(_of_campaign.campaign_id == bindparam("campaign"), _in_feeds(Role.OWN))
)


def _seen(
    connection: Connection, campaign_id: int, spans: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    found: list[int] = []
    for start in range(0, len(spans), _SPANS):
        some = list(spans[start : start + _SPANS])
        asked: dict[str, Any] = {"campaign": campaign_id}
        for number in range(_SPANS):
            since, until = some[number] if number < len(some) else some[-1]
            asked |= {f"since{number}": since, f"until{number}": until}
        found += [int(count) for count in _SEEN.one(connection, asked)][: len(some)]
    return found


_LARGEST = Prepared(
    select(_video.video_id)
    .join_from(t.campaign_video, t.video, _video.id == _of_campaign.video_key)
    .where(_of_campaign.campaign_id == bindparam("campaign"), _in_feeds(Role.OWN))
    .where(_of_campaign.first_seen_at > bindparam("since"))
    .where(_of_campaign.first_seen_at <= bindparam("until"), _video.view_count.is_not(None))
    .order_by(_video.view_count.desc(), _video.video_id)
    .limit(bindparam("most", type_=BigInteger))
)
#: Spans up to this are read by an index of instants, as much less than all lies in them.
_LATELY = timedelta(days=10)
_published_at = type_coerce(_video.created_at, BigInteger)
_PUBLISHED = select(_feed.hashtag_key, _published_at.label("published_at")).join_from(
    t.video, t.hashtag_video, _feed.video_key == _video.id
)
#: By the index of instants: much less than what a campaign holds was published in a few days.
_PUBLISHED_LATELY = Prepared(
    _PUBLISHED.where(
        _video.created_at > bindparam("since"), _video.created_at <= bindparam("until")
    )
)
#: By the feeds: the sum keeps the index of instants out of it.
_PUBLISHED_IN = Prepared(
    select(_feed.hashtag_key, func.count())
    .join_from(t.video, t.hashtag_video, _feed.video_key == _video.id)
    .join(t.campaign_hashtag, _held.hashtag_key == _feed.hashtag_key)
    .where(_held.campaign_id == bindparam("campaign"), _held.role == Role.OWN.value)
    .where(_published_at + 0 > bindparam("since", type_=Instant))
    .where(_video.created_at <= bindparam("until"))
    .group_by(_feed.hashtag_key)
)


def _published(
    connection: Connection,
    spans: Mapping[int, tuple[datetime, datetime]],
    campaign_id: int | None,
) -> dict[int, int]:
    """A run reads its hashtags within minutes: what lies between the latest begin and the earliest
    end lies in every span, and only the little around that is looked at one by one."""
    begins, ends = zip(*spans.values(), strict=True)
    since, until, found = max(begins), min(ends), Counter[int]()
    if campaign_id is None or until - since <= _LATELY:
        around = [(min(begins), max(ends))]
    else:
        asked = {"campaign": campaign_id, "since": since, "until": until}
        found.update(dict(_PUBLISHED_IN.rows(connection, asked, tuple)))
        around = [(min(begins), since), (until, max(ends))]
    micros = {key: (t.to_micros(begin), t.to_micros(end)) for key, (begin, end) in spans.items()}
    for first, last in around:
        asked = {"since": first, "until": last}
        for key, at in _PUBLISHED_LATELY.rows(connection, asked, tuple) if first < last else ():
            begin, end = micros.get(key, _NEVER)
            if begin < at <= end:
                found[key] += 1
    return {key: count for key, count in found.items() if key in spans}


#: The span of a hashtag that was not asked for.
_NEVER = (1, 0)


_CREATORS = PreparedIn(t.creator.c.id, lambda named: select(t.creator).where(named))


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


# --- one hashtag ----------------------------------------------------------------------------------

_KEY = select(_hashtag.id).where(_hashtag.name == bindparam("name")).scalar_subquery()
_NEWEST = Prepared(
    select(t.hashtag_reading)
    .where(_reading.hashtag_key == _KEY, _reading.read_at < bindparam("before"))
    .order_by(_reading.read_at.desc())
    .limit(bindparam("most", type_=BigInteger))
)
_OF_WINDOWS = Prepared(
    select(t.hashtag_reading)
    .join_from(
        t.hashtag_window,
        t.hashtag_reading,
        and_(_reading.hashtag_key == _window.hashtag_key, _reading.read_at == _window.last_read_at),
    )
    .where(_window.hashtag_key == _KEY)
    .where(_window.last_read_at >= bindparam("since"), _window.last_read_at <= bindparam("until"))
    .order_by(_window.window_at)
)
_SLOTS = Prepared(
    select(
        t.slot.c.slot_at,
        t.slot.c.run_id,
        t.run_hashtag.c.status,
        t.run_hashtag.c.reason,
        t.run_hashtag.c.detail,
    )
    .join_from(
        t.slot,
        t.run_hashtag,
        and_(
            t.run_hashtag.c.run_id == t.slot.c.run_id,
            t.run_hashtag.c.hashtag_key == t.slot.c.hashtag_key,
        ),
    )
    .where(t.slot.c.job == bindparam("job"), t.slot.c.hashtag_key == _KEY)
    .where(t.slot.c.slot_at >= bindparam("since"), t.slot.c.slot_at <= bindparam("until"))
    .order_by(t.slot.c.slot_at)
)


def _slot(row: Any, job: Job) -> SlotOutcome:
    return SlotOutcome(
        job=job,
        slot_at=row.slot_at,
        run_id=row.run_id,
        status=Status(row.status),
        reason=Reason(row.reason),
        detail=row.detail,
    )


_IN_FEED = (
    select(t.video.c.video_id)
    .join_from(
        t.hashtag_video,
        t.campaign_video,
        and_(
            t.campaign_video.c.video_key == t.hashtag_video.c.video_key,
            t.campaign_video.c.campaign_id == bindparam("campaign"),
        ),
    )
    .join(t.video, t.video.c.id == t.hashtag_video.c.video_key)
    .where(t.hashtag_video.c.hashtag_key == _KEY)
)
_TOP = Prepared(
    _IN_FEED.order_by(func.coalesce(t.video.c.view_count, -1).desc(), t.video.c.video_id).limit(
        bindparam("most", type_=BigInteger)
    )
)
_PUBLISHED_UNDER = Prepared(
    select(func.count())
    .select_from(t.hashtag_video.join(t.video, _video.id == _feed.video_key))
    .where(_feed.hashtag_key == _KEY)
    .where(_video.created_at > bindparam("since"), _video.created_at <= bindparam("until"))
)
_FEED_SIZE = Prepared(_IN_FEED.with_only_columns(func.count()))
