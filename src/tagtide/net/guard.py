"""The gate around code of others that opens its own sockets: in a process of its own.

Once `guard_process` was called, the interpreter asks here before every connect and every datagram
of any thread, and the very address is judged that the connection would go to, so that neither a
redirect nor a name that leads elsewhere at the second look gets past. Other ways out, such as
programs and local sockets, are closed. It cannot be undone within the process.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tagtide.net.addresses import MAIL_PORTS, PORTS, IPNetwork, judge

#: Ports of services that speak something else than https: mail, XMPP, MQTT over TLS.
GUARDED_PORTS = PORTS | MAIL_PORTS | {5222, 5223, 8883}

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_CLOSED = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)


class Blocked(PermissionError):
    """This process may not do that."""


@dataclass(slots=True)
class Guard:
    """What was refused so far."""

    #: Connections that were not opened.
    blocked: int = 0


def guard_process(allow: Sequence[IPNetwork] = ()) -> Guard:
    """Judge every connection of this process from now on, until it ends.

    Args:
        allow: Networks to allow although they are private, this machine's loopback among them.
    """
    guard, opened = Guard(), tuple(allow)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CLOSED:
            raise Blocked("This process starts no programs.")
        if event in _CONNECTS and not _may_connect(arguments[0], arguments[1], opened):
            guard.blocked += 1
            raise Blocked("The address is not used.")

    sys.addaudithook(hook)
    return guard


def _may_connect(of: socket.socket, address: Any, allow: Sequence[IPNetwork]) -> bool:
    if of.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    if address is None:  # a datagram on a socket whose connect was judged
        return True
    if not isinstance(address, tuple) or len(address) < 2:
        return False
    try:
        # A name would be resolved after this look at it.
        number, port = ipaddress.ip_address(address[0]), int(address[1])
    except ValueError:
        return False
    return judge(number, port, loopback=False, allow=allow, ports=GUARDED_PORTS) is None
