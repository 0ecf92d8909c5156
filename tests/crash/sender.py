"""One sender among several: delivers to one channel until it is ended, and says what it has sent.

Reads one JSON object from its command line: database, hook, lease (seconds), mode. Says ``ready``,
waits for a line, then prints a line for each message that it sent and marked. Mode ``work`` is
tagtide; ``unfenced`` is the broken build: it sends whoever holds the endpoint.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime, timedelta

from tagtide.bootstrap import _no_source
from tagtide.channels.webhook import WebhookChannel
from tagtide.cli.logs import configure
from tagtide.clock import SystemClock
from tagtide.core.dispatch import DispatchPolicy, DispatchQueue, Step
from tagtide.errors import StorageBusy
from tagtide.ports import QueueChange
from tagtide.services import deliver
from tagtide.services.context import Context
from tagtide.storage.store import SqlStore, open_store

CHANNEL = "crm"


async def main(order: dict[str, str]) -> None:
    clock = SystemClock()
    deliver.LEASE = timedelta(seconds=float(order["lease"]))
    store = await open_store(order["database"], clock=clock, migrate=False)
    if order["mode"] == "unfenced":
        send_whoever_holds_it(store)
    context = Context(store=store, source=_no_source(), clock=clock, channels=(CHANNEL,))
    channel = WebhookChannel(name=CHANNEL, url=order["hook"], clock=clock)
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        try:
            done = await deliver.deliver_channel(context, channel, settle=False)
        except StorageBusy:
            continue  # As the service does: what was not marked is taken up again.
        for _ in range(done.sent):
            print("sent", flush=True)
        await asyncio.sleep(0.002)


def send_whoever_holds_it(store: SqlStore) -> None:
    decide, change_queue = deliver.next_step, store.change_queue

    def always(
        queue: DispatchQueue, policy: DispatchPolicy, now: datetime, *, settle: bool
    ) -> Step:
        free = replace(queue.endpoint, lease_until=None)
        return decide(replace(queue, endpoint=free), policy, now, settle=settle)

    async def change(change: QueueChange) -> bool:
        newest = (await store.dispatch_queue(change.channel)).endpoint.fence
        return await change_queue(replace(change, fence=newest))

    deliver.next_step = always
    store.change_queue = change  # type: ignore[method-assign]


if __name__ == "__main__":
    configure("error", "json")
    asyncio.run(main(json.loads(sys.argv[1])))
