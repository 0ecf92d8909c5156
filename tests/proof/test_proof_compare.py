"""A capsule beside the stored readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from capsules import capsule, judged, states, with_history

from tagtide.core.proof.compare import StoredReadings, compared
from tagtide.models import HashtagReading, VideoReading

FACTS = with_history()


def stored() -> StoredReadings:
    """All that the capsule was made of."""
    videos: dict[tuple[str, datetime], VideoReading] = {
        (v.video_id, v.read_at): VideoReading(
            video_id=v.video_id, read_at=v.read_at, counters=v.counters
        )
        for v in FACTS.videos
    }
    videos |= {(r.video_id, r.read_at): r for r in FACTS.earlier.values()}
    hashtags: dict[tuple[str, datetime], HashtagReading] = {
        (f.hashtag.name, r.read_at): r
        for f in FACTS.hashtags
        for r in (f.latest, f.earlier, *f.history)
        if r is not None
    }
    return StoredReadings(videos=videos, hashtags=hashtags)


def test_what_is_stored_as_it_stands_holds() -> None:
    verdict = compared(judged(capsule(FACTS)), stored())
    assert verdict.good
    assert states(verdict)["database"] == "holds"


def test_what_stands_otherwise_is_named() -> None:
    held = stored()
    key = next(iter(held.videos))
    counters = replace(held.videos[key].counters, save_count=1)
    videos = {**held.videos, key: replace(held.videos[key], counters=counters)}
    verdict = compared(judged(capsule(FACTS)), replace(held, videos=videos))
    assert states(verdict)["database"] == "broken"
    assert [c.problem for c in verdict.changed] == ["stored otherwise"]
    assert key[0] in verdict.changed[0].what


def test_a_hashtag_that_stands_otherwise_is_named() -> None:
    held = stored()
    key = next(iter(held.hashtags))
    hashtags = {**held.hashtags, key: replace(held.hashtags[key], video_count=None)}
    verdict = compared(judged(capsule(FACTS)), replace(held, hashtags=hashtags))
    assert states(verdict)["database"] == "broken"


def test_what_was_thinned_out_or_erased_is_no_fault() -> None:
    held = stored()
    videos = dict(list(held.videos.items())[3:])
    verdict = compared(judged(capsule(FACTS)), replace(held, videos=videos))
    assert verdict.good
    assert "thinned out" in verdict.checks[-1].statement


def test_another_database_proves_nothing() -> None:
    verdict = compared(judged(capsule(FACTS)), StoredReadings(videos={}, hashtags={}))
    assert states(verdict)["database"] == "unproven"
    assert not verdict.good
