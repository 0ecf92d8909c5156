"""The review desk: its list, one video with its history, steps on one or many, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.access import Need
from tagtide.core.desk import DeskState, RightsChannel
from tagtide.errors import InvalidInput
from tagtide.ports import DeskSort
from tagtide.services.desk import (
    DeskFilter,
    DeskOutcome,
    DeskTarget,
    RequestTyped,
    change,
    change_many,
    desk_detail,
    request_for,
)
from tagtide.services.views.desk import (
    DeskDetailView,
    DeskLine,
    LedgerRight,
    RightStatus,
    view_desk,
    view_desk_video,
    view_rights,
)
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.desk_steps import Grant, Step, decide_by
from tagtide.web.api.params import BIGGEST, PLAIN, After, Limit, RowId
from tagtide.web.api.problem import described, problem
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of, visitor_of

MOST_VIDEOS = 200

VideoId = Annotated[str, Path(pattern="^[0-9]{1,32}$")]
Text = Annotated[str | None, Query(max_length=200, pattern=PLAIN)]
Version = Annotated[
    int | None,
    Field(
        ge=0,
        le=10**9,
        description="`version` as it was read: the step is refused if somebody was faster.",
    ),
]


class StepWanted(BaseModel):
    """A step on one video."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Version = None
    step: Step


class VideoNamed(BaseModel):
    """A video on the desk of a campaign."""

    model_config = ConfigDict(extra="forbid", strict=True)

    campaign_id: int = Field(ge=1, le=BIGGEST)
    video_id: str = Field(pattern="^[0-9]{1,32}$")
    version: Version = None


