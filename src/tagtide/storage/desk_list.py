"""Lists of the desk, page by page.

A list is merged from two kinds of rows per campaign: those that somebody has touched, which are
few, and those that nobody has, which are the rest of the campaign's videos. Of each no more is
taken than a page holds, and first only where a row stands in the order: the rows themselves are
read for what is shown.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    type_coerce,
)

from tagtide.core.desk import DeskState
from tagtide.models import Role
from tagtide.ports import (
    DeskChoices,
    DeskCounts,
    DeskPage,
    DeskPlace,
    DeskQuery,
    DeskRow,
    DeskSort,
    KnownVideo,
)
from tagtide.storage import tables as t
from tagtide.storage.prepared import Prepared
from tagtide.storage.readings import (
    KNOWN_COLUMNS,
    feeds_of_videos,
    hashtag_names,
    known_video_of,
)
from tagtide.storage.rows import Topic

_item, _held, _video, _end = t.desk_item.c, t.campaign_video.c, t.video.c, t.desk_end.c
_SAME = (_held.campaign_id == _item.campaign_id) & (_held.video_key == _item.video_key)
#: What a list without a choice of states shows beside new ones of high priority.
_OPEN = frozenset({DeskState.SHORTLISTED, DeskState.ASKED, DeskState.GRANTED})


class DeskLists(Topic):
    """The part of the store that lists the desk."""

    async def desk_page(self, query: DeskQuery) -> DeskPage:
        """Rows in order; every video of a campaign's own hashtags is on its desk."""
        return await self._db.read(lambda c: _page(c, query))

    async def desk_counts(self, campaign_ids: Sequence[int], now: datetime) -> DeskCounts:
        """How many videos stand where."""
        return await self._db.read(lambda c: _counts(c, campaign_ids, now))

    async def desk_choices(self, campaign_ids: Sequence[int]) -> DeskChoices:
        """Assignees and labels in use."""
        return await self._db.read(lambda c: _choices(c, campaign_ids))


def _page(connection: Connection, query: DeskQuery) -> DeskPage:
    arms = [connection.execute(arm).all() for arm in _arms(connection, query)]
    merged = islice(heapq.merge(*arms, key=_order), query.limit + 1)
    found = [DeskPlace(*row) for row in merged]
    shown = found[: query.limit]
    rows = _rows(connection, shown, query.now)
    return DeskPage(rows=rows, next=shown[-1] if len(found) > query.limit else None)


def _order(row: Any) -> tuple[int, int, int]:
    key, campaign_id, video_key = row
    return -key, -campaign_id, -video_key


# --- which rows, as places ------------------------------------------------------------------------


def _state(now: datetime) -> ColumnElement[str]:
    """The state with what time has made of it."""
    is_over = (_item.state == DeskState.GRANTED) & (_item.ends_at <= now)
    return case((is_over, literal(DeskState.EXPIRED.value)), else_=_item.state)


def _next_end(now: datetime) -> ColumnElement[Any]:
    mine = (_end.campaign_id == _held.campaign_id, _end.video_key == _held.video_key)
    return (
        select(func.min(_end.at, type_=t.Instant))
        .where(*mine, _end.at > now)
        .correlate(t.campaign_video)
        .scalar_subquery()
    )


def _arms(connection: Connection, query: DeskQuery) -> Iterator[Select[Any]]:
    """Per campaign the touched and the untouched rows, each no more than a page."""
    wanted = _OPEN | {DeskState.NEW} if query.states is None else query.states
    facts = _facts(connection, query)
    for campaign_id in query.campaign_ids:
        yield _finished(_touched(campaign_id, query, wanted).where(*facts), campaign_id, query)
        is_ending = query.ends_before is not None or query.sort is DeskSort.ENDS
        needs_a_row = is_ending or query.label is not None or query.assignee
        if DeskState.NEW in wanted and not needs_a_row:
            arm = _untouched(campaign_id).where(*facts)
            if query.states is None:
                arm = arm.where(_held.high_priority_at.is_not(None))
            yield _finished(arm, campaign_id, query, is_touched=False)


def _touched(campaign_id: int, query: DeskQuery, wanted: frozenset[DeskState]) -> Select[Any]:
    # Told twice: as it is stored, for the index, and as time has made it.
    stored = {DeskState.GRANTED if one is DeskState.EXPIRED else one for one in wanted}
    arm = (
        select()
        .select_from(t.desk_item.join(t.campaign_video, _SAME))
        .where(_item.campaign_id == campaign_id, _item.state.in_(sorted(stored)))
        .where(_state(query.now).in_(sorted(wanted)))
    )
    if query.states is None:
        arm = arm.where(or_(_item.state != DeskState.NEW, _held.high_priority_at.is_not(None)))
    if query.assignee is not None:
        who = _item.assignee == query.assignee if query.assignee else _item.assignee.is_(None)
        arm = arm.where(who)
    if query.label is not None:
        label = t.desk_label.c
        mine = (label.campaign_id == campaign_id, label.label == query.label)
        arm = arm.where(_item.video_key.in_(select(label.video_key).where(*mine)))
    if query.ends_before is not None:
        soon = (_end.campaign_id == campaign_id, _end.at > query.now, _end.at <= query.ends_before)
        arm = arm.where(_item.video_key.in_(select(_end.video_key).where(*soon)))
    return arm


