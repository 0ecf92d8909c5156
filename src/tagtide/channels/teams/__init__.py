"""Alerts as cards in Microsoft Teams, through the web address of a workflow.

Of one that begins with "When a Teams webhook request is received"; one that was deleted answers
404.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagtide.channels.posting import Hook
from tagtide.channels.teams.card import encode
from tagtide.core.messages.notice import Look


class TeamsChannel(Hook):
    """Posts one card per notification."""

    def written(self, payload: Mapping[str, Any], look: Look) -> bytes:
        """As an Adaptive Card."""
        return encode(payload, look)
