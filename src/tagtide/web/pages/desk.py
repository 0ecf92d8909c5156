"""The review desk: the list on the left, one video on the right, every action a form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from tagtide.core.access import Need
from tagtide.core.desk import DeskReason, DeskState, RightsChannel, Step
from tagtide.core.desk.clearance import Clearance
from tagtide.core.desk.parse import shown_lines
from tagtide.core.desk.words import clearance_words, step_words, territory_words
from tagtide.core.formats import counted
from tagtide.errors import InvalidInput
from tagtide.ports import DeskSort
from tagtide.services.context import Context
from tagtide.services.desk import (
    Decide,
    DeskFilter,
    DeskOutcome,
    DeskTarget,
    RequestTyped,
    RightTyped,
    assigning,
    change_many,
    labelling,
    moving,
    noting,
    undoing,
)
from tagtide.services.export import export_batches, parse_use
from tagtide.services.views.desk import DeskView, StepLine, view_desk
from tagtide.web.download import export_file
from tagtide.web.forms import campaign_of, form_of
from tagtide.web.frame import page, shared_of, visitor_of

_ROWS = 30
#: Tabs: name in the address, and the states that are shown; None is what awaits somebody.
TABS: dict[str, tuple[str, ...] | None] = {
    "inbox": (),
    **{state.value: (state.value,) for state in DeskState},
    "all": None,
}
_ERRORS = {
    "conflict": "Somebody else has changed it meanwhile: look at it again, then decide.",
    "not_found": "The campaign does not hold it any more.",
    "invalid_input": "Something typed cannot be used.",
}
_REFUSED = {
    DeskReason.RIGHTS_STAND: "Its rights stand: revoke them first.",
    DeskReason.NEEDS_RIGHT: "To be granted it needs a right: open it and fill in the form.",
    DeskReason.NOTHING_TO_UNDO: "There is nothing to undo.",
    DeskReason.NOTHING_CHANGES: "That would change nothing.",
    DeskReason.NOT_FROM_HERE: "That does not follow from where it stands.",
    DeskReason.SAME_STATE: "It stands there already.",
    DeskReason.ONLY_TIME_EXPIRES: "A right expires by itself at its end.",
    DeskReason.NO_SUCH_RIGHT: "It has no such right that stands.",
    DeskReason.RIGHT_WITHOUT_GRANT: "A right belongs to the state granted.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for."""

    tab: str
    query: Mapping[str, str]
    wanted: DeskFilter
    chosen: DeskTarget | None


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()

    @routes.get("/desk", response_model=None)
    async def desk(request: Request) -> Response:
        context = shared_of(request).app.context
        asked = await _asked(context, dict(request.query_params))
        may = visitor_of(request).may(Need.OPERATE)
        view = await view_desk(context, asked.wanted, chosen=asked.chosen, may_see_codes=may)
        zones = {line.timezone for line in view.lines}
        zone = view.detail.line.timezone if view.detail else None
        return await page(
            request,
            "desk.html.j2",
            view=view,
            asked=asked,
            tabs=_tabs(view),
            sentence=sentence(view),
            said=said(asked.query),
            may=may,
            zone=zone or (zones.pop() if len(zones) == 1 else "UTC"),
            channels=tuple(RightsChannel),
            link=_Link(asked.query),
            told=_told,
            reason_words=lambda reason: clearance_words(Clearance(reason)),
            territory_words=territory_words,
            shown_lines=shown_lines,
        )

    @routes.get("/desk/cleared.csv", response_model=None)
    async def cleared(request: Request) -> Response:
        context, query = shared_of(request).app.context, request.query_params
        campaign = await campaign_of(request, query.get("campaign", ""))
        use = parse_use(query.get("channel", ""), query.get("territory") or None)
        batches = export_batches(context, campaign, "videos", use=use)
        return export_file(f"cleared-{use[0].value}", "videos", campaign, batches)

    @routes.get("/desk/rights.csv", response_model=None)
    async def rights(request: Request) -> Response:
        campaign = await campaign_of(request, request.query_params.get("campaign", ""))
        batches = export_batches(shared_of(request).app.context, campaign, "rights")
        return export_file("rights", "rights", campaign, batches)

    @routes.post("/desk/move", response_model=None)
    async def move(request: Request) -> Response:
        form = await form_of(request)
        to, who = _text(form, "to"), visitor_of(request).name
        context = shared_of(request).app.context
        decide = undoing(by=who) if to == "undo" else _moving(form, to, who, context)
        return await _done(request, form, decide)

    @routes.post("/desk/note", response_model=None)
    async def note(request: Request) -> Response:
        form = await form_of(request)
        decide = noting(_text(form, "note"), by=visitor_of(request).name)
        return await _done(request, form, decide)

    @routes.post("/desk/label", response_model=None)
    async def label(request: Request) -> Response:
        form = await form_of(request)
        add = [part for part in _text(form, "add").split(",") if part.strip()]
        decide = labelling(add, _texts(form, "remove"), by=visitor_of(request).name)
        return await _done(request, form, decide)

    @routes.post("/desk/assign", response_model=None)
    async def assign(request: Request) -> Response:
        form, who = await form_of(request), visitor_of(request).name
        whose = who if _text(form, "me") else _text(form, "assignee") or None
        return await _done(request, form, assigning(whose, by=who))

    return routes


