"""The outbound gate: no socket is opened to an address that is not public."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys

import httpx2
import pytest

from tagtide.errors import InvalidInput
from tagtide.net import AddressRefused, Refusal, Target, judge, make_client, networks, vet_url

_CLOSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
127.0.0.1 127.0.0.2 127.1.1.1 127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2
169.254.169.123 168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10
192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 233.252.0.1 239.255.255.255 240.0.0.1
255.255.255.254 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::10.0.0.1 ::8.8.8.8 ::169.254.169.254 ::ffff:127.0.0.1 ::ffff:10.0.0.1
::ffff:8.8.8.8 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 ::ffff:0:169.254.169.254
::ffff:0:8.8.8.8 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8
64:ff9b:1::1 64:ff9b:1::169.254.169.254 64:ff9b:1:ffff::1 100::1 100:0:0:1::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:7f00:1::1 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1
2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:db8:ffff::1 2002::1 2002:7f00:1::1
2002:a00:1::1 2002:a9fe:a9fe::1 2002:808:808::1 3fff::1 3fff:fff::1
2a00:1450::5efe:7f00:1 2a00:1450::5efe:a9fe:a9fe 2a00:1450::200:5efe:a00:1 fe80::5efe:a00:1
2a00:1450:0:0:0:5efe:808:808 fc00::1 fd00::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
fdff:ffff::1 fe80::1 fe80::a9fe:a9fe fe80::1%lo febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff05::2
ff0e::1 4000::1 5f00::1 8000::1 1::1 1fff:ffff::1
"""
_OPEN = """
1.1.1.1 8.8.8.8 9.9.9.9 11.0.0.1 93.184.215.14 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1
168.63.129.15 192.0.1.1 192.167.0.1 198.17.0.1 198.20.0.1 223.255.255.254 3.121.0.1 52.84.0.1
2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001::200e 2620:fe::fe 2400:cb00::1
"""
CLOSED, OPEN = _CLOSED.split(), _OPEN.split()


@pytest.mark.parametrize("text", CLOSED)
def test_closed_addresses(text):
    assert judge(ipaddress.ip_address(text), 443, loopback=False) is Refusal.PRIVATE


@pytest.mark.parametrize("text", OPEN)
def test_open_addresses(text):
    assert judge(ipaddress.ip_address(text), 443, loopback=False) is None
    assert judge(ipaddress.ip_address(text), 22, loopback=False) is Refusal.PORT
    assert judge(ipaddress.ip_address(text), 443, loopback=True) is Refusal.PRIVATE


def test_an_allow_list_opens_exactly_its_networks():
    allow = networks(["10.1.0.0/16", "fd00:1::/64"])
    assert judge(ipaddress.ip_address("10.1.2.3"), 9443, loopback=False, allow=allow) is None
    assert judge(ipaddress.ip_address("fd00:1::5"), 443, loopback=False, allow=allow) is None
    for text in ("10.2.0.1", "::ffff:10.1.0.1", "fd00:2::1", "127.0.0.1"):
        address = ipaddress.ip_address(text)
        assert judge(address, 443, loopback=False, allow=allow) is Refusal.PRIVATE
    with pytest.raises(InvalidInput):
        networks(["everything"])


GOOD_URLS = [
    ("https://example.com/hook?a=b@c", "example.com", 443, False),
    ("https://example.com:8443/", "example.com", 8443, False),
    ("HTTPS://EXAMPLE.com", "example.com", 443, False),
    ("https://bücher.example/", "bücher.example", 443, False),
    ("https://8.8.8.8/x", "8.8.8.8", 443, False),
    ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443, False),
    ("http://localhost:8080/x", "localhost", 8080, True),
    ("http://127.0.0.1:9/", "127.0.0.1", 9, True),
    ("http://[::1]:9/", "::1", 9, True),
    ("https://127.0.0.1:9/", "127.0.0.1", 9, True),
]


@pytest.mark.parametrize(("url", "host", "port", "loopback"), GOOD_URLS)
def test_good_urls(url, host, port, loopback):
    target = vet_url(url)
    assert (target.host, target.port, target.loopback) == (host, port, loopback)
    assert "example" not in repr(target)


