"""`tagtide alerts`: what a person sees, takes in hand and mutes; and what a script reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import Cli, Ran

from tagtide.simulator import DEMO_OWN, FaultPlan, FaultRule, SimulatorServer

Serve = Callable[..., SimulatorServer]

BODY = {
    "alert_id", "campaign", "rule", "hashtag", "video_id", "condition", "state", "value", "peak",
    "threshold", "reason", "why", "url", "opened_at", "updated_at", "resolved_at", "fired_at",
    "told_at", "pending_since", "pending_runs", "flaps", "is_flapping", "acked_at", "acked_by",
    "ack_note", "muted_until", "mute_reason", "data",
}  # fmt: skip
EVENT = {"at", "from", "to", "reason", "told", "by", "note"}
MUTE = {
    "mute_id", "alert_id", "campaign", "hashtag", "rule", "until", "reason", "by", "created_at",
}  # fmt: skip


def add(cli: Cli, *more: str) -> Ran:
    own = [x for name in DEMO_OWN for x in ("--hashtag", name)]
    return cli("campaign", "add", "Glow", *own, *more)


@pytest.fixture
def firing(cli: Cli, serve: Serve) -> Cli:
    """A campaign one of whose hashtags fires rule A."""
    server = serve()
    add(cli, "--threshold", f"{DEMO_OWN[0]}=1", "--rule", "enabled=new_videos")
    assert cli("track").code == 0
    server.sim_clock.advance(timedelta(days=1))
    assert cli("track").code == 0
    return cli


def only(cli: Cli) -> dict[str, object]:
    (alert,) = cli("alerts", "list", "--json").json["alerts"]
    return dict(alert)


def test_an_alert_from_list_to_hand(firing: Cli) -> None:
    alert = only(firing)
    assert set(alert) == BODY
    assert (alert["state"], alert["campaign"], alert["hashtag"]) == ("firing", "Glow", DEMO_OWN[0])
    short = str(alert["alert_id"])[:6]
    listed = firing("alerts", "list").out
    assert short in listed
    assert "firing" in listed
    acked = firing("alerts", "ack", short, "--note", "on it", "--by", "ana")
    assert (acked.code, "ana has the alert" in acked.out) == (0, True)
    assert "acked by" in firing("alerts", "list").out
    shown = firing("alerts", "show", short, "--json").json
    assert set(shown) == BODY | {"history"}
    assert (shown["acked_by"], shown["ack_note"]) == ("ana", "on it")
    assert all(set(line) == EVENT for line in shown["history"])
    assert [(line["reason"], line["told"], line["by"]) for line in shown["history"]] == [
        ("threshold_passed", True, None), ("acknowledged", False, "ana"),
    ]  # fmt: skip
    text = firing("alerts", "show", short).out
    assert "History" in text
    assert "on it" in text
    given = firing("alerts", "unack", short, "--by", "ben")
    assert (given.code, "Nobody has the alert" in given.out) == (0, True)
    assert "acked by" not in firing("alerts", "list").out
    again = firing("alerts", "unack", short)
    assert (again.code, "Nobody has the alert" in again.err) == (1, True)
    history = firing("alerts", "show", short, "--json").json["history"]
    assert [(line["reason"], line["by"]) for line in history[1:]] == [
        ("acknowledged", "ana"), ("unacknowledged", "ben"),
    ]  # fmt: skip


def test_muting_and_unmuting(firing: Cli) -> None:
    short = str(only(firing)["alert_id"])[:6]
    made = firing(
        "alerts", "mute", short, "--until", "3d", "--reason", "launch", "--by", "ana", "--json"
    )
    assert set(made.json) == MUTE
    assert (made.json["by"], made.json["reason"]) == ("ana", "launch")
    alert = only(firing)
    assert (alert["muted_until"], alert["mute_reason"]) == (made.json["until"], "launch")
    assert "muted" in firing("alerts", "list").out
    assert firing("alerts", "mute", "--campaign", "Glow", "--until", "1h").code == 0
    tag = f"#{DEMO_OWN[0].upper()}"
    assert firing("alerts", "mute", "--hashtag", tag, "--rule", "growth", "--until", "2w").code == 0
    assert len(firing("alerts", "mutes", "--json").json["mutes"]) == 3
    assert "campaign Glow" in firing("alerts", "mutes").out
    assert firing("alerts", "unmute", short).code == 0
    assert firing("alerts", "unmute", "--campaign", "Glow", "--json").json["mutes"]
    gone = firing("alerts", "unmute", "--campaign", "Glow")
    assert (gone.code, "no such mute" in gone.err) == (1, True)
    (left,) = firing("alerts", "mutes", "--json").json["mutes"]
    assert firing("alerts", "unmute", left["mute_id"][:8]).code == 0
    assert "Nothing is muted." in firing("alerts", "mutes").out


def test_an_instant_without_an_offset_is_in_the_zone_of_the_campaign(
    cli: Cli, serve: Serve
) -> None:
    serve()
    add(cli, "--timezone", "Asia/Tokyo")
    day = (datetime.now(UTC) + timedelta(days=5)).date()
    made = cli("alerts", "mute", "--campaign", "Glow", "--until", f"{day}T09:00", "--json").json
    assert made["until"] == f"{day}T00:00:00Z"


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("ack", "zzzz"), 1, "There is no alert"),
        (("ack", ""), 1, "There is no alert"),
        (("unack", "zzzz"), 1, "There is no alert"),
        (("show", "zzzz"), 1, "tagtide alerts list"),
        (("mute", "zzzz", "--until", "3d"), 1, "There is no alert"),
        (("mute", "--until", "3d"), 2, "not said what to mute"),
        (("mute", "--rule", "growth", "--until", "3d"), 2, "not said what to mute"),
        (("mute", "--hashtag", "nobody", "--until", "3d"), 1, "No campaign watches"),
        (("mute", "--campaign", "Glwo", "--until", "3d"), 1, "Glow"),
        (("mute", "--campaign", "Glow", "--until", "soon"), 2, "is no end of a mute"),
        (("mute", "--campaign", "Glow", "--until", "2020-01-01"), 2, "has passed"),
        (("mute", "--campaign", "Glow", "--until", "900d"), 2, "a year is the most"),
        (("mute", "--campaign", "Glow", "--rule", "grow", "--until", "3d"), 2, "no rule"),
        (("mute", "--campaign", "Glow"), 2, "--until"),
        (("unmute", "--hashtag", "lumenglow"), 1, "tagtide alerts mutes"),
        (("list", "--state", "burning"), 2, "burning"),
        (("list", "--firing", "--state", "resolved"), 2, "exclude each other"),
        (("list", "--campaign", "Nope"), 1, "no campaign named"),
    ],
)
def test_what_cannot_be_done(
    args: tuple[str, ...], code: int, says: str, cli: Cli, serve: Serve
) -> None:
    serve()
    add(cli)
    ended = cli("alerts", *args)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    machine = cli("alerts", *args, "--json")
    assert machine.code == code
    assert machine.json["error"]["message"]


def test_what_a_person_writes_is_harmless_on_a_terminal(firing: Cli) -> None:
    short = str(only(firing)["alert_id"])[:6]
    firing("alerts", "ack", short, "--note", "\x1b[31mred\u202e", "--by", "a\x1b]0;x\x07na")
    firing("alerts", "mute", short, "--until", "3d", "--reason", "\x1b[2Jgone")
    for args in (("list",), ("show", short), ("mutes",)):
        assert "\x1b" not in firing("alerts", *args).out
        assert "\u202e" not in firing("alerts", *args).out


def test_states_can_be_chosen(firing: Cli) -> None:
    def count(*args: str) -> int:
        return len(firing("alerts", "list", *args, "--json").json["alerts"])

    assert [count("--state", s) for s in ("pending", "firing", "resolved")] == [0, 1, 0]
    assert count("--firing") == count("--all") == 1
    assert "There is no such alert." in firing("alerts", "list", "--state", "pending").out


def test_what_never_fired_is_listed_with_all(cli: Cli, serve: Serve) -> None:
    server = serve()
    add(cli, "--threshold", f"{DEMO_OWN[0]}=1", "--rule", "new_videos_for_runs=2")
    for _ in range(2):
        assert cli("track").code == 0
        server.sim_clock.advance(timedelta(days=1))
    waiting = [
        a for a in cli("alerts", "list", "--json").json["alerts"] if a["rule"] == "new_videos"
    ]
    assert [(a["state"], a["told_at"], a["pending_runs"]) for a in waiting] == [
        ("pending", None, 1)
    ]
    assert "pending" in cli("alerts", "list", "--state", "pending").out


# --- tagtide about itself -------------------------------------------------------------------------


def test_a_refused_key_is_told_by_a_command_alone(cli: Cli, serve: Serve) -> None:
    server = serve()
    add(cli)
    server.faults = FaultPlan((FaultRule(fault="status_401"),))
    for _ in range(2):
        assert cli("track").code == 1
    (alert,) = cli("alerts", "list", "--json").json["alerts"]
    assert (alert["rule"], alert["condition"], alert["campaign"], alert["url"]) == (
        "self", "auth", None, "",
    )  # fmt: skip
    assert "refuses the key" in cli("alerts", "list").out
    shown = cli("alerts", "show", alert["alert_id"]).out
    assert "SCAVIO_API_KEY" in shown
    assert "TikTok" not in shown
    server.faults = FaultPlan(())
    assert cli("track").code == 0
    (alert,) = cli("alerts", "list", "--json").json["alerts"]
    assert alert["state"] == "resolved"
    assert "accepts the key again" in cli("alerts", "list").out


def test_messages_about_tagtide_wait_for_every_channel(
    cli: Cli, serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    config = tmp_path / "tagtide.toml"
    config.write_text('[channels.team]\nkind = "webhook"\nurl = "http://127.0.0.1:9/hook"\n')
    add(cli)
    server.faults = FaultPlan((FaultRule(fault="status_401"),))
    cli("track")
    cli("track")
    with sqlite3.connect(tmp_path / "tagtide.db") as connection:
        rows = connection.execute("SELECT channel, kind, payload FROM outbox").fetchall()
    connection.close()
    assert [(channel, kind) for channel, kind, _ in rows] == [("team", "self")]
    payload = json.loads(rows[0][2])
    assert (payload["type"], payload["condition"]) == ("self.firing", "auth")


# --- settings of rules ----------------------------------------------------------------------------


def test_rules_are_set_and_contradictions_named(cli: Cli, serve: Serve) -> None:
    serve()
    made = add(cli, "--rule", "growth_for_runs=2", "--rule", "resolve_below=0.25", "--json").json
    assert (made["rules"]["growth_for_runs"], made["rules"]["resolve_below"]) == (2, 0.25)
    assert made["rules"]["enabled"] == ["new_videos", "growth", "viral_video", "statistical"]
    edited = cli("campaign", "edit", "Glow", "--rule", "enabled=growth, statistical", "--json").json
    assert edited["rules"]["enabled"] == ["growth", "statistical"]
    assert edited["rules"]["growth_for_runs"] == 2
    for typed, says in (
        ("resolve_below=1.5", "end above the threshold"),
        ("viral_factor=0.5", "must be above 1"),
        ("growth_for_runs=-1", "must be at least 0"),
        ("enabled=self", "no campaign can switch"),
        ("enabled=everything", "the rules are new_videos"),
        ("growth_for_run=1", "growth_for_runs"),
    ):
        refused = cli("campaign", "edit", "Glow", "--rule", typed)
        assert refused.code == 2, typed
        assert says in refused.err.replace("The rules", "the rules")
