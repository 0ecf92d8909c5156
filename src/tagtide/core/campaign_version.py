"""A short name of everything a campaign is set to, to notice that somebody else has changed it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tagtide.models import Campaign


def campaign_version(campaign: Campaign) -> str:
    """Equal for equal settings, whoever asks and in whatever process; says nothing of order."""
    plain = replace(campaign, created_at=None, schedules={})
    schedules = sorted((job.value, text) for job, text in campaign.schedules.items())
    return hashlib.sha256(repr((plain, schedules)).encode()).hexdigest()[:32]
