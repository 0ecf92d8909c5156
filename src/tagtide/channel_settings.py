"""What is wrong with the channels of a configuration: all of it at once, in words of the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tagtide.core.messages.template import parse_template
from tagtide.errors import InvalidInput

KINDS = ("slack", "teams", "email", "webhook", "apprise")
_WORDED = frozenset({"slack", "teams", "email", "apprise"})
#: Keys that only some kinds have; all others belong to every kind.
_KINDS_OF: dict[str, frozenset[str]] = {
    "url": frozenset({"slack", "teams", "webhook", "apprise"}),
    "secret": frozenset({"webhook"}),
    "previous_secret": frozenset({"webhook"}),
    "title": _WORDED,
    "text": _WORDED,
    "numbers": _WORDED,
    "clock": _WORDED,
    **dict.fromkeys(
        ("host", "port", "security", "username", "password", "from", "to"), frozenset({"email"})
    ),
}
_NEEDED = {"email": ("host", "from", "to")}
#: Keys that are better kept in a file of their own, as NAME_file.
_SECRETS = frozenset({"url", "secret", "previous_secret", "password"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def channel_problems(
    channels: object, origins: Mapping[str, str], file: str
) -> Iterator[tuple[str, str]]:
    """Key and sentence of everything that is contradictory or missing.

    Types and unknown keys are left to the schema.

    Args:
        channels: The table as it was read, secrets in files already filled in.
        origins: Dotted key to where its value came from.
        file: Origin of what stands in the configuration file.
    """
    if not isinstance(channels, Mapping):
        return
    for name, channel in channels.items():
        key = f"channels.{name}"
        if not _NAME.fullmatch(str(name)):
            shown = "".join(c if c.isprintable() else "?" for c in str(name)[:40])
            yield key, f"channel {shown!r}: a name has letters, digits, - and _"
        if isinstance(channel, Mapping):
            yield from _of_one(key, channel)
            yield from _only_in_the_file(f"{key}.allow", channel, origins, file)


def _of_one(key: str, channel: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = channel.get("kind")
    if kind not in KINDS:
        yield f"{key}.kind", _unknown_kind(key, kind)
        return
    for name in channel:
        kinds = _KINDS_OF.get(name)
        if kinds is not None and kind not in kinds:
            yield f"{key}.{name}", f"{key}.{name}: a channel of kind {kind} has no {name!r}"
    for name in _NEEDED.get(kind, ("url",)):
        if not channel.get(name):
            also = f" (or {name}_file)" if name in _SECRETS else ""
            yield f"{key}.{name}", f"{key}.{name}{also} is missing; kind {kind} needs it"
    for name, other in (("previous_secret", "secret"), ("password", "username")):
        if channel.get(name) and not channel.get(other):
            yield f"{key}.{other}", f"{key}.{name} is set, and {other} is not"
    if channel.get("username") and not channel.get("password"):
        yield f"{key}.password", f"{key}.username is set, and password (or password_file) is not"
    for name in ("title", "text"):
        if isinstance(wording := channel.get(name), str):
            yield from _wording(f"{key}.{name}", wording)


def _unknown_kind(key: str, kind: object) -> str:
    if kind is None:
        return f"{key}.kind is missing; there are {', '.join(KINDS)}"
    shown = "".join(c if c.isprintable() else "?" for c in str(kind)[:40])
    near = difflib.get_close_matches(str(kind).lower(), KINDS, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}"
    return f"{key}.kind: {shown!r} is no kind of channel; {meant}"


def _wording(key: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        parse_template(text)
    except InvalidInput as error:
        yield key, f"{key}: {error}"


def _only_in_the_file(
    key: str, table: Mapping[str, Any], origins: Mapping[str, str], file: str
) -> Iterator[tuple[str, str]]:
    """What opens private networks must not be set by whoever can set a variable."""
    if "allow" in table and origins.get(key) != file:
        yield key, f"{key} can only be set in the configuration file"


def deadman_problems(
    table: object, origins: Mapping[str, str], file: str
) -> Iterator[tuple[str, str]]:
    """The same for the dead man's switch."""
    if isinstance(table, Mapping):
        yield from _only_in_the_file("deadman.allow", table, origins, file)
