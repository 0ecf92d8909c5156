"""A world of names that are hard to set, of holes and failures, told to a store by services."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tagtide.bootstrap import App, open_app
from tagtide.clock import SystemClock
from tagtide.core.access import Role
from tagtide.core.desk.terms import DeskState
from tagtide.models import Campaign, Job, RuleSettings
from tagtide.services.accounts import Caller, add_user, set_up
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import collect
from tagtide.services.deliver import deliver_within
from tagtide.services.desk import (
    DeskTarget,
    RightTyped,
    assigning,
    change,
    labelling,
    moving,
    noting,
)
from tagtide.services.report import report_weekly
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.settings import load
from tagtide.simulator import SimClock, SimulatorServer, demo_world
from tagtide.simulator.protocol import Answered, ApiCall, Data

USER = "somebody-with-a-name-as-long-as-names-may-be@agency.example"
PASSWORD = "seven unrelated words"

LONG = "glow" * 22
RIGHT_TO_LEFT = "توهج_الصيف"
EMOJI = "glowup\U0001f469\U0001f3fd‍\U0001f680"
#: Hashtags of the odd world by those of the demo's that stand behind them.
ALIASES = {
    LONG: "lumenglow",
    RIGHT_TO_LEFT: "mylumen",
    "एक": "lumenroutine",
    "nothing": "velvaskin",
    "single": "auradew",
}
#: Nobody knows it: what reads it fails.
GONE = "nosuchtag"

TEXTS = (
    "Donaudampfschifffahrtsgesellschaftskapitän" * 4,
    "يا له من توهج \u202e#glow\u202c 100%!",
    "\U0001f469\U0001f3fd‍\U0001f680" * 30,
    "Z̷̢̛a̸̧͠l̵̢͘g̸̛͜o̶̧͝ " * 12,
    "",
    "\u200b\u2066\u202e\u2069",
    "line\nline\n\n\nline\ttab",
    "<b>& &amp; \"quoted\" 'text'",
    "日本語のとても長いキャプション" * 8,
)


class OddWorld:
    """Another world, seen with other names and with holes: implements `Answers`."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._names = {inner.id_of(real): odd for odd, real in ALIASES.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """The answer of the world inside, changed."""
        name = call.text("hashtag_name")
        if name in ALIASES:
            call = replace(call, params={**call.params, "hashtag_name": ALIASES[name]})
        answered = self._inner.answer(at, call)
        if not isinstance(answered, Data):
            return answered
        body = json.loads(answered.json)
        odd = name or self._names.get(call.text("hashtag_id") or "", "")
        if "aweme_list" in body:
            body = _feed(body, {"nothing": 0, "single": 1}.get(odd, 30))
        return Data(json.dumps(body).encode())


def _feed(body: dict[str, Any], most: int) -> dict[str, Any]:
    found = body.get("aweme_list") or []
    if most < len(found):
        body |= {"aweme_list": found[:most], "has_more": 0}
    for record in body["aweme_list"] or []:
        number = int(record["aweme_id"])
        text = TEXTS[number % len(TEXTS)]
        record["desc"] = record["author"]["nickname"] = text
        if number % 4 == 0:
            record["statistics"] = {}
        if number % 7 == 0:
            record.pop("create_time", None)
    return body


CONFIG = """
[rules]
growth = 0.0001
[channels.crm-of-the-agency-after-everything]
kind = "webhook"
url = "https://localhost:9/hook/x"
"""


async def tell(folder: Path) -> None:
    """Two days of it: tracking and collection four times, the desk, a report, a dead channel."""
    now = SystemClock().now()
    clock = SimClock(SystemClock(), start=now - timedelta(hours=51), speed=0)
    server = SimulatorServer(OddWorld(demo_world(5, now)), clock=clock, plan="growth")
    await server.start()
    (folder / "tagtide.toml").write_text(CONFIG, encoding="utf-8")
    environ = environ_of(folder) | {"TAGTIDE_API_URL": f"http://127.0.0.1:{server.port}"}
    try:
        async with open_app(load(environ=environ, cwd=folder), clock=clock) as app:
            await _tell(app, clock, now)
    finally:
        await server.stop()


def environ_of(folder: Path) -> dict[str, str]:
    return {"TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db"}


async def _tell(app: App, clock: SimClock, now: datetime) -> None:
    caller = Caller("127.0.0.1", "a test")
    await set_up(app.accounts, USER, PASSWORD, caller, token=None, is_local=True)
    campaigns = [await app.store.add_campaign(one) for one in campaigns_of(clock.now())]
    for hours in (50, 38, 26, 14, 2):
        clock.set(now - timedelta(hours=hours))
        for campaign in campaigns:
            await _run(app, campaign)
    clock.set(now - timedelta(minutes=5))
    await _judge(app, campaigns[0])
    await report_weekly(app.context, campaigns[0])
    await deliver_within(app.context, app.channels, 5)


def campaigns_of(now: datetime) -> list[Campaign]:
    rules = RuleSettings()
    every = [
        make_campaign(
            f"{RIGHT_TO_LEFT} — a name that nobody could shorten \U0001f469\U0001f3fd‍\U0001f680",
            hashtags=[LONG, RIGHT_TO_LEFT],
            competitors=["एक"],
            competitor_feeds=True,
            timezone="America/Argentina/ComodRivadavia",
            thresholds={LONG: 1, RIGHT_TO_LEFT: 1},
            rules=rules,
        ),
        make_campaign("Nothing", hashtags=["nothing"]),
        make_campaign("Single", hashtags=["single"]),
        make_campaign("Gone", hashtags=[GONE], competitors=["nothing"]),
        make_campaign("M" * 80, hashtags=["notyet"]),
    ]
    return [replace(one, created_at=now) for one in every]


async def _run(app: App, campaign: Campaign) -> None:
    if campaign.name.startswith("M"):
        return
    at = app.context.clock.now()
    await track(app.context, RunRequest(job=Job.TRACK, campaign=campaign, slot_at=at))
    await collect(app.context, RunRequest(job=Job.COLLECT, campaign=campaign, slot_at=at))


async def _judge(app: App, campaign: Campaign) -> None:
    ids = await app.store.video_ids_after(campaign.campaign_id, "", 40)
    right = RightTyped(
        channels=("website,spark",),
        territory="FR,DE,AT,CH",
        fee="two hoodies and a very long sentence about how they are to be sent to whom",
        expires="5d",
        evidence=(TEXTS[0], "https://www.tiktok.com/@someone/video/1"),
        spark_code="#" + "A" * 60 + "==",
        spark_expires="30d",
    )
    steps = {
        0: moving(DeskState.SHORTLISTED.value, by=USER),
        1: moving(DeskState.DECLINED.value, by=USER),
        2: moving(DeskState.GRANTED.value, by=USER, right=right),
        3: labelling(["very-long-label-of-forty-characters-xxx", "تسمية"], [], by=USER),
        4: assigning("somebody with a name of no small length at all", by=USER),
        5: noting(TEXTS[2][:200], by=USER),
    }
    for place, decide in steps.items():
        await change(app.context, DeskTarget(video=ids[place], campaign=campaign.name), decide)
    await add_user(app.accounts, "viewer-" + "v" * 50, "another few words", Role.VIEWER, by=USER)
