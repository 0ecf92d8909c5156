"""Alerts as Slack messages through an incoming webhook.

Slack answers 404 to a hook that was removed, and 410 for an archived channel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tagtide.channels.posting import Hook
from tagtide.channels.slack.blocks import message
from tagtide.core.messages.notice import Look


class SlackChannel(Hook):
    """Posts one message per notification."""

    def written(self, payload: Mapping[str, Any], look: Look) -> bytes:
        """As blocks."""
        return json.dumps(message(payload, look)).encode()
