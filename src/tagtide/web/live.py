"""What a process that serves pages owns beside them: runs started by hand, and open streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tagtide.bootstrap import App, make_channel
from tagtide.core.formats import iso_utc
from tagtide.errors import ConfigError, NotFound, StorageError
from tagtide.jobs import Health, RunsByHand
from tagtide.models import Campaign, HashtagOutcome
from tagtide.ports import RunFilter, RunSummary, Store
from tagtide.services.backtest import History, arming_history
from tagtide.services.channel_test import send_test
from tagtide.services.context import Context
from tagtide.services.spending import refresh_balance
from tagtide.services.views.runs import mark_of

#: Streams at once; each looks at the store once a second.
MOST_STREAMS = 20
#: Seconds between two looks, and between two signs of life.
_LOOK, _HEARTBEAT = 1.0, 15.0
#: Seconds after which a stream ends; a browser opens it anew by itself.
_LONGEST = 900.0
#: The newest runs, whose changes are told.
_WATCHED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a test message."""

    at: datetime
    #: None when the receiver accepted it.
    error: str | None
    hint: str = ""


def known_channel(app: App, name: str) -> str:
    """The name, if a channel of that name is configured. Raises `NotFound`."""
    if name not in app.loaded.settings.channels:
        raise NotFound("There is no such channel in the configuration.")
    return name


async def try_channel(app: App, name: str) -> Tried:
    """Send a message that is marked as a test to a configured channel."""
    clock = app.context.clock
    try:
        channel = make_channel(app.loaded.settings, name, clock)
    except ConfigError as refused:
        return Tried(at=clock.now(), error=str(refused), hint=refused.hint)
    try:
        error = await send_test(channel, clock)
    finally:
        await channel.aclose()
    if error is None:
        return Tried(at=clock.now(), error=None)
    return Tried(at=clock.now(), error=str(error), hint=error.hint)


async def refreshed(app: App) -> None:
    """Ask the provider what is left, if this process may. Raises `ConfigError`, `SourceError`."""
    if not app.can_call:
        raise ConfigError(
            "This process makes no calls: it only shows what is stored.",
            hint="`tagtide credits --refresh` asks the provider.",
        )
    await refresh_balance(app.context)


class Live:
    """Entered while pages are served."""

    def __init__(self, app: App, health: Health) -> None:
        #: By channel, the newest test message of this process.
        self.tried: dict[str, Tried] = {}
        self.histories = Histories()
        self.runs = RunsByHand(app.context, health, can_call=app.can_call)
        self.streams = Streams(app.store)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Take runs until left; at the end streams are closed and runs have a moment to end."""
        async with self.runs.open():
            try:
                yield
            finally:
                self.streams.close()


class Histories:
    """What back-tests replay, kept while somebody tries values; one back-test at a time."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._kept: tuple[int, datetime, History] | None = None

    async def of(self, context: Context, campaign: Campaign) -> History | None:
        """The history of a campaign up to its newest reading; None where nothing was read yet."""
        newest = await context.store.newest_reading_at(campaign.campaign_id)
        if newest is None:
            return None
        kept = self._kept
        if kept is None or kept[:2] != (campaign.campaign_id, newest):
            history = await arming_history(context, campaign)
            if history is None:
                return None
            kept = self._kept = campaign.campaign_id, newest, history
        # Hashtags and thresholds may have been edited since; their readings are the same.
        return replace(kept[2], campaign=campaign) if kept[2].campaign != campaign else kept[2]


class Streams:
    """Server-sent events about runs, for a bounded number of readers."""

    def __init__(self, store: Store, *, look: float = _LOOK, heartbeat: float = _HEARTBEAT) -> None:
        self._store = store
        self._look, self._heartbeat = look, heartbeat
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether nobody else may listen now."""
        return self._open >= MOST_STREAMS or self._closing.is_set()

    def close(self) -> None:
        """End every stream."""
        self._closing.set()

    async def events(self, run_id: int | None) -> AsyncIterator[bytes]:
        """What changes in one run, or in the newest ones, until it has ended.

        ``state`` says how things stand, and comes first; ``outcome`` and ``run`` tell a hashtag
        and a run that ended; ``end`` says that nothing more will come.
        """
        self._open += 1
        try:
            async for chunk in self._events(run_id):
                yield chunk
        finally:
            self._open -= 1

    async def _events(self, run_id: int | None) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        started = spoken = clock()
        known: dict[int, RunSummary] | None = None
        while not self._closing.is_set() and clock() - started < _LONGEST:
            try:
                runs = await self._runs(run_id)
            except StorageError:
                # The browser comes back; by then the database may answer again.
                return
            changes = [] if known is None else _changes(known, runs)
            if known is None or changes:
                yield _event("state", {"mark": mark_of(runs)})
            for name, body in changes:
                yield _event(name, body)
            if changes or known is None:
                spoken = clock()
            known = {s.run.run_id: s for s in runs}
            if run_id is not None and all(s.run.finished_at for s in runs):
                yield _event("end", {"run_id": run_id})
                return
            if clock() - spoken >= self._heartbeat:
                spoken = clock()
                yield b": still here\n\n"
            # Real time, whatever clock decides: people live in it.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._look)

    async def _runs(self, run_id: int | None) -> Sequence[RunSummary]:
        if run_id is None:
            return await self._store.runs_page(RunFilter(), limit=_WATCHED)
        try:
            return [await self._store.run(run_id)]
        except NotFound:
            return []


def _changes(
    known: dict[int, RunSummary], runs: Sequence[RunSummary]
) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for summary in reversed(runs):
        run, before = summary.run, known.get(summary.run.run_id)
        told = {o.hashtag for o in before.outcomes} if before else set()
        found += [
            ("outcome", _outcome(run.run_id, outcome))
            for outcome in summary.outcomes
            if outcome.hashtag not in told
        ]
        if before is None or before.run.status is not run.status:
            found.append(("run", _run(summary)))
    return found


def _outcome(run_id: int, outcome: HashtagOutcome) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "hashtag": outcome.hashtag,
        "status": outcome.status.value,
        "reason": outcome.reason.value,
        "videos_seen": outcome.videos_seen,
        "videos_new": outcome.videos_new,
        "new_views": outcome.new_views,
        "pages": outcome.pages,
        "credits": outcome.credits,
    }


def _run(summary: RunSummary) -> dict[str, Any]:
    run = summary.run
    return {
        "run_id": run.run_id,
        "job": run.job.value,
        "campaign_id": run.campaign_id,
        "status": run.status.value,
        "reason": run.reason.value,
        "finished_at": iso_utc(run.finished_at) if run.finished_at else None,
        "credits_used": run.credits,
    }


def _event(name: str, body: dict[str, Any]) -> bytes:
    # JSON holds no line end of its own, so that a name of strangers cannot begin an event.
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()