# --- what is asked for ----------------------------------------------------------------------------


async def _asked(context: Context, query: dict[str, str]) -> Asked:
    tab = query.get("tab", "inbox")
    if tab not in TABS:
        raise InvalidInput("There is no such list on the desk.")
    names = {str(c.campaign_id): c.name for c in await context.store.campaigns()}
    states, sort = TABS[tab], query.get("sort", "")
    wanted = DeskFilter(
        campaign=names.get(query.get("campaign", "")),
        states=states or (),
        everything=states is None,
        assignee=query.get("assignee") or None,
        label=query.get("label") or None,
        creator=query.get("creator") or None,
        high_priority=bool(query.get("priority")),
        hashtag=query.get("hashtag") or None,
        ending=query.get("ending") or None,
        text=query.get("q") or None,
        sort=DeskSort(sort) if sort in {*DeskSort} else DeskSort.NEWEST,
        limit=_ROWS,
        cursor=query.get("cursor") or None,
    )
    chosen = None
    if video := query.get("video"):
        chosen = DeskTarget(video=video, campaign=names.get(query.get("in", "")))
    return Asked(tab=tab, query=query, wanted=wanted, chosen=chosen)


class _Link:
    """Addresses of this page with something changed."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = {k: v for k, v in query.items() if k not in {"n", "left", "why", "at"}}

    def __call__(self, **changed: object) -> str:
        given = self._query | {name: str(v) if v is not None else "" for name, v in changed.items()}
        kept = {name: value for name, value in given.items() if value}
        return f"/desk?{urlencode(kept)}" if kept else "/desk"


def _tabs(view: DeskView) -> list[tuple[str, str, int | None]]:
    open_states = (DeskState.SHORTLISTED, DeskState.ASKED, DeskState.GRANTED)
    waiting = view.new_high_priority + sum(view.counts[state] for state in open_states)
    states = [(state.value, state.value.capitalize(), view.counts[state]) for state in DeskState]
    return [("inbox", "Inbox", waiting), *states, ("all", "All", None)]


def sentence(view: DeskView) -> str:
    """What waits, in a sentence."""
    parts = []
    if view.new_high_priority:
        parts.append(f"{counted(view.new_high_priority, 'new high-priority video')} to judge")
    if shortlisted := view.counts[DeskState.SHORTLISTED]:
        parts.append(f"{shortlisted:,} shortlisted")
    if asked := view.counts[DeskState.ASKED]:
        parts.append(f"{counted(asked, 'request')} without an answer")
    if granted := view.counts[DeskState.GRANTED]:
        parts.append(f"{counted(granted, 'video')} with rights")
    if not parts:
        return "Nothing waits on the desk."
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _told(step: StepLine) -> str:
    same = {name: getattr(step, name) for name in Step.__dataclass_fields__}
    return step_words(Step(**same), is_undone=step.is_undone)


# --- what was done --------------------------------------------------------------------------------


def _moving(form: FormData, to: str, who: str, context: Context) -> Decide:
    right = RightTyped()
    if to == DeskState.GRANTED.value:
        right = RightTyped(
            channels=tuple(_texts(form, "channel")),
            territory=_text(form, "territory") or None,
            edits=_yes_no(_text(form, "edits")),
            is_paid=_yes_no(_text(form, "paid")),
            fee=_text(form, "fee") or None,
            expires=_text(form, "expires") or None,
            evidence=tuple(t for t in (_text(form, "evidence"), _text(form, "evidence_url")) if t),
            spark_code=_text(form, "spark_code") or None,
            spark_expires=_text(form, "spark_expires") or None,
        )
    return moving(
        to,
        by=who,
        text=_text(form, "note"),
        right=right,
        revoked=[int(n) for n in _texts(form, "right") if re.fullmatch(r"\d{1,9}", n)],
        request=RequestTyped() if to == DeskState.ASKED.value else None,
        policy=context.desk,
    )


def _yes_no(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str) and value.strip()]


async def _done(request: Request, form: FormData, decide: Decide) -> Response:
    """Carry out, and go back to where the person was. One video that cannot be used is said so."""
    context = shared_of(request).app.context
    names = {str(c.campaign_id): c.name for c in await context.store.campaigns()}
    targets = [_target(text, names) for text in _texts(form, "video")]
    if not targets:
        raise InvalidInput("No video was chosen.", hint="Mark some, then choose what to do.")
    outcomes = await change_many(context, targets, decide)
    if len(outcomes) == 1 and outcomes[0].reason == "invalid_input":
        raise InvalidInput(outcomes[0].message, hint=outcomes[0].hint)
    return RedirectResponse(_back(_text(form, "back"), outcomes), 303)


def _target(text: str, names: Mapping[str, str]) -> DeskTarget:
    found = re.fullmatch(r"(\d{1,18})\.(\d{1,32})\.(\d{1,9})", text)
    if found is None or found[1] not in names:
        raise InvalidInput("The form names no video of a campaign.", hint="Load the page again.")
    return DeskTarget(video=found[2], campaign=names[found[1]], version=int(found[3]))


def _back(address: str, outcomes: Sequence[DeskOutcome]) -> str:
    """The desk with what was done; never another place."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query)) if parts.path == "/desk" and not parts.netloc else {}
    done = sum(outcome.is_done for outcome in outcomes)
    left = [outcome.reason for outcome in outcomes if not outcome.is_done]
    query = {k: v for k, v in query.items() if k not in {"n", "left", "why", "grant"}}
    query |= {"n": str(done)}
    if left:
        query |= {"left": str(len(left)), "why": left[0]}
    return f"/desk?{urlencode(query)}"


def said(query: Mapping[str, str]) -> tuple[str, str]:
    """What was done, from the numbers of the address, and what was not and why."""
    done = query.get("n", "")
    if not re.fullmatch(r"\d{1,6}", done):
        return "", ""
    good = f"{counted(int(done), 'video')} changed." if int(done) else ""
    left, why = query.get("left", ""), query.get("why", "")
    if not re.fullmatch(r"\d{1,6}", left):
        return good, ""
    reason = _ERRORS.get(why) or (_REFUSED.get(DeskReason(why)) if why in {*DeskReason} else None)
    return good, f"{counted(int(left), 'video')} not changed. {reason or ''}".strip()
