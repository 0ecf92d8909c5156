"""Polls, stores, detects, sends and marks until it is killed; forked off a process with everything
imported, so that a kill costs milliseconds.

Reads one JSON object a line from stdin: database, hook, acks (a file), mode. Prints the process id
of the worker, and a line when it has ended. Modes: ``work`` goes on for ever, ``finish`` sends what
waits, ``mark_first`` is the broken build: it marks a message sent before it sends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tagtide.channels.webhook import WebhookChannel
from tagtide.cli.logs import configure
from tagtide.clock import SystemClock
from tagtide.core.endpoints import after_acceptance
from tagtide.errors import DeliveryError
from tagtide.models import Answer, CounterSource, HashtagTotals, Job, Notification, VideoPage
from tagtide.ports import AttemptEnd, Channel
from tagtide.services import deliver
from tagtide.services.context import Context
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.storage.store import SqlStore, open_store

START = datetime(2026, 3, 2, tzinfo=UTC)
SLOT = timedelta(hours=6)
#: Videos that appear in every second slot, enough for an alert; none in the others, which end it.
BURST = 300


class JumpingClock(SystemClock):
    """Real time between two slots, and no time at all to get to the next one."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def jump_to(self, instant: datetime) -> None:
        self._ahead += instant - self.now()


class StepSource:
    """Totals that grow in every second slot."""

    name = "steps"
    max_in_flight = 4

    def __init__(self, clock: JumpingClock) -> None:
        self._clock = clock

    async def hashtag(
        self, *, name: str | None = None, hashtag_id: str | None = None
    ) -> Answer[HashtagTotals]:
        await asyncio.sleep(0.003)
        slots = (self._clock.now() - START) // SLOT
        totals = HashtagTotals(
            hashtag_id=hashtag_id or f"1{sum(map(ord, name or ''))}",
            title=name or "",
            view_count=10_000_000 + slots,
            view_source=CounterSource.STATS_V2,
            view_unit=1,
            video_count=100_000 + BURST * ((slots + 1) // 2),
            video_source=CounterSource.STATS_V2,
            video_unit=1,
        )
        return self._answer(totals)

    async def hashtag_videos(
        self, hashtag_id: str, *, cursor: str = "0", count: int = 30
    ) -> Answer[VideoPage]:
        return self._answer(VideoPage(videos=(), cursor=None, has_more=False))

    def _answer(self, value: object) -> Answer[object]:
        return Answer(
            value=value,
            credits_used=1,
            credits_remaining=1_000_000,
            payload_hash=f"{self._clock.now().timestamp()}",
        )


async def work(order: dict[str, str]) -> None:
    clock = JumpingClock()
    store = await open_store(order["database"], clock=clock, migrate=False)
    source = StepSource(clock)
    context = Context(store=store, source=source, clock=clock, channels=("crm",))
    channel = WebhookChannel(name="crm", url=order["hook"], clock=clock)
    (campaign,) = await store.campaigns()
    # A slot that a dead worker has begun is left alone: time goes on.
    newest = await store.last_slot(Job.TRACK, campaign.campaign_id) or START
    if order["mode"] == "mark_first":
        mark_before_sending(store, clock)
    with Path(order["acks"]).open("a", encoding="utf-8") as acks:
        while True:
            slot = START + ((newest - START) // SLOT + 1) * SLOT
            clock.jump_to(slot + timedelta(minutes=2))
            if order["mode"] == "finish":
                if await finish(context, channel):
                    return
                newest = clock.now()
                continue
            request = RunRequest(job=Job.TRACK, campaign=campaign, slot_at=slot, trigger="schedule")
            result = await track(context, request)
            for tracked in result.hashtags:
                if tracked.reading is not None:
                    read_at = tracked.reading.read_at.isoformat()
                    acks.write(f"{tracked.outcome.hashtag} {read_at}\n")
            acks.flush()
            await deliver.deliver_channel(context, channel, settle=False)
            newest = slot


async def finish(context: Context, channel: Channel) -> bool:
    await deliver.deliver_channel(context, channel, settle=False)
    return not await context.store.channels_waiting()


def mark_before_sending(store: SqlStore, clock: JumpingClock) -> None:
    send = deliver._send

    async def marked_first(channel: Channel, message: Notification) -> DeliveryError | None:
        endpoint = (await store.dispatch_queue(channel.name)).endpoint
        await store.end_attempt(
            AttemptEnd(
                fence=endpoint.fence,
                at=clock.now(),
                notification_id=message.notification_id,
                aftermath=after_acceptance(endpoint),
            )
        )
        return await send(channel, message)

    deliver._send = marked_first


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            configure("error", "json")
            asyncio.run(work(order))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
