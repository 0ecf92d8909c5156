"""The commented configuration file that `tagtide init` writes: every key at its default."""

from __future__ import annotations

from typing import Any

from tagtide.section import Section
from tagtide.settings import PLANS, DeadmanSettings, Settings

_INTRO = """\
# tagtide: settings of this installation. Campaigns live in the database (`tagtide campaign add`).
# Every line is a default; take away the # in front of a key to change it.
# Secrets are better kept outside: SCAVIO_API_KEY, or NAME_file = "path" for key, url and secret.
"""

_OUTRO = """\

# Where alerts go. One table per channel; the name is yours. `tagtide channels test` tries them.
# Keys of every kind:
#   allow = ["10.1.0.0/16"]         # private networks it may reach; only in this file
# Keys of every kind but webhook:
#   title = "{kind}: #{hashtag}"    # wording; the placeholders are listed in docs/channels.md
#   text = "{reason} {explanation}"
#   numbers = "1,234.5"             # or "1.234,5", "1 234,5", "1'234.5", "1234.5"
#   clock = "24h"                   # or "12h"
#[channels.team]
#kind = "slack"
#url_file = "slack-url.txt"      # of an incoming webhook; a secret: keep it in a file of its own
#weekly_budget = 10              # interruptions in any seven days; the rest goes into the digest
#quiet_hours = "22:00-08:00 Europe/Paris"
#digest = "09:00 Europe/Paris"   # or a cron expression and a zone
#[channels.office]
#kind = "teams"
#url_file = "teams-url.txt"      # of a workflow "when a Teams webhook request is received"
#[channels.mail]
#kind = "email"
#host = "smtp.example.com"
#port = 587                      # 465 with security = "tls"
#security = "starttls"           # or tls; none is for this machine only
#username = "tagtide"
#password_file = "smtp-password.txt"
#from = "tagtide@example.com"
#to = ["ana@example.com", "ben@example.com"]
#[channels.crm]
#kind = "webhook"
#url_file = "webhook-url.txt"
#secret_file = "webhook-secret.txt"           # signs messages (Standard Webhooks)
#previous_secret_file = "webhook-secret-before.txt"   # while receivers change over to the new one
#[channels.phone]
#kind = "apprise"                # needs: pip install 'tagtide[apprise]'
#url_file = "apprise-url.txt"
"""


def template() -> str:
    """The commented configuration file: every key at its default."""
    parts = [_INTRO]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, Section)):
            continue
        parts.append(f"\n# {(section.__doc__ or '').strip()}\n[{name}]\n")
        parts += [_line(section, key) for key in section.model_fields]
    return "".join([*parts, _OUTRO])


def _line(section: type[Section], key: str) -> str:
    default = section.model_fields[key].default
    comment = _COMMENTS.get(f"{section.__name__}.{key}", "")
    text = f"#{key} ="
    if default is not None:
        text += f" {_toml(default)}"
    if key == "key":
        text = '#key_file = "scavio-key.txt"'
    if key == "rate_cards":
        text = "#rate_cards = { agency = { views_per_thousand = 10, comment = 2 } }"
    if section is DeadmanSettings and key == "url":
        text = '#url_file = "deadman-url.txt"'
    return (
        f"{text:<46}  # {comment}".rstrip(" #") + "\n"
        if not comment
        else f"{text:<46}  # {comment}\n"
    )


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


_COMMENTS = {
    "ApiSettings.key": "or set SCAVIO_API_KEY",
    "ApiSettings.plan": ", ".join(PLANS),
    "ApiSettings.concurrency": "calls in flight, where the plan is not listed",
    "ApiSettings.min_interval": "seconds between two calls; 0 paces nothing",
    "ApiSettings.deadline": "seconds for a whole answer",
    "ApiSettings.slot_deadline": "seconds one hashtag may wait for the API",
    "ApiSettings.price_per_credit": "for the reports",
    "DatabaseSettings.url": "or postgresql://user@host/name",
    "BudgetSettings.credits_per_day": "no limit when absent",
    "BudgetSettings.credits_per_month": "no limit when absent",
    "BudgetSettings.warn_at": "share of a limit that warns",
    "ReportSettings.brand": "on top of reports, with the colour and the logo (PNG, JPEG)",
    "ReportSettings.language": "of campaigns that name none: en or de",
    "ReportSettings.currency": "of the rate cards; the published ones are in USD",
    "DeskSettings.brand": "in requests for rights; the campaign's name when absent",
    "DeskSettings.unanswered_days": "a request without an answer is worth a reminder",
    "DeskSettings.remind_hour": "from then on, in each campaign's zone",
    "ScheduleSettings.collect": "in each campaign's zone",
    "ScheduleSettings.track": "the zone behind it wins",
    "RuleDefaults.new_videos": "per window",
    "RuleDefaults.growth": "0.5 is +50 % in the window",
    "RuleDefaults.viral_factor": "times the mean of the other videos",
    "RuleDefaults.false_alarms": "expected per hashtag and month; statistical rule",
    "RuleDefaults.high_priority_rate": "engagement rate, a fraction",
    "RuleDefaults.resolve_below": "share of its threshold below which an alert ends",
    "RuleDefaults.reopen_hours": "back within this time is the same episode",
    "RuleDefaults.new_videos_for_runs": "runs in a row it must hold before it fires",
    "RuleDefaults.new_videos_for_hours": "and hours; the same for the other rules",
    "CollectSettings.pages": "feed pages of 30 per hashtag",
    "DeadmanSettings.url": "the address to ping is a secret",
    "DeadmanSettings.every": "seconds between two pings",
    "DeadmanSettings.allow": "private networks it may lead to; only here",
    "WebSettings.public_url": "where people reach the pages, for links in messages",
    "WebSettings.host": "other addresses are for behind a proxy",
    "WebSettings.proxies": "networks whose X-Forwarded-For is believed",
    "WebSettings.session_idle_hours": "without a request; then log in again",
    "WebSettings.session_days": "since the login",
    "WebSettings.open_on_loopback": "no login on this machine; for demos",
    "McpSettings.http": "at /mcp of `tagtide serve`, with a token",
    "McpSettings.may_spend": "let agents start runs ...",
    "McpSettings.credits_per_day": "... and spend so many credits a day",
    "McpSettings.may_change": "let agents acknowledge and mute alerts",
    "McpSettings.calls_per_minute": "of one agent",
    "LogSettings.format": "auto, console or json",
}
