"""Reports as frozen facts: built from what was read, rendered elsewhere, spending nothing.

`build_daily`, `build_campaign`, `build_weekly` and `build_collect_summary` return dataclasses whose
``as_dict()`` is the documented JSON and which `core.messages` turns into blocks for people.
"""

from tagtide.core.reports.campaign import CampaignFacts as CampaignFacts
from tagtide.core.reports.campaign import CampaignReport as CampaignReport
from tagtide.core.reports.campaign import build_campaign as build_campaign
from tagtide.core.reports.campaign import build_daily as build_daily
from tagtide.core.reports.collect import CollectedHashtag as CollectedHashtag
from tagtide.core.reports.collect import CollectFacts as CollectFacts
from tagtide.core.reports.collect import CollectSummary as CollectSummary
from tagtide.core.reports.collect import build_collect_summary as build_collect_summary
from tagtide.core.reports.facts import HashtagFacts as HashtagFacts
from tagtide.core.reports.facts import VideoFacts as VideoFacts
from tagtide.core.reports.weekly import WeeklyFacts as WeeklyFacts
from tagtide.core.reports.weekly import WeeklyHashtagFacts as WeeklyHashtagFacts
from tagtide.core.reports.weekly import WeeklyReport as WeeklyReport
from tagtide.core.reports.weekly import build_weekly as build_weekly
