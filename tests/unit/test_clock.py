"""Tokens become ids that people type after a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tagtide.clock import SimulatedClock, SystemClock


def test_tokens_are_unique_and_can_be_typed() -> None:
    for clock in (SystemClock(), SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))):
        tokens = [clock.token() for _ in range(2000)]
        assert len(set(tokens)) == len(tokens)
        # A leading dash would be read as an option; case would be lost in a search by prefix.
        assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)
