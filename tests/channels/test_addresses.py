"""The corpus of addresses, from every place where one can be typed."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from address_corpus import BAD, CLOSED, GOOD, Answers

from tagtide.channels.apprise import AppriseChannel
from tagtide.channels.deadman import DeadmanSwitch
from tagtide.channels.email import EmailChannel
from tagtide.channels.slack import SlackChannel
from tagtide.channels.teams import TeamsChannel
from tagtide.channels.webhook import WebhookChannel
from tagtide.clock import SystemClock
from tagtide.errors import TagtideError
from tagtide.net import addresses as gate
from tagtide.net import is_public
from tagtide.tiktok.source import ScavioSource

CLOCK = SystemClock()


class Sockets:
    """Records where the process connects to, and lets nothing but loopback through."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or self.seen is None:
            return
        address = arguments[1]
        self.seen.append(address[:2] if isinstance(address, tuple) else ("unix", 0))
        if not isinstance(address, tuple) or address[0] not in {"127.0.0.1", "::1"}:
            raise ConnectionRefusedError("the test lets nothing out")


SOCKETS = Sockets()
sys.addaudithook(SOCKETS)


@pytest.fixture
def connects() -> Iterator[list[tuple[str, int]]]:
    SOCKETS.seen = []
    yield SOCKETS.seen
    SOCKETS.seen = None


_TLS = httpx2.create_ssl_context(trust_env=False)
_LOOK_UP = socket.getaddrinfo


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the system's certificates a thousand times proves nothing."""
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda **_: _TLS)
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: _TLS)


