"""``tagtide deliveries``, and what the commands that read say of messages that are not out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command_line import Cli

from tagtide.clock import SystemClock
from tagtide.core.endpoints import Tried, after_failure
from tagtide.errors import DeliveryError
from tagtide.models import Notification
from tagtide.ports import AttemptEnd, Changes, QueueChange
from tagtide.storage.store import SqlStore, open_store


class Hook:
    """Takes messages, with this status, after so many seconds."""

    def __init__(self) -> None:
        self.status, self.seconds, self.url = 200, 0.0, ""
        self.got: list[str] = []


@pytest.fixture
def hook() -> Iterator[Hook]:
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append(self.headers["webhook-id"])
            time.sleep(kept.seconds)
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook/s3cr3t"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def configure(folder: Path, hook: Hook) -> None:
    (folder / "tagtide.toml").write_text(
        f"[channels.crm]\nkind = 'webhook'\nurl = '{hook.url}'\n"
        "[channels.team]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/'\n"
    )


def with_store(folder: Path, work: Callable[[SqlStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = await open_store(f"sqlite:///{folder}/tagtide.db", clock=SystemClock())
        await work(store)
        await store.aclose()

    asyncio.run(main())


async def two_dead(store: SqlStore) -> None:
    now = SystemClock().now()
    messages = tuple(
        Notification(
            notification_id=identity,
            channel="crm",
            alert_id="a1",
            kind="firing",
            created_at=now,
            due_at=now,
            payload={"type": "alert.firing", "alert": {"reason": "It \x1b[31mgrew."}},
        )
        for identity in ("abc1", "abd2")
    )
    await store.commit(Changes(notifications=messages))
    dead = QueueChange(
        channel="crm", fence=0, at=now, given_up=("abc1", "abd2"), reason="It was refused."
    )
    assert await store.change_queue(dead)


async def disabled(store: SqlStore) -> None:
    now = SystemClock().now()
    queue = await store.dispatch_queue("crm")
    fence = queue.endpoint.fence
    await store.change_queue(
        QueueChange(channel="crm", fence=fence, at=now, attempted="abc1", lease_until=now)
    )
    gone = DeliveryError("The receiver says that this address is no longer in use.", disables=True)
    tried = Tried(attempts=1, queued_at=now)
    after = after_failure(queue.endpoint, tried, gone, now, 0.5)
    await store.end_attempt(
        AttemptEnd(
            fence=fence + 1, at=now, notification_id="abc1", aftermath=after, error=str(gone)
        )
    )


def test_dead_letters_are_listed_and_replayed(cli: Cli, tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    assert "No message yet" in cli("deliveries", "list").out
    with_store(tmp_path, two_dead)
    listed = cli("deliveries", "list", "--state", "dead", "--json").json["deliveries"]
    assert {d["notification_id"] for d in listed} == {"abc1", "abd2"}
    assert listed[0]["last_error"] == "It was refused."
    assert listed[0]["given_up_at"]
    assert listed[0]["due_at"] is None
    text = cli("deliveries", "list").out
    assert "It was refused." in text
    assert "\x1b[31m" not in text
    ambiguous = cli("deliveries", "replay", "ab")
    assert (ambiguous.code, "Several" in ambiguous.err) == (1, True)
    assert cli("deliveries", "replay").code == 2
    assert cli("deliveries", "replay", "abc", "--all-dead").code == 2
    replayed = cli("deliveries", "replay", "abc")
    assert (replayed.code, replayed.out) == (0, "1 message put back into the queue.\n")
    assert hook.got == ["abc1"]
    assert cli("deliveries", "replay", "--all-dead", "--channel", "crm", "--json").json == {
        "replayed": 1
    }
    assert hook.got == ["abc1", "abd2"]
    states = [d["state"] for d in cli("deliveries", "list", "--json").json["deliveries"]]
    assert states == ["sent", "sent"]


def test_a_disabled_channel_is_enabled_by_hand(cli: Cli, tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    assert "in use already" in cli("deliveries", "enable", "crm").out
    unknown = cli("deliveries", "enable", "nobody")
    assert unknown.code == 1
    assert "There are crm, team" in unknown.err
    with_store(tmp_path, two_dead)
    with_store(tmp_path, disabled)
    cli("deliveries", "replay", "--all-dead")
    assert hook.got == []
    assert "used again" in cli("deliveries", "enable", "crm").out
    assert sorted(hook.got) == ["abc1", "abd2"]


def test_the_list_of_channels_says_what_each_takes(cli: Cli, tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    assert "ready" in cli("channels", "list").out
    with_store(tmp_path, two_dead)
    with_store(tmp_path, disabled)
    cli("deliveries", "replay", "--all-dead")
    with_store(tmp_path, one_waiting_for_nobody)
    assert "used again" not in cli("deliveries", "enable", "team").out
    crm, team = cli("channels", "list", "--json").json["channels"]
    assert (crm["state"], crm["waiting"], crm["given_up"]) == ("disabled", 2, 0)
    assert crm["disabled_at"]
    assert "no longer in use" in crm["reason"]
    assert (team["state"], team["waiting"], team["failures"]) == ("backing_off", 1, 1)
    assert team["next_attempt_at"] > team["failing_since"]
    assert team["reason"] == "The receiver cannot be reached."
    text = cli("channels", "list").out
    assert "disabled since" in text
    assert "backing off until" in text
    assert "tagtide deliveries enable crm" in text
    assert "s3cr3t" not in text
    assert hook.got == []


def test_channels_are_listed_although_the_database_is_away(
    cli: Cli, tmp_path: Path, hook: Hook
) -> None:
    configure(Path(), hook)
    (tmp_path / "file").write_text("no folder")
    away = f"sqlite:///{tmp_path}/file/x.db"
    listed = cli("channels", "list", "--database", away)
    assert listed.code == 0
    assert "ready" in listed.out
    assert "is not known" in listed.out
    body = cli("channels", "list", "--database", away, "--json").json
    assert [one["waiting"] for one in body["channels"]] == [None, None]


def test_a_command_that_reads_sends_and_says_what_waits(
    cli: Cli, tmp_path: Path, hook: Hook, serve: Callable[..., object]
) -> None:
    serve()
    configure(tmp_path, hook)
    arguments = ("--rule", "growth=0.0001", "--threshold", "lumenglow=1")
    assert cli("campaign", "add", "Glow", "--hashtag", "lumenglow", *arguments).code == 0
    with_store(tmp_path, one_waiting)
    ended = cli("track")
    assert ended.code == 0
    assert "w1" in hook.got
    # The other channel is not there: the command says so, and does not hang.
    with_store(tmp_path, one_waiting_for_nobody)
    ended = cli("track")
    assert ended.code == 0
    assert "1 message not sent yet" in ended.err
    assert "s3cr3t" not in ended.err + ended.out


async def one_waiting(store: SqlStore, channel: str = "crm", identity: str = "w1") -> None:
    now = SystemClock().now()
    message = Notification(
        notification_id=identity,
        channel=channel,
        alert_id=None,
        kind="self",
        created_at=now,
        due_at=now,
        payload={"type": "self.firing", "condition": "x", "message": "y", "hint": None},
    )
    await store.commit(Changes(notifications=(message,)))


async def one_waiting_for_nobody(store: SqlStore) -> None:
    await one_waiting(store, "team", "w2")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("quiet_hours = '22-8'", "quiet hours"),
        ("quiet_hours = '22:00-08:00 Europe/Pariss'", "Europe/Paris"),
        ("digest = 'noon'", "digest"),
        ("weekly_budget = -1", "weekly_budget"),
        ("weekly_budgets = 1", "weekly_budget"),
    ],
)
def test_settings_that_are_none(cli: Cli, tmp_path: Path, line: str, word: str) -> None:
    (tmp_path / "tagtide.toml").write_text(
        f"[channels.crm]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/'\n{line}\n"
    )
    ended = cli("config", "show")
    assert ended.code == 78
    assert word in ended.err
    assert "channels.crm" in ended.err
