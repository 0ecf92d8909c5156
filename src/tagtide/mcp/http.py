"""The protocol over HTTP, as an ASGI application that `tagtide serve` shows at one path.

Every request stands alone: no sessions, no streams. Who may come in is decided before, by whoever
serves it: it leaves what it knows of the token in the scope.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from tagtide.bootstrap import open_app
from tagtide.mcp.server import Caller, make_server
from tagtide.ports import Clock
from tagtide.settings import Loaded

#: An ASGI application.
Endpoint = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
#: Bytes of a request.
_LARGEST_BODY = 1_048_576


@asynccontextmanager
async def open_endpoint(loaded: Loaded, clock: Clock | None = None) -> AsyncIterator[Endpoint]:
    """The endpoint over a database of its own connection, which cannot be written through.

    It takes requests whose scope holds ``agent``: ``key`` and ``may_operate`` of a token that was
    found good. Raises `StorageError`.
    """
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    async with open_app(loaded, source=False, clock=clock, read_only=True) as app:
        manager = StreamableHTTPSessionManager(
            make_server(app, _caller_of),
            json_response=True,
            stateless=True,
            max_request_body_size=_LARGEST_BODY,
        )
        async with manager.run():
            yield manager.handle_request


def _caller_of(context: Any) -> Caller:
    agent = context.request.scope["agent"]
    return Caller(key=agent["key"], may_operate=agent["may_operate"])
