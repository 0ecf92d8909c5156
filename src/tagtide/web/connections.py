"""How long, and for how many, the server waits for whoever is at the other end of a connection.

uvicorn waits for the first request of a connection, and for a reader, without end: a few hundred
sockets that say nothing would keep everybody else out.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections at once. One more takes the place of the one that has kept us waiting longest.
MOST_CONNECTIONS: Final = 200


class Awaited(StrEnum):
    """What a client has to do next."""

    #: Send a request, whole with its headers.
    REQUEST = "request"
    #: Send the rest of a body.
    BODY = "body"
    #: Take what was written.
    READING = "reading"


#: Seconds until a client that does not do it is cut off. The guard has answered an overdue body by
#: then, if anybody wanted it.
PATIENCE: Final[dict[Awaited, float]] = {
    Awaited.REQUEST: 10.0,
    Awaited.BODY: 40.0,
    Awaited.READING: 60.0,
}
#: Bytes that a reader takes in that time, to be worth more of it.
LEAST_READ: Final = 16_384


class Connection(H11Protocol):
    """uvicorn's connection, with an end to every wait for the client."""

    patience: dict[Awaited, float] = PATIENCE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: What is awaited, and since when by the loop's clock.
        self.awaited: Awaited | None = None
        self.since = 0.0
        self._end: asyncio.TimerHandle | None = None
        #: Bytes that waited for a reader when it was last looked at.
        self._unread: int | None = None

    # --- what uvicorn and asyncio tell ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection; over the limit, another one goes for it."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._look()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._wait_for(None)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """It has read most of it."""
        super().resume_writing()
        self._look()

    # --- waiting ----------------------------------------------------------------------------------

    def _look(self) -> None:
        is_answered = self.cycle is None or self.cycle.response_complete
        # The end of an answer may wait to be read when it has long been written.
        if self.flow.write_paused or (is_answered and self.transport.get_write_buffer_size()):
            self._wait_for(Awaited.READING)
        elif is_answered:
            self._wait_for(Awaited.REQUEST)
        else:
            self._wait_for(Awaited.BODY if self.cycle.more_body else None)

    def _wait_for(self, awaited: Awaited | None) -> None:
        if awaited is self.awaited:
            return
        self.awaited, self.since = awaited, self.loop.time()
        if self._end is not None:
            self._end.cancel()
        self._end = self._unread = None
        if awaited is Awaited.READING:
            self._unread = self.transport.get_write_buffer_size()
        if awaited:
            self._end = self.loop.call_later(self.patience[awaited], self._is_over)

    def _is_over(self) -> None:
        left = self.transport.get_write_buffer_size()
        if self._unread is None or self._unread - left < LEAST_READ:
            self.cut()
            return
        self._unread = left
        self._end = self.loop.call_later(self.patience[Awaited.READING], self._is_over)

    def cut(self) -> None:
        """End the connection at once: what was written and not taken is dropped."""
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> None:
        waiting = [
            one
            for one in self.connections
            if isinstance(one, Connection) and one.awaited and one is not self
        ]
        if waiting:
            min(waiting, key=lambda one: one.since).cut()
