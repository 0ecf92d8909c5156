"""Reports on their way to subscribers: one message for each of them and each slot.

A message is written with the row that says that the slot has one: a crash in between repeats
nothing and loses nothing. Its link leads to a frozen copy, and its files are frozen with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from tagtide.core.formats import decimal
from tagtide.core.language import say, speaking
from tagtide.core.messages.blocks import Block, language_of
from tagtide.core.messages.document import from_document
from tagtide.core.messages.report_message import (
    ReportAddresses,
    charts_of,
    report_payload,
    what_is_missing,
)
from tagtide.core.periods import zone_or_utc
from tagtide.core.subscriptions import MAIL
from tagtide.errors import Conflict, NotFound, TagtideError
from tagtide.languages import find_language
from tagtide.models import Campaign, MessageFile, Notification
from tagtide.ports import NewShare, ReportMessage, StoredReport, Subscription
from tagtide.services.accounts.context import secret_hash
from tagtide.services.context import Context
from tagtide.services.report import report_language
from tagtide.services.report_kinds import MAKERS
from tagtide.services.shares import USUAL
from tagtide.services.subscriptions import broken_because, unreachable
from tagtide.services.views.reports import report_title

_log = structlog.get_logger(__name__)

_KIND = "report"
#: Who made the links in messages.
_BY = "subscriptions"
#: Bytes of a mail that servers take; what is in it grows by a third on the way.
MAX_MAIL = 10_000_000
_MEDIA = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a job has made."""

    kind: str
    #: Day of the report that was kept; None when there is none.
    day: date | None = None
    #: Why there is none.
    problem: str = ""


async def tell_subscribers(
    context: Context,
    campaign: Campaign,
    made: Made,
    slot_at: datetime,
    only: Subscription | None = None,
) -> int:
    """Write the message of a slot to each subscriber who does not have it.

    Args:
        context: Ports.
        campaign: Whose report it is.
        made: What was made, or why nothing was.
        slot_at: The scheduled instant; by hand the present one.
        only: Nobody but this one.

    Returns:
        How many messages were written.

    Raises:
        StorageError: those that were written stay; called again, it goes on behind them.
    """
    store, number = context.store, campaign.campaign_id
    found = [only] if only else await store.subscriptions(campaign_id=number, kind=made.kind)
    told = await store.told_in_slot(slot_at, [one.subscription_id for one in found])
    waiting = [one for one in found if one.subscription_id not in told]
    if not waiting:
        return 0
    report = await store.report_on(number, made.kind, made.day) if made.day else None
    bundle = _Bundle(context, campaign, made, report)
    written = 0
    for one in waiting:
        if one.to is not None and unreachable(context, one):
            # What was meant for one person must not reach all who read a channel.
            _log.warning("report_not_sent", subscription=one.subscription_id)
            continue
        with speaking(bundle.language):
            message = await _message(context, bundle, one, slot_at)
        if await store.put_report_message(message, _BY):
            written += 1
            # The others lead to the same copy.
            bundle.has_copy = True
    _log.info("report_queued", campaign=campaign.name, kind=made.kind, count=written)
    return written


async def send_now(context: Context, subscription_id: int) -> None:
    """Make the report of a subscription and write its message, outside every schedule.

    Raises:
        NotFound: no such subscription, or its campaign is gone.
        Conflict: it was stopped, or its channel is gone.
    """
    one = await context.store.subscription(subscription_id)
    campaign = await context.store.campaign_by_id(one.campaign_id)
    broken = unreachable(context, one) if one.ended_at is None else "It was stopped."
    if broken or one.kind not in MAKERS:
        raise Conflict(
            f"Nothing can be sent. {broken or broken_because(context, one, campaign)}",
            hint="`tagtide subscriptions list` shows them.",
        )
    try:
        made = Made(kind=one.kind, day=(await MAKERS[one.kind](context, campaign)).on)
    except NotFound as error:
        made = Made(kind=one.kind, problem=str(error))
    await tell_subscribers(context, campaign, made, context.clock.now(), one)


# --- one message ----------------------------------------------------------------------------------


