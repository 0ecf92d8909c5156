"""Keep what was paid for: in the database, or on disk until the database takes it."""

from __future__ import annotations

import structlog

from tagtide.errors import (
    DiskFull,
    StorageBusy,
    StorageError,
    StorageReadOnly,
    StorageUnavailable,
)
from tagtide.ports import Changes, SightingEffect
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)

#: The database may take the same later; anything else is a mistake that would not go away.
_PASSING = (StorageBusy, StorageUnavailable, StorageReadOnly, DiskFull)


async def keep(context: Context, changes: Changes) -> list[SightingEffect]:
    """Commit changes that hold answers of the data API.

    Where the database does not take them now, the readings and what they cost are set aside for
    `take_up`; alerts and the progress of the slot are not, since nobody knows what holds by then.
    Raises the `StorageError` in either case.
    """
    try:
        return await context.store.commit(changes)
    except _PASSING as error:
        _set_aside(context, changes, error)
        raise


async def take_up(context: Context) -> int:
    """Store what was set aside; return how many pieces. Raises `StorageError`, losing nothing."""
    if context.spool is None:
        return 0
    stored = 0
    for name, changes in context.spool.waiting():
        if changes is None:
            _log.error("set_aside_unreadable", name=name)
            continue
        await context.store.commit(changes)
        context.spool.done(name)
        stored += 1
    if stored:
        _log.warning("set_aside_stored", pieces=stored)
    return stored


def _set_aside(context: Context, changes: Changes, error: StorageError) -> None:
    if context.spool is None:
        return
    paid = Changes(
        readings=changes.readings,
        sightings=changes.sightings,
        creators=changes.creators,
        high_priority=changes.high_priority,
        settlements=changes.settlements,
    )
    now = context.clock.now()
    name = f"{now:%Y%m%dT%H%M%S%f}-{context.clock.token()[:12]}"
    try:
        context.spool.put(paid, name)
    except OSError as failure:
        _log.error("set_aside_failed", error=type(failure).__name__)
    else:
        _log.warning("set_aside", name=name, reason=error.code)
