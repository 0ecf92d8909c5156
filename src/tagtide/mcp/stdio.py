"""The protocol on standard input and output, for the program that has started this one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tagtide.bootstrap import App
from tagtide.mcp.server import Caller, make_server

if TYPE_CHECKING:
    from anyio.abc import ObjectReceiveStream, ObjectSendStream

#: Whoever can start the process is the operator.
_OPERATOR = Caller(key="stdio", may_operate=True)


async def serve_stdio(app: App) -> None:
    """Answer until standard input ends. Nothing but the protocol is written to standard output."""
    import anyio
    from mcp.server.stdio import stdio_server
    from mcp.shared.message import SessionMessage
    from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

    server = make_server(app, lambda _: _OPERATOR)
    unreadable = JSONRPCError(
        jsonrpc="2.0",
        id=None,
        error=ErrorData(code=PARSE_ERROR, message="This is no message of the protocol."),
    )

    async def sift(
        incoming: ObjectReceiveStream[Any],
        readable: ObjectSendStream[Any],
        outgoing: ObjectSendStream[Any],
    ) -> None:
        """Answer what cannot be read: the library would pass over it in silence."""
        async with readable:
            async for message in incoming:
                if isinstance(message, Exception):
                    await outgoing.send(SessionMessage(unreadable))
                else:
                    await readable.send(message)

    async with stdio_server() as (incoming, outgoing):
        readable, sifted = anyio.create_memory_object_stream[Any](0)
        own = outgoing.clone()
        async with asyncio.TaskGroup() as group:
            group.create_task(sift(incoming, readable, own))
            await server.run(sifted, outgoing, server.create_initialization_options())
            await own.aclose()
