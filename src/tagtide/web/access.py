"""Who may use which route: one table, compared with the router by a test.

A route that is not in the table is refused to everyone.
"""

from __future__ import annotations

from typing import Final

from tagtide.core.access import Need

#: By method and path as the router spells it.
ACCESS: Final[dict[tuple[str, str], Need]] = {
    ("GET", "/healthz"): Need.PUBLIC,
    ("GET", "/readyz"): Need.PUBLIC,
    ("GET", "/metrics"): Need.READ,
    ("GET", "/assets/{digest}/{name}"): Need.PUBLIC,
    # Asks for a token by itself: an agent is not sent to a page for people.
    ("POST", "/mcp"): Need.PUBLIC,
    ("GET", "/"): Need.READ,
    ("GET", "/desk"): Need.READ,
    ("POST", "/desk/move"): Need.OPERATE,
    ("POST", "/desk/note"): Need.OPERATE,
    ("POST", "/desk/label"): Need.OPERATE,
    ("POST", "/desk/assign"): Need.OPERATE,
    # Campaigns and reports
    ("GET", "/campaigns"): Need.READ,
    ("GET", "/campaigns/{campaign_id}"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/content"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/hashtags"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/hashtags/{name}"): Need.READ,
    ("POST", "/campaigns/{campaign_id}/hashtags/{name}/resume"): Need.OPERATE,
    ("GET", "/campaigns/{campaign_id}/weekly"): Need.READ,
    ("GET", "/reports"): Need.READ,
    ("POST", "/reports"): Need.OPERATE,
    ("GET", "/reports/{campaign_id}/{kind}/{day}.{style}"): Need.READ,
    ("GET", "/api/v1/openapi.json"): Need.READ,
    ("GET", "/api/v1/today"): Need.READ,
    ("GET", "/api/v1/balance"): Need.READ,
    ("GET", "/api/v1/campaigns"): Need.READ,
    ("POST", "/api/v1/campaigns"): Need.ADMIN,
    ("GET", "/api/v1/campaigns/{campaign_id}"): Need.READ,
    ("PUT", "/api/v1/campaigns/{campaign_id}"): Need.ADMIN,
    ("DELETE", "/api/v1/campaigns/{campaign_id}"): Need.ADMIN,
    ("GET", "/api/v1/campaigns/{campaign_id}/exports/{kind}.{style}"): Need.READ,
    # Accounts
    ("GET", "/setup"): Need.PUBLIC,
    ("POST", "/setup"): Need.PUBLIC,
    ("GET", "/login"): Need.PUBLIC,
    ("POST", "/login"): Need.PUBLIC,
    ("POST", "/logout"): Need.PUBLIC,
    ("GET", "/account"): Need.ACCOUNT,
    ("POST", "/account/password"): Need.ACCOUNT,
    ("POST", "/account/sessions/revoke"): Need.ACCOUNT,
    ("POST", "/account/tokens"): Need.ACCOUNT,
    ("POST", "/account/tokens/revoke"): Need.ACCOUNT,
    ("GET", "/settings/users"): Need.ADMIN,
    ("POST", "/settings/users"): Need.ADMIN,
    ("POST", "/settings/users/{user_id}"): Need.ADMIN,
    ("POST", "/settings/users/{user_id}/password"): Need.ADMIN,
    ("POST", "/settings/users/{user_id}/logout"): Need.ADMIN,
    ("POST", "/settings/users/{user_id}/remove"): Need.ADMIN,
    ("GET", "/settings/tokens"): Need.ADMIN,
    ("POST", "/settings/tokens"): Need.ADMIN,
    ("POST", "/settings/tokens/{token_id}/revoke"): Need.ADMIN,
    # Runs
    ("GET", "/runs"): Need.READ,
    ("GET", "/runs/events"): Need.READ,
    ("GET", "/runs/{run_id}"): Need.READ,
    ("POST", "/runs"): Need.OPERATE,
    # Credits
    ("GET", "/credits"): Need.READ,
    ("GET", "/credits/ledger"): Need.READ,
    ("POST", "/credits/refresh"): Need.OPERATE,
    # Settings
    ("GET", "/settings"): Need.READ,
    ("GET", "/settings/campaigns/new"): Need.ADMIN,
    ("POST", "/settings/campaigns"): Need.ADMIN,
    ("GET", "/settings/campaigns/{campaign_id}"): Need.READ,
    ("POST", "/settings/campaigns/{campaign_id}"): Need.ADMIN,
    ("POST", "/settings/campaigns/{campaign_id}/remove"): Need.ADMIN,
    ("POST", "/settings/campaigns/{campaign_id}/resume"): Need.OPERATE,
    ("GET", "/settings/campaigns/{campaign_id}/rules"): Need.READ,
    ("POST", "/settings/campaigns/{campaign_id}/rules"): Need.ADMIN,
    ("GET", "/settings/campaigns/{campaign_id}/rules/try"): Need.OPERATE,
    ("GET", "/settings/campaigns/{campaign_id}/rules/presets"): Need.OPERATE,
    ("GET", "/settings/channels"): Need.READ,
    ("POST", "/settings/channels/{name}/test"): Need.ADMIN,
    ("POST", "/settings/channels/{name}/enable"): Need.ADMIN,
    ("POST", "/settings/channels/{name}/replay"): Need.ADMIN,
    ("GET", "/settings/schedules"): Need.READ,
    ("GET", "/settings/mutes"): Need.READ,
    ("POST", "/settings/mutes/{mute_id}/end"): Need.OPERATE,
    ("GET", "/settings/about"): Need.READ,
    # Alerts, videos, creators
    ("GET", "/alerts"): Need.READ,
    ("GET", "/alerts/{alert_id}"): Need.READ,
    ("GET", "/alerts/{alert_id}/backtest"): Need.READ,
    ("POST", "/alerts/ack"): Need.OPERATE,
    ("POST", "/alerts/{alert_id}/ack"): Need.OPERATE,
    ("POST", "/alerts/{alert_id}/mute"): Need.OPERATE,
    ("POST", "/alerts/mutes/{mute_id}/end"): Need.OPERATE,
    ("GET", "/videos/{video_id}"): Need.READ,
    ("GET", "/creators/{creator_key:path}"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/videos"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/videos.csv"): Need.READ,
    ("GET", "/campaigns/{campaign_id}/creators"): Need.READ,
    ("GET", "/search"): Need.READ,
}


def need_of(method: str, path: str) -> Need | None:
    """What the route asks for; None for one that was forgotten."""
    return ACCESS.get(("GET" if method == "HEAD" else method, path))
