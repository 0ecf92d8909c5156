"""``tagtide subscriptions``: who gets which report, and one of them now."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli


@pytest.fixture
def got(tmp_path: Path) -> Iterator[list[Any]]:
    """What a webhook of the configuration was sent; a mail server is configured beside it."""
    kept: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    (tmp_path / "tagtide.toml").write_text(
        f"[channels.crm]\nkind = 'webhook'\nurl = 'http://127.0.0.1:{server.server_port}/'\n"
        "[channels.mail]\nkind = 'email'\nhost = '127.0.0.1'\nport = 9\nsecurity = 'none'\n"
        "from = 'tagtide@ours.test'\nto = ['team@ours.test']\n"
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def test_added_listed_sent_changed_and_removed(cli: Cli, got: list[Any]) -> None:
    subscriptions = "subscriptions"
    assert "Nobody gets reports on schedule yet" in cli(subscriptions, "list").out
    assert cli("campaign", "add", "Glow", "--hashtag", "glow").code == 0
    made = cli(subscriptions, "add", "Ana \x1b[31m", "--kind", "daily", "--channel", "crm")
    assert made.code == 2
    assert "\x1b" not in made.err
    made = cli(subscriptions, "add", "Ana", "--kind", "daily", "--channel", "crm", "--json")
    assert made.code == 0, made.err
    one = made.json["subscription"]
    assert (one["subscription_id"], one["files"], one["to"], one["broken"]) == (1, [], None, None)
    assert one["next_at"]
    to = ("--channel", "mail", "--to", "ana@ours.test", "--attach", "xlsx", "--attach", "pdf")
    assert cli(subscriptions, "add", "Ben", "--kind", "weekly", *to).code == 0
    again = cli(subscriptions, "add", "Eva", "--kind", "weekly", *to)
    assert again.code == 1
    assert "twice" in again.err
    listed = cli(subscriptions, "list")
    assert "ana@ours.test" in listed.out
    assert "pdf, xlsx" in listed.out
    sent = cli(subscriptions, "send", "1")
    assert (sent.code, sent.out) == (0, "The daily report is on its way.\n")
    assert [(body["type"], body["kind"]) for body in got] == [("report", "daily")]
    assert got[0]["missing"] == [
        "This report could not be made: nothing has been read for Glow yet."
    ]
    assert cli(subscriptions, "list", "--json").json["subscriptions"][0]["sent_at"]
    # What it cannot be is refused, with what to do.
    for args, code, said in (
        (("edit", "1", "--attach", "pdf"), 2, "files go with e-mail alone"),
        (("edit", "1", "--channel", "crn"), 2, "Did you mean 'crm'?"),
        (("edit", "1", "--attach", "none", "--attach", "pdf"), 2, "stands alone"),
        (("send", "9"), 1, "There is no subscription 9."),
        (("remove", "x"), 2, "not a valid integer"),
    ):
        ran = cli(subscriptions, *args)
        assert (ran.code, said in ran.err) == (code, True), ran
    changed = cli(subscriptions, "edit", "2", "--to", "", "--attach", "none", "--json")
    assert changed.json["subscription"]["files"] == []
    assert changed.json["subscription"]["to"] is None
    removed = cli(subscriptions, "remove", "1")
    assert (removed.code, removed.out) == (0, "Subscription 1 is stopped.\n")
    assert cli(subscriptions, "remove", "1").code == 1
    assert "Nothing can be sent. It was stopped." in cli(subscriptions, "send", "1").err
    assert len(cli(subscriptions, "list", "--json").json["subscriptions"]) == 1


def test_one_whose_channel_is_gone_is_listed_as_broken(
    cli: Cli, got: list[Any], tmp_path: Path
) -> None:
    assert cli("campaign", "add", "Glow", "--hashtag", "glow").code == 0
    assert cli("subscriptions", "add", "Ana", "--kind", "daily", "--channel", "mail").code == 0
    (tmp_path / "tagtide.toml").write_text("")
    listed = cli("subscriptions", "list")
    assert listed.code == 0
    assert "broken" in listed.out
    assert "Subscription 1: There is no channel mail any more." in listed.out
    assert got == []
