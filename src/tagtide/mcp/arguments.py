"""What tools take. Descriptions are ours and fixed; unknown arguments are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Campaign = Annotated[str, Field(max_length=200, description="Name, as list_campaigns gives it.")]
Hashtag = Annotated[str, Field(max_length=200, description="A hashtag that the campaign watches.")]
Limit = Annotated[int, Field(ge=1, le=50, description="How many at most.")]


class Arguments(BaseModel):
    """Arguments of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Nothing(Arguments):
    """No arguments."""


class OfCampaign(Arguments):
    """A campaign."""

    campaign: Campaign


class Since(Arguments):
    """How far back."""

    hours: Annotated[int, Field(ge=1, le=24 * 30, description="How many hours back.")] = 24


class History(Arguments):
    """A hashtag over some days."""

    campaign: Campaign
    hashtag: Hashtag
    days: Annotated[int, Field(ge=1, le=400, description="How many days back.")] = 7


class TopVideos(Arguments):
    """How to rank videos."""

    campaign: Campaign
    by: Annotated[
        Literal["views", "engagement", "rate", "created", "seen"],
        Field(description="views, engagement, rate, or newest by created or first seen."),
    ] = "views"
    hashtag: Annotated[str | None, Field(max_length=200, description="Only of this one.")] = None
    high_priority: Annotated[bool, Field(description="Only high-priority ones.")] = False
    limit: Limit = 10


class TopCreators(Arguments):
    """How many creators."""

    campaign: Campaign
    limit: Limit = 10


class SearchVideos(Arguments):
    """Words to look for."""

    campaign: Campaign
    text: Annotated[
        str, Field(min_length=1, max_length=100, description="Part of a caption or of a name.")
    ]
    limit: Limit = 10


class Alerts(Arguments):
    """Which alerts."""

    campaign: Annotated[str | None, Field(max_length=200, description="Only of this one.")] = None
    state: Annotated[
        Literal["pending", "firing", "resolved"] | None, Field(description="Only in this state.")
    ] = None
    limit: Limit = 10


class OneAlert(Arguments):
    """An alert."""

    alert_id: Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$", description="As alerts gives it.")]


class Runs(Arguments):
    """Which runs."""

    campaign: Annotated[str | None, Field(max_length=200, description="Only of this one.")] = None
    limit: Limit = 10


class Run(Arguments):
    """A run."""

    campaign: Campaign
    job: Annotated[
        Literal["track", "collect"],
        Field(description="track reads totals of hashtags, collect reads feeds of videos."),
    ]


class BackTest(Arguments):
    """A rule, and perhaps another setting of it."""

    campaign: Campaign
    rule: Literal["new_videos", "growth", "viral_video", "statistical"]
    days: Annotated[int, Field(ge=1, le=180, description="How many days of history.")] = 60
    value: Annotated[
        float | None,
        Field(
            description="Try this instead of the campaign's setting: new videos per window, growth "
            "as a fraction, times the mean, or false alarms a month."
        ),
    ] = None


class StartRun(Run):
    """A run and its price."""

    agreed_credits: Annotated[
        int, Field(ge=1, le=100_000, description="credits_at_most as preview_run gave it.")
    ]


class Acknowledge(OneAlert):
    """An alert and a note."""

    note: Annotated[str, Field(max_length=300, description="What is being done about it.")] = ""


class MuteAlert(OneAlert):
    """An alert and for how long."""

    hours: Annotated[int, Field(ge=1, le=24 * 14, description="For how many hours.")] = 24
    reason: Annotated[str, Field(max_length=300, description="Why.")] = ""
