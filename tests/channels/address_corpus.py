"""Addresses that must not be reached, generated, and addresses that must.

Each bad one is a host, or a whole URL where the trick lies in the URL, with the answers a hostile
name server would give. `CLOSED` are numbers, `BAD` what is typed, `GOOD` what people really use.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

#: Answers of a resolver, one group per look-up; the last is repeated.
Answers = tuple[tuple[str, ...], ...]

_CLOSED_V4 = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
127.0.0.2 127.1.1.1 127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2
169.254.169.123 168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10
192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 233.252.0.1 239.255.255.255 240.0.0.1
255.255.255.254 255.255.255.255
"""
_CLOSED_V6 = """
:: ::2 100::1 100:0:0:1::1 2001::1 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1
2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:db8:ffff::1 2002::1 3fff::1 3fff:fff::1
fc00::1 fd00::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fdff:ffff::1 fe80::1 fe80::a9fe:a9fe
febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff05::2 ff0e::1 4000::1 5f00::1 8000::1 1::1 1fff:ffff::1
"""
#: Inside of addresses of IPv6: this machine, a private network, clouds' metadata, a public one.
_INSIDE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.1.1", "8.8.8.8")


def _transitions(inner: str) -> Iterator[str]:
    number = int(ipaddress.IPv4Address(inner))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    flipped = number ^ 0xFFFF_FFFF
    yield f"::ffff:{inner}"  # mapped
    yield f"::{inner}"  # compatible
    yield f"::ffff:0:{inner}"  # translated
    yield f"64:ff9b::{inner}"  # NAT64
    yield f"64:ff9b:1::{inner}"  # NAT64, local
    yield f"2002:{high}:{low}::1"  # 6to4
    yield f"2001:0:{high}:{low}::1"  # Teredo, server
    yield f"2001:0:4136:e378:8000:63bf:{flipped >> 16:x}:{flipped & 0xFFFF:x}"  # Teredo, client
    yield f"2a00:1450::5efe:{high}:{low}"  # ISATAP
    yield f"2a00:1450::200:5efe:{high}:{low}"
    yield f"fe80::5efe:{high}:{low}"


CLOSED: tuple[str, ...] = tuple(
    dict.fromkeys(
        [*_CLOSED_V4.split(), *_CLOSED_V6.split(), *(t for i in _INSIDE for t in _transitions(i))]
    )
)


@dataclass(frozen=True)
class Bad:
    """Something typed that must not lead anywhere."""

    #: Host alone; None where only a URL can carry the trick.
    host: str | None
    url: str
    answers: Answers | None = None


def _literal(number: str) -> Bad:
    return Bad(number, f"https://[{number}]/x" if ":" in number else f"https://{number}/x")


def _spellings(number: str) -> Iterator[str]:
    a, b, c, d = (int(part) for part in number.split("."))
    whole = int(ipaddress.IPv4Address(number))
    yield str(whole)
    yield hex(whole)
    yield f"0{whole:o}"
    yield f"{a}.{(b << 16) + (c << 8) + d}"
    yield f"{a}.{b}.{(c << 8) + d}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield f"0x{a:X}.{b}.0{c:o}.{d}"
    yield f"000{a:o}.{b}.{c}.{d}"
    yield f"{a}.{b}.{c}.{d}."
    yield f"{a}%2E{b}%2E{c}%2E{d}"
    yield f"{a}。{b}。{c}。{d}"
    yield f"{a}．{b}．{c}．{d}"
    yield number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    yield number.translate(str.maketrans("0123456789.", "⓪①②③④⑤⑥⑦⑧⑨."))


_LOCAL_NAMES = (
    "localhost.",
    "LOCALHOST.",
    "localhost.localdomain",
    "ｌｏｃａｌｈｏｓｔ",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "local\u00adhost",
    "localhost\u200b",
    "ip6-localhost",
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "host.docker.internal",
    "kubernetes.default.svc",
    "router.local",
    "127.0.0.1.nip.example",
    "xn--lcalhost-n4a",
)
_SCHEMES = [
    "http",
    "ftp",
    "ftps",
    "file",
    "gopher",
    "dict",
    "ldap",
    "ldaps",
    "tftp",
    "sftp",
    "ssh",
    "telnet",
    "ws",
    "wss",
    "jar",
    "data",
    "javascript",
    "unix",
    "netdoc",
    "smb",
    "nfs",
    "git",
    "rtsp",
    "redis",
    "mongodb",
    "postgresql",
    "mailto",
    "blob",
    "about",
    "view-source",
    "chrome",
]
_PORTS = (0, 1, 21, 22, 23, 80, 111, 135, 389, 445, 1433, 2375, 3306, 5432, 6379, 8080, 9200, 11211)
_TRICKS = (
    "https://good.example\\@10.0.0.1/",
    "https://good.example\\.10.0.0.1/",
    "https://10.0.0.1\\@good.example/",
    "https:\\\\10.0.0.1/",
    "https:/\\10.0.0.1/",
    "https://good.example@10.0.0.1/",
    "https://good.example:443@10.0.0.1/",
    "https://good.example%40@10.0.0.1/",
    "https://user:pw@good.example/",
    "https://@10.0.0.1/",
    "https://:@10.0.0.1/",
    "https://10.0.0.1#@good.example/",
    "https://10.0.0.1?@good.example/",
    "https://10.0.0.1/@good.example",
    "https://10.0.0.1;good.example/",
    "https://good.example%00.10.0.0.1/",
    "https://10.0.0.1%00.good.example/",
    "https://10.0.0.1%2f.good.example/",
    "https://10.0.0.1%23.good.example/",
    "https://10.0.0.1 .good.example/",
    "https://10.0.0.1\t.good.example/",
    "https://10.0.0.1\r\n.good.example/",
    "https://good.example\r\nHost: 10.0.0.1/",
    "https://good.example/\r\nX-Injected: 1",
    "https://good.example/\x00",
    "https://good.example/\x7f",
    "https://good.example/\u2028",
    "https://good.example/\u202e",
    " https://10.0.0.1/",
    "\thttps://10.0.0.1/",
    "https:10.0.0.1/",
    "https:/10.0.0.1/",
    "https:///10.0.0.1/",
    "https://///10.0.0.1/",
    "//10.0.0.1/",
    "10.0.0.1/",
    "10.0.0.1:443",
    "https://10.0.0.1:443:443/",
    "https://10.0.0.1:/",
    "https://10.0.0.1:+443/",
    "https://10.0.0.1:99999/",
    "https://10.0.0.1:-1/",
    "https://10.0.0.1:４４３/",
    "https://[10.0.0.1]/",
    "https://[::1/",
    "https://::1/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:7f00:0001]/",
    "https://[0:0:0:0:0:0:0:0]/",
    "https://[::127.1]/",
    "https://[v1.fe80::1]/",
    "https://",
    "https://?",
    "https://#",
    "https://.",
    "https://..",
    "https://*/",
    "https://-/",
    "https://good..example/\u0000",
    "https://" + "a" * 3_000 + ".example/",
    "",
    " ",
    "https",
)


