"""A campaign report as the entries of a capsule: what it was made from, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tagtide.core.language import ENGLISH, speaking
from tagtide.core.metrics import VideoFacts
from tagtide.core.proof import FORM, SCHEMA
from tagtide.core.proof.chain import LARGEST, SIGNED, Chain, page_hash
from tagtide.core.proof.figures import Worked, work_out
from tagtide.core.proof.parsing import complete, read_records
from tagtide.core.proof.records import ERASED, Records, written
from tagtide.core.reports.campaign import CampaignFacts, CampaignReport
from tagtide.core.reports.facts import HashtagFacts
from tagtide.errors import InvalidInput, ProofDiffers
from tagtide.models import HashtagReading, VideoCounters

#: Lines of the top lists, as `core.reports.campaign.build_campaign` has them.
_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a capsule is made of."""

    facts: CampaignFacts
    report: CampaignReport
    #: The run that brought a reading of a video, by video id and instant, as far as it is known.
    runs: Mapping[tuple[str, datetime], int] = field(default_factory=dict)
    #: Name and version of the program.
    tool: str
    #: Public half of the key that will sign, in hexadecimal.
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A capsule whose page is still to be drawn."""

    chain: Chain
    records: Records
    figures: Mapping[str, Worked]

    @property
    def message(self) -> bytes:
        """What is to be signed, once it is closed."""
        return f"{SIGNED}{self.chain.head}".encode()

    def closed(self, page: tuple[bytes, bytes]) -> None:
        """Enter the page, drawn around where the data will stand; nothing can follow."""
        self.chain.add({"kind": "page", "sha256": page_hash(page)})

    def file(self, page: tuple[bytes, bytes], signature: str | None) -> bytes:
        """The whole file. Raises `InvalidInput` when it is larger than anyone would read."""
        before, after = page
        whole = before + self.chain.sealed(signature) + after
        if len(whole) > LARGEST:
            raise InvalidInput(
                f"The proof would be larger than {LARGEST >> 20} MB.",
                hint="Split the campaign, or hand over `tagtide export readings` instead.",
            )
        return whole


@speaking(ENGLISH)
def draft(material: Material) -> Draft:
    """The entries of a report. Raises `ProofDiffers` when the readings do not give its figures."""
    chain = Chain()
    names = _Names(material.report.videos)
    # From the entries, not from the report: what is worked out here is what anyone will read.
    records = read_records([chain.add(entry) for entry in _held(material, names)])
    stated = _figures(material.report, names)
    worked = work_out(records)
    says = []
    for key, figure in worked.items():
        if figure.value != stated[key]:
            raise ProofDiffers(f"The readings do not give the figure {key} of the report.")
        says.append({"kind": "figure", "key": key, **figure.as_dict()})
    says += [
        {"kind": "stated", "key": key, "value": value}
        for key, value in _stated(material.report).items()
    ]
    return Draft(chain, complete(records, [chain.add(entry) for entry in says]), worked)


class _Names:
    """What videos and creators are called in a capsule; those that were erased by number alone."""

    def __init__(self, videos: Sequence[VideoFacts]) -> None:
        self.videos = sorted(videos, key=lambda v: v.video_id)
        keys = sorted({v.author_key for v in videos})
        self.creators = {key: number for number, key in enumerate(keys, 1)}
        erased = [v.video_id for v in self.videos if is_erased(v.author_key)]
        self._erased = {video_id: f"erased-{n}" for n, video_id in enumerate(erased, 1)}

    def video(self, video_id: str) -> str:
        """Its id, or what stands for it."""
        return self._erased.get(video_id, video_id)


def is_erased(author_key: str) -> bool:
    """Whether a creator was erased: only a hash is left as the key."""
    return author_key.startswith(ERASED)


# --- what is held ---------------------------------------------------------------------------------


def _held(material: Material, names: _Names) -> Iterable[dict[str, Any]]:
    yield _header(material)
    for facts in material.facts.hashtags:
        yield from _hashtag(facts)
    yield from _creators(names)
    listed = _listed(material.report)
    for video in names.videos:
        yield _video(video, names, video.video_id in listed)
        yield _reading(material, names, video.video_id, video.read_at, video.counters, "latest")
        then = material.facts.earlier.get(video.video_id)
        if then is not None and then.read_at < video.read_at:
            yield _reading(material, names, video.video_id, then.read_at, then.counters, "earlier")


def _header(material: Material) -> dict[str, Any]:
    report, rules = material.report, material.facts.campaign.rules
    return {
        "kind": "capsule",
        "schema": SCHEMA,
        "form": FORM,
        "tool": material.tool,
        "campaign": report.campaign,
        "timezone": report.timezone,
        "as_of": written(report.as_of),
        "date": report.on.isoformat(),
        "top": _TOP,
        "viral_factor": rules.viral_factor,
        "viral_min_others": rules.viral_min_others,
        "high_priority_rate": rules.high_priority_rate,
        "high_priority_views": rules.high_priority_views,
        "key": material.key,
    }


def _hashtag(facts: HashtagFacts) -> Iterable[dict[str, Any]]:
    outcome, latest, earlier = facts.outcome, facts.latest, facts.earlier
    yield {
        "kind": "hashtag",
        "hashtag": facts.hashtag.name,
        "role": facts.hashtag.role.value,
        "status": None if outcome is None else outcome.status.value,
        "reason": "" if outcome is None else outcome.reason.value,
        "has_history": bool(facts.history),
    }
    if latest is None:
        return
    ends = {latest.read_at} if earlier is None else {latest.read_at, earlier.read_at}
    beside = {r.read_at: r for r in facts.history if r.read_at not in ends}
    if earlier is not None and earlier.read_at < latest.read_at:
        yield _hashtag_reading(facts.hashtag.name, earlier, "earlier")
        for at in sorted(at for at in beside if at < latest.read_at):
            yield _hashtag_reading(facts.hashtag.name, beside[at], "beside")
    yield _hashtag_reading(facts.hashtag.name, latest, "latest")


def _hashtag_reading(name: str, reading: HashtagReading, end: str) -> dict[str, Any]:
    view, video = reading.view_source, reading.video_source
    return {
        "kind": "hashtag_reading",
        "hashtag": name,
        "at": written(reading.read_at),
        "end": end,
        "id": reading.hashtag_id,
        "views": reading.view_count,
        "views_field": None if view is None else view.value,
        "views_unit": reading.view_unit,
        "videos": reading.video_count,
        "videos_field": None if video is None else video.value,
        "videos_unit": reading.video_unit,
        "run": reading.run_id,
    }


def _creators(names: _Names) -> Iterable[dict[str, Any]]:
    held: dict[str, list[VideoFacts]] = {}
    for video in names.videos:
        held.setdefault(video.author_key, []).append(video)
    for key, number in names.creators.items():
        newest = max(held[key], key=lambda v: (v.read_at, v.video_id))
        known = (v.author_followers for v in (newest, *held[key]))
        is_gone = is_erased(key)
        yield {
            "kind": "creator",
            "creator": number,
            "handle": None if is_gone else newest.author_username,
            # A name for display is needed only where there is no handle.
            "nickname": None if is_gone or newest.author_username else newest.author_nickname,
            "followers": None if is_gone else next((n for n in known if n is not None), None),
            "erased": key.removeprefix(ERASED) if is_gone else None,
        }


def _video(video: VideoFacts, names: _Names, is_listed: bool) -> dict[str, Any]:
    show = is_listed and not is_erased(video.author_key)
    return {
        "kind": "video",
        "video": names.video(video.video_id),
        "creator": names.creators[video.author_key],
        "hashtags": list(video.hashtags),
        "first_seen_at": written(video.first_seen_at),
        "high_priority_at": None
        if video.high_priority_at is None
        else written(video.high_priority_at),
        "caption": video.caption if show else None,
    }


def _reading(
    material: Material,
    names: _Names,
    video_id: str,
    at: datetime,
    counters: VideoCounters,
    end: str,
) -> dict[str, Any]:
    return {
        "kind": "reading",
        "video": names.video(video_id),
        "at": written(at),
        "end": end,
        "views": counters.view_count,
        "likes": counters.like_count,
        "comments": counters.comment_count,
        "shares": counters.share_count,
        "saves": counters.save_count,
        "field": counters.source.value,
        "run": material.runs.get((video_id, at)),
    }


def _listed(report: CampaignReport) -> set[str]:
    lists = (report.viral, report.top_videos, report.top_by_views, report.high_priority)
    return {line.video.video_id for lines in lists for line in lines}


# --- what the report says -------------------------------------------------------------------------

_PLAIN = (
    "total_videos", "unique_creators", "total_views", "total_likes", "total_comments",
    "total_shares", "total_saves", "total_engagement", "avg_views", "avg_engagement",
    "avg_engagement_rate", "median_engagement_rate", "pooled_engagement_rate",
    "engagement_rate_distribution", "new_videos_24h", "new_views_24h", "view_growth_24h",
    "view_growth_videos", "view_growth_fallen", "engagement_growth_24h", "compared_with",
    "viral_judged",
)  # fmt: skip
_HASHTAG = (
    "hashtag", "role", "hashtag_id", "view_count", "video_count", "read_at", "previous_at",
    "elapsed_hours", "view_change", "view_change_margin", "video_change",
)  # fmt: skip
_VIDEO = ("video_id", "view_count", "engagement", "engagement_rate")
_VIRAL = ("video_id", "basis", "value", "mean_of_others", "others", "times")
_CREATOR = (
    "rank", "author_username", "author_followers", "videos", "total_views", "total_engagement",
    "engagement_rate", "high_priority_videos", "top_video_id",
)  # fmt: skip


def _figures(report: CampaignReport, names: _Names) -> dict[str, Any]:
    """The figures of the report's own JSON that the readings give."""
    body = report.as_dict(videos=False)
    found = {key: body[key] for key in _PLAIN}
    for key in ("hashtags", "competitors"):
        found[key] = [{name: line[name] for name in _HASHTAG} for line in body[key]]
    for key, fields in (
        ("viral_videos", _VIRAL),
        ("top_videos", ("rank", *_VIDEO)),
        ("top_videos_by_views", ("rank", *_VIDEO)),
        ("high_priority", _VIDEO),
    ):
        found[key] = [
            {**{name: line[name] for name in fields}, "video_id": names.video(line["video_id"])}
            for line in body[key]
        ]
    found["top_creators"] = [
        _creator(line, standing.author_key, names)
        for line, standing in zip(body["top_creators"], report.top_creators, strict=True)
    ]
    return found


def _creator(line: Mapping[str, Any], key: str, names: _Names) -> dict[str, Any]:
    found = {name: line[name] for name in _CREATOR}
    if is_erased(key):
        found |= {"author_username": None, "author_followers": None}
    found["top_video_id"] = names.video(line["top_video_id"])
    return {**found, "creator": names.creators[key]}


def _stated(report: CampaignReport) -> dict[str, Any]:
    """What stands in the report and rests on no reading in the file."""
    body = report.as_dict(videos=False)
    return {
        "coverage": body["coverage"],
        "credits_used": body["credits_used"],
        "money_spent": body["money_spent"],
    }