def resolve(monkeypatch: pytest.MonkeyPatch, answers: Answers | None) -> None:
    """Let names lead to these numbers, one group per look-up; numbers are read as usual."""
    groups = list(answers or ())

    def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        text = host.decode() if isinstance(host, bytes) else host
        try:
            return _LOOK_UP(text, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            pass
        if not groups:
            raise socket.gaierror(-2, "Name or service not known")
        group = groups.pop(0) if len(groups) > 1 else groups[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in group
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


# --- places where an address can be typed ---------------------------------------------------------


async def _webhook(url: str, note: Any) -> None:
    await WebhookChannel("x", url, clock=CLOCK).send(note)


async def _slack(url: str, note: Any) -> None:
    await SlackChannel("x", url, clock=CLOCK).send(note)


async def _teams(url: str, note: Any) -> None:
    await TeamsChannel("x", url, clock=CLOCK).send(note)


async def _deadman(url: str, note: Any) -> None:
    await DeadmanSwitch(url, clock=CLOCK).ping()


async def _api(url: str, note: Any) -> None:
    await ScavioSource(base_url=url, api_key="sk_test", clock=CLOCK).usage()


async def _mail(host: str, note: Any) -> None:
    await EmailChannel("x", host, sender="a@b.example", recipients=["c@d.example"]).send(note)


Place = Callable[[str, Any], Any]
WEB: dict[str, Place] = {
    "webhook": _webhook,
    "slack": _slack,
    "teams": _teams,
    "deadman": _deadman,
    "api": _api,
}


async def refused(place: Place, typed: str, note: Any) -> bool:
    said = ""
    try:
        await place(typed, note)
    except TagtideError as error:
        said = str(error)
    # One of a few sentences, whatever was typed.
    assert "10.0.0.1" not in said
    assert "good.example" not in said
    return said != ""


def test_the_corpus_is_large_and_says_what_it_means() -> None:
    assert len(BAD) >= 400
    assert len({bad.url for bad in BAD}) >= 390
    assert len(GOOD) == 50
    assert not any(is_public(ipaddress.ip_address(number)) for number in CLOSED)
    assert all(is_public(ipaddress.ip_address(good.leads_to)) for good in GOOD)


@pytest.mark.parametrize("name", WEB)
def test_no_bad_address_is_connected_to(
    name: str, connects: list[Any], monkeypatch: pytest.MonkeyPatch, notify: Any, payload: Any
) -> None:
    async def try_all() -> list[str]:
        passed = []
        for bad in BAD:
            resolve(monkeypatch, bad.answers)
            if not await refused(WEB[name], bad.url, notify(payload)):
                passed.append(bad.url)
        return passed

    assert asyncio.run(try_all()) == []
    assert connects == []


def test_no_bad_mail_server_is_connected_to(
    connects: list[Any], monkeypatch: pytest.MonkeyPatch, notify: Any, payload: Any
) -> None:
    typed = [(b.host if b.host is not None else b.url, b.answers) for b in BAD]

    async def try_all() -> list[str]:
        passed = []
        for host, answers in typed:
            resolve(monkeypatch, answers)
            if not await refused(_mail, host, notify(payload)):
                passed.append(host)
        return passed

    assert asyncio.run(try_all()) == []
    assert connects == []


@pytest.mark.parametrize("name", [*WEB, "mail"])
def test_good_addresses_are_connected_to_where_their_name_leads(
    name: str, connects: list[Any], monkeypatch: pytest.MonkeyPatch, notify: Any, payload: Any
) -> None:
    place = WEB.get(name, _mail)

    async def try_all() -> list[str]:
        missed = []
        for good in GOOD:
            resolve(monkeypatch, ((good.leads_to,),))
            connects.clear()
            typed = good.url if name in WEB else good.host
            assert await refused(place, typed, notify(payload))
            port = good.port if name in WEB else 587
            if set(connects) != {(good.leads_to, port)}:
                missed.append(typed)
        return missed

    assert asyncio.run(try_all()) == []


@pytest.mark.parametrize("name", [*WEB, "mail"])
def test_a_name_is_looked_up_once(
    name: str, connects: list[Any], monkeypatch: pytest.MonkeyPatch, notify: Any, payload: Any
) -> None:
    """An answer that changes after the look at it is never asked for."""
    resolve(monkeypatch, (("8.8.8.8",), ("10.0.0.1",)))
    typed = "https://rebind.example/" if name in WEB else "rebind.example"
    assert asyncio.run(refused(WEB.get(name, _mail), typed, notify(payload)))
    assert {address for address, _ in connects} == {"8.8.8.8"}


@pytest.mark.parametrize("name", WEB)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    name: str, status: int, connects: list[Any], notify: Any, payload: Any
) -> None:
    places = [
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "//10.0.0.1/",
        "http://127.0.0.1:1/",
        "https://[::ffff:10.0.0.1]/",
        "https://good.example/",
        "/elsewhere",
        "file:///etc/passwd",
    ]

    async def main() -> int:
        asked = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (ConnectionError, asyncio.IncompleteReadError):
                return
            asked += 1
            head = f"HTTP/1.1 {status} X\r\nLocation: {places[asked - 1]}\r\n"
            writer.write(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for _ in places:
            assert await refused(WEB[name], f"http://127.0.0.1:{port}/x", notify(payload))
        server.close()
        assert set(connects) == {("127.0.0.1", port)}
        return asked

    assert asyncio.run(main()) == len(places)


def test_a_gate_that_trusts_is_private_lets_some_through(
    connects: list[Any], monkeypatch: pytest.MonkeyPatch, notify: Any, payload: Any
) -> None:
    """The corpus is worth something: it catches the usual shortcut."""
    monkeypatch.setattr(gate, "is_public", lambda address: not address.is_private)

    async def try_all() -> None:
        for bad in BAD:
            resolve(monkeypatch, bad.answers)
            await refused(_webhook, bad.url, notify(payload))

    asyncio.run(try_all())
    reached = {address for address, _ in connects}
    assert {"100.64.0.1", "168.63.129.16", "64:ff9b::a9fe:a9fe"} <= reached


# --- Apprise --------------------------------------------------------------------------------------

_CHILD = """
import json, logging, socket, sys
from tagtide.net.guard import guard_process
logging.disable(logging.CRITICAL)
task = json.load(sys.stdin)
if task["guarded"]:
    guard_process()
reached = []
def hook(event, arguments):
    # Behind the guard: sees only what the guard let through, and lets nothing out.
    if event == "socket.connect":
        reached.append(arguments[1][0])
        raise ConnectionRefusedError("the test lets nothing out")
sys.addaudithook(hook)
look_up = socket.getaddrinfo
groups = []
def getaddrinfo(host, port, *args, **named):
    text = host.decode() if isinstance(host, bytes) else host
    try:
        return look_up(text, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass
    if not groups:
        raise socket.gaierror(-2, "Name or service not known")
    group = groups.pop(0) if len(groups) > 1 else groups[0]
    return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in group]
socket.getaddrinfo = getaddrinfo
import apprise
asset = apprise.AppriseAsset(async_mode=False)
for schema, host, answers in task["hosts"]:
    groups[:] = answers
    plugin = apprise.Apprise.instantiate(f"{schema}://{host}/x", asset=asset)
    if plugin is not None:
        plugin.request_rate_per_sec = 0
        plugin.notify(body="x")
print(json.dumps(reached))
"""


def child(hosts: list[tuple[str, str, Any]], *, guarded: bool = True) -> list[str]:
    task = json.dumps({"guarded": guarded, "hosts": hosts})
    ran = subprocess.run(
        [sys.executable, "-c", _CHILD], input=task, capture_output=True, text=True, check=True
    )
    return list(json.loads(ran.stdout))


def _apprise_hosts() -> list[tuple[str, str, Any]]:
    named = [b for b in BAD if b.host is not None]
    return [
        *(("jsons", _in_url(b.host or ""), b.answers or ()) for b in named),
        ("json", "127.0.0.1", ()),
        ("json", "[::1]", ()),
    ]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def test_apprise_reaches_no_closed_number() -> None:
    hosts = _apprise_hosts()
    assert len(hosts) > 300
    # Of several answers it may try the good ones; each connection is judged by itself.
    assert set(child(hosts)) <= {"8.8.8.8", "9.9.9.9", "2606:4700:4700::1111"}


def test_without_its_guard_apprise_reaches_it() -> None:
    hosts = [h for h in _apprise_hosts() if h[1] in {"10.0.0.1", "169.254.169.254", "127.0.0.1"}]
    assert set(child(hosts, guarded=False)) == {"10.0.0.1", "169.254.169.254", "127.0.0.1"}


def test_behind_its_guard_apprise_reaches_good_ones() -> None:
    hosts = [
        ("jsons", _in_url(g.host), ((g.leads_to,),))
        for g in GOOD
        if g.port == 443 and g.host.isascii()
    ]
    assert set(child(hosts)) == {g.leads_to for g in GOOD if g.port == 443 and g.host.isascii()}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "discord",
        "://x",
        "slack://T1/B1/x",
        "SLACK://T1/B1/x",
        "https://hooks.slack.com/services/T1/B1/x",
        "json://host/\n",
        "json://ho st/",
        "json://" + "x" * 3_000,
    ],
)
def test_apprise_addresses_that_are_refused_at_once(url: str) -> None:
    with pytest.raises(TagtideError) as caught:
        AppriseChannel("x", url)
    assert "T1" not in str(caught.value)
    assert "host" not in str(caught.value)


def test_a_guarded_process_starts_nothing_and_uses_no_local_socket() -> None:
    program = (Path(__file__).parent / "guarded_process.py").read_text(encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.split()) == (0, ["blocked"] * 7)