def _untouched(campaign_id: int) -> Select[Any]:
    touched = exists(select(1).select_from(t.desk_item).where(_SAME).correlate(t.campaign_video))
    return (
        select()
        .select_from(t.campaign_video)
        .where(_held.campaign_id == campaign_id, not_(touched), _own(campaign_id))
    )


def _own(campaign_id: Any) -> ColumnElement[bool]:
    """Not only seen in the feeds of competitors' hashtags."""
    first, feed = t.campaign_hashtag.c, t.hashtag_video.c
    theirs = select(first.hashtag_key).where(
        first.campaign_id == campaign_id, first.role == Role.COMPETITOR.value
    )
    seen = exists(
        select(1)
        .select_from(
            t.hashtag_video.join(t.campaign_hashtag, first.hashtag_key == feed.hashtag_key)
        )
        .where(first.campaign_id == campaign_id, first.role == Role.OWN.value)
        .where(feed.video_key == _held.video_key)
        .correlate(t.campaign_video)
    )
    return or_(_held.hashtag_key.not_in(theirs), seen)


def _facts(connection: Connection, query: DeskQuery) -> list[ColumnElement[bool]]:
    """What is asked of the video itself."""
    creator = t.creator.c
    found: list[ColumnElement[bool]] = []
    if query.high_priority:
        found.append(_held.high_priority_at.is_not(None))
    if query.creator is not None:
        named = select(creator.id).where(func.lower(creator.username) == query.creator.lower())
        made = select(_video.id).where(_video.creator_key.in_(named))
        found.append(_held.video_key.in_(made))
    if query.text is not None:
        found.append(_held.video_key.in_(_with_text(connection, query.text)))
    if query.hashtag is not None:
        feed = t.hashtag_video.c
        named = select(t.hashtag.c.id).where(t.hashtag.c.name == query.hashtag)
        seen = (feed.hashtag_key.in_(named), feed.video_key == _held.video_key)
        inside = select(1).select_from(t.hashtag_video).where(*seen)
        found.append(exists(inside.correlate(t.campaign_video)))
    return found


def _with_text(connection: Connection, wanted: str) -> Select[Any]:
    """Videos with a text in the caption or in the handle of their creator."""

    def holds(column: Any) -> ColumnElement[bool]:
        # The LIKE of SQLite does not look at the case of ASCII: lower() twice would only take time.
        find = column.contains if connection.dialect.name == "sqlite" else column.icontains
        return find(wanted, autoescape=True)  # type: ignore[no-any-return]

    by_handle = select(t.creator.c.id).where(holds(t.creator.c.username))
    return select(_video.id).where(or_(holds(_video.caption), _video.creator_key.in_(by_handle)))


def _finished(
    arm: Select[Any], campaign_id: int, query: DeskQuery, *, is_touched: bool = True
) -> Select[Any]:
    """With the order, and where to begin."""
    key: ColumnElement[Any] = type_coerce(_held.first_seen_at, BigInteger)
    order: list[ColumnElement[Any]] = [_held.first_seen_at.desc(), _held.video_key.desc()]
    if query.sort is DeskSort.VIEWS:
        arm = arm.join(t.video, _video.id == _held.video_key)
        key = func.coalesce(_video.view_count, literal(-1, BigInteger))
        order[0] = key.desc()
    elif query.sort is DeskSort.CHANGED and is_touched:
        key = type_coerce(_item.changed_at, BigInteger)
        order[0] = key.desc()
    elif query.sort is DeskSort.ENDS:
        ends = _ends_after(query.now, campaign_id)
        arm = arm.join(ends, ends.c.video_key == _held.video_key)
        key = -type_coerce(ends.c.at, BigInteger)
        order[0] = key.desc()
    if (place := query.after) is not None:
        arm = arm.where(_behind(key, campaign_id, place))
    arm = arm.add_columns(key, literal(campaign_id, BigInteger), _held.video_key)
    return arm.order_by(*order).limit(query.limit + 1)


def _ends_after(now: datetime, campaign_id: int) -> Any:
    """What ends next, by video."""
    return (
        select(_end.video_key, func.min(_end.at, type_=t.Instant).label("at"))
        .where(_end.campaign_id == campaign_id, _end.at > now)
        .group_by(_end.video_key)
        .subquery()
    )


