"""A question to a server of raw sockets."""

from __future__ import annotations

import asyncio

import pytest
from raw_server import outcome, served, source_of


@pytest.fixture
def ask():
    """Ask a server that answers like this one question; returns (server, answer or error)."""

    def run(respond, call=lambda source: source.hashtag(name="tidal"), **settings):
        async def once():
            async with served(respond) as server, source_of(server, **settings) as source:
                return server, await outcome(call(source))

        return asyncio.run(once())

    return run
