"""The review desk: a list, and one video of it with its rights and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tagtide.core.desk import (
    Clearance,
    DeskState,
    Right,
    RightsChannel,
    Step,
    StepKind,
    cleared,
    move_reason,
)
from tagtide.core.desk.life import DONE
from tagtide.core.desk.parse import masked
from tagtide.models import Campaign, video_url
from tagtide.ports import DeskRecord, DeskRow, KnownVideo
from tagtide.services.context import Context
from tagtide.services.desk import (
    DeskDetail,
    DeskFilter,
    DeskTarget,
    RequestTyped,
    cursor_of,
    desk_detail,
    desk_page,
    detail_of,
    request_for,
)


class RightStatus(StrEnum):
    """What has become of a right."""

    STANDING = "standing"
    EXPIRED = "expired"
    REVOKED = "revoked"
    #: The step that recorded it was taken back.
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLine:
    """A video of the list."""

    campaign_id: int
    campaign: str
    timezone: str
    video_id: str
    url: str
    hashtag: str
    author_username: str | None
    author_followers: int | None
    caption: str
    view_count: int | None
    engagement_rate: float | None
    high_priority: bool
    created_at: datetime | None
    first_seen_at: datetime
    read_at: datetime
    state: DeskState
    #: Number of its newest step; a change that names an older one is refused.
    version: int
    assignee: str | None
    labels: tuple[str, ...]
    asked_at: datetime | None
    changed_at: datetime | None
    changed_by: str | None
    #: What ends next of its rights and codes.
    next_end_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RightLine:
    """A right, and what has become of it."""

    right: int
    status: RightStatus
    channels: tuple[RightsChannel, ...]
    territory: tuple[str, ...]
    edits: bool | None
    is_paid: bool | None
    fee_amount: str | None
    fee_currency: str | None
    fee_note: str | None
    granted_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    evidence: str | None
    evidence_url: str | None
    evidence_at: datetime | None
    #: In full only for whoever may see it, else masked.
    spark_code: str | None = field(repr=False)
    spark_expires_at: datetime | None
    recorded_at: datetime | None
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A line of the history."""

    number: int
    at: datetime
    by: str
    kind: StepKind
    from_state: DeskState
    to_state: DeskState
    note: str
    data: Mapping[str, Any]
    #: It was taken back later.
    is_undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceLine:
    """Whether the video may be used in a channel now."""

    channel: RightsChannel
    is_cleared: bool
    reason: Clearance
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDetailView:
    """One video of the desk."""

    line: DeskLine
    rights: tuple[RightLine, ...]
    #: Oldest first.
    history: tuple[StepLine, ...]
    clearance: tuple[ClearanceLine, ...]
    #: Where it can be moved to now.
    moves: tuple[DeskState, ...]
    #: Whether there is a step that can be taken back.
    can_undo: bool
    #: Ready to be copied.
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskView:
    """The list, what there is to filter by, and the video that was chosen."""

    lines: tuple[DeskLine, ...]
    next_cursor: str | None
    counts: Mapping[DeskState, int]
    new_high_priority: int
    assignees: tuple[str, ...]
    labels: tuple[str, ...]
    detail: DeskDetailView | None
    now: datetime


async def view_desk(
    context: Context,
    wanted: DeskFilter,
    *,
    chosen: DeskTarget | None = None,
    may_see_codes: bool = False,
) -> DeskView:
    """The desk as a page shows it.

    Args:
        context: Ports and policies.
        wanted: Which videos.
        chosen: The one whose detail is shown.
        may_see_codes: Whether Spark codes are shown in full: for operators only.

    Raises:
        InvalidInput: something typed cannot be used.
        NotFound: there is no such campaign, or no such video in it.
        StorageError: the database.
    """
    found, campaigns = await desk_page(context, wanted)
    ids = tuple(campaigns)
    counts = await context.store.desk_counts(ids, context.clock.now())
    choices = await context.store.desk_choices(ids)
    detail = None
    if chosen is not None:
        detail = await view_desk_video(context, chosen, may_see_codes=may_see_codes)
    return DeskView(
        lines=tuple(line_of(row, campaigns[row.campaign_id]) for row in found.rows),
        next_cursor=cursor_of(found.next),
        counts=counts.states,
        new_high_priority=counts.new_high_priority,
        assignees=choices.assignees,
        labels=choices.labels,
        detail=detail,
        now=context.clock.now(),
    )


async def view_desk_video(
    context: Context, target: DeskTarget, *, may_see_codes: bool = False
) -> DeskDetailView:
    """One video of the desk. Raises `NotFound`, `InvalidInput`."""
    return detail_view(context, await desk_detail(context, target), may_see_codes=may_see_codes)


def detail_view(
    context: Context, detail: DeskDetail, *, may_see_codes: bool = False
) -> DeskDetailView:
    """What is shown of a video that was read."""
    item, steps = detail.item, detail.record.steps
    return DeskDetailView(
        line=_line_of_detail(detail),
        rights=rights_of(detail, may_see_codes=may_see_codes),
        history=tuple(_step_line(step, item.undone) for step in steps),
        clearance=tuple(_clearance(detail, channel) for channel in RightsChannel),
        moves=tuple(to for to in DeskState if move_reason(detail.state, to) in DONE),
        can_undo=any(s.kind is not StepKind.UNDO and s.number not in item.undone for s in steps),
        request=request_for(detail, RequestTyped(), context.desk),
    )