def _behind(key: ColumnElement[Any], campaign_id: int, place: DeskPlace) -> ColumnElement[bool]:
    if campaign_id < place.campaign_id:
        return key <= place.key
    if campaign_id > place.campaign_id:
        return key < place.key
    return and_(key <= place.key, or_(key < place.key, _held.video_key < place.video_key))


# --- the rows of a page ---------------------------------------------------------------------------


def _rows(
    connection: Connection, places: Sequence[DeskPlace], now: datetime
) -> tuple[DeskRow, ...]:
    found: dict[tuple[int, int], DeskRow] = {}
    for campaign_id in {place.campaign_id for place in places}:
        keys = [place.video_key for place in places if place.campaign_id == campaign_id]
        feeds = feeds_of_videos(connection, campaign_id, keys)
        labels = _labels(connection, campaign_id, keys)
        rows = connection.execute(_whole(campaign_id, keys, now)).all()
        names = hashtag_names(connection, {row[1] for row in rows}.union(*feeds.values()))
        for row in rows:
            key = row[0]
            video = known_video_of(row[: len(KNOWN_COLUMNS)], names, feeds.get(key, ()))
            found[campaign_id, key] = _row(campaign_id, row, video, labels.get(key, ()))
    return tuple(found[place.campaign_id, place.video_key] for place in places)


def _whole(campaign_id: int, keys: Sequence[int], now: datetime) -> Select[Any]:
    return (
        select(
            *KNOWN_COLUMNS,
            func.coalesce(_state(now), DeskState.NEW.value).label("state"),
            func.coalesce(_item.version, 0).label("version"),
            _item.assignee,
            _item.asked_at,
            _item.changed_at,
            _item.changed_by,
            _next_end(now).label("next_end_at"),
        )
        .select_from(t.campaign_video)
        .join(t.desk_item, _SAME, isouter=True)
        .join(t.video, _video.id == _held.video_key)
        .join(t.creator, t.creator.c.id == _video.creator_key)
        .where(_held.campaign_id == campaign_id, _held.video_key.in_(keys))
    )


def _labels(connection: Connection, campaign_id: int, keys: Sequence[int]) -> dict[int, list[str]]:
    label = t.desk_label.c
    found: dict[int, list[str]] = {}
    mine = (label.campaign_id == campaign_id, label.video_key.in_(keys))
    for row in connection.execute(select(t.desk_label).where(*mine).order_by(label.label)):
        found.setdefault(row.video_key, []).append(row.label)
    return found


def _row(campaign_id: int, row: Any, video: KnownVideo, labels: Sequence[str]) -> DeskRow:
    return DeskRow(
        campaign_id=campaign_id,
        video=video,
        state=DeskState(row.state),
        version=row.version,
        assignee=row.assignee,
        labels=tuple(labels),
        asked_at=row.asked_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        next_end_at=row.next_end_at,
    )


# --- counts and choices ---------------------------------------------------------------------------


def _counts(connection: Connection, campaign_ids: Sequence[int], now: datetime) -> DeskCounts:
    states = dict.fromkeys(DeskState, 0)
    touched = (
        select(_state(now).label("state_now"), func.count())
        .where(_item.campaign_id.in_(campaign_ids))
        .group_by(text("state_now"))
    )
    for state, count in connection.execute(touched):
        states[DeskState(state)] += count
    new_high = 0
    for campaign_id in campaign_ids:
        # Those that nobody touched, without looking each of them up.
        asked = {"campaign": campaign_id}
        everything, high = _HELD.one(connection, asked)
        known, judged = _TOUCHED.one(connection, asked)
        states[DeskState.NEW] += everything - known
        new_high += high - (judged or 0)
    return DeskCounts(states=states, new_high_priority=new_high)


_CAMPAIGN = bindparam("campaign", type_=BigInteger)
_IS_JUDGED = (_item.state != DeskState.NEW.value) & _held.high_priority_at.is_not(None)
_HELD = Prepared(
    select(func.count().label("videos"), func.count(_held.high_priority_at).label("high"))
    .select_from(t.campaign_video)
    .where(_held.campaign_id == _CAMPAIGN, _own(_CAMPAIGN))
)
_TOUCHED = Prepared(
    select(func.count().label("videos"), func.sum(case((_IS_JUDGED, 1), else_=0)).label("judged"))
    .select_from(t.desk_item.join(t.campaign_video, _SAME))
    .where(_held.campaign_id == _CAMPAIGN, _own(_CAMPAIGN))
)


def _choices(connection: Connection, campaign_ids: Sequence[int]) -> DeskChoices:
    who = select(_item.assignee).where(
        _item.campaign_id.in_(campaign_ids), _item.assignee.is_not(None)
    )
    label = t.desk_label.c
    labels = select(label.label).where(label.campaign_id.in_(campaign_ids))
    return DeskChoices(
        assignees=tuple(connection.execute(who.distinct().order_by(_item.assignee)).scalars()),
        labels=tuple(connection.execute(labels.distinct().order_by(label.label)).scalars()),
    )
