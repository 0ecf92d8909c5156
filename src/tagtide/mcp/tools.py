"""The tools: a fixed table. Names and descriptions are ours; nothing stored is part of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tagtide.bootstrap import App
from tagtide.mcp import acting, campaigns, operations
from tagtide.mcp import arguments as a
from tagtide.settings import McpSettings


class Kind(IntEnum):
    """What a tool does to the world."""

    READ = 0
    CHANGE = 1
    SPEND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool."""

    name: str
    #: One or two sentences for the agent.
    description: str
    arguments: type[a.Arguments]
    act: Callable[[App, Any], Awaitable[dict[str, Any]]]
    kind: Kind = Kind.READ

    @property
    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        schema = self.arguments.model_json_schema()
        schema.pop("description", None)
        for one in schema.get("properties", {}).values():
            one.pop("title", None)
        return {name: value for name, value in schema.items() if name != "title"}


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="list_campaigns",
        description="Campaigns with their hashtags, competitors, zones and rules.",
        arguments=a.Nothing,
        act=campaigns.list_campaigns,
    ),
    Tool(
        name="today",
        description="What changed over all campaigns in the last hours, what fires, and what "
        "failed. Unknown figures are null.",
        arguments=a.Since,
        act=campaigns.today,
    ),
    Tool(
        name="hashtag_history",
        description="Readings of a hashtag's views and videos, newest first, and its change "
        "between the first and the last of them.",
        arguments=a.History,
        act=campaigns.hashtag_history,
    ),
    Tool(
        name="weekly_ranking",
        description="Own and competitors' hashtags ranked by views, with weekly changes, rolling "
        "averages and anomalies, and hashtags that emerge beside them.",
        arguments=a.OfCampaign,
        act=campaigns.weekly_ranking,
    ),
    Tool(
        name="campaign_summary",
        description="Totals, engagement rates, growth in 24 hours, viral and top videos, top "
        "creators, and how much of the new videos is held.",
        arguments=a.OfCampaign,
        act=campaigns.campaign_summary,
    ),
    Tool(
        name="top_videos",
        description="Videos of a campaign at their newest reading, ranked. The feed is a sample.",
        arguments=a.TopVideos,
        act=campaigns.top_videos,
    ),
    Tool(
        name="top_creators",
        description="Creators of a campaign's own videos, by the views of these.",
        arguments=a.TopCreators,
        act=campaigns.top_creators,
    ),
    Tool(
        name="search_videos",
        description="Held videos whose caption or creator's name holds a text, most views first.",
        arguments=a.SearchVideos,
        act=campaigns.search_videos,
    ),
    Tool(
        name="alerts",
        description="Alerts with their state, value and threshold, newest first.",
        arguments=a.Alerts,
        act=operations.alerts,
    ),
    Tool(
        name="explain_alert",
        description="One alert: over which span what was measured, which videos and creators made "
        "it, and what has happened to it since.",
        arguments=a.OneAlert,
        act=operations.explain_alert,
    ),
    Tool(
        name="runs_and_coverage",
        description="Runs with the outcome of every hashtag: what was read, what was missed, why, "
        "and what it cost. Newest first.",
        arguments=a.Runs,
        act=operations.runs_and_coverage,
    ),
    Tool(
        name="credits",
        description="Credits left, spent today, how many days they last, and the forecast of each "
        "campaign at its schedules.",
        arguments=a.Nothing,
        act=operations.credits_,
    ),
    Tool(
        name="preview_run",
        description="What tracking or collecting a campaign now would cost at most. Spends "
        "nothing and starts nothing.",
        arguments=a.Run,
        act=operations.preview_run,
    ),
    Tool(
        name="backtest_rule",
        description="How often, and when, a rule would have fired on what is stored, with the "
        "campaign's setting or with another one. Sends and spends nothing.",
        arguments=a.BackTest,
        act=operations.backtest_rule,
    ),
    Tool(
        name="start_run",
        description="Track or collect a campaign now. Spends credits: at most agreed_credits, "
        "which must be credits_at_most as preview_run gives it at this moment.",
        arguments=a.StartRun,
        act=acting.start_run,
        kind=Kind.SPEND,
    ),
    Tool(
        name="acknowledge_alert",
        description="Take an alert in hand: no more messages about it unless it doubles.",
        arguments=a.Acknowledge,
        act=acting.acknowledge_alert,
        kind=Kind.CHANGE,
    ),
    Tool(
        name="mute_alert",
        description="Send no messages about an alert for some hours.",
        arguments=a.MuteAlert,
        act=acting.mute_alert,
        kind=Kind.CHANGE,
    ),
)


def allowed_tools(settings: McpSettings, *, may_operate: bool) -> dict[str, Tool]:
    """The tools that exist for somebody, by name.

    Args:
        settings: What the operator has turned on.
        may_operate: Whether the one who asks may do more than read.
    """
    is_on = {
        Kind.READ: True,
        Kind.CHANGE: settings.may_change and may_operate,
        Kind.SPEND: settings.may_spend and may_operate,
    }
    return {tool.name: tool for tool in TOOLS if is_on[tool.kind]}
