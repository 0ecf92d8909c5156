"""The frame around every page, and how templates see values.

Jinja2 escapes every value; the templates hold no ``safe`` and no unquoted attribute, which a test
keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tagtide.bootstrap import App
from tagtide.core import formats
from tagtide.core.access import Identity, Need
from tagtide.core.charts import Chart
from tagtide.core.names import hashtag_url
from tagtide.core.periods import zone_or_utc
from tagtide.core.reports.facts import alert_why
from tagtide.core.subscriptions import masked_address
from tagtide.jobs import Health
from tagtide.models import Role, Rule, video_url
from tagtide.ports import CampaignName
from tagtide.renderers.spark import segments
from tagtide.renderers.vega import script_version
from tagtide.web import words
from tagtide.web.assets import CHARTS, address
from tagtide.web.live import Live

_FOLDER = Path(__file__).parent / "templates"
_LONGEST = 300
#: Campaigns among the places to go to.
_MOST_PLACES = 200
_SPARK_WIDTH, _SPARK_HEIGHT = 120, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What every route of a process works with."""

    app: App
    health: Health
    live: Live
    #: Whether whoever reaches the pages may operate without an account: the demo.
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place in the navigation."""

    name: str
    path: str
    icon: str


#: In the order of the rail. Those whose page does not exist are left out.
NAVIGATION = (
    Entry(name="Today", path="/", icon="today"),
    Entry(name="Campaigns", path="/campaigns", icon="campaigns"),
    Entry(name="Alerts", path="/alerts", icon="alerts"),
    Entry(name="Desk", path="/desk", icon="desk"),
    Entry(name="Reports", path="/reports", icon="reports"),
    Entry(name="Runs", path="/runs", icon="runs"),
    Entry(name="Credits", path="/credits", icon="credits"),
    Entry(name="Settings", path="/settings", icon="settings"),
)


def shared_of(request: Request) -> Shared:
    """What the routes share."""
    found: Shared = request.app.state.shared
    return found


def visitor_of(request: Request) -> Identity:
    """Who asks; known after the request was let in."""
    found: Identity = request.state.visitor
    return found


async def page(request: Request, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page in the frame.

    Args:
        request: The request, let in.
        template: Name of a file in ``templates/``, which extends ``base.html.j2``.
        status: Of the answer.
        facts: What the template shows. ``zone`` is the time zone of its times (UTC without one).
    """
    shared = shared_of(request)
    campaigns = await shared.app.store.campaign_names()
    zone = facts.setdefault("zone", "UTC")
    found: Mapping[str, Any] = {
        "now": shared.app.context.clock.now(),
        "zone_info": zone_or_utc(zone),
        "visitor": visitor_of(request),
        # As addresses spell it: the framework gives it decoded.
        "path": quote(request.url.path, safe="/:@!$&'()*+,;=~"),
        "nonce": request.state.nonce,
        "theme": theme_of(request),
        "navigation": [e for e in NAVIGATION if e.path in _paths(request)],
        "campaigns": campaigns,
        "places": _places(tuple(campaigns[:_MOST_PLACES])),
        "paths": _paths(request),
        "troubles": tuple(shared.health.conditions.values()),
        "can_search": "/search" in _paths(request),
    }
    return HTMLResponse(environment().get_template(template).render(**found, **facts), status)


@lru_cache(maxsize=8)
def _places(campaigns: tuple[CampaignName, ...]) -> Markup:
    """Links to campaigns and hashtags; written again when a name changes, not for every page."""
    found: Markup = environment().get_template("palette.html.j2").module.places(campaigns)  # type: ignore[attr-defined]  # a macro
    return found


