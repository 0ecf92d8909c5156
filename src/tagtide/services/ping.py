"""The sign of life for the dead man's switch."""

from __future__ import annotations

from tagtide.errors import DeliveryError
from tagtide.ports import Lifeline


async def ping(lifeline: Lifeline) -> DeliveryError | None:
    """Send one; the error when nobody took it. Never repeated: the next round is the repeat."""
    try:
        await lifeline.ping()
    except DeliveryError as error:
        return error
    return None
