"""What people and scripts meet: processes, signals, pipes, full disks and damaged files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process import KEY, Ended, Shell, wait_until

from tagtide.simulator import DEMO_OWN, SimulatorServer

Serve = Callable[..., SimulatorServer]
DATABASE = "tagtide.db"


def add(shell: Shell, *more: str) -> None:
    own = [x for name in DEMO_OWN for x in ("--hashtag", name)]
    assert shell("campaign", "add", "Glow", *own, *more).code == 0


def pages(server: SimulatorServer) -> Counter[tuple[str, str]]:
    asked = [c.body for c in server.calls if c.endpoint == "hashtag/videos" and c.status == 200]
    return Counter((str(b["hashtag_id"]), str(b["cursor"])) for b in asked)


def charged_in_ledger(shell: Shell) -> tuple[int, int]:
    with contextlib.closing(sqlite3.connect(shell.folder / DATABASE)) as connection:
        query = "SELECT state, sum(credits) FROM ledger GROUP BY state"
        found = dict(connection.execute(query).fetchall())
    return found.get("charged", 0), found.get("unknown", 0)


def said_by(ended: Ended) -> str:
    assert "Traceback" not in ended.out + ended.err
    assert KEY not in ended.out + ended.err
    assert "c4n4ry" not in ended.out + ended.err
    return ended.err


# --- a first day ----------------------------------------------------------------------------------


def test_a_first_day(shell: Shell, serve: Serve) -> None:
    server = serve()
    assert "tagtide doctor" in shell("init").out
    assert shell("doctor").code == 0
    add(shell, "--competitor", "velvaskin")
    tracked, collected = shell("track"), shell("collect")
    assert (tracked.code, collected.code) == (0, 0)
    assert "lumenglow" in tracked.out
    assert shell("report", "campaign").code == 0
    assert shell("report", "weekly", "--json").json["hashtags"]
    assert shell("report", "wrapup", "--json").json["lift"]["reason"] == "no_start"
    assert charged_in_ledger(shell) == (server.charged, 0)
    assert Path(shell.folder / DATABASE).stat().st_mode & 0o077 == 0
    for ended in (tracked, collected):
        said_by(ended)


def test_debug_logs_hold_no_secret(shell: Shell, serve: Serve) -> None:
    serve()
    (shell.folder / "tagtide.toml").write_text(
        "[channels.crm]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/hook/c4n4ry-hook'\n"
    )
    add(shell, "--rule", "growth=0.0001", "--threshold", "lumenglow=1")
    for _ in range(2):
        ended = shell("track", TAGTIDE_LOG__LEVEL="debug", TAGTIDE_LOG__FORMAT="json")
        said_by(ended)


@pytest.mark.prove
def test_a_database_server_that_does_not_answer_is_said(shell: Shell) -> None:
    """Half a minute of patience; the password is in no word of it."""
    broken = shell("--database", "postgresql://me:c4n4ry-db@127.0.0.1:9/x", "campaign", "list")
    assert broken.code == 1
    assert broken.err.startswith("Error: ")
    said_by(broken)


def test_a_reader_that_leaves_early_is_no_error(shell: Shell, serve: Serve) -> None:
    serve()
    add(shell, "--pages", "8")
    shell("collect")
    for command in ("videos --json --limit 500", "export videos", "report campaign"):
        ended = shell.bash(f"set -o pipefail; tagtide {command} | head -c 100 > /dev/null")
        assert ended.code == 0, command
        assert "Broken" not in said_by(ended)


# --- interruption ---------------------------------------------------------------------------------


def interrupted(shell: Shell, server: SimulatorServer, how: signal.Signals) -> Ended:
    process = shell.start("collect")
    wait_until(lambda: len(pages(server)) >= 2)
    process.send_signal(how)
    out, err = process.communicate(timeout=30)
    return Ended(process.returncode, out, err)


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.prove),
        pytest.param(signal.SIGKILL, marks=pytest.mark.prove),
    ],
)
def test_what_was_read_before_an_interruption_is_not_paid_for_again(
    shell: Shell, serve: Serve, how: signal.Signals
) -> None:
    server = serve(latency=0.15)
    add(shell, "--pages", "4")
    ended = interrupted(shell, server, how)
    if how is signal.SIGKILL:
        assert ended.code == -signal.SIGKILL
        a_minute_passes(shell)
    else:
        assert (ended.code, ended.out) == (130, "")
        assert "Interrupted" in said_by(ended)
    server.latency = 0.0
    again = shell("collect", "--json")
    assert again.code == 0, again.err
    # The call that was under way may have been answered to nobody; no stored page is read twice.
    twice = [page for page, times in pages(server).items() if times > 1]
    assert len(twice) <= 2
    charged, unknown = charged_in_ledger(shell)
    assert charged <= server.charged <= charged + unknown
    assert server.charged - charged <= 2
    if how is not signal.SIGKILL:
        # Reserved and never sent is known to cost nothing.
        assert unknown <= 2
    held = {row["hashtag"]: row["videos_seen"] for row in again.json["hashtags"]}
    assert set(held) == {*DEMO_OWN}


def a_minute_passes(shell: Shell) -> None:
    """A process that was killed without a word holds its slots for a minute."""
    with contextlib.closing(sqlite3.connect(shell.folder / DATABASE)) as connection:
        connection.execute("UPDATE slot SET lease_until = 0 WHERE done_at IS NULL")
        connection.commit()


def test_sigterm_ends_what_a_script_put_into_the_background(shell: Shell) -> None:
    """A shell without job control starts it with Ctrl-C ignored."""
    script = """
        tagtide simulate --port 0 > said & started=$!
        until grep -q http said; do sleep 0.1; done
        kill $started
        (sleep 30; kill -9 $started) >/dev/null 2>&1 & watchdog=$!
        wait $started; code=$?
        kill $watchdog
        exit $code
    """
    ended = shell.bash(script)
    assert ended.code == 0
    assert said_by(ended) == "The local server has stopped.\n"


# --- storage --------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_65(shell: Shell, serve: Serve) -> None:
    server = serve()
    file = shell.folder / DATABASE
    file.write_bytes(b"this is no database, but a letter\n" * 200)
    before = file.read_bytes()
    ended = shell("collect")
    assert ended.code == 65
    assert "tagtide db restore" in said_by(ended) or "not a database" in ended.err
    assert file.read_bytes() == before
    assert server.calls == []


def test_a_newer_schema_is_76(shell: Shell, serve: Serve) -> None:
    server = serve()
    add(shell)
    with contextlib.closing(sqlite3.connect(shell.folder / DATABASE)) as connection:
        connection.execute("UPDATE tagtide_version SET version_num = '9999'")
        connection.commit()
    ended = shell("track")
    assert ended.code == 76
    assert "newer" in said_by(ended)
    assert server.calls == []


def test_a_locked_database_is_said_and_pays_nothing(shell: Shell, serve: Serve) -> None:
    server = serve()
    add(shell)
    with contextlib.closing(sqlite3.connect(shell.folder / DATABASE)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        ended = shell("track")
    assert ended.code == 1
    assert "locked" in said_by(ended)
    assert server.calls == []
    assert shell("track").code == 0


def test_who_reads_does_not_wait_for_who_writes(shell: Shell) -> None:
    add(shell)
    with contextlib.closing(sqlite3.connect(shell.folder / DATABASE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        ended = shell("campaign", "list", "--json")
    assert (ended.code, said_by(ended)) == (0, "")
    assert len(ended.json["campaigns"]) == 1


def test_an_output_that_cannot_be_written_is_74(shell: Shell) -> None:
    add(shell)
    for command in ("campaign list --json", "campaign list", "export videos", "config show"):
        ended = shell.bash(f"tagtide {command} > /dev/full")
        assert ended.code == 74, command
        assert "Error: The machine refused: No space left" in ended.err, command
        said_by(ended)


@pytest.mark.parametrize("encoding", [pytest.param("latin-1", marks=pytest.mark.prove), "ascii"])
def test_a_locale_that_lacks_letters_loses_none(shell: Shell, encoding: str) -> None:
    added = shell("campaign", "add", "Sömmer", "--hashtag", "スキンケア", PYTHONIOENCODING=encoding)
    assert (added.code, said_by(added)) == (0, "")
    for command in (("campaign", "list"), ("campaign", "list", "--json")):
        ended = shell(*command, PYTHONIOENCODING=encoding)
        assert (ended.code, said_by(ended)) == (0, "")
        assert "スキンケア" in ended.out
        assert "Sömmer" in ended.out


def test_nobody_reads(shell: Shell) -> None:
    add(shell)
    for command in ("campaign list --json", "campaign list", "export videos"):
        ended = shell.bash(f"tagtide {command} >&-")
        assert ended.code == 0, command
        said_by(ended)


def test_a_folder_that_cannot_be_made_is_said(shell: Shell) -> None:
    add(shell)
    (shell.folder / "file").write_text("no folder")
    ended = shell("db", "backup", "--to", "file/deep/copy.db")
    assert ended.code == 1
    assert "file" in said_by(ended)
    assert "fault of its own" not in ended.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        made = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
        mounted = subprocess.run(made, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_74_before_anything_is_paid(
    shell: Shell, serve: Serve, small_disk: Path
) -> None:
    server = serve()
    shell.environ["TAGTIDE_DATABASE_URL"] = f"sqlite:///{small_disk}/tagtide.db"
    add(shell)
    ended = shell("track")
    assert ended.code == 74
    assert "MB are left" in said_by(ended)
    (small_disk / "filler").write_bytes(bytes(small_disk_left(small_disk)))
    full = shell("campaign", "add", "More", "--hashtag", "x" * 50)
    assert full.code == 74
    said_by(full)
    assert server.calls == []
    (small_disk / "filler").unlink()
    assert shell("campaign", "list", "--json").json["campaigns"][0]["name"] == "Glow"


def small_disk_left(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def test_a_disk_that_cannot_be_written_is_said(
    shell: Shell, serve: Serve, small_disk: Path
) -> None:
    server = serve()
    shell.environ["TAGTIDE_DATABASE_URL"] = f"sqlite:///{small_disk}/tagtide.db"
    add(shell)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True, capture_output=True)
    ended = shell("track")
    assert ended.code in {1, 74}
    assert ended.err.startswith("Error: ")
    said_by(ended)
    assert server.calls == []


def test_errors_as_json_are_one_object_on_stdout(shell: Shell) -> None:
    for args, code, name in (
        (("campaign", "show", "nothing", "--json"), 1, "not_found"),
        (("track", "--jsonn"), 2, None),
        (("collect", "--json", "--record"), 2, "usage"),
    ):
        ended = shell(*args)
        assert ended.code == code
        if name:
            assert ended.json["error"]["code"] == name
            assert set(ended.json["error"]) == {"code", "message", "hint"}
            assert ended.err == ""
        said_by(ended)
