"""``tagtide links``: a kept report for somebody without an account."""

from __future__ import annotations

from collections.abc import Callable

from command_line import Cli

from tagtide.simulator import SimulatorServer


def test_made_listed_and_ended(cli: Cli, serve: Callable[..., SimulatorServer]) -> None:
    serve()
    assert "No report can be opened from outside" in cli("links", "list").out
    assert cli("campaign", "add", "Glow", "--hashtag", "lumenglow").code == 0
    nothing = cli("links", "add", "--kind", "daily")
    assert nothing.code == 1
    assert "No daily report of Glow is kept." in nothing.err
    assert "tagtide report daily" in nothing.err
    assert cli("track").code == 0
    assert cli("report", "daily").code == 0
    made = cli("links", "add", "--kind", "daily", "--expires", "7d")
    assert made.code == 0, made.err
    address = made.out.strip()
    secret = address.rpartition("/")[2]
    assert address == f"http://127.0.0.1:8765/shared/{secret}"
    assert len(secret) == 32
    assert "Shown this once." in made.err
    assert "this machine alone" in made.err
    listed = cli("links", "list", "--json").json["links"]
    assert [(one["link_id"], one["kind"], one["ended_at"]) for one in listed] == [
        (1, "daily", None)
    ]
    assert secret not in cli("links", "list").out
    assert cli("links", "end", "1").out == "Link 1 leads nowhere any more.\n"
    assert "ended" in cli("links", "list").out
    assert cli("links", "list", "--json").json["links"][0]["ended_at"]


def test_what_it_cannot_be_is_refused(cli: Cli, serve: Callable[..., SimulatorServer]) -> None:
    serve()
    assert cli("campaign", "add", "Glow", "--hashtag", "lumenglow").code == 0
    assert cli("track").code == 0
    assert cli("report", "daily").code == 0
    for args, code, said in (
        (("add",), 2, "--kind"),
        (("add", "--kind", "monthly"), 2, "monthly"),
        (("add", "--kind", "daily", "--expires", "soon"), 2, "Write 90d, 12h or 8w."),
        (("add", "--kind", "daily", "--expires", "367d"), 2, "between a moment and a year"),
        (("add", "--kind", "daily", "--expires", "0d"), 2, "between a moment and a year"),
        (("add", "--kind", "daily", "--date", "2020-01-01"), 1, "2020-01-01"),
        (("add", "Glw", "--kind", "daily"), 1, "Glow"),
        (("end", "9"), 1, "no such link"),
    ):
        ran = cli("links", *args)
        assert (ran.code, said in ran.err) == (code, True), ran
    assert cli("links", "list", "--json").json["links"] == []
