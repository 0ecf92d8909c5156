"""Whole processes: what a kill, a signal or a second instance does. The API counts the charges."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import psycopg
import pytest
from jobs_lab import (
    Process,
    add,
    address_of,
    api,
    campaign,
    environment,
    finished,
    get,
    ledger,
    paid_twice,
    runs,
    serve_process,
    until,
    worker_process,
)

from conftest_postgres import new_database
from tagtide.clock import SystemClock
from tagtide.models import Job, Status
from tagtide.simulator import SimulatorServer
from tagtide.storage.store import open_store

COLLECT_DAILY = {**dict.fromkeys(Job, "0 0 29 2 *"), Job.COLLECT: "0 8 * * *"}
PAGES, TAGS = 4, 3


def postgres_with_tables() -> str:
    url = new_database()

    async def main() -> None:
        await (await open_store(url, clock=SystemClock(), migrate=True)).aclose()

    asyncio.run(main())
    return url


def owner_of_pending(url: str) -> int:
    """Process that works on the one claimed workflow."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT executor_id FROM tagtide_jobs.workflow_status WHERE status = 'PENDING'"
        ).fetchall()
    (executor,) = rows
    return int(executor[0].split(":")[1])


def token_for(url: str, server: SimulatorServer, folder: Path) -> str:
    """A token that may read, made beside the running server."""
    command = [sys.executable, "-m", "tagtide", "tokens", "create", "probe", "--scope", "read"]
    ended = subprocess.run(
        command,
        env=environment(url, server),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


def sqlite_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'data.db'}"


def kill_and_go_on(
    url: str, server: SimulatorServer, folder: Path, kills: int, spawn: type | object
) -> None:
    """Kill whoever collects after every few charges, until the run is finished."""
    process = spawn(url, server, folder)  # type: ignore[operator]
    for _kill in range(kills):
        wanted = server.charged + 2
        until(lambda wanted=wanted: server.charged >= wanted, process)
        process.kill()
        process = spawn(url, server, folder)  # type: ignore[operator]
    until(lambda: len(finished(url)) == 1, process, timeout=60)
    assert process.end() == 0


def assert_nothing_was_paid_twice(url: str, server: SimulatorServer, kills: int) -> None:
    (run,) = runs(url)
    assert (run.job, run.status, run.trigger) == (Job.COLLECT, Status.OK, "catch_up")
    # What a kill can lose: the call in flight, and an answer that was being stored meanwhile.
    assert paid_twice(server) <= 2 * kills
    pages = {(c.body["hashtag_id"], c.body["cursor"]) for c in server.calls if "cursor" in c.body}
    assert len(pages) > PAGES * (TAGS - 1)
    assert server.charged == TAGS + len(pages) + paid_twice(server)
    charged, unknown = ledger(url)
    assert charged <= server.charged <= charged + unknown