def _rebinding() -> Iterator[Bad]:
    """Names whose answers are closed, mixed, or change between two looks."""
    inner = ("10.0.0.1", "169.254.169.254", "100.64.0.1", "fd00:ec2::254", "::ffff:10.0.0.1")
    for count, closed in enumerate(inner):
        groups: tuple[Answers, ...] = (
            ((closed,),),
            (("8.8.8.8", closed),),
            ((closed, "8.8.8.8"),),
            (("2606:4700:4700::1111", closed),),
            (("8.8.8.8", "9.9.9.9", closed),),
            ((closed,), ("8.8.8.8",)),
        )
        for number, answers in enumerate(groups):
            host = f"r{count}{number}.rebind.example"
            yield Bad(host, f"https://{host}/x", answers)


def _bad() -> Iterator[Bad]:
    # This machine by its plain number is a receiver that people may set; by a name it is not.
    yield from (_literal(number) for number in CLOSED if not number.startswith("127."))
    for count, number in enumerate(CLOSED):
        host = f"n{count}.inside.example"
        yield Bad(host, f"https://{host}/x", ((number,),))
    for number in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.1.1"):
        yield from (Bad(s, f"https://{s}/x") for s in _spellings(number))
    for name in _LOCAL_NAMES:
        yield Bad(name, f"https://{name}/x", (("10.0.0.1",),))
    yield from _rebinding()
    for scheme in _SCHEMES:
        yield Bad(None, f"{scheme}://good.example/x", (("8.8.8.8",),))
        yield Bad(None, f"{scheme}://10.0.0.1/x")
    for port in _PORTS:
        yield Bad(None, f"https://good.example:{port}/x", (("8.8.8.8",),))
        yield Bad(None, f"https://8.8.8.8:{port}/x")
    yield from (Bad(None, url, (("10.0.0.1",),)) for url in _TRICKS)


BAD: tuple[Bad, ...] = tuple(dict.fromkeys(_bad()))


@dataclass(frozen=True)
class Good:
    """An address that people really use, and the number its name leads to."""

    host: str
    path: str
    leads_to: str
    port: int = 443

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{host}{port}{self.path}"


_NAMES = (
    "hooks.slack.com",
    "prod-12.westeurope.logic.azure.com",
    "default0123.api.powerplatform.com",
    "hc-ping.com",
    "api.scavio.dev",
    "discord.com",
    "outlook.office.com",
    "hooks.zapier.com",
    "hook.eu1.make.com",
    "events.pagerduty.com",
    "api.example.co.uk",
    "a-b.example",
    "xn--bcher-kva.example",
    "bücher.example",
    "пример.example",
    "例え.example",
    "a1.b2.c3.d4.example",
    "EXAMPLE.com",
    "example.com.",
    "10.0.0.1.example",
    "localhost.example.com",
    "1e100.example",
    "0x7f.example",
    "n8n.example.org",
    "smtp.example.net",
)
_PUBLIC = ("8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "100.63.255.255")
_PATHS = ("/", "/services/T0/B0/x", "/hook?a=b&c=d@e", "/a%20b/%2e%2e/c", "/~u/x;y=1", "")
_NUMBERS = [
    "1.1.1.1",
    "8.8.4.4",
    "9.9.9.9",
    "11.0.0.1",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "168.63.129.15",
    "192.0.1.1",
    "192.167.0.1",
    "198.17.0.1",
    "198.20.0.1",
    "223.255.255.254",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "2620:fe::fe",
    "2400:cb00::1",
]
GOOD: tuple[Good, ...] = (
    *(Good(n, _PATHS[i % 6], _PUBLIC[i % 5]) for i, n in enumerate(_NAMES)),
    *(Good(n, "/x", n) for n in _NUMBERS),
    *(Good(n, "/y", _PUBLIC[i], 8443) for i, n in enumerate(_NAMES[:5])),
)
