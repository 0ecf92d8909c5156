"""What a channel is set with is told nowhere: logs, errors, the database, results."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from lab import HOUR, START, lab
from small_world import SmallWorld, Tag
from test_deliver import receiver

from tagtide.bootstrap import make_channels
from tagtide.clock import SystemClock
from tagtide.services.deliver import deliver_within

CANARY = "c4n4ry-f1v3-un1qu3"
SIGNING = base64.b64encode(f"{CANARY}-signing-secret-x".encode()).decode()
SPELLINGS = {
    CANARY,
    urllib.parse.quote(CANARY, safe="").replace("-", "%2D"),
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
    CANARY[::-1],
    SIGNING,
}


def channels(port: int) -> dict[str, str]:
    """One of every kind, each with its secrets, each leading to the receiver or nowhere."""
    url = f"http://127.0.0.1:{port}/{CANARY}"
    return {
        "channels.hook.kind": "webhook",
        "channels.hook.url": url,
        "channels.hook.secret": f"whsec_{SIGNING}",
        "channels.hook.previous_secret": f"whsec_{SIGNING}",
        "channels.team.kind": "slack",
        "channels.team.url": url,
        "channels.office.kind": "teams",
        "channels.office.url": f"{url}?sig={CANARY}",
        "channels.mail.kind": "email",
        "channels.mail.host": "127.0.0.1",
        "channels.mail.port": str(port),
        "channels.mail.security": "tls",
        "channels.mail.username": "tagtide",
        "channels.mail.password": CANARY,
        "channels.mail.from": "a@b.example",
        "channels.mail.to": "c@d.example",
        "channels.phone.kind": "apprise",
        "channels.phone.url": f"json://{CANARY}:{CANARY}@127.0.0.1:{port}/{CANARY}",
        "deadman.url": url,
    }


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Every line of every library, at the lowest level."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(lines),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    # A command that ran in this process before has fixed where its loggers write.
    for module in [m for name, m in sys.modules.items() if name.startswith("tagtide")]:
        if hasattr(module, "_log"):
            vars(module._log).pop("bind", None)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        structlog.reset_defaults()


@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_secret_is_told_by_a_delivery(status: int, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    shown: list[str] = []

    async def story(port: int) -> None:
        world = SmallWorld(START, default=Tag(videos_per_hour=50))
        async with lab(world, database=f"sqlite:///{file}", settings=channels(port)) as bench:
            campaign = await bench.add(own=["a"])
            await bench.track(campaign)
            bench.clock.advance(6 * HOUR)
            assert (await bench.track(campaign)).alerts
            for _ in range(3):
                await deliver_within(bench.context, bench.app.channels)
                bench.clock.advance(timedelta(hours=1))
            undelivered = await bench.store.undelivered()
            settings = bench.app.loaded
            shown.extend(repr(n) for n in undelivered)
            shown.extend(repr(c) for c in bench.app.channels.values())
            shown.append(repr(settings) + str(settings.settings.model_dump_json()))
            shown.extend(f"{e.key} {e.value} {e.origin}" for e in settings.effective())
            assert bench.app.lifeline is not None
            shown.append(repr(bench.app.lifeline))

    with everything_logged() as lines, receiver(*[status] * 50) as (kept, url):
        asyncio.run(story(int(url.split(":")[2].partition("/")[0])))
    assert kept.got
    log = lines.getvalue()
    assert "delivery_failed" in log
    for text in (log, *shown):
        assert not [word for word in SPELLINGS if word in text]
    for path in tmp_path.iterdir():
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in SPELLINGS if word.encode() in content], path.name


def test_the_look_would_see_one() -> None:
    with everything_logged() as lines:
        logging.getLogger("some.library").debug("POST %s", f"https://x.example/{CANARY}")
        structlog.get_logger().info("sent", to=CANARY)
    assert lines.getvalue().count(CANARY) == 2


def test_settings_as_json_hide_them() -> None:
    from tagtide.settings import Settings

    tree: dict[str, object] = {}
    for key, value in channels(9).items():
        node = tree
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})  # type: ignore[assignment]
        node[last] = value
    settings = Settings.model_validate(tree)
    assert CANARY not in json.dumps(settings.model_dump(mode="json"))
    made = make_channels(settings, SystemClock())
    assert set(made) == {"hook", "team", "office", "mail", "phone"}