def line_of(row: DeskRow, campaign: Campaign) -> DeskLine:
    """A row of the list."""
    return _line(
        row.video,
        campaign,
        state=row.state,
        version=row.version,
        assignee=row.assignee,
        labels=row.labels,
        asked_at=row.asked_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        next_end_at=row.next_end_at,
    )


def _line_of_detail(detail: DeskDetail) -> DeskLine:
    item, now = detail.item, detail.now
    ends = [at for r in item.standing(now) for at in (r.expires_at, r.spark_expires_at)]
    return _line(
        detail.record.video,
        detail.campaign,
        state=detail.state,
        version=item.version,
        assignee=item.assignee,
        labels=item.labels,
        asked_at=item.asked_at,
        changed_at=item.changed_at,
        changed_by=item.changed_by,
        next_end_at=min((at for at in ends if at is not None and at > now), default=None),
    )


def _line(video: KnownVideo, campaign: Campaign, **desk: Any) -> DeskLine:
    return DeskLine(
        campaign_id=campaign.campaign_id,
        campaign=campaign.name,
        timezone=campaign.timezone,
        video_id=video.video_id,
        url=video_url(video.video_id, video.author_username),
        hashtag=video.hashtag,
        author_username=video.author_username,
        author_followers=video.author_followers,
        caption=video.caption,
        view_count=video.counters.view_count,
        engagement_rate=video.counters.engagement_rate,
        high_priority=video.high_priority_at is not None,
        created_at=video.created_at,
        first_seen_at=video.first_seen_at,
        read_at=video.read_at,
        **desk,
    )


def rights_of(detail: DeskDetail, *, may_see_codes: bool = False) -> tuple[RightLine, ...]:
    """Every right that was ever recorded, oldest first."""
    return tuple(
        _right_line(r, detail.now, may_see_codes=may_see_codes) for r in detail.item.rights
    )


def _right_line(right: Right, now: datetime, *, may_see_codes: bool) -> RightLine:
    fee, evidence = right.fee, right.evidence
    return RightLine(
        right=right.number,
        status=_status(right, now),
        channels=right.channels,
        territory=right.territory,
        edits=right.edits,
        is_paid=right.is_paid,
        fee_amount=fee.amount if fee else None,
        fee_currency=fee.currency if fee else None,
        fee_note=fee.note or None if fee else None,
        granted_at=right.granted_at,
        expires_at=right.expires_at,
        revoked_at=right.revoked_at,
        evidence=evidence.text or None if evidence else None,
        evidence_url=evidence.url if evidence else None,
        evidence_at=evidence.at if evidence else None,
        spark_code=right.spark_code if may_see_codes else masked(right.spark_code),
        spark_expires_at=right.spark_expires_at,
        recorded_at=right.recorded_at,
        recorded_by=right.recorded_by,
    )


def _status(right: Right, now: datetime) -> RightStatus:
    if right.is_withdrawn:
        return RightStatus.WITHDRAWN
    if right.revoked_at is not None and now >= right.revoked_at:
        return RightStatus.REVOKED
    if right.expires_at is not None and now >= right.expires_at:
        return RightStatus.EXPIRED
    return RightStatus.STANDING


def _step_line(step: Step, undone: frozenset[int]) -> StepLine:
    return StepLine(
        number=step.number,
        at=step.at,
        by=step.by,
        kind=step.kind,
        from_state=step.from_state,
        to_state=step.to_state,
        note=step.note,
        data=step.data,
        is_undone=step.number in undone,
    )


def _clearance(detail: DeskDetail, channel: RightsChannel) -> ClearanceLine:
    answer = cleared(detail.item, channel, detail.now)
    return ClearanceLine(
        channel=channel, is_cleared=answer.is_cleared, reason=answer.reason, until=answer.until
    )


# --- the ledger -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRight:
    """A right with the video it is for: a row of the export."""

    line: DeskLine
    right: RightLine


async def view_rights(
    context: Context, campaign: Campaign, *, may_see_codes: bool = False
) -> list[LedgerRight]:
    """Every right that was ever recorded in a campaign, by video."""
    now = context.clock.now()
    return [
        LedgerRight(line=_line_of_detail(detail), right=right)
        for record in await context.store.desk_with_rights(campaign.campaign_id)
        for detail in [detail_of(campaign, record, now)]
        for right in rights_of(detail, may_see_codes=may_see_codes)
    ]


async def cleared_videos(
    context: Context, campaign: Campaign, channel: RightsChannel, territory: str | None = None
) -> list[KnownVideo]:
    """The videos that may be used in a channel at this instant, and no others."""
    now = context.clock.now()

    def is_cleared(record: DeskRecord) -> bool:
        item = detail_of(campaign, record, now).item
        return cleared(item, channel, now, territory).is_cleared

    records = await context.store.desk_with_rights(campaign.campaign_id)
    return [record.video for record in records if is_cleared(record)]