def alone(request: Request, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page without the frame, for whoever is not let in yet; extends ``alone.html.j2``."""
    found = {"nonce": request.state.nonce, "theme": theme_of(request)}
    return HTMLResponse(environment().get_template(template).render(**found, **facts), status)


def theme_of(request: Request) -> str:
    """``light`` or ``dark`` where the person chose one, else what their system is set to."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in {"light", "dark"} else ""


def _paths(request: Request) -> frozenset[str]:
    found: frozenset[str] = request.app.state.paths
    return found


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Where the templates live, with their filters."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "asset": address,
        "charts_address": f"/assets/{_charts_digest()}/{CHARTS}",
        "Need": Need,
        "Role": Role,
        "Rule": Rule,
    }
    made.filters |= {
        "about": words.about,
        "ago": words.ago,
        "browser": words.browser,
        "change": formats.change,
        "chart_rows": chart_rows,
        "charge": words.CHARGES.__getitem__,
        "clean": lambda text, limit=_LONGEST: formats.clean_text(text, limit),
        "compact": formats.compact,
        "counted": formats.counted,
        "change_reason": words.change_text,
        "date": lambda at, zone: formats.date_text(at, zone_or_utc(zone)),
        "day": lambda on: formats.date_text(datetime.combine(on, time(), UTC), UTC),
        "decimal": formats.decimal,
        "delivery": words.DELIVERIES.__getitem__,
        "direction": words.direction,
        "endpoint": lambda name: words.ENDPOINTS.get(name, name.replace("_", " ")),
        "figure": words.figure,
        "hashtag_url": hashtag_url,
        "instant": lambda at, zone: formats.instant_text(at, zone_or_utc(zone)),
        "iso": formats.iso_utc,
        "kind": lambda kind: words.KINDS.get(kind, kind),
        "job": words.JOBS.__getitem__,
        "note": words.note_text,
        "masked": masked_address,
        "measure": words.MEASURES.__getitem__,
        "percent": formats.percent,
        "reason": words.reason_text,
        "role": words.ROLES.__getitem__,
        "rule": words.RULES.__getitem__,
        "sign": words.SIGNS.__getitem__,
        "segment": lambda text: quote(str(text), safe=""),
        "signed": formats.signed,
        "growth": formats.growth,
        "signed_whole": formats.signed_whole,
        "spark": spark_path,
        "span": formats.span,
        "span_of_hours": formats.span_of_hours,
        "state": words.STATES.__getitem__,
        "status": words.STATUSES.__getitem__,
        "trigger": lambda trigger: words.TRIGGERS.get(trigger, trigger),
        "tiktok": words.tiktok_only,
        "time": lambda at, zone: formats.time_text(at, zone_or_utc(zone)),
        "video_url": video_link,
        "whole": formats.whole,
        "why": alert_why,
        "with_query": with_query,
        "spec": _spec,
    }
    return made


def video_link(video_id: str, username: str | None) -> str:
    """Public page of a video, whatever strangers call themselves."""
    return video_url(quote(video_id, safe=""), quote(username, safe="") if username else None)


def _charts_digest() -> str:
    return re.sub(r"[^0-9a-z]", "-", script_version())


def _spec(chart: Chart) -> dict[str, Any]:
    return dict(chart.spec)


#: Between cells and behind rows; in no text: `clean_text` leaves no control character.
_CELL, _END = "\x1f", "\x1e"
_NO_MARKS = str.maketrans("", "", _CELL + _END)


def chart_rows(rows: Iterable[Sequence[str]]) -> Markup:
    """Rows of the table behind a chart: a thousand cells and more, which a template takes long for.

    All of them are escaped at once; the first cell of a row is its name, the others are figures.
    """
    lines = [_CELL.join([cell.translate(_NO_MARKS) for cell in row]) for row in rows]
    first, other, end = "<tr><td><bdi>", '</bdi></td><td class="n"><bdi>', "</bdi></td></tr>"
    body = str(escape(_END.join(lines))).replace(_CELL, other).replace(_END, end + first)
    return Markup(f"{first}{body}{end}" if lines else "")  # noqa: S704 - escaped above


def with_query(path: str, **query: Any) -> str:
    """The path with a query; what is None or empty is left out."""
    given = {key: value for key, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(given)}" if given else path


def spark_path(values: list[float | None]) -> str:
    """Drawing commands of a small curve 120 wide and 24 high; gaps are gaps.

    Empty with fewer than two values, which make no curve.
    """
    if len(values) - list(values).count(None) < 2:
        return ""
    parts = []
    for points in segments(values, _SPARK_WIDTH, _SPARK_HEIGHT):
        lines = " ".join(f"L{x:.1f} {y:.1f}" for x, y in points[1:]) or "l0 0"
        parts.append(f"M{points[0][0]:.1f} {points[0][1]:.1f} {lines}")
    return " ".join(parts)


def home_of(request: Request) -> str:
    """Where links begin: as configured, else as this visitor came."""
    web = shared_of(request).app.loaded.settings.web
    return web.home() if web.public_url else f"{request.url.scheme}://{request.url.netloc}"
