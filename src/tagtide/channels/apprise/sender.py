"""The process that speaks to Apprise: a task on stdin, an exit code, no output.

Run as ``python -m tagtide.channels.apprise.sender`` by the channel, never in tagtide's own process.
"""

from __future__ import annotations

import json
import logging
import sys

from tagtide.channels.apprise import BLOCKED, NOT_ACCEPTED, NOT_UNDERSTOOD, SENT
from tagtide.net import networks
from tagtide.net.guard import guard_process


def main() -> int:
    """Send one message."""
    # Apprise and what it uses log whole addresses.
    logging.disable(logging.CRITICAL)
    task = json.load(sys.stdin)
    guard = guard_process(networks(task["allow"]))
    import apprise

    asset = apprise.AppriseAsset(
        app_id="tagtide", app_desc="tagtide", app_url="", async_mode=False, plugin_paths=[]
    )
    plugin = apprise.Apprise.instantiate(task["url"], asset=asset, suppress_exceptions=True)
    if plugin is None or plugin.service_name == "Slack":
        return NOT_UNDERSTOOD
    server = apprise.Apprise(asset=asset)
    server.add(plugin)
    sent = server.notify(
        body=task["body"], title=task["title"], body_format=apprise.NotifyFormat.TEXT
    )
    if sent:
        return SENT
    return BLOCKED if guard.blocked else NOT_ACCEPTED


if __name__ == "__main__":
    sys.exit(main())
