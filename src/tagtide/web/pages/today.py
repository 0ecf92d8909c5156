"""Today: what changed, what needs a decision, what failed, and what it costs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.planning import Phase
from tagtide.services.accounts import note_look
from tagtide.services.views.today import CampaignLine, Purse, TodayView, view_today
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.words import ago


def router() -> APIRouter:
    """Route of the page."""
    routes = APIRouter()

    @routes.get("/", response_model=None)
    async def today(request: Request) -> Response:
        app = shared_of(request).app
        look = await note_look(app.accounts, visitor_of(request))
        view = await view_today(app.context, schedules=app.schedules, since=look.before)
        zones = {line.timezone for line in view.campaigns}
        return await page(
            request,
            "today.html.j2",
            view=view,
            sentence=sentence(view),
            spending=spending(view.purse),
            zone=zones.pop() if len(zones) == 1 else "UTC",
        )

    return routes


def sentence(view: TodayView) -> str:
    """What changed, in a sentence."""
    if not view.campaigns:
        return "There is no campaign yet."
    leader = max(view.campaigns, key=_gained)
    if leader.leader is None:
        return _nothing(view)
    gain = leader.leader
    videos = f" and {formats.counted(gain.new_videos, 'video')}" if gain.new_videos else ""
    span = formats.span(gain.read_at - gain.previous_at)
    text = f"#{gain.hashtag} gained {formats.compact(gain.new_views)} views{videos} in {span}"
    return f"{text}, most of all your hashtags." if _own_hashtags(view) > 1 else f"{text}."


def _own_hashtags(view: TodayView) -> int:
    return sum(line.hashtags for line in view.campaigns)


def _gained(line: CampaignLine) -> int:
    return line.leader.new_views or 0 if line.leader else -1


def _nothing(view: TodayView) -> str:
    if any(line.new_views == 0 for line in view.campaigns):
        return "No hashtag of yours has gained views since then."
    if any(line.read_at for line in view.campaigns):
        return "There is one reading so far; the next one shows what changes."
    if all(line.phase is Phase.UPCOMING for line in view.campaigns):
        return "No campaign has begun yet."
    runs = [line.next_run.at for line in view.campaigns if line.next_run and line.next_run.at]
    wait = f" The first reading comes {ago(min(runs), view.now)}." if runs else ""
    return f"Nothing has been read yet.{wait}"


def spending(purse: Purse) -> str:
    """Spending of the day in a sentence."""
    spent = purse.today.charged + purse.today.unknown
    money = f"{spent * purse.price_per_credit:,.2f} {purse.currency}"
    limit = f" of {formats.whole(purse.allowed_today)}" if purse.allowed_today is not None else ""
    return f"{formats.whole(spent)}{limit} {'credit' if spent == 1 else 'credits'} ({money})"
