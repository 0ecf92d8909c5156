"""The protocol on standard input and output, for the program that has started this one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from tagtide.bootstrap import App
from tagtide.mcp.lines import lines_of
from tagtide.mcp.server import Caller, make_server

#: Whoever can start the process is the operator.
_OPERATOR = Caller(key="stdio", may_operate=True)
#: Seconds that what was asked has to be answered when the input has ended.
_LAST_ANSWERS = 10.0


async def serve_stdio(app: App) -> None:
    """Answer until standard input ends, or until nobody reads standard output any more.

    Nothing but the protocol is written to standard output. What was asked before the end of the
    input is answered.
    """
    import anyio
    from mcp.server.stdio import stdio_server

    server = make_server(app, lambda _: _OPERATOR)
    try:
        async with stdio_server(stdin=cast("Any", lines_of(0))) as (incoming, outgoing):
            to_server, requests = anyio.create_memory_object_stream[Any](0)
            answers, from_server = anyio.create_memory_object_stream[Any](0)
            between = _Between()
            async with asyncio.TaskGroup() as group:
                group.create_task(between.forward(incoming, to_server, answers.clone()))
                group.create_task(between.back(from_server, outgoing))
                await server.run(requests, answers, server.create_initialization_options())
    except* (BrokenPipeError, anyio.BrokenResourceError):
        # Whoever has started this has gone.
        pass


class _Between:
    """Stands between the two ends: answers what cannot be read, and knows what is not answered."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    async def forward(self, incoming: Any, to_server: Any, answers: Any) -> None:
        """Requests; at their end, wait until they are answered before the server hears of it."""
        from mcp_types import JSONRPCRequest

        async with to_server, answers:
            async for message in cast("AsyncIterator[Any]", incoming):
                if isinstance(message, Exception):
                    # The library would pass over it in silence.
                    await answers.send(_unreadable())
                    continue
                if isinstance(message.message, JSONRPCRequest):
                    self._open.add(repr(message.message.id))
                    self._settled.clear()
                await to_server.send(message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_ANSWERS):
                    await self._settled.wait()

    async def back(self, from_server: Any, outgoing: Any) -> None:
        """Answers."""
        async with outgoing:
            async for message in from_server:
                await outgoing.send(message)
                self._open.discard(repr(getattr(message.message, "id", None)))
                if not self._open:
                    self._settled.set()


def _unreadable() -> Any:
    from mcp.shared.message import SessionMessage
    from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

    error = ErrorData(code=PARSE_ERROR, message="This is no message of the protocol.")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=None, error=error))
