"""The review desk: list, look, decide. Every change is loaded, decided by `core.desk`, stored.

A change that rests on what somebody else has changed meanwhile raises `Conflict`; of many changes
each ends by itself.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tagtide.core.desk import (
    Decision,
    DeskItem,
    DeskState,
    Evidence,
    Right,
    RightsChannel,
    assign,
    label,
    move,
    note,
    replay,
    state_at,
    undo,
)
from tagtide.core.desk.life import DONE
from tagtide.core.desk.parse import (
    LONGEST_NOTE,
    MOST_LABELS,
    SPARK_DAYS,
    kept_lines,
    parse_channels,
    parse_end,
    parse_evidence,
    parse_fee,
    parse_label,
    parse_name,
    parse_past,
    parse_span,
    parse_spark_code,
    parse_state,
    parse_territory,
)
from tagtide.core.desk.request import RequestTerms, request_text
from tagtide.core.desk.words import refusal
from tagtide.core.formats import clean_text
from tagtide.core.names import parse_hashtag
from tagtide.errors import Conflict, InvalidInput, NotFound, TagtideError
from tagtide.models import Campaign, video_url
from tagtide.ports import DeskPage, DeskPlace, DeskQuery, DeskRecord, DeskSort, DeskWrite
from tagtide.services.context import Context, DeskPolicy

_LINK = re.compile(r"https://(?:www\.|m\.)?tiktok\.com/@[^/\s]*/(?:video|photo)/(\d{1,32})\b\S*")
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFilter:
    """Which videos are asked for, as it is typed."""

    #: None is every campaign in service.
    campaign: str | None = None
    #: Names of states; none is what awaits somebody.
    states: tuple[str, ...] = ()
    #: Whatever the state.
    everything: bool = False
    #: "-" is nobody.
    assignee: str | None = None
    label: str | None = None
    creator: str | None = None
    high_priority: bool = False
    hashtag: str | None = None
    #: A right or a code ends within so long: ``14d``.
    ending: str | None = None
    text: str | None = None
    sort: DeskSort = DeskSort.NEWEST
    limit: int = 50
    #: From the page before.
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTarget:
    """The video that is meant."""

    #: Its id, or the address of its page.
    video: str
    #: Needed where several campaigns hold it.
    campaign: str | None = None
    #: What the person saw; a newer one refuses the change.
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RightTyped:
    """A right as it is typed."""

    channels: tuple[str, ...] = ()
    territory: str | None = None
    edits: bool | None = None
    is_paid: bool | None = None
    fee: str | None = None
    #: When it was given; None is now.
    granted: str | None = None
    expires: str | None = None
    evidence: tuple[str, ...] = ()
    evidence_at: str | None = None
    spark_code: str | None = field(default=None, repr=False)
    spark_expires: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return self == RightTyped()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTyped:
    """What is asked for, as it is typed; what is left out is the default."""

    channels: tuple[str, ...] = ()
    territory: str | None = None
    #: ``1y``, or ``none`` for one without an end.
    duration: str | None = None
    fee: str | None = None
    is_paid: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDetail:
    """One video on the desk of a campaign, with its history."""

    campaign: Campaign
    record: DeskRecord
    item: DeskItem
    #: With what time has made of it.
    state: DeskState
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOutcome:
    """How a change of one video ended."""

    #: As it was named, where it was not found.
    video_id: str
    campaign: str | None
    is_done: bool
    #: A `DeskReason`, or the code of an error.
    reason: str
    #: A sentence, where nothing was done.
    message: str = ""
    hint: str = ""
    state: DeskState | None = None
    version: int | None = None


Decide = Callable[[DeskDetail], Decision]


# --- looking --------------------------------------------------------------------------------------


async def desk_page(context: Context, wanted: DeskFilter) -> tuple[DeskPage, dict[int, Campaign]]:
    """A page of the desk, and the campaigns in it by id. Raises `InvalidInput`, `NotFound`."""
    campaigns = {c.campaign_id: c for c in await _campaigns(context, wanted.campaign)}
    query = desk_query(wanted, tuple(campaigns), context.clock.now())
    return await context.store.desk_page(query), campaigns


def desk_query(wanted: DeskFilter, campaign_ids: tuple[int, ...], now: datetime) -> DeskQuery:
    """What a store is asked for. Raises `InvalidInput`."""
    states = (
        frozenset(DeskState) if wanted.everything else frozenset(map(parse_state, wanted.states))
    )
    who = wanted.assignee
    return DeskQuery(
        campaign_ids=campaign_ids,
        now=now,
        states=states or None,
        assignee="" if who == "-" else parse_name(who) if who else None,
        label=parse_label(wanted.label) if wanted.label else None,
        creator=wanted.creator.strip().lstrip("@") or None if wanted.creator else None,
        high_priority=wanted.high_priority,
        hashtag=parse_hashtag(wanted.hashtag) if wanted.hashtag else None,
        ends_before=now + parse_span(wanted.ending) if wanted.ending else None,
        text=wanted.text.strip()[:200] or None if wanted.text else None,
        sort=wanted.sort,
        limit=max(1, min(wanted.limit, _MOST_ROWS)),
        after=parse_cursor(wanted.cursor) if wanted.cursor else None,
    )


async def _campaigns(context: Context, name: str | None) -> list[Campaign]:
    return [await context.store.campaign(name)] if name else await context.store.campaigns()


def cursor_of(place: DeskPlace | None) -> str | None:
    """A place as a text that is handed out and comes back."""
    if place is None:
        return None
    plain = f"{place.key}.{place.campaign_id}.{place.video_key}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def parse_cursor(text: str) -> DeskPlace:
    """The place of a cursor. Raises `InvalidInput` for what is none of ours."""
    try:
        plain = base64.urlsafe_b64decode(text[:200] + "=" * (-len(text[:200]) % 4))
        found = re.fullmatch(rb"(-?\d{1,19})\.(\d{1,18})\.(\d{1,18})", plain)
    except (binascii.Error, ValueError):
        found = None
    if found is None or not -(2**63) <= int(found[1]) < 2**63:
        raise InvalidInput("That cursor is not one of ours.", hint="Begin with the first page.")
    return DeskPlace(*(int(part) for part in found.groups()))


async def desk_detail(context: Context, target: DeskTarget) -> DeskDetail:
    """One video with its history. Raises `NotFound`, `InvalidInput`."""
    video_id = parse_video(target.video)
    campaign = await _campaign_of(context, video_id, target.campaign)
    record = await context.store.desk_record(campaign.campaign_id, video_id)
    return detail_of(campaign, record, context.clock.now())


def detail_of(campaign: Campaign, record: DeskRecord, now: datetime) -> DeskDetail:
    """What is kept of a video, replayed."""
    item = replay(record.steps, record.rights)
    state = state_at(item, now)
    return DeskDetail(campaign=campaign, record=record, item=item, state=state, now=now)


def parse_video(text: str) -> str:
    """The id of a video, from itself or from the address of its page. Raises `InvalidInput`."""
    typed = text.strip()
    found = _LINK.fullmatch(typed)
    video_id = found[1] if found else typed
    if not re.fullmatch(r"[0-9]{1,32}", video_id):
        raise InvalidInput(
            f"“{clean_text(text, 40)}” is no video.",
            hint="Give its id, or https://www.tiktok.com/@creator/video/ID.",
        )
    return video_id


async def _campaign_of(context: Context, video_id: str, name: str | None) -> Campaign:
    if name:
        return await context.store.campaign(name)
    held = await context.store.desk_campaigns(video_id)
    found = [c for c in await context.store.campaigns() if c.campaign_id in held]
    if not found:
        raise NotFound(
            f"No campaign holds the video {video_id}.",
            hint="`tagtide desk list` and `tagtide videos` show ids.",
        )
    if len(found) > 1:
        names = ", ".join(c.name for c in found)
        raise NotFound(
            f"Several campaigns hold the video {video_id}.",
            hint=f"Choose one with --campaign: {names}.",
        )
    return found[0]


# --- changing -------------------------------------------------------------------------------------


async def change(context: Context, target: DeskTarget, decide: Decide) -> DeskOutcome:
    """Change one video. Raises `NotFound`, `InvalidInput`, `Conflict`, `StorageError`.

    A refusal by the rules of the desk is an outcome, not an error.
    """
    before = await desk_detail(context, target)
    video_id = before.record.video.video_id
    if target.version is not None and target.version != before.item.version:
        raise Conflict(
            f"The video {video_id} was changed on the desk by somebody else meanwhile.",
            hint="Look at it again, then decide.",
        )
    decision = decide(before)
    if decision.step is not None:
        await context.store.put_desk_step(
            DeskWrite(
                campaign_id=before.campaign.campaign_id,
                video_id=video_id,
                step=decision.step,
                after=decision.item,
                right=decision.right,
            )
        )
    is_done = decision.reason in DONE
    return DeskOutcome(
        video_id=video_id,
        campaign=before.campaign.name,
        is_done=is_done,
        reason=decision.reason.value,
        message="" if is_done else refusal(decision.reason, before.state, decision.to),
        state=state_at(decision.item, before.now),
        version=decision.item.version,
    )


async def change_many(
    context: Context, targets: Iterable[DeskTarget], decide: Decide
) -> list[DeskOutcome]:
    """Change videos one after the other; what is wrong with one stops no other."""
    return [await _outcome(context, target, decide) for target in targets]


async def _outcome(context: Context, target: DeskTarget, decide: Decide) -> DeskOutcome:
    try:
        return await change(context, target, decide)
    except TagtideError as error:
        return DeskOutcome(
            video_id=clean_text(target.video, 80),
            campaign=target.campaign,
            is_done=False,
            reason=error.code,
            message=str(error),
            hint=error.hint,
        )


def moving(
    to: str,
    *,
    by: str,
    text: str = "",
    right: RightTyped | None = None,
    revoked: Sequence[int] = (),
    request: RequestTyped | None = None,
    policy: DeskPolicy | None = None,
) -> Decide:
    """Move a video; with ``request`` the text that was sent is kept. Raises `InvalidInput`."""
    state, who = parse_state(to), parse_name(by)
    said = kept_lines(text, LONGEST_NOTE, "note")
    typed = right or RightTyped()

    def decide(detail: DeskDetail) -> Decision:
        zone, now = detail.campaign.timezone, detail.now
        given = None if typed.is_empty else parse_right(typed, now, zone)
        data = None
        if request is not None and state is DeskState.ASKED:
            data = {"request": request_for(detail, request, policy or DeskPolicy())}
        return move(
            detail.item,
            state,
            now=now,
            by=who,
            note=said,
            right=given,
            revoked=revoked,
            data=data,
        )

    return decide


def noting(text: str, *, by: str) -> Decide:
    """Write a note. Raises `InvalidInput`."""
    said, who = kept_lines(text, LONGEST_NOTE, "note"), parse_name(by)
    return lambda detail: note(detail.item, said, now=detail.now, by=who)


def labelling(add: Iterable[str], remove: Iterable[str], *, by: str) -> Decide:
    """Put labels on and take labels off. Raises `InvalidInput`."""
    on, off, who = [*map(parse_label, add)], [*map(parse_label, remove)], parse_name(by)

    def decide(detail: DeskDetail) -> Decision:
        decision = label(detail.item, add=on, remove=off, now=detail.now, by=who)
        if len(decision.item.labels) > MOST_LABELS:
            raise InvalidInput(f"A video has at most {MOST_LABELS} labels.")
        return decision

    return decide


def assigning(assignee: str | None, *, by: str) -> Decide:
    """Say who looks after it; None is nobody. Raises `InvalidInput`."""
    whose, who = parse_name(assignee) if assignee else None, parse_name(by)
    return lambda detail: assign(detail.item, whose, now=detail.now, by=who)


def undoing(*, by: str) -> Decide:
    """Take back the newest step that still counts."""
    who = parse_name(by)
    return lambda detail: undo(detail.item, detail.record.steps, now=detail.now, by=who)


# --- what is typed --------------------------------------------------------------------------------


def parse_right(typed: RightTyped, now: datetime, zone: str) -> Right:
    """A right as it is recorded. Raises `InvalidInput`."""
    channels = parse_channels(typed.channels)
    if not channels:
        known = ", ".join(RightsChannel)
        raise InvalidInput("The right names no channel.", hint=f"Choose from {known}.")
    code = parse_spark_code(typed.spark_code) if typed.spark_code else None
    fee = parse_fee(typed.fee) if typed.fee else None
    if fee is not None and typed.is_paid is False and not fee.is_nothing:
        raise InvalidInput("It cannot be unpaid and have a fee.")
    return Right(
        channels=channels,
        territory=parse_territory(typed.territory),
        edits=typed.edits,
        is_paid=typed.is_paid if fee is None else not fee.is_nothing,
        fee=fee,
        granted_at=parse_past(typed.granted, now, zone) if typed.granted else now,
        expires_at=parse_end(typed.expires, now, zone) if typed.expires else None,
        evidence=_evidence(typed, now, zone),
        spark_code=code,
        spark_expires_at=_spark_end(typed, now, zone),
    )


def _evidence(typed: RightTyped, now: datetime, zone: str) -> Evidence | None:
    at = parse_past(typed.evidence_at, now, zone) if typed.evidence_at else None
    return parse_evidence(typed.evidence, at)


def _spark_end(typed: RightTyped, now: datetime, zone: str) -> datetime | None:
    if typed.spark_code and typed.spark_expires:
        return parse_end(typed.spark_expires, now, zone)
    if typed.spark_code:
        days = ", ".join(f"{days}d" for days in SPARK_DAYS)
        raise InvalidInput(
            "The Spark code has no end.", hint=f"TikTok gives them out for {days}; say which."
        )
    if typed.spark_expires:
        raise InvalidInput("There is an end of a Spark code, and no code.")
    return None


def parse_terms(typed: RequestTyped) -> RequestTerms:
    """What a creator is asked for. Raises `InvalidInput`."""
    default = RequestTerms()
    duration: timedelta | None = default.duration
    if typed.duration:
        is_endless = typed.duration.strip().casefold() == "none"
        duration = None if is_endless else parse_span(typed.duration)
    return RequestTerms(
        channels=parse_channels(typed.channels) or default.channels,
        territory=parse_territory(typed.territory) or default.territory,
        duration=duration,
        is_paid=typed.is_paid,
        fee=parse_fee(typed.fee) if typed.fee else None,
    )


def request_for(detail: DeskDetail, typed: RequestTyped, policy: DeskPolicy) -> str:
    """The text to send to the creator, in the campaign's wording. Raises `InvalidInput`."""
    video = detail.record.video
    return request_text(
        detail.campaign.request,
        parse_terms(typed),
        creator=video.author_username,
        url=video_url(video.video_id, video.author_username),
        campaign=detail.campaign.name,
        brand=policy.brand,
    )
