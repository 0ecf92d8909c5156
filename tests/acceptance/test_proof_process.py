"""A proof capsule as people make it, hand it over, change it and check it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from process import Shell

from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, SimulatorServer

Serve = Callable[..., SimulatorServer]


@pytest.fixture
def campaign(shell: Shell, serve: Serve) -> Shell:
    serve()
    own = [x for name in DEMO_OWN for x in ("--hashtag", name)]
    assert shell("campaign", "add", "Glow", *own, "--competitor", DEMO_COMPETITORS[0]).code == 0
    assert (shell("track").code, shell("collect").code) == (0, 0)
    return shell


def test_a_capsule_from_hand_to_hand(campaign: Shell) -> None:
    shell, folder = campaign, campaign.folder
    key = shell("keys", "new", "key.pem", "--json").json["public_key"]
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    made = shell("report", "campaign", "--proof", "--sign", "key.pem", "-o", "glow.html")
    assert made.code == 0, made.err
    assert key in made.err
    figures_agree(shell, key)
    it_is_the_same_again(shell)
    the_database_says_the_same(shell)
    a_change_is_found(shell, folder / "glow.html", key)


def figures_agree(shell: Shell, key: str) -> None:
    verdict = shell("verify", "glow.html", "--key", key, "--json")
    assert verdict.code == 0
    body, report = verdict.json, shell("report", "campaign", "--json").json
    assert body["good"]
    assert {c["check"]: c["state"] for c in body["checks"]} == dict.fromkeys(
        ("chain", "signature", "figures", "page"), "holds"
    )
    told = body["worked_out"]
    assert report["total_videos"] > 50
    for name in ("total_videos", "total_views", "median_engagement_rate", "new_videos_24h"):
        assert told[name] == report[name], name
    assert [v["video_id"] for v in told["top_videos"]] == [
        v["video_id"] for v in report["top_videos"]
    ]
    told_on_paper = shell("verify", "glow.html", "--key", key).out
    assert "It holds" in told_on_paper
    assert f"{report['total_views']:,}" in told_on_paper
    runs = {
        json.loads(line[65:])["run"]
        for line in (shell.folder / "glow.html").read_text().splitlines()
        if '"kind":"reading"' in line
    }
    assert runs
    assert None not in runs


def it_is_the_same_again(shell: Shell) -> None:
    piped = shell.bash("tagtide report campaign --proof --sign key.pem > again.html")
    assert piped.code == 0
    again = (shell.folder / "again.html").read_bytes()
    assert again == (shell.folder / "glow.html").read_bytes()


def the_database_says_the_same(shell: Shell) -> None:
    args = ("verify", "glow.html", "--database", "sqlite:///tagtide.db")
    assert "holds all these readings" in shell(*args).out
    with contextlib.closing(sqlite3.connect(shell.folder / "tagtide.db")) as connection:
        connection.execute(
            "UPDATE video_reading SET like_count = 7 WHERE video_key = (SELECT max(id) FROM video)"
        )
        connection.commit()
    ended = shell(*args)
    assert ended.code == 1
    assert "otherwise in the database" in ended.out


def a_change_is_found(shell: Shell, file: Path, key: str) -> None:
    good = file.read_bytes()
    place = good.index(b'"views":', good.index(b'"end":"latest"')) + len(b'"views":')
    digit = b"9" if good[place : place + 1] != b"9" else b"8"
    file.write_bytes(good[:place] + digit + good[place + 1 :])
    ended = shell("verify", "glow.html", "--key", key)
    assert ended.code == 1
    assert "It does not hold" in ended.out
    assert "was changed" in ended.out
    file.write_bytes(good)
    other = shell("keys", "new", "other.pem").out.strip()
    assert shell("verify", "glow.html", "--key", other).code == 1
