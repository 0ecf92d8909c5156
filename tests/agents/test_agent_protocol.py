"""The protocol: which tools there are, what errors say, junk, pace, and the installed command."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_world import reading, settings
from mcp import Client
from mcp.shared.exceptions import MCPError

from tagtide import errors
from tagtide.bootstrap import open_app
from tagtide.mcp.errors import FAULT, SENTENCES, sentence_of
from tagtide.mcp.lines import LONGEST_LINE, TOO_LONG, lines_of
from tagtide.mcp.pace import Pace
from tagtide.mcp.server import INSTRUCTIONS, Caller, make_server
from tagtide.mcp.tools import TOOLS, Kind, allowed_tools
from tagtide.models import Campaign, CampaignHashtag
from tagtide.settings import Loaded, McpSettings

#: Of the tools that are there by default: names, descriptions, hints and what they take. A change
#: is for people to see, who trust what they have once looked at.
DEFAULT_TOOLS = "bcc220dd1817aeea34064510ea96b3af66785d8a3ab51c46f0e774430c7ad404"
SENT = "zq999x-what-was-sent"
ME = Caller(key="me", may_operate=True)


async def prepared(loaded: Loaded) -> None:
    async with open_app(loaded, source=False) as app:
        await app.store.add_campaign(
            Campaign(name="Spring", hashtags=(CampaignHashtag(name="glow"),))
        )


def listed(loaded: Loaded, caller: Caller = ME) -> list[dict[str, Any]]:
    async def main() -> list[dict[str, Any]]:
        await prepared(loaded)
        async with reading(loaded) as app, Client(make_server(app, lambda _: caller)) as client:
            found = await client.list_tools()
            return [
                t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in found.tools
            ]

    return asyncio.run(main())


def test_the_tools_of_the_default_are_these_and_no_others(tmp_path: Path) -> None:
    found = listed(settings(tmp_path))
    assert [t["name"] for t in found] == [t.name for t in TOOLS if t.kind is Kind.READ]
    assert all(t["annotations"]["readOnlyHint"] for t in found)
    body = json.dumps(found, sort_keys=True).encode()
    assert hashlib.sha256(body).hexdigest() == DEFAULT_TOOLS


def test_what_spends_or_changes_is_there_only_when_it_is_on(tmp_path: Path) -> None:
    read = {t.name for t in TOOLS if t.kind is Kind.READ}
    change, spend = {"acknowledge_alert", "mute_alert"}, {"start_run"}
    for may_change, may_spend in ((False, False), (True, False), (False, True), (True, True)):
        on = McpSettings(may_change=may_change, may_spend=may_spend)
        wanted = read | (change if may_change else set()) | (spend if may_spend else set())
        assert {*allowed_tools(on, may_operate=True)} == wanted
        assert {*allowed_tools(on, may_operate=False)} == read
    loaded = settings(tmp_path, TAGTIDE_MCP__MAY_CHANGE="true")
    found = listed(loaded, Caller(key="a reader's token", may_operate=False))
    assert {t["name"] for t in found} == read


def test_nothing_stored_is_part_of_what_describes_the_server(tmp_path: Path) -> None:
    text = json.dumps(listed(settings(tmp_path))) + INSTRUCTIONS
    assert "Spring" not in text
    assert "glow" not in text


# --- errors ---------------------------------------------------------------------------------------

BAD_CALLS: list[tuple[str, dict[str, Any]]] = [
    (SENT, {}),
    ("start_run", {"campaign": SENT, "job": "track", "agreed_credits": 1}),
    ("campaign_summary", {"campaign": SENT}),
    ("campaign_summary", {"campaign": "Spring"}),
    ("campaign_summary", {"campaign": 7}),
    ("campaign_summary", {SENT: SENT}),
    ("campaign_summary", {}),
    ("hashtag_history", {"campaign": "Spring", "hashtag": SENT}),
    ("hashtag_history", {"campaign": "Spring", "hashtag": f"https://evil.example/{SENT}"}),
    ("hashtag_history", {"campaign": "Spring", "hashtag": "glow", "days": SENT}),
    ("top_videos", {"campaign": "Spring", "by": SENT}),
    ("top_videos", {"campaign": "Spring", "limit": 10**30}),
    ("search_videos", {"campaign": "Spring", "text": SENT * 100}),
    ("explain_alert", {"alert_id": SENT}),
    ("explain_alert", {"alert_id": "abc"}),
    ("preview_run", {"campaign": "Spring", "job": SENT}),
    ("backtest_rule", {"campaign": "Spring", "rule": "growth", "value": -1}),
    ("backtest_rule", {"campaign": "Spring", "rule": "growth", "value": SENT}),
    ("backtest_rule", {"campaign": "Spring", "rule": "growth"}),
]


@pytest.mark.parametrize(("name", "arguments"), BAD_CALLS)
def test_an_error_says_what_to_do_and_never_what_was_sent(
    tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    loaded = settings(tmp_path)

    async def main() -> str:
        await prepared(loaded)
        async with reading(loaded) as app, Client(make_server(app, lambda _: ME)) as client:
            try:
                result = await client.call_tool(name, arguments)
            except MCPError as error:
                return error.error.message
            assert result.is_error
            (text,) = result.content
            return text.text

    said = asyncio.run(main())
    assert "zq999x" not in said
    assert said not in {FAULT, ""}
    assert said.endswith(".")


def test_every_error_of_ours_has_a_sentence() -> None:
    for name in vars(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, errors.TagtideError):
            said = sentence_of(kind(SENT))
            assert said in SENTENCES.values()
            assert SENT not in said
    assert sentence_of(ValueError(SENT)) == FAULT


def test_one_agent_has_its_pace() -> None:
    pace = Pace(3)
    assert [pace.allows("a", at) for at in (0, 1, 2, 3)] == [True, True, True, False]
    assert pace.allows("b", 3)
    assert not pace.allows("a", 59.9)
    assert pace.allows("a", 60.1)
    for number in range(5_000):
        pace.allows(str(number), 61)
    assert len(pace._calls) == 1_000


def test_too_many_calls_are_an_error_of_the_protocol(tmp_path: Path) -> None:
    with Process(settings(tmp_path, TAGTIDE_MCP__CALLS_PER_MINUTE="5")) as process:
        process.greet()
        found = [process.ask("tools/call", {"name": "credits", "arguments": {}}) for _ in range(8)]
    assert [a.get("error", {}).get("code") for a in found] == [None] * 5 + [-32_000] * 3


# --- the command as a process ---------------------------------------------------------------------


class Process:
    """`tagtide mcp` with nothing of this machine's environment, and no key."""

    def __init__(self, loaded: Loaded, *, prepare: bool = True) -> None:
        if prepare:
            asyncio.run(prepared(loaded))
        command = Path(sys.executable).with_name("tagtide")
        if not command.exists():
            pytest.skip("tagtide is not installed in this environment")
        on = {f"TAGTIDE_MCP__{k.upper()}": str(v) for k, v in loaded.settings.mcp}
        self._popen = subprocess.Popen(
            [str(command), "--database", loaded.settings.database.url, "mcp"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C", **on},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._number = 0
        self.code: int | None = None
        self.errors = ""
        #: What is left on its standard output at the end.
        self.rest: list[str] = []

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            rest, errors_ = self._popen.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            raise
        self.rest = (rest or b"").decode().splitlines()
        self.code, self.errors = self._popen.returncode, errors_.decode()

    def send(self, line: bytes) -> None:
        assert self._popen.stdin
        self._popen.stdin.write(line + b"\n")
        self._popen.stdin.flush()

    def line(self) -> dict[str, Any]:
        assert self._popen.stdout
        found: dict[str, Any] = json.loads(self._popen.stdout.readline())
        return found

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.send(json.dumps(body).encode())
        while (found := self.line()).get("id") != number:
            pass
        return found

    def greet(self) -> None:
        who = {"name": "test", "version": "1"}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": who}
        assert self.ask("initialize", params)["result"]["serverInfo"]["name"] == "tagtide"
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


#: Of the protocol, but not of this server.
METHODS = ("prompts/get", "resources/read", "completion/complete", "logging/setLevel", SENT)


def test_the_command_answers_without_a_key_and_ends_with_its_input(tmp_path: Path) -> None:
    with Process(settings(tmp_path)) as process:
        process.greet()
        answer = process.ask("tools/call", {"name": "list_campaigns", "arguments": {}})
        (campaign,) = answer["result"]["structuredContent"]["campaigns"]
        assert campaign["campaign"] == "Spring"
        for method in METHODS:
            # There is nothing but tools.
            params = {"name": SENT, "uri": f"x://{SENT}", "level": "debug"}
            refused = process.ask(method, params)
            assert refused["error"]["code"] in {-32_601, -32_602}
            assert "zq999x" not in json.dumps(refused)
        hostile = {"name": SENT, "arguments": {"a": f"\x1b[31m\n{SENT}"}}
        assert process.ask("tools/call", hostile)["error"]["code"] == -32_602
    assert (process.code, process.rest, process.errors) == (0, [], "")


def test_what_was_asked_before_the_end_is_answered(tmp_path: Path) -> None:
    with Process(settings(tmp_path)) as process:
        process.greet()
        for number in range(100, 105):
            params = {"name": "today", "arguments": {}}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            process.send(json.dumps(body).encode())
    answers = {json.loads(line)["id"]: json.loads(line) for line in process.rest}
    assert process.code == 0
    assert [answers[n]["result"]["isError"] for n in range(100, 105)] == [False] * 5


def test_a_signal_ends_it_while_it_waits_and_so_does_a_reader_that_leaves(tmp_path: Path) -> None:
    with Process(settings(tmp_path)) as process:
        process.greet()
        process._popen.send_signal(signal.SIGTERM)
        assert process._popen.wait(60) == 130
    with Process(settings(tmp_path), prepare=False) as process:
        process.greet()
        assert process._popen.stdout
        process._popen.stdout.close()
        for _ in range(3):
            process.send(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
        process._popen.stdout = None
    assert (process.code, process.errors) == (0, "")


def test_lines_are_whole_and_bounded() -> None:
    async def read(*pieces: bytes) -> list[str]:
        reading, writing = os.pipe()

        def write() -> None:
            for piece in pieces:
                os.write(writing, piece)
            os.close(writing)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            return [line async for line in lines_of(reading)]
        finally:
            thread.join()
            os.close(reading)

    assert asyncio.run(read()) == []
    assert asyncio.run(read(b"a\nb", b"c\n", b"\n", b"d")) == ["a", "bc", "", "d"]
    assert asyncio.run(read("é\n".encode()[:1], "é\n".encode()[1:])) == ["é"]
    assert asyncio.run(read(b"\xff\n")) == ["\ufffd"]
    long = b"x" * LONGEST_LINE
    assert asyncio.run(read(long, b"\n")) == [long.decode()]
    assert asyncio.run(read(long, b"y", b"z" * 99, b"\nb\n")) == [TOO_LONG, "b"]
    assert asyncio.run(read(long, long, long)) == [TOO_LONG]


def test_it_says_on_stderr_that_there_is_no_database(tmp_path: Path) -> None:
    with Process(settings(tmp_path), prepare=False) as process:
        pass
    assert (process.code, process.rest) == (1, [])
    assert "tagtide init" in process.errors
    assert "Traceback" not in process.errors
    assert not (tmp_path / "tagtide.db").exists()


def junk(count: int, seed: int) -> Iterator[bytes]:
    """Lines that are no requests, or requests that nobody should make."""
    rng = random.Random(seed)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "credits"}}
    values: list[Any] = [None, True, -1, 1e308, "", SENT, [], {}, [[]], {"a": SENT}, "\ud800"]
    for number in range(count):
        kind = number % 8
        if kind == 0:
            yield bytes(b for b in rng.randbytes(rng.randrange(1, 200)) if b not in (10, 13))
        elif kind == 1:
            text = json.dumps(call)
            yield text[: rng.randrange(len(text))].encode()
        elif kind == 2:
            yield json.dumps(rng.choice(values)).encode()
        elif kind == 3:
            broken = dict(call)
            broken[rng.choice([*call])] = rng.choice(values)
            yield json.dumps(broken).encode()
        elif kind == 4:
            arguments = {rng.choice(["campaign", "days", SENT]): rng.choice(values)}
            name = rng.choice([t.name for t in TOOLS] + [SENT])
            params = {"name": name, "arguments": arguments, "_meta": rng.choice(values)}
            yield json.dumps(call | {"id": number, "params": params}).encode()
        elif kind == 5:
            yield json.dumps([call] * rng.randrange(4)).encode()
        elif kind == 6:
            depth = rng.randrange(10, 5_000)
            yield b"[" * depth + b"]" * rng.choice([0, depth])
        else:
            method = rng.choice(["initialize", "ping", "tools/list", "shutdown", SENT, "a" * 9_999])
            body = {"jsonrpc": "2.0", "method": method, "params": rng.choice(values)}
            yield json.dumps(body | ({"id": str(number)} if rng.random() < 0.5 else {})).encode()


def throw_junk(folder: Path, count: int, seed: int) -> None:
    lines = [line for line in junk(count, seed) if line.strip()]
    with Process(settings(folder)) as process:
        process.greet()
        answers = []
        for line in lines:
            process.send(line)
            # An answer to this one shows that it is still there, and keeps the pipes from filling.
            process._number += 1
            ping = f"p{process._number}"
            process.send(f'{{"jsonrpc":"2.0","id":"{ping}","method":"ping"}}'.encode())
            while (answer := process.line()).get("id") != ping:
                answers.append(answer)
        good = process.ask("tools/call", {"name": "credits", "arguments": {}})
        assert good["result"]["isError"] is False
    assert process.code == 0
    answers += [json.loads(line) for line in process.rest]
    assert len(answers) > count / 3
    for answer in answers:
        assert answer["jsonrpc"] == "2.0"
        assert ("error" in answer) is not ("result" in answer)
        # The id is the caller's own, and comes back as it was.
        assert "zq999x" not in json.dumps({**answer, "id": None})
    assert "Traceback" not in process.errors


def test_junk_gets_errors_and_breaks_nothing(tmp_path: Path) -> None:
    throw_junk(tmp_path, 100, seed=7)


@pytest.mark.prove
def test_much_junk_gets_errors_and_breaks_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    throw_junk(tmp_path, 2_000, seed)
