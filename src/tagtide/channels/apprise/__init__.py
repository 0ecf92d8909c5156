"""Alerts through Apprise, for the many services that have no channel of their own here.

Apprise opens its own sockets, follows redirects and logs addresses. It therefore runs in a process
of its own, one per message, behind `net.guard`: every connection is judged there as the gate judges
ours, the environment's proxies and ``~/.netrc`` are out of reach, the address travels through a
pipe, nothing of its output is kept, and the process is ended at the deadline.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import sys
from contextlib import suppress

from tagtide.channels.harmless import without_markup
from tagtide.core.messages.notice import Look, as_text, notice
from tagtide.errors import ConfigError, DeliveryError, Fault, InvalidInput
from tagtide.models import Notification
from tagtide.net import networks

TOTAL_SECONDS = 30.0
MAX_URL = 2_048
#: How the process ends; see `sender`.
SENT, NOT_ACCEPTED, NOT_UNDERSTOOD, BLOCKED = 0, 10, 11, 12
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://\S+", re.IGNORECASE)
#: Environment that the process may see; nothing in it leads anywhere else.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
#: Apprise makes live markup of what looks like Slack's, whatever is done before.
_SLACK = re.compile(r"slack://|https?://hooks\.slack\.com/", re.IGNORECASE)


class AppriseChannel:
    """Sends one message per notification to one Apprise address."""

    def __init__(
        self, name: str, url: str, *, look: Look | None = None, allow: tuple[str, ...] = ()
    ) -> None:
        """Check what can be checked without Apprise; starts nothing yet.

        Args:
            name: From the configuration.
            url: An Apprise address such as ``discord://...``; a secret, it stands in no message.
            look: Wording, figures and links.
            allow: CIDR networks to allow although they are private.

        Raises:
            ConfigError: Apprise is not installed.
            InvalidInput: the address cannot be used.
        """
        if importlib.util.find_spec("apprise") is None:
            raise ConfigError(
                f"channel {name}: Apprise is not installed",
                hint="Install it with: pip install 'tagtide[apprise]'",
            )
        if len(url) > MAX_URL or not url.isprintable() or not _SCHEME.fullmatch(url):
            raise InvalidInput("The address is not one of Apprise, such as discord://...")
        if _SLACK.match(url):
            raise InvalidInput(
                "Slack has a channel of its own.",
                hint='Use kind = "slack" with the hook\'s address.',
            )
        networks(allow)
        self.name = name
        self._url, self._look, self._allow = url, look or Look(), allow

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address."""
        said = notice(notification.payload, self._look, without_markup)
        task = {
            "url": self._url,
            "title": said.title,
            "body": as_text(said),
            "allow": list(self._allow),
        }
        match await _run(json.dumps(task).encode()):
            case code if code == SENT:
                return
            case code if code == BLOCKED:
                raise DeliveryError(
                    "The receiver's address is not used.", fault=Fault.ADDRESS, permanent=True
                )
            case code if code == NOT_UNDERSTOOD:
                raise DeliveryError(
                    "Apprise does not understand the channel's address.",
                    fault=Fault.ADDRESS,
                    permanent=True,
                    hint="Compare it with Apprise's documentation of the service.",
                )
            case _:
                raise DeliveryError("The service did not accept the message.", fault=Fault.BUSY)

    async def aclose(self) -> None:
        """Nothing is open between messages."""


def _import_path() -> str:
    """Where this process finds its modules; never the working directory."""
    return os.pathsep.join(path for path in sys.path if path)


async def _run(task: bytes) -> int:
    """Start the sender, give it its task, and say how it ended."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tagtide.channels.apprise.sender",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd="/",
        # No home: no ~/.netrc and no configuration of Apprise's own.
        env={**environment, "HOME": "/nonexistent", "PYTHONPATH": _import_path()},
    )
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            await process.communicate(task)
    except TimeoutError:
        raise DeliveryError("The service did not answer in time.", fault=Fault.TIMEOUT) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0