def test_a_killed_process_goes_on_behind_its_cursor_on_sqlite(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    add(url, campaign(hashtags=TAGS, pages=PAGES, schedules=COLLECT_DAILY))
    with api(latency=0.15, concurrency=1) as server:
        kill_and_go_on(url, server, tmp_path, 1, serve_process)
        assert_nothing_was_paid_twice(url, server, 1)


@pytest.mark.postgres
def test_another_worker_takes_over_from_a_killed_one_on_postgres(tmp_path: Path) -> None:
    url = postgres_with_tables()
    add(url, campaign(hashtags=TAGS, pages=PAGES, schedules=COLLECT_DAILY))
    with api(latency=0.15, concurrency=1) as server:
        workers = [worker_process(url, server, tmp_path) for _ in range(2)]
        until(lambda: all("schedules_started" in w.text for w in workers), *workers)
        until(lambda: server.charged >= 2, *workers)
        owner = owner_of_pending(url)
        victim, heir = sorted(workers, key=lambda w: w.popen.pid != owner)
        assert victim.popen.pid == owner
        victim.kill()
        until(lambda: len(finished(url)) == 1, heir)
        assert "work_taken_over" in heir.text
        assert heir.end() == 0
        assert_nothing_was_paid_twice(url, server, 1)


@pytest.mark.postgres
def test_two_workers_read_each_slot_once(tmp_path: Path) -> None:
    url = postgres_with_tables()
    track = {**dict.fromkeys(Job, "0 0 29 2 *"), Job.TRACK: "*/5 * * * *"}
    add(url, *(campaign(f"c{n}", hashtags=n + 1, schedules=track) for n in range(4)))
    with api() as server:
        workers = [worker_process(url, server, tmp_path) for _ in range(2)]
        until(lambda: len(finished(url)) >= 4 * 51, *workers, timeout=60)
        assert [w.end() for w in workers] == [0, 0]
        done = [r for r in runs(url) if r.status is not Status.SKIPPED]
        slots = {r.slot_at for r in done}
        # A hashtag in several campaigns is read once per slot: four hashtags.
        assert server.charged == 4 * len(slots)
        assert {r.status for r in done} == {Status.OK}
        # A slot that its successor has overtaken is given up, and is no run that was done.
        lines = [line for w in workers for line in w.text.splitlines() if '"slot_done"' in line]
        claimed = [line for line in lines if json.loads(line)["status"] != Status.SKIPPED]
        assert len(claimed) == len(done)


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_many_kills(kind: str, tmp_path: Path) -> None:
    url = sqlite_in(tmp_path) if kind == "sqlite" else postgres_with_tables()
    add(url, campaign(hashtags=8, pages=8, schedules=COLLECT_DAILY))
    spawn = serve_process if kind == "sqlite" else worker_process
    with api(latency=0.1, concurrency=1) as server:
        kill_and_go_on(url, server, tmp_path, 15, spawn)
        assert paid_twice(server) <= 2 * 15
        pages = {str(sorted(c.body.items())) for c in server.calls if c.charged}
        assert server.charged == len(pages) + paid_twice(server)


def test_sigterm_ends_what_is_in_flight(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    add(url, campaign(hashtags=2, pages=2, schedules=COLLECT_DAILY))
    with api(latency=0.3, concurrency=1) as server:
        process = serve_process(url, server, tmp_path)
        until(lambda: server.charged >= 1, process)
        assert get(process, "/healthz").text == "ok\n"
        assert process.end() == 0
        (run,) = runs(url)
        assert run.status is Status.OK
        assert server.charged == 2 * 3
        assert paid_twice(server) == 0


@pytest.mark.prove
def test_a_second_sigterm_ends_at_once(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    add(url, campaign(hashtags=8, pages=8, schedules=COLLECT_DAILY))
    with api(latency=1.0, concurrency=1) as server:
        process = serve_process(url, server, tmp_path)
        until(lambda: server.charged >= 1, process)
        process.popen.send_signal(signal.SIGTERM)
        until(lambda: "Stopping" in process.text, process)
        assert process.end(timeout=2) == 143


def test_pages_of_a_running_process(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    add(url, campaign(hashtags=2, pages=1, schedules=COLLECT_DAILY))
    with api() as server:
        process = serve_process(url, server, tmp_path)
        until(lambda: len(finished(url)) == 1, process)
        until(lambda: get(process, "/readyz").status_code == 200, process)
        assert get(process, "/readyz").json()["status"] == "ok"
        assert get(process, "/metrics").status_code == 303
        token = token_for(url, server, tmp_path)
        metrics = get(process, "/metrics", token).text
        assert 'tagtide_runs_total{job="collect",reason="",status="ok"} 1.0' in metrics
        assert "tagtide_scheduler_tick_age_seconds" in metrics
        assert "Lumen" in get(process, "/", token).text

        second = serve_process(url, server, tmp_path)
        assert second.popen.wait(20) == 75
        assert f"is held by process {process.popen.pid}" in second.text
        assert process.end() == 0


def post(process: Process, path: str, **fields: str) -> httpx2.Response:
    home = address_of(process)
    with httpx2.Client(trust_env=False, timeout=10.0) as client:
        return client.post(home + path, data=fields, headers={"origin": home})


def test_the_console_says_how_to_make_the_first_account(tmp_path: Path) -> None:
    """Whoever sees the console can; a stranger who was faster at the door cannot."""
    url = sqlite_in(tmp_path)
    ana = {"name": "ana", "password": "kumquat marmalade"}
    with api() as server:
        process = serve_process(url, server, tmp_path, "--host", "0.0.0.0")
        until(lambda: "/setup?token=" in process.text, process)
        token = process.text.partition("/setup?token=")[2].split()[0]
        assert len(token) == 32
        assert post(process, "/setup", **ana).status_code == 403
        made = post(process, "/setup", token=token, **ana)
        assert made.status_code == 303
        assert post(process, "/setup", token=token, **ana).headers["location"] == "/login"
        assert post(process, "/login", **ana).status_code == 303
        assert process.end() == 0
        assert ana["password"] not in process.text

        # Once there is an account, nothing is said any more.
        again = serve_process(url, server, tmp_path, "--host", "0.0.0.0")
        assert get(again, "/").headers["location"] == "/login?next=%2F"
        assert again.end() == 0
        assert "setup" not in again.text


def test_on_this_machine_the_first_account_needs_no_token(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    with api() as server:
        process = serve_process(url, server, tmp_path)
        until(lambda: "/setup" in process.text, process)
        assert "token" not in process.text
        assert post(process, "/setup", name="ana", password="kumquat marmalade").status_code == 303
        assert process.end() == 0


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    with api() as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = serve_process(url, server, tmp_path, "--port", str(port))
        assert process.popen.wait(20) == 1
        assert f"Port {port} on 127.0.0.1 is in use" in process.text
        assert "Traceback" not in process.text


def test_a_worker_refuses_sqlite(tmp_path: Path) -> None:
    with api() as server:
        done = subprocess.run(
            [sys.executable, "-m", "tagtide", "worker"],
            check=False,
            env=environment(sqlite_in(tmp_path), server),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert done.returncode == 78
    assert "PostgreSQL" in done.stderr
    assert not list(tmp_path.iterdir())


def test_serve_needs_a_database_that_lasts(tmp_path: Path) -> None:
    with api() as server:
        process = serve_process("sqlite://", server, tmp_path)
        assert process.popen.wait(20) == 78
        assert "outlives the process" in process.text
