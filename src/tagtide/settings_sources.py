"""Where the values of the configuration come from: the file, files named in it, the environment.

Everything is a tree of plain values here; what they mean, and whether they are right, `settings`
knows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagtide.errors import ConfigError

#: Environment variables with a name of their own; each also exists with ``_FILE`` behind it.
ENVIRONMENT = {
    "SCAVIO_API_KEY": "api.key",
    "TAGTIDE_API_URL": "api.url",
    "TAGTIDE_DATABASE_URL": "database.url",
}
PREFIX = "TAGTIDE_"


def read_toml(path: Path) -> dict[str, Any]:
    """The file as a tree. Raises `ConfigError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from error


def merge(
    values: dict[str, Any], origins: dict[str, str], new: dict[str, Any], origin: str
) -> None:
    """Put a tree over another, and note where its values came from."""
    for name, value in flatten(new):
        key = _canonical(name)
        put(values, key, value)
        origins[key] = origin


def _canonical(key: str) -> str:
    """``address`` of a channel is another name of ``url``, as a person would call it."""
    return re.sub(r"^(channels\.[^.]+\.)address(?=$|_file$)", r"\1url", key)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        elif not isinstance(value, Mapping):
            yield f"{prefix}{key}", value


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key."""
    *parents, last = key.split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            child = node[parent] = {}
        node = child
    node[last] = value


def read_secret_files(
    values: dict[str, Any], origins: dict[str, str], path: Path, problems: list[str]
) -> None:
    """Replace ``NAME_file`` by the content of that file, for the secrets a file may hold."""
    found = dict(flatten(values))
    for key in [k for k in found if k.endswith(_SECRET_FILES)]:
        target = key.removesuffix("_file")
        file = path.parent / str(found[key])
        _drop(values, key)
        origins.pop(key, None)
        if target in found:
            problems.append(f"{target} and {key} are both set; keep one of them")
        try:
            put(values, target, file.read_text(encoding="utf-8").strip())
            origins[target] = str(file)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{key}: {file} cannot be read ({type(error).__name__})")


#: Keys that may stand in a file of their own.
_SECRET_FILES = ("key_file", "url_file", "secret_file", "password_file")


def _drop(values: dict[str, Any], key: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values[parent]
    values.pop(last)


def from_environment(
    environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Dotted key, value and name of each variable that sets something."""
    for name, value in sorted(environ.items()):
        base = name.removesuffix("_FILE")
        key = ENVIRONMENT.get(base)
        if key is None and base.startswith(PREFIX) and "__" in base:
            key = _canonical(base.removeprefix(PREFIX).lower().replace("__", "."))
        if key is None or not value:
            continue
        if base == name:
            yield key, value, name
            continue
        try:
            yield key, Path(value).read_text(encoding="utf-8").strip(), name
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}: {value} cannot be read ({type(error).__name__})")