@dataclass
class _Bundle:
    """A report, and what of it goes out: made when it is first asked for, for everybody once."""

    context: Context
    campaign: Campaign
    made: Made
    report: StoredReport | None
    #: Whether the copy that links lead to has been written.
    has_copy: bool = False
    _files: dict[str, MessageFile | str] = field(default_factory=dict)
    _pictures: tuple[MessageFile, ...] | str | None = None

    def __post_init__(self) -> None:
        self.blocks: tuple[Block, ...] = ()
        if self.report is not None and self.report.document is not None:
            self.blocks = tuple(from_document(self.report.document))
        self.language = report_language(self.context, self.campaign)
        if self.blocks:
            # Whoever made it may have asked for another one.
            found = find_language(language_of(self.blocks))
            self.language = found.looking(self.campaign.numbers, self.campaign.clock)
        self.title = report_title(self.made.kind, self.campaign.name, self.language.code)
        self._secret = self.context.clock.token()

    @property
    def link(self) -> str | None:
        """Where whoever has it finds the report as it is now."""
        home = self.context.home if self.blocks else None
        return f"{home}/shared/{self._secret}" if home else None

    def copy(self, now: datetime) -> NewShare | None:
        """What the link leads to; None once it is written, and without a link."""
        report = self.report
        if self.has_copy or self.link is None or report is None or report.document is None:
            return None
        return NewShare(
            secret_hash=secret_hash(self._secret),
            campaign_id=report.campaign_id,
            kind=report.kind,
            on=report.on,
            title=self.title,
            as_of=report.as_of,
            timezone=self.campaign.timezone,
            document=report.document,
            expires_at=now + USUAL,
        )

    @property
    def missing(self) -> list[str]:
        """What a reader must know first."""
        if self.report is None:
            why = self.made.problem.rstrip(".")
            return [say("This report could not be made: {why}.", why=why)]
        return what_is_missing(self.blocks, self.report.as_of, self.context.clock.now())

    async def file(self, style: str) -> MessageFile | str:
        """The report as a file, or why there is none."""
        if style not in self._files:
            self._files[style] = await self._printed(style)
        return self._files[style]

    async def _printed(self, style: str) -> MessageFile | str:
        report, press = self.report, self.context.press
        if report is None or press is None:
            return say("There is no {file} of this report.", file=style.upper())
        zone = str(report.body.get("timezone") or self.campaign.timezone)
        try:
            content = await asyncio.to_thread(
                press.file, style, self.blocks, self.title, report.as_of, zone
            )
        except TagtideError as error:
            _log.warning("report_file_failed", style=style, error=str(error))
            return say("The {file} is not attached. {why}", file=style.upper(), why=error)
        name = f"tagtide-{report.campaign_id}-{report.kind}-{report.on.isoformat()}.{style}"
        return MessageFile(name=name, media_type=_MEDIA[style], content=content)

    async def pictures(self) -> tuple[MessageFile, ...] | str:
        """Its charts, or why they are not there."""
        if self._pictures is None:
            self._pictures = await self._drawn()
        return self._pictures

    async def _drawn(self) -> tuple[MessageFile, ...] | str:
        charts, press = charts_of(self.blocks), self.context.press
        if not charts or press is None:
            return ()
        try:
            drawn = await asyncio.to_thread(press.pictures, charts)
        except TagtideError as error:
            _log.warning("report_charts_failed", error=str(error))
            return say("The charts are not shown. {why}", why=error)
        return tuple(
            MessageFile(
                name=f"chart-{number}.png",
                media_type="image/png",
                content=drawn[chart.name],
                shows=chart.title,
            )
            for number, chart in enumerate(charts, 1)
        )


async def _message(
    context: Context, bundle: _Bundle, one: Subscription, slot_at: datetime
) -> ReportMessage:
    now, report = context.clock.now(), bundle.report
    is_mail = context.kinds.get(one.channel) == MAIL
    missing = list(bundle.missing)
    files: tuple[MessageFile, ...] = ()
    if report is not None and (is_mail or one.files):
        files, left_out = await _files(bundle, one.files, has_link=context.home is not None)
        missing += left_out
    link = bundle.link
    secret = context.clock.token() if is_mail and context.home else None
    addresses = ReportAddresses(
        report=link or (f"{context.home}/reports" if context.home else None),
        charts=None if is_mail else link,
        unsubscribe=f"{context.home}/unsubscribe/{secret}" if secret else None,
    )
    payload = report_payload(
        bundle.campaign,
        kind=one.kind,
        title=bundle.title,
        day=report.on if report else _local_day(slot_at, bundle.campaign),
        as_of=report.as_of if report else None,
        blocks=bundle.blocks,
        missing=missing,
        addresses=addresses,
        files=files,
    )
    note = Notification(
        notification_id=context.clock.token(),
        channel=one.channel,
        alert_id=None,
        kind=_KIND,
        created_at=now,
        due_at=now,
        payload=payload,
        to=one.to,
        files=files,
    )
    return ReportMessage(
        subscription_id=one.subscription_id,
        slot_at=slot_at,
        notification=note,
        share=bundle.copy(now),
        unsubscribe_hash=secret_hash(secret) if secret else None,
    )


def _local_day(at: datetime, campaign: Campaign) -> date:
    return at.astimezone(zone_or_utc(campaign.timezone)).date()


async def _files(
    bundle: _Bundle, styles: Sequence[str], *, has_link: bool
) -> tuple[tuple[MessageFile, ...], list[str]]:
    """What goes with a mail, and what is said of what does not."""
    kept: list[MessageFile] = []
    left_out: list[str] = []
    drawn = await bundle.pictures()
    if isinstance(drawn, str):
        left_out.append(drawn)
    else:
        kept += drawn
    room = MAX_MAIL - sum(map(_on_the_way, kept))
    for style in styles:
        file = await bundle.file(style)
        if isinstance(file, str):
            left_out.append(file)
        elif _on_the_way(file) > room:
            left_out.append(_too_large(style, file, has_link=has_link))
        else:
            kept.append(file)
            room -= _on_the_way(file)
    return tuple(kept), left_out


def _too_large(style: str, file: MessageFile, *, has_link: bool) -> str:
    name, size = style.upper(), decimal(len(file.content) / 1_000_000)
    if has_link:
        return say(
            "The {file} ({size} MB) is too large for a mail; the link leads to it.",
            file=name,
            size=size,
        )
    return say(
        "The {file} ({size} MB) is too large for a mail; it is on the page of reports.",
        file=name,
        size=size,
    )


def _on_the_way(file: MessageFile) -> int:
    """Bytes of a file as mail carries it: in lines of 76 letters, four for three bytes."""
    letters = -(-len(file.content) // 3) * 4
    return letters + letters // 76 * 2 + 300
