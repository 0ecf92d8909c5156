"""Lines of a file descriptor, for an event loop that must be able to end while it waits for one."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

#: Bytes of a line at most; a longer one comes as `TOO_LONG`.
LONGEST_LINE = 1_048_576
#: Stands for a line that is too long: it is no message of any protocol.
TOO_LONG = "too long"
_CHUNK = 65_536
#: Pieces that may wait to be taken.
_AHEAD = 16


async def lines_of(descriptor: int) -> AsyncIterator[str]:
    """Lines until the end of the file, as UTF-8 with what is none replaced.

    They are read by a thread that nobody waits for: a pipe, a terminal and a file all do, and an
    end of the program need not wait for the next line.
    """
    pieces = _pieces(descriptor)
    held, is_too_long = b"", False
    async for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            if is_too_long or len(held) + len(line) > LONGEST_LINE:
                yield TOO_LONG
            else:
                yield (held + line).decode("utf-8", "replace")
            held, is_too_long = b"", False
        held = b"" if is_too_long else held + rest
        if len(held) > LONGEST_LINE:
            held, is_too_long = b"", True
    if is_too_long:
        yield TOO_LONG
    elif held:
        yield held.decode("utf-8", "replace")


async def _pieces(descriptor: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_AHEAD)

    def read() -> None:
        try:
            while room.acquire() and (piece := os.read(descriptor, _CHUNK)):
                loop.call_soon_threadsafe(arrived.put_nowait, piece)
            loop.call_soon_threadsafe(arrived.put_nowait, b"")
        except (OSError, RuntimeError):
            # The descriptor is gone, or the loop: nobody listens any more.
            return

    threading.Thread(target=read, name="tagtide-lines", daemon=True).start()
    while piece := await arrived.get():
        yield piece
        room.release()