class StepsWanted(BaseModel):
    """The same step on many videos."""

    model_config = ConfigDict(extra="forbid", strict=True)

    videos: list[VideoNamed] = Field(min_length=1, max_length=MOST_VIDEOS)
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """How a step on one video ended."""

    video_id: str
    campaign: str | None
    done: bool
    #: What was done, or why nothing was.
    reason: str
    message: str | None
    hint: str | None
    state: DeskState | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcomes:
    """How each ended, in the order in which they were named."""

    outcomes: tuple[StepOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskList:
    """A page of the desk, how many videos stand where, and what there is to filter by."""

    now: datetime
    videos: tuple[DeskLine, ...]
    next_after: str | None
    counts: Mapping[DeskState, int]
    new_high_priority: int
    assignees: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """A page of the rights ledger, by video."""

    rights: tuple[LedgerRight, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestText:
    """Ready to be sent, by a person: TikTok lets no program write to creators."""

    request: str


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("desk")
    _add_list(routes)
    _add_video(routes)
    _add_steps(routes)
    return routes


def _add_list(routes: APIRouter) -> None:
    @routes.get("/desk", responses=described(404))
    async def desk(
        request: Request,
        campaign_id: RowId = None,
        state: Annotated[
            list[DeskState] | None, Query(description="Without it, what awaits somebody.")
        ] = None,
        everything: Annotated[bool, Query(description="Whatever the state.")] = False,
        assignee: Annotated[Text, Query(description="`-` is nobody.")] = None,
        label: Text = None,
        creator: Text = None,
        high_priority: bool = False,
        hashtag: Text = None,
        ending: Annotated[
            str | None,
            Query(max_length=40, pattern=PLAIN, description="A right or code ends within: 14d."),
        ] = None,
        text: Text = None,
        sort: DeskSort = DeskSort.NEWEST,
        limit: Limit = 50,
        after: After = None,
    ) -> DeskList:
        """Videos on the desk: what awaits somebody, or what is asked for."""
        context = shared_of(request).app.context
        wanted = DeskFilter(
            campaign=await _name_of(request, campaign_id) if campaign_id else None,
            states=tuple(state or ()),
            everything=everything,
            assignee=assignee or None,
            label=label or None,
            creator=creator or None,
            high_priority=high_priority,
            hashtag=hashtag or None,
            ending=ending or None,
            text=text or None,
            sort=sort,
            limit=limit,
            cursor=after or None,
        )
        view = await view_desk(context, wanted)
        return DeskList(
            now=view.now,
            videos=view.lines,
            next_after=view.next_cursor,
            counts=view.counts,
            new_high_priority=view.new_high_priority,
            assignees=view.assignees,
            labels=view.labels,
        )

    @routes.get("/campaigns/{campaign_id}/rights", responses=described(404))
    async def rights(
        request: Request,
        campaign_id: CampaignId,
        status: RightStatus | None = None,
        limit: Limit = 50,
        after: Annotated[str | None, Query(pattern=r"^[0-9]{1,32}\.[0-9]{1,9}$")] = None,
    ) -> Rights:
        """Every right that was ever recorded. Spark codes in full for operators, else masked."""
        context = shared_of(request).app.context
        campaign = await context.store.campaign_by_id(campaign_id)
        found = await view_rights(context, campaign, may_see_codes=_may_see_codes(request))
        rows = sorted((r for r in found if status in {None, r.right.status}), key=_place)
        if after is not None:
            video_id, number = after.split(".")
            rows = [row for row in rows if _place(row) > (video_id, int(number))]
        last = _place(rows[limit - 1]) if len(rows) > limit else None
        next_after = f"{last[0]}.{last[1]}" if last else None
        return Rights(rights=tuple(rows[:limit]), next_after=next_after)


def _add_video(routes: APIRouter) -> None:
    path = "/campaigns/{campaign_id}/desk/{video_id}"

    @routes.get(path, responses=described(404))
    async def video(request: Request, campaign_id: CampaignId, video_id: VideoId) -> DeskDetailView:
        """One video: its rights, where it is cleared, its history.

        Spark codes in full for operators, else masked.
        """
        target = DeskTarget(video=video_id, campaign=await _name_of(request, campaign_id))
        context = shared_of(request).app.context
        return await view_desk_video(context, target, may_see_codes=_may_see_codes(request))

    @routes.get(f"{path}/request", responses=described(404))
    async def request_words(
        request: Request,
        campaign_id: CampaignId,
        video_id: VideoId,
        channel: Annotated[list[RightsChannel] | None, Query()] = None,
        territory: Text = None,
        duration: Annotated[str | None, Query(max_length=40, pattern=PLAIN)] = None,
        fee: Text = None,
        is_paid: bool | None = None,
    ) -> RequestText:
        """The text that asks the creator for rights, in the campaign's wording."""
        context = shared_of(request).app.context
        target = DeskTarget(video=video_id, campaign=await _name_of(request, campaign_id))
        typed = RequestTyped(
            channels=tuple(channel or ()),
            territory=territory or None,
            duration=duration or None,
            fee=fee or None,
            is_paid=is_paid,
        )
        detail = await desk_detail(context, target)
        return RequestText(request=request_for(detail, typed, context.desk))


def _add_steps(routes: APIRouter) -> None:
    @routes.post(
        "/campaigns/{campaign_id}/desk/{video_id}/steps",
        responses=described(404, 409, 413),
        response_model=StepOutcome,
    )
    async def step_on(
        request: Request, campaign_id: CampaignId, video_id: VideoId, wanted: StepWanted
    ) -> Any:
        """Do a step on one video. What the rules of the desk do not allow is refused (409)."""
        context = shared_of(request).app.context
        name = await _name_of(request, campaign_id)
        target = DeskTarget(video=video_id, campaign=name, version=wanted.version)
        decide = decide_by(wanted.step, visitor_of(request).by, context.desk)
        outcome = await change(context, target, decide)
        if not outcome.is_done:
            hint = "Read the video again: `moves` says where it can go now."
            return problem(409, outcome.message, code=outcome.reason, hint=hint)
        return _outcome(outcome)

    @routes.post("/desk/steps", responses=described(404, 413))
    async def steps(request: Request, wanted: StepsWanted) -> StepOutcomes:
        """Do the same step on many videos, one after the other; each ends by itself."""
        context = shared_of(request).app.context
        if len(wanted.videos) > 1 and isinstance(wanted.step, Grant) and wanted.step.spark_code:
            raise InvalidInput("A Spark code belongs to one video.")
        ids = {named.campaign_id for named in wanted.videos}
        names = {one: await _name_of(request, one) for one in sorted(ids)}
        targets = [
            DeskTarget(video=v.video_id, campaign=names[v.campaign_id], version=v.version)
            for v in wanted.videos
        ]
        decide = decide_by(wanted.step, visitor_of(request).by, context.desk)
        found = await change_many(context, targets, decide)
        return StepOutcomes(outcomes=tuple(_outcome(one) for one in found))


async def _name_of(request: Request, campaign_id: int) -> str:
    return (await shared_of(request).app.store.campaign_by_id(campaign_id)).name


def _may_see_codes(request: Request) -> bool:
    """Whoever has a Spark code can advertise with the creator's post."""
    return visitor_of(request).may(Need.OPERATE)


def _place(row: LedgerRight) -> tuple[str, int]:
    return row.line.video_id, row.right.right


def _outcome(outcome: DeskOutcome) -> StepOutcome:
    return StepOutcome(
        video_id=outcome.video_id,
        campaign=outcome.campaign,
        done=outcome.is_done,
        reason=outcome.reason,
        message=outcome.message or None,
        hint=outcome.hint or None,
        state=outcome.state,
        version=outcome.version,
    )
