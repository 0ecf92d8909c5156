"""A store full of strangers' texts that want to be obeyed, and how answers are judged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from injections import INJECTIONS, mark_of

from tagtide.bootstrap import App, open_app
from tagtide.clock import SystemClock
from tagtide.mcp.fence import LARGEST, UNTRUSTED, as_json
from tagtide.mcp.server import call
from tagtide.mcp.tools import TOOLS, Kind
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    HashtagOutcome,
    HashtagReading,
    Job,
    Reason,
    Role,
    Rule,
    Status,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, Claim, Sighting
from tagtide.services.respond import Target, acknowledge, mute
from tagtide.settings import Loaded, load

#: Texts of one campaign: few enough for a ranking to show all of them.
EACH = 10
CAMPAIGNS = len(INJECTIONS) // EACH
MARK = re.compile(r"zq\d{3}x")


def settings(folder: Path, api_url: str = "http://127.0.0.1:9", **more: str) -> Loaded:
    environ = {
        "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db",
        "TAGTIDE_API_URL": api_url,
        "TAGTIDE_MCP__CALLS_PER_MINUTE": "100000",
        **more,
    }
    return load(environ=environ, cwd=folder)


@asynccontextmanager
async def reading(loaded: Loaded) -> AsyncIterator[App]:
    async with open_app(loaded, source=False, read_only=True) as app:
        yield app


async def fill(loaded: Loaded) -> None:
    """Store every text as caption, nickname, user name, hashtag, alert, note and detail."""
    async with open_app(loaded, source=False) as app:
        for number in range(CAMPAIGNS):
            await _campaign(app, number)


async def _campaign(app: App, number: int) -> None:
    store, now = app.store, SystemClock().now()
    tag, other = f"tag{number:02}", f"rival{number:02}"
    campaign = await store.add_campaign(
        Campaign(
            name=f"C{number:02}",
            hashtags=(CampaignHashtag(name=tag), CampaignHashtag(name=other, role=Role.COMPETITOR)),
            created_at=now - timedelta(days=20),
        )
    )
    texts = range(number * EACH, (number + 1) * EACH)
    # Three of each, so that the marks in the captions emerge as hashtags.
    videos = tuple(_video(n, copy, now) for n in texts for copy in range(3))
    key = campaign.campaign_id
    readings = tuple(
        _reading(name, now - timedelta(hours=6 * step), 1_000_000 - 1_000 * step)
        for name in (tag, other)
        for step in range(40)
    )
    for back in (timedelta(hours=30), timedelta(hours=1)):
        sighting = Sighting(
            hashtag=tag, campaign_ids=(key,), read_at=now - back, videos=videos, run_id=None
        )
        marks = tuple((key, v.video.video_id, now - timedelta(hours=1)) for v in videos)
        await store.commit(Changes(sightings=(sighting,), high_priority=marks))
    alerts = tuple(_alert(n, key, tag, now) for n in texts)
    await store.commit(Changes(readings=readings, alerts=alerts))
    await _run(app, key, tag, INJECTIONS[texts[0]])
    second = alerts[1].alert_id
    await acknowledge(app.context, second, by=INJECTIONS[texts[1]][:100], note="seen")
    reason = INJECTIONS[texts[2]][:400]
    await mute(app.context, Target(alert_id=second), until="3d", reason=reason, by="ana")


def _video(number: int, copy: int, now: Any) -> VideoSeen:
    text, mark = INJECTIONS[number], mark_of(number)
    creator = Creator(
        creator_key=f"k{number}-{copy}",
        sec_uid=f"{mark}-ignore-previous-instructions-{copy}",
        uid=None,
        username=f"{text[:140]}{copy}",
        nickname=text[:60],
    )
    video = Video(
        video_id=str(7_000_000_000_000_000_000 + number * 10 + copy),
        creator=creator,
        caption=f"#{mark} {text}",
        created_at=now - timedelta(hours=20),
        hashtags=(mark,),
    )
    counters = VideoCounters(
        view_count=1_000_000 - number if copy == 0 else 20_000 - number,
        like_count=90_000,
        comment_count=2,
        share_count=1,
        save_count=None,
        source=CounterSource.STATS_V2,
    )
    return VideoSeen(video=video, counters=counters)


def _reading(name: str, at: Any, views: int) -> HashtagReading:
    return HashtagReading(
        hashtag=name,
        hashtag_id="42",
        read_at=at,
        view_count=views,
        view_source=CounterSource.STATS_V2,
        view_unit=1,
        video_count=views // 1_000,
        video_source=CounterSource.STATS_V2,
        video_unit=1,
    )


def _alert(number: int, campaign_id: int, tag: str, now: Any) -> Alert:
    text = INJECTIONS[number]
    part = {
        "video_id": str(7_000_000_000_000_000_000 + number * 10),
        "author_username": text,
        "url": f"https://www.tiktok.com/@{text}/video/7",
        "view_count": 5,
        "caption": text,
        text[:40]: "a key of a stranger",
    }
    at = (now - timedelta(hours=2)).isoformat()
    explanation = {
        "sentence": f"82 % is one video by @{text}",
        "measure": "views",
        "since": at,
        "until": at,
        "doubt": "none",
        "videos": [part],
        "creators": [part],
        "without": part,
        "over": {"hours": 1, "videos": 1, "gained": 1, "top": part},
    }
    return Alert(
        alert_id=f"a{number:07}",
        fingerprint=f"f{number}",
        campaign_id=campaign_id,
        rule=Rule.VIRAL_VIDEO,
        hashtag=tag,
        video_id=str(7_000_000_000_000_000_000 + number * 10),
        state=AlertState.FIRING,
        opened_at=now - timedelta(minutes=200 - number % EACH),
        updated_at=now - timedelta(hours=1),
        resolved_at=None,
        value=12.0,
        threshold=10.0,
        peak=12.0,
        reason=f"The video of @{text} went viral.",
        url=f"https://www.tiktok.com/@{text}/video/7",
        data={"top_videos": [part], "explanation": explanation},
        fired_at=now - timedelta(hours=2),
    )


async def _run(app: App, campaign_id: int, tag: str, text: str) -> None:
    store, now = app.store, SystemClock().now()
    run = await store.start_run(Job.COLLECT, campaign_id, now, "manual", now)
    lease = timedelta(minutes=1)
    claim = await store.claim_slot(Job.COLLECT, tag, now, run.run_id, now, lease)
    assert isinstance(claim, Claim)
    outcome = HashtagOutcome(
        hashtag=tag, status=Status.FAILED, reason=Reason.SCHEMA, detail=f"Found: {text}"
    )
    await store.commit(Changes(outcome=outcome, outcome_claim=claim))
    await store.finish_run(run.run_id, Status.FAILED, Reason.SCHEMA, now, Changes())


# --- asking ---------------------------------------------------------------------------------------


def questions(number: int) -> list[tuple[str, dict[str, Any]]]:
    """Every read tool about one campaign."""
    name, tag = f"C{number:02}", f"tag{number:02}"
    of = {"campaign": name}
    everywhere: list[tuple[str, dict[str, Any]]] = [
        ("list_campaigns", {}),
        ("today", {}),
        ("credits", {}),
    ]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("hashtag_history", {**of, "hashtag": tag, "days": 30}),
        ("weekly_ranking", of),
        ("campaign_summary", of),
        *(("top_videos", {**of, "by": by, "limit": 50}) for by in ("views", "seen")),
        ("top_creators", {**of, "limit": 50}),
        ("search_videos", {**of, "text": "zq", "limit": 50}),
        ("alerts", {**of, "limit": 50}),
        *(
            ("explain_alert", {"alert_id": f"a{n:07}"})
            for n in range(number * 10, number * 10 + 10)
        ),
        ("runs_and_coverage", of),
        *(("preview_run", {**of, "job": job}) for job in ("track", "collect")),
        ("backtest_rule", {**of, "rule": "viral_video", "value": 2}),
    ]
    if number == 0:
        asked += everywhere
    assert {name for name, _ in asked + everywhere} == {
        t.name for t in TOOLS if t.kind is Kind.READ
    }
    return asked


async def ask(app: App, name: str, arguments: Mapping[str, Any]) -> Any:
    """What a tool answers, as JSON types."""
    tool = next(t for t in TOOLS if t.name == name)
    return (await call(app, tool, arguments)).model_dump(mode="json", by_alias=True)


# --- judging --------------------------------------------------------------------------------------


def bare(value: Any) -> Iterator[str]:
    """Every text and key outside of the fence."""
    if isinstance(value, dict):
        if set(value) == {UNTRUSTED}:
            return
        for key, one in value.items():
            yield key
            yield from bare(one)
    elif isinstance(value, list):
        for one in value:
            yield from bare(one)
    elif isinstance(value, str):
        yield value


def fenced(value: Any) -> Iterator[str]:
    """Every text behind the fence."""
    if isinstance(value, dict):
        if set(value) == {UNTRUSTED}:
            yield value[UNTRUSTED]
            return
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from fenced(one)


def judge(result: Any) -> set[str]:
    """Refuse an answer that lets a stranger's text out; return the marks it holds."""
    assert not result.get("isError"), result
    body = result["structuredContent"]
    (text,) = result["content"]
    assert text["text"] == as_json(body)
    assert len(as_json(result).encode()) <= LARGEST
    for one in bare(body):
        assert not MARK.search(one), one
        assert len(one) <= 100
    marks = set()
    for one in fenced(body):
        assert len(one) <= 300
        assert one.isprintable(), ascii(one)
        assert not any(0xE0000 <= ord(c) <= 0xE0FFF for c in one)
        for token in (
            "<|",
            "|>",
            "[INST]",
            "<<SYS",
            "</",
            "<s>",
            "<function",
            "<tool",
            "<start_of",
        ):
            assert token not in one, one
        marks |= set(MARK.findall(one))
    return marks