BAD_URLS = [
    "",
    "example.com",
    "//example.com",
    "https://",
    "https:///x",
    "https://?x",
    "http://example.com",
    "http://10.0.0.1",
    "http://localhost.example.com",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://[::ffff:127.0.0.1]/",
    "http://0.0.0.0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://user@example.com/",
    "https://user:pw@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://example.com@10.0.0.1/",
    "https://example.com\\@10.0.0.1/",
    "https:\\\\example.com/",
    "https://example.com/\n",
    "https://exa mple.com/",
    "https://example.com/a b",
    "https://example.com\t/",
    "https://example.com/\x00",
    "https://example.com/\u202e",
    "https://example.com:99999/",
    "https://example.com:x/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https://example.com/" + "x" * 3_000,
    "https://8.8.8.8:22/",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_bad_urls_are_refused_in_words_that_do_not_quote_them(url):
    with pytest.raises(InvalidInput) as caught:
        vet_url(url)
    assert "example" not in str(caught.value)
    assert len(str(caught.value)) < 80


def test_loopback_can_be_closed():
    with pytest.raises(InvalidInput):
        vet_url("http://127.0.0.1/", allow_loopback_http=False)


# --- real connections -----------------------------------------------------------------------------


class Connects:
    """Counts every connect of the process, through the interpreter's audit events."""

    def __init__(self):
        self.seen = None

    def __call__(self, event, args):
        if event == "socket.connect" and self.seen is not None:
            self.seen.append(args[1])


_CONNECTS = Connects()
sys.addaudithook(_CONNECTS)


@pytest.fixture
def connects():
    _CONNECTS.seen = []
    yield _CONNECTS.seen
    _CONNECTS.seen = None


def resolving(monkeypatch, *answers):
    """Let every name lead to these addresses; each call takes the next group."""
    groups = list(answers)

    def getaddrinfo(host, port, *_, **__):
        group = groups.pop(0) if len(groups) > 1 else groups[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in group
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def get(target: Target, url=None, **settings):
    async with make_client(target, connect=2.0, **settings) as client:
        return await client.get(url or target.url)


def refused(target, url=None, **settings):
    with pytest.raises(AddressRefused) as caught:
        asyncio.run(get(target, url, **settings))
    return caught.value


NAME = vet_url("https://inside.example/")


def test_no_socket_is_opened_to_any_closed_address(monkeypatch, connects):
    async def try_all():
        for text in CLOSED:
            # A public address beside the closed one must not save it.
            for group in ([text], ["8.8.8.8", text], [text, "8.8.8.8"]):
                resolving(monkeypatch, group)
                with pytest.raises(AddressRefused) as caught:
                    await client.get(NAME.url)
                assert caught.value.refusal is Refusal.PRIVATE
                assert text not in str(caught.value)

    client = make_client(NAME)
    asyncio.run(try_all())
    assert connects == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1."])
def test_odd_spellings_of_this_machine(connects, host):
    try:
        target = vet_url(f"https://{host}/")
    except InvalidInput:
        return
    assert refused(target).refusal in {Refusal.PRIVATE, Refusal.UNRESOLVED}
    assert connects == []


def test_localhost_must_lead_to_this_machine(monkeypatch, connects):
    resolving(monkeypatch, ["8.8.8.8"])
    assert refused(vet_url("http://localhost:9/")).refusal is Refusal.PRIVATE
    assert connects == []


def test_a_client_reaches_its_own_host_only(connects):
    target = vet_url("http://127.0.0.1:9/")
    for url in ("http://127.0.0.1:10/", "http://127.0.0.2:9/", "https://example.com/"):
        assert refused(target, url).refusal is Refusal.HOST
    assert connects == []


def test_the_judged_address_is_the_connected_one(monkeypatch, connects):
    """Resolved once: an answer that changes in between (rebinding) is never asked for."""
    resolving(monkeypatch, ["198.18.0.1"], ["127.0.0.1"])
    with pytest.raises(httpx2.ConnectError):
        asyncio.run(get(vet_url("https://a.example:8443/"), allow=["198.18.0.0/15"], context=None))
    assert all(address[0] == "198.18.0.1" for address in connects)


def test_an_unknown_name(monkeypatch, connects):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refused(NAME).refusal is Refusal.UNRESOLVED
    assert connects == []


def test_loopback_is_reached_under_its_name():
    async def run():
        async def answer(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        answers = [
            await get(vet_url(f"http://{host}:{port}/x")) for host in ("127.0.0.1", "localhost")
        ]
        server.close()
        return answers, port

    answers, port = asyncio.run(run())
    assert [f"host: localhost:{port}" in a.text.lower() for a in answers] == [False, True]


def test_a_unix_socket_is_never_opened(connects):
    client = make_client(vet_url("http://127.0.0.1:9/"))
    backend = client._transport._pool._network_backend
    with pytest.raises(AddressRefused):
        asyncio.run(backend.connect_unix_socket("/run/docker.sock"))
    assert connects == []
