"""Links that hand a report to somebody without an account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from tagtide.core.messages import Block
from tagtide.core.messages.document import from_document, language_in
from tagtide.core.messages.report_message import charts_of
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Campaign
from tagtide.ports import NewShare, Share, StoredReport
from tagtide.services.accounts.context import secret_hash
from tagtide.services.context import Context
from tagtide.services.views.reports import report_title

#: A link is good for so long at most, and for so long where nobody says.
LONGEST, USUAL = timedelta(days=366), timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedReport:
    """What somebody with a link sees: the report as it was when the link was made."""

    share: Share
    blocks: tuple[Block, ...]


async def share_report(
    context: Context,
    campaign: Campaign,
    report: StoredReport,
    *,
    by: str,
    expires_in: timedelta = USUAL,
) -> tuple[Share, str]:
    """Copy a kept report under a new link; its secret is returned this once and kept nowhere.

    The copy stays what it is when the report of that day is made again. Raises `InvalidInput` for a
    report that was kept without its document, or a life outside a moment to a year.
    """
    if not timedelta() < expires_in <= LONGEST:
        raise InvalidInput(
            "A link lives between a moment and a year.", hint="Write 30d, for example."
        )
    if report.document is None:
        raise InvalidInput(
            "This report was kept by an older version, as JSON only.",
            hint="Make the report of the day again.",
        )
    now, secret = context.clock.now(), context.clock.token()
    new = NewShare(
        secret_hash=secret_hash(secret),
        campaign_id=campaign.campaign_id,
        kind=report.kind,
        on=report.on,
        title=report_title(report.kind, campaign.name, language_in(report.document)),
        as_of=report.as_of,
        timezone=campaign.timezone,
        document=report.document,
        expires_at=now + expires_in,
    )
    return await context.store.add_share(new, by, now), secret


async def shared_chart(context: Context, secret: str, number: int) -> bytes:
    """The chart of that number, as a message shows it, as PNG.

    Raises:
        NotFound: the link leads nowhere, or the report has no such chart.
        RenderingFailed: it could not be drawn.
    """
    report = await open_shared(context, secret, counts=False)
    charts = charts_of(report.blocks)
    if context.press is None or not 1 <= number <= len(charts):
        raise NotFound("There is no such chart.")
    chart = charts[number - 1]
    drawn = await asyncio.to_thread(context.press.pictures, [chart])
    return drawn[chart.name]


async def open_shared(context: Context, secret: str, *, counts: bool = True) -> SharedReport:
    """The report behind a link. Raises `NotFound`, the same for every link that leads nowhere."""
    now = context.clock.now()
    found = await context.store.open_share(secret_hash(secret), now, counts=counts)
    if found is None:
        raise NotFound(
            "This link leads nowhere: it has ended, or was never made.",
            hint="Ask whoever sent it for a new one.",
        )
    share, document = found
    return SharedReport(share=share, blocks=tuple(from_document(document)))
