"""Capsules made of small and of large campaigns, for the tests of proofs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from report_examples import CAMPAIGN, OWN, RIVAL, campaign_facts, outcome
from report_facts import DAY, NOW, AVideo, counters, reading, totals_at
from tagtide.core.proof.contents import contents
from tagtide.core.proof.entries import Draft, Material, draft
from tagtide.core.proof.figures import Worked
from tagtide.core.proof.records import Records
from tagtide.core.proof.verify import Verdict, verify
from tagtide.core.reports.campaign import CampaignFacts, build_campaign
from tagtide.core.reports.facts import HashtagFacts
from tagtide.models import HashtagReading
from tagtide.renderers import render_capsule
from tagtide.services.proof import write_proof
from tagtide.signing import Signer, signature_holds

TOOL = "tagtide 0.1.0"


def draw(records: Records, worked: Mapping[str, Worked]) -> tuple[bytes, bytes]:
    return render_capsule(contents(records, worked))


def drafted(facts: CampaignFacts, signer: Signer | None = None) -> Draft:
    runs = {(v.video_id, v.read_at): 7 for v in facts.videos}
    key = None if signer is None else signer.public
    report = build_campaign(facts)
    return draft(Material(facts=facts, report=report, runs=runs, tool=TOOL, key=key))


def capsule(facts: CampaignFacts | None = None, signer: Signer | None = None) -> bytes:
    made = drafted(facts or with_history(), signer)
    return write_proof(made, draw, None if signer is None else signer.sign)


def judged(file: bytes, key: str | None = None) -> Verdict:
    return verify(file, draw=draw, signature_holds=signature_holds, key=key)


def states(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.state.value for check in verdict.checks}


def history(name: str = "glowup") -> list[HashtagReading]:
    """Readings of two days, one of them stale."""
    counts = [10_700_000, 10_800_000, 11_000_000, 11_400_000, 11_390_000, 11_900_000]
    return [
        totals_at(name, NOW - 2 * DAY + k * timedelta(hours=9), views, 4_200 + 15 * k)
        for k, views in enumerate(counts)
    ]


def with_history() -> CampaignFacts:
    """The example of the reports, with what tells stale and corrected counters."""
    facts = campaign_facts()
    first, *others = facts.hashtags
    past = history()
    return replace(facts, hashtags=[replace(first, earlier=past[2], history=past), *others])


def large(count: int, seed: int = 1) -> CampaignFacts:
    """A campaign of many videos, each read at both ends."""
    chance = random.Random(seed)
    videos: list[AVideo] = []
    for number in range(count):
        views = int(chance.lognormvariate(8, 2))
        rated = [int(views * chance.betavariate(2, 30)) for _ in range(4)]
        name = f"creator.{chance.randrange(count * 2 // 3):05d}"
        age = timedelta(hours=chance.uniform(1, 700))
        videos.append(
            AVideo(
                str(7_560_000_000_000_000_000 + number * 12_345),
                counters(views, *rated),
                author_key=f"MS4wLjABAAAA{name}",
                author_username=name,
                author_nickname=name.replace(".", " ").title(),
                author_followers=None,
                caption=f"Day {number} of my routine #glowup #skintok",
                created_at=NOW - age - timedelta(hours=2),
                first_seen_at=NOW - age,
                high_priority_at=NOW if views > 100_000 else None,
            )
        )
    earlier = {
        v.video_id: reading(
            v.video_id,
            NOW - DAY,
            replace(v.counters, view_count=(v.counters.view_count or 0) * 9 // 10),
        )
        for v in videos
    }
    past = history()
    hashtags: Sequence[HashtagFacts] = [
        HashtagFacts(
            hashtag=OWN,
            latest=totals_at("glowup", NOW, 12_345_678, 4_321),
            earlier=past[2],
            history=past,
            outcome=outcome("glowup"),
        ),
        HashtagFacts(
            hashtag=RIVAL, latest=totals_at("rivalskin", NOW, 39_100_000_000, None, 10**8)
        ),
    ]
    return CampaignFacts(
        campaign=CAMPAIGN,
        as_of=NOW,
        videos=videos,
        earlier=earlier,
        hashtags=hashtags,
        credits_used=9,
    )
