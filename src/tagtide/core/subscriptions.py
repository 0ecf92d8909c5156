"""What a subscription may say: who, which report, through which channel, with which files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

from tagtide.errors import InvalidInput

#: Files that an e-mail can bring along, in the order in which they are attached.
FILES = ("pdf", "xlsx")
#: What an e-mail brings along where nobody says.
USUAL_FILES = ("pdf",)
#: The kind of channel that carries files, and that can lead to an address of its own.
MAIL = "email"
_LONGEST_ADDRESS = 254
#: No quotes, comments or other scripts: nothing that two programs may read in two ways.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def is_mail_address(text: str) -> bool:
    """Whether a text is a plain ``name@host``."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def masked_address(address: str) -> str:
    """Enough of an address to tell two apart: ``a***@example.com``."""
    name, _, host = address.partition("@")
    return f"{name[:1]}***@{host}"


def parse_mail_address(text: str) -> str:
    """An address as it was typed, without spaces around. Raises `InvalidInput`, naming none."""
    address = text.strip()
    if not is_mail_address(address):
        raise InvalidInput(
            "The mail address is not of the form name@host.",
            hint="One plain address, such as ana@example.com.",
        )
    return address


def parse_files(names: Iterable[str]) -> tuple[str, ...]:
    """Which files, each once, in the order of `FILES`. Raises `InvalidInput`."""
    wanted = {name.strip().casefold() for name in names}
    for name in sorted(wanted - {*FILES}):
        raise InvalidInput(
            f"There is no file {name[:20]!r} to attach.", hint=f"There are {', '.join(FILES)}."
        )
    return tuple(name for name in FILES if name in wanted)


def fingerprint(campaign_id: int, kind: str, channel: str, person: str, to: str | None) -> str:
    """The same for two subscriptions that would bring one person the same report twice."""
    whom = to.casefold() if to is not None else person.casefold()
    parts = json.dumps([campaign_id, kind, channel, to is not None, whom])
    return hashlib.sha256(parts.encode()).hexdigest()
