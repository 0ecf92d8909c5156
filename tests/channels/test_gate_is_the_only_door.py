"""No module but the gate opens a connection outward: looked for in the source."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import tagtide

PACKAGE = Path(tagtide.__file__).parent
#: Modules that open connections, or bring clients that do.
_DOORS = frozenset(
    [
        "aiohttp",
        "aiosmtplib",
        "apprise",
        "ftplib",
        "http.client",
        "httpcore",
        "httpcore2",
        "httpx",
        "imaplib",
        "nntplib",
        "paramiko",
        "poplib",
        "requests",
        "slack_sdk",
        "smtplib",
        "socket",
        "socketserver",
        "ssl",
        "telnetlib",
        "urllib.request",
        "urllib3",
        "websockets",
        "xmlrpc.client",
    ]
)
#: Calls by which a client or a connection comes to be.
_CALLS = frozenset(
    [
        "AsyncClient",
        "Client",
        "HTTPTransport",
        "AsyncHTTPTransport",
        "create_connection",
        "open_connection",
        "open_unix_connection",
        "create_unix_connection",
        "sock_connect",
        "create_datagram_endpoint",
        "urlopen",
        "SMTP",
        "SMTP_SSL",
        "LMTP",
    ]
)
#: File, and what it may name, and why that opens nothing outward.
_EXCEPTIONS = {
    ("web/server.py", "socket"): "listens",
    ("simulator/wire.py", "socket"): "speaks to whoever connected",
    ("storage/maintenance.py", "socket"): "asks for this machine's name",
    ("tiktok/client.py", "ssl"): "a type",
    ("tiktok/source.py", "ssl"): "a type",
    ("channels/posting.py", "ssl"): "an exception's type",
    ("channels/email/__init__.py", "ssl"): "makes a context for the gate",
    ("channels/email/__init__.py", "smtplib"): "exceptions' types",
    ("channels/apprise/sender.py", "apprise"): "in a process of its own, behind net.guard",
}
_HTTPX2_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "request", "stream"})


def parsed(source: str) -> ast.AST:
    """The tree; Python 3.11 sometimes miscounts its own depth when the collector runs meanwhile."""
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        gc.enable()


def findings(source: str) -> Iterator[str]:
    """Doors that a module imports or opens."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_door(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from (name for name in names if _is_door(name))
            if node.module == "httpx2":
                yield from (f"httpx2.{a.name}" for a in node.names if a.name in _CALLS)
        elif isinstance(node, ast.Call):
            yield from _call(node.func)


def _is_door(module: str) -> bool:
    return any(module == door or module.startswith(f"{door}.") for door in _DOORS)


def _call(called: ast.expr) -> Iterator[str]:
    if isinstance(called, ast.Name) and called.id in _CALLS | {"__import__", "import_module"}:
        yield called.id
    if not isinstance(called, ast.Attribute):
        return
    of = called.value.id if isinstance(called.value, ast.Name) else ""
    if called.attr in _CALLS or (of == "httpx2" and called.attr in _HTTPX2_VERBS):
        yield f"{of}.{called.attr}"


def outside_the_gate() -> dict[str, str]:
    return {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "net"
    }


def test_nothing_outside_the_gate_opens_a_connection() -> None:
    modules = outside_the_gate()
    assert len(modules) > 100
    found = {(name, door) for name, source in modules.items() for door in findings(source)}
    assert found - _EXCEPTIONS.keys() == set()
    # An exception that is no longer needed is no longer made.
    assert _EXCEPTIONS.keys() - found == set()


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import smtplib as s",
        "from urllib.request import urlopen",
        "from http import client",
        "import http.client",
        "import requests",
        "from httpx2 import AsyncClient",
        "import httpx2\nhttpx2.AsyncClient()",
        "import httpx2\nhttpx2.get('https://example.com')",
        "import asyncio\nasyncio.open_connection('x', 1)",
        "loop.create_connection(f, 'x', 1)",
        "import httpcore2",
        "import apprise",
        "s.SMTP('x')",
    ],
)
def test_the_look_sees_each_door(source: str) -> None:
    assert list(findings(source))


def test_the_look_leaves_types_alone() -> None:
    assert list(findings("import httpx2\nx: httpx2.Response\nhttpx2.URL('x')")) == []
