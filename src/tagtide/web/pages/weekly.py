"""The weekly report of a campaign as a ranked table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.access import Need
from tagtide.core.metrics import Anomaly
from tagtide.services.views.reports import WeeklyView, view_weekly
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.pages.campaigns import page_number
from tagtide.web.pages.reports import day_of

_ANOMALIES = {Anomaly.SPIKE.value: "spike", Anomaly.DROP.value: "drop"}


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()

    @routes.get("/campaigns/{campaign_id}/weekly", response_model=None)
    async def weekly(request: Request, campaign_id: int) -> Response:
        app = shared_of(request).app
        campaign = await app.store.campaign_by_id(campaign_id)
        asked = request.query_params
        is_whole = asked.get("rows") == "all"
        view = await view_weekly(
            app.context,
            campaign,
            schedules=app.schedules,
            on=day_of(asked["day"]) if asked.get("day") else None,
            page=page_number(request),
            rows_a_page=None if is_whole else 100,
        )
        return await page(
            request,
            "weekly.html.j2",
            view=view,
            head=view.head,
            choice=None,
            tab="Weekly",
            zone=campaign.timezone,
            sentence=sentence(view),
            language=view.language if view.sentence else "en",
            rows=[_row(row, view.language) for row in view.rows],
            day=view.report.on.isoformat() if view.report else "",
            as_of=_instant(view.report.body.get("as_of")) if view.report else None,
            may_operate=visitor_of(request).may(Need.OPERATE),
            is_whole=is_whole,
        )

    return routes


def sentence(view: WeeklyView) -> str:
    """What changed in the week: as the report said it, else what its figures say."""
    if view.report is None:
        return "There is no weekly report of this campaign yet."
    if view.sentence:
        return view.sentence
    changes = [row["view_change"] for row in view.rows if row.get("view_change") is not None]
    odd = sum(row.get("anomaly") in _ANOMALIES for row in view.rows)
    if not changes:
        return "What changed this week is not known."
    return (
        f"{formats.counted(len(changes), 'hashtag')} changed by {formats.signed(sum(changes))} "
        f"views in the week; {formats.counted(odd, 'anomaly', 'anomalies')}."
    )


def _row(row: dict[str, Any] | Any, language: str) -> dict[str, Any]:
    """A row of the report with its anomaly in words."""
    flag = _ANOMALIES.get(str(row.get("anomaly")), "")
    why = str(row.get("anomaly_reason") or "")
    if flag:
        score = formats.decimal(row.get("anomaly_score"))
        usual = formats.signed(row.get("rolling_average"))
        language = "en"
        why = f"{score} scatters from the usual week of {usual}"
    elif not why:
        why, language = "within its usual range", "en"
    return {
        **row,
        "flag": flag,
        "why": why,
        "language": language,
        "read": _instant(row.get("read_at")),
    }


def _instant(text: object) -> datetime | None:
    """An instant of a report's JSON; None where it has none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
