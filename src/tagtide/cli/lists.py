"""``tagtide hashtags``, ``videos`` and ``creators``: ranked, filtered lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, json_option, one_campaign, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.detect.virality import AgeScore
from tagtide.core.formats import clean_text, compact, decimal, iso_utc, percent
from tagtide.core.messages import Cell, Column, Kind, Note, Table, Tone, creator_url, safe_link
from tagtide.core.metrics import CreatorStanding
from tagtide.core.metrics import creators as rank_creators
from tagtide.core.names import hashtag_url, parse_hashtag
from tagtide.core.reports.facts import creator_dict, video_dict
from tagtide.models import Campaign, Role, video_url
from tagtide.ports import HashtagState, KnownVideo
from tagtide.services.evaluate import age_scores_of


def _list_options(command: Any) -> Any:
    for option in (
        click.option(
            "--limit", type=click.IntRange(1), default=20, show_default=True, help="Rows."
        ),
        json_option,
        common_options,
        click.argument("campaign", required=False),
    ):
        command = option(command)
    return command


@click.command()
@_list_options
def hashtags(campaign: str | None, limit: int, as_json: bool, **where: Any) -> None:
    """Hashtags of CAMPAIGN with their newest totals, largest first."""

    async def main() -> tuple[Campaign, dict[str, HashtagState]]:
        async with application(where["config"], where["database"]) as app:
            found = await one_campaign(app, campaign)
            return found, await app.store.hashtag_states([h.name for h in found.hashtags])

    found, states = run_async(main)
    roles = {h.name: h.role for h in found.hashtags}
    ranked = sorted(states.values(), key=_views_of_state, reverse=True)[:limit]
    if as_json:
        print_json(
            {"campaign": found.name, "hashtags": [_state_dict(s, roles[s.name]) for s in ranked]}
        )
        return
    columns = (
        Column("Hashtag"),
        Column("Role"),
        Column("Views", Kind.NUMBER),
        Column("Videos", Kind.NUMBER),
        Column("Read at", Kind.INSTANT),
        Column("State"),
    )
    print_blocks([Table(found.name, columns, tuple(_state_row(s, roles[s.name]) for s in ranked))])


def _views_of_state(state: HashtagState) -> int:
    return (state.latest.view_count if state.latest else None) or -1


def _state_dict(state: HashtagState, role: Role) -> dict[str, Any]:
    latest = state.latest
    return {
        "hashtag": state.name,
        "hashtag_id": state.hashtag_id,
        "role": role.value,
        "view_count": latest.view_count if latest else None,
        "video_count": latest.video_count if latest else None,
        "read_at": iso_utc(latest.read_at) if latest else None,
        "failures": state.failures,
        "failure_reason": state.failure_reason.value,
        "paused": state.paused_at is not None,
        "url": hashtag_url(state.name),
    }


def _state_row(state: HashtagState, role: Role) -> tuple[Cell, ...]:
    latest = state.latest
    told = "ok" if latest else "never read"
    if state.failures:
        told = f"failed {state.failures}x: {state.failure_reason.value}"
    if state.paused_at:
        told = f"paused: {state.failure_reason.value}"
    return (
        Cell(f"#{state.name}", link=hashtag_url(state.name)),
        Cell(role.value),
        Cell(compact(latest.view_count if latest else None)),
        Cell(compact(latest.video_count if latest else None)),
        Cell(latest.read_at.strftime("%d %b %Y %H:%M UTC") if latest else "-"),
        Cell(told, tone=Tone.WARN if state.failures or state.paused_at else Tone.MUTED),
    )


#: Sorting by the age-adjusted score needs the other videos; the rest can be told from one.
_BY_SCORE = "score"
_SORTS: dict[str, Callable[[KnownVideo], float]] = {
    "views": lambda v: v.counters.view_count or -1,
    "engagement": lambda v: v.counters.engagement or -1,
    "rate": lambda v: v.counters.engagement_rate or -1,
    "created": lambda v: v.created_at.timestamp() if v.created_at else -1,
    "seen": lambda v: v.first_seen_at.timestamp(),
}


@click.command()
@click.option("--sort", type=click.Choice([*_SORTS, _BY_SCORE]), default="views", show_default=True)
@click.option("--hashtag", help="Only of this hashtag.")
@click.option("--high-priority", is_flag=True, help="Only high-priority ones.")
@click.option("--min-views", type=click.IntRange(0), help="At least that many views.")
@click.option("--creator", help="Only of this handle.")
@click.option("--competitors", is_flag=True, help="Competitors' videos instead of own ones.")
@_list_options
def videos(campaign: str | None, limit: int, as_json: bool, **typed: Any) -> None:
    """Videos of CAMPAIGN at their newest reading.

    The age score says how far a video's views lie above what the campaign's videos get at its age.
    """
    found, held, scores = run_async(lambda: _scored_videos(campaign, typed))
    kept = [v for v in held if _is_wanted(v, typed)]
    by_score = typed["sort"] == _BY_SCORE
    kept.sort(key=_by_score(scores) if by_score else _SORTS[typed["sort"]], reverse=True)
    if as_json:
        print_json(
            {
                "campaign": found.name,
                "total": len(kept),
                "videos": [
                    video_dict(v) | {"age_score": _score_dict(scores.get(v.video_id))}
                    for v in kept[:limit]
                ],
            }
        )
        return
    columns = (
        Column("Creator"),
        Column("Views", Kind.NUMBER),
        Column("Engagement", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("Age score", Kind.NUMBER),
        Column("First at"),
        Column("Caption"),
        Column("Video", Kind.ID),
    )
    print_blocks(
        [
            Table(found.name, columns, tuple(_video_row(v, scores) for v in kept[:limit])),
            Note(f"{len(kept[:limit]):,} of {len(kept):,} videos held. The feed is a sample."),
        ]
    )


async def _scored_videos(
    campaign: str | None, typed: dict[str, Any]
) -> tuple[Campaign, list[KnownVideo], dict[str, AgeScore]]:
    """Held videos, and their scores among all of their side of the campaign."""
    async with application(typed["config"], typed["database"]) as app:
        found, held = await _of_campaign(app, campaign, typed)
        role = Role.COMPETITOR if typed.get("competitors") else Role.OWN
        crowd = held
        if typed.get("hashtag"):
            crowd = await app.store.known_videos(found.campaign_id, role=role)
        return found, held, await age_scores_of(app.context, found, crowd)


def _by_score(scores: dict[str, AgeScore]) -> Callable[[KnownVideo], float]:
    return lambda v: scores[v.video_id].z if v.video_id in scores else float("-inf")


def _score_dict(score: AgeScore | None) -> dict[str, Any] | None:
    return None if score is None else score.as_dict()


async def _held_videos(
    campaign: str | None, typed: dict[str, Any]
) -> tuple[Campaign, list[KnownVideo]]:
    async with application(typed["config"], typed["database"]) as app:
        return await _of_campaign(app, campaign, typed)


async def _of_campaign(
    app: App, campaign: str | None, typed: dict[str, Any]
) -> tuple[Campaign, list[KnownVideo]]:
    found = await one_campaign(app, campaign)
    role = Role.COMPETITOR if typed.get("competitors") else Role.OWN
    tags = [parse_hashtag(typed["hashtag"])] if typed.get("hashtag") else None
    return found, await app.store.known_videos(found.campaign_id, role=role, hashtags=tags)


def _is_wanted(video: KnownVideo, typed: dict[str, Any]) -> bool:
    handle = (typed["creator"] or "").lstrip("@").casefold()
    return (
        (not typed["high_priority"] or video.high_priority_at is not None)
        and (video.counters.view_count or 0) >= (typed["min_views"] or 0)
        and (not handle or (video.author_username or "").casefold() == handle)
    )


def _video_row(video: KnownVideo, scores: dict[str, AgeScore]) -> tuple[Cell, ...]:
    counters = video.counters
    score = scores.get(video.video_id)
    out = score is not None and score.stands_out
    return (
        Cell(f"@{clean_text(video.author_username or '-', 30)}", foreign=True),
        Cell(compact(counters.view_count)),
        Cell(compact(counters.engagement)),
        Cell(percent(counters.engagement_rate)),
        Cell(decimal(score.z if score else None), tone=Tone.UP if out else Tone.PLAIN),
        Cell(f"#{video.hashtag}"),
        Cell(clean_text(video.caption, 40), foreign=True),
        Cell(video.video_id, link=safe_link(video_url(video.video_id, video.author_username))),
    )


@click.command()
@click.option("--min-videos", type=click.IntRange(1), default=1, help="At least that many videos.")
@_list_options
def creators(
    campaign: str | None, limit: int, as_json: bool, min_videos: int, **where: Any
) -> None:
    """Creators of CAMPAIGN by the views of their videos."""
    found, held = run_async(lambda: _held_videos(campaign, where))
    ranked = [c for c in rank_creators(held) if c.videos >= min_videos]
    if as_json:
        body = [creator_dict(place, c) for place, c in enumerate(ranked[:limit], 1)]
        print_json({"campaign": found.name, "total": len(ranked), "creators": body})
        return
    columns = (
        Column("Creator"),
        Column("Videos", Kind.NUMBER),
        Column("Views", Kind.NUMBER),
        Column("Engagement", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("Followers", Kind.NUMBER),
    )
    print_blocks(
        [
            Table(found.name, columns, tuple(_creator_row(c) for c in ranked[:limit])),
            Note(f"{len(ranked[:limit]):,} of {len(ranked):,} creators held."),
        ]
    )


def _creator_row(creator: CreatorStanding) -> tuple[Cell, ...]:
    name = creator.author_username
    return (
        Cell(f"@{clean_text(name or '-', 30)}", link=creator_url(name), foreign=True),
        Cell(f"{creator.videos:,}"),
        Cell(compact(creator.views.total)),
        Cell(compact(creator.engagement.total)),
        Cell(percent(creator.engagement_rate)),
        Cell(compact(creator.author_followers)),
    )
