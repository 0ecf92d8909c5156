"""Who may use which route: one table, compared with the router by a test.

A route that is not in the table is refused to everyone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Need(IntEnum):
    """What a route asks for; each includes those below it."""

    PUBLIC = 0
    READ = 1
    OPERATE = 2
    ADMIN = 3


#: By method and path as the router spells it.
ACCESS: Final[dict[tuple[str, str], Need]] = {
    ("GET", "/healthz"): Need.PUBLIC,
    ("GET", "/readyz"): Need.PUBLIC,
    ("GET", "/metrics"): Need.PUBLIC,
    ("GET", "/assets/{digest}/{name}"): Need.PUBLIC,
    ("GET", "/"): Need.READ,
    ("GET", "/api/v1/openapi.json"): Need.READ,
    ("GET", "/api/v1/today"): Need.READ,
    ("GET", "/api/v1/balance"): Need.READ,
    ("GET", "/api/v1/campaigns"): Need.READ,
    ("POST", "/api/v1/campaigns"): Need.ADMIN,
    ("GET", "/api/v1/campaigns/{campaign_id}"): Need.READ,
    ("PUT", "/api/v1/campaigns/{campaign_id}"): Need.ADMIN,
    ("DELETE", "/api/v1/campaigns/{campaign_id}"): Need.ADMIN,
    ("GET", "/api/v1/campaigns/{campaign_id}/exports/{kind}.{style}"): Need.READ,
}


def need_of(method: str, path: str) -> Need | None:
    """What the route asks for; None for one that was forgotten."""
    return ACCESS.get(("GET" if method == "HEAD" else method, path))
