"""The campaign report together with every reading behind it, for a proof capsule."""

from __future__ import annotations

from collections.abc import Callable

from tagtide.core.proof.compare import StoredReadings, compared
from tagtide.core.proof.entries import Draft, Material, draft
from tagtide.core.proof.verify import Draw, Verdict
from tagtide.core.reports.campaign import CampaignReport, build_campaign
from tagtide.models import Campaign
from tagtide.services.context import Context
from tagtide.services.report import keep_campaign, read_campaign_facts


async def gather_proof(
    context: Context, campaign: Campaign, *, tool: str, key: str | None = None
) -> tuple[CampaignReport, Draft]:
    """The campaign report, kept as that of its day, and the capsule's entries.

    Args:
        context: Ports and policies.
        campaign: Whose report.
        tool: Name and version of the program.
        key: Public half of the key that will sign, in hexadecimal.

    Raises `ProofDiffers` when two ways to a figure differ.
    """
    facts = await read_campaign_facts(context, campaign)
    report = await keep_campaign(context, campaign, build_campaign(facts))
    held = {(video.video_id, video.read_at) for video in facts.videos}
    held |= {(video_id, reading.read_at) for video_id, reading in facts.earlier.items()}
    runs = await context.store.runs_of_readings(held)
    return report, draft(Material(facts=facts, report=report, runs=runs, tool=tool, key=key))


def write_proof(drafted: Draft, draw: Draw, sign: Callable[[bytes], str] | None) -> bytes:
    """The file: entries, page, and a signature over the head where there is a key."""
    page = draw(drafted.records, drafted.figures)
    drafted.closed(page)
    return drafted.file(page, None if sign is None else sign(drafted.message))


async def compare_proof(context: Context, verdict: Verdict) -> Verdict:
    """The verdict with one more check: whether the database says the same."""
    records = verdict.records
    if records is None:
        return verdict
    readings = (*records.latest.values(), *records.earlier.values())
    videos = await context.store.video_readings_at([(r.video, r.at) for r in readings])
    hashtags = {}
    for name, held in records.hashtag_readings.items():
        instants = [reading.at for reading in held]
        for known in await context.store.hashtag_readings(name, min(instants), max(instants)):
            hashtags[name, known.read_at] = known
    return compared(verdict, StoredReadings(videos=videos, hashtags=hashtags))
