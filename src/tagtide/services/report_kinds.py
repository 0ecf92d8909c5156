"""How each kind of report is made: what makes them on schedule, by hand and for a subscriber."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Protocol

from tagtide.models import Campaign
from tagtide.services.context import Context
from tagtide.services.report import report_campaign, report_daily, report_weekly
from tagtide.services.wrapup import report_wrapup


class Kept(Protocol):
    """A report that was kept."""

    @property
    def on(self) -> date:
        """Its day."""


#: By the kinds of `services.views.reports.KINDS`.
MAKERS: Mapping[str, Callable[[Context, Campaign], Awaitable[Kept]]] = {
    "daily": report_daily,
    "campaign": report_campaign,
    "weekly": report_weekly,
    "wrapup": report_wrapup,
}
